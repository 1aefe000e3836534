/* The second reading: what an honest eval hands on is accepted and read right; whatever a lying one could change is refused. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/der.h"
#include "evidence/dcap_quote.h"
#include "evidence/fixed.h"
#include "evidence/tpm_quote.h"
#include "tests/dcapkit.h"
#include "tests/snpkit.h"
#include "tests/t.h"

/* One appraisal's parts as keep gets them, and roots. */
struct rig {
	struct ev_out     out;
	struct fixed_root root[4];
	struct fixed_in   in;
	struct fixed_out  got;
	struct err        e;
};

static void rig_appraise(struct rig *r, const char *platform, struct span evidence, const struct collateral *col, int64_t now)
{
	struct ev_in in = { .evidence = evidence, .col = col, .now = now };
	static char names[4][64];

	*r = (struct rig){ 0 };
	CHECK(tee_driver_find(span_of(platform))->appraise(&in, &r->out, &r->e) == COFFER_OK && r->out.verdict == VERDICT_VALID);
	r->in = (struct fixed_in){ .platform = platform, .report = wr_span(&r->out.parts.report), .signature = wr_span(&r->out.parts.signature),
		.key = wr_span(&r->out.parts.key), .registers = wr_span(&r->out.parts.registers), .n_path = r->out.parts.n_path, .root = r->root };
	for (size_t i = 0; i < r->in.n_path; i++)
		r->in.path[i] = wr_span(&r->out.parts.path[i]);
	for (size_t i = 0; col && i < col->roots.n && i < 4; i++) {
		CHECK(cert_subject_cn(col->roots.c[i], names[i], sizeof(names[i])));
		r->root[r->in.n_roots++] = (struct fixed_root){ .name = names[i], .key = cert_key(col->roots.c[i]) };
	}
}

static void rig_close(struct rig *r)
{
	ev_out_clear(&r->out);
}

static bool accepted(struct rig *r)
{
	return fixed_read(&r->in, &r->got, &r->e) == COFFER_OK;
}

static bool refused(struct rig *r, const char *words)
{
	enum coffer_rc rc = fixed_read(&r->in, &r->got, &r->e);

	if (rc == COFFER_OK || !strstr(r->e.msg, words))
		printf("# %d: %s; wanted \"%s\"\n", (int)rc, r->e.msg, words);
	return rc != COFFER_OK && strstr(r->e.msg, words) != NULL;
}

/* Each byte of s changed alone: how many of the first `must` were accepted all the same. */
static size_t sweep(struct rig *r, struct span *field, size_t must)
{
	uint8_t *copy = malloc(field->n);
	struct span was = *field;
	size_t accepted_n = 0;

	memcpy(copy, was.p, was.n);
	*field = (struct span){ copy, was.n };
	for (size_t i = 0; i < must; i++) {
		copy[i] ^= 1;
		accepted_n += fixed_read(&r->in, &r->got, &r->e) == COFFER_OK;
		copy[i] ^= 1;
	}
	*field = was;
	free(copy);
	return accepted_n;
}

/* Each shorter form, in memory of its size. */
static size_t cuts(struct rig *r, struct span *field)
{
	struct span was = *field;
	size_t accepted_n = 0;

	for (size_t n = 0; n < was.n; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, was.p, n);
		*field = (struct span){ exact, n };
		accepted_n += fixed_read(&r->in, &r->got, &r->e) == COFFER_OK;
		free(exact);
	}
	*field = was;
	return accepted_n;
}

/* ---- snp ---- */

static void snp_open(struct rig *r, struct snpkit *k, const struct snpkit_vek *v)
{
	snpkit_open(k, v);
	rig_appraise(r, "snp", SPAN(k->report), &k->col, SNPKIT_NOW);
}

static void snp_close(struct rig *r, struct snpkit *k)
{
	rig_close(r);
	snpkit_close(k);
}

static void snp_is_read_from_its_own_bytes(void)
{
	struct snpkit k;
	struct rig r;

	snp_open(&r, &k, &snpkit_good);
	CHECK(accepted(&r) && strcmp(r.got.facts.platform, "snp") == 0 && strcmp(r.got.facts.product, "milan") == 0);
	CHECK(facts_reg(&r.got.facts, "measurement") && facts_reg(&r.got.facts, "measurement")->v[47] == 0x3e);
	CHECK(facts_svn(&r.got.facts, "snp") && facts_svn(&r.got.facts, "snp")->committed == 24 && facts_svn(&r.got.facts, "snp")->launch == 24);
	CHECK(r.got.report_data_n == 64 && r.got.report_data[0] == 0xd1 && r.got.init_register_n == 32 && r.got.init_register[31] == 0x1d);
	CHECK(!r.got.facts.debug && !r.got.facts.migratable && r.got.facts.chip_n == 64);
	CHECK(sweep(&r, &r.in.report, SNP_SIGNED_LEN + 48) == 0 && cuts(&r, &r.in.report) == 0);
	CHECK(cuts(&r, &r.in.path[0]) == 0);
	snp_close(&r, &k);
}

static void snp_debug_and_committed_firmware_are_seen(void)
{
	struct snpkit k;
	struct rig r;

	snpkit_open(&k, &snpkit_good);
	k.report[0x0a] |= 0x0c;  /* bits 18 and 19: migration agent, debug */
	k.report[0x1e0 + 6] = 9; /* committed below reported */
	k.report[0x1f0 + 7] = 8; /* launch */
	snpkit_sign(&k);
	rig_appraise(&r, "snp", SPAN(k.report), &k.col, SNPKIT_NOW);
	CHECK(accepted(&r) && r.got.facts.debug && r.got.facts.migratable);
	CHECK(facts_svn(&r.got.facts, "snp")->committed == 9 && facts_svn(&r.got.facts, "microcode")->launch == 8);
	snp_close(&r, &k);
}

/* The host chooses whether reports name their chip, and by which key they are signed; neither hides a chip from who revoked it. */
static void snp_chip_is_known_where_the_host_masks_it_or_signs_by_a_vlek(void)
{
	struct snpkit_vek v = snpkit_good;
	struct hw_facts was;
	struct snpkit k;
	struct rig r;

	snp_open(&r, &k, &snpkit_good);
	CHECK(accepted(&r) && r.got.facts.chip_n == 64);
	was = r.got.facts;
	snp_close(&r, &k);
	for (int i = 0; i < 3; i++) {
		v.vlek = v.no_hwid = i > 0;
		v.issuer = i > 0 ? "SEV-VLEK-Milan" : snpkit_good.issuer;
		snpkit_open(&k, &v);
		if (i != 1)
			memset(k.report + 0x1a0, 0, 64);
		snpkit_sign(&k);
		rig_appraise(&r, "snp", SPAN(k.report), &k.col, SNPKIT_NOW);
		CHECK(accepted(&r) && r.got.facts.chip_n == (i < 2 ? 64 : 0)); /* a VLEK that is no chip's, and a report that says none */
		CHECK(i == 2 || memcmp(r.got.facts.chip, was.chip, 64) == 0);
		CHECK(r.out.facts.chip_n == r.got.facts.chip_n && memcmp(r.out.facts.chip, r.got.facts.chip, 64) == 0);
		snp_close(&r, &k);
	}
}

/* The path is eval's to choose: it may hand on a key of another chip or firmware, or one that no vendor signed. */
static void snp_path_of_a_lying_eval_is_refused(void)
{
	struct snpkit_vek old = snpkit_good, other = snpkit_good;
	struct snpkit good, bad;
	struct rig r;

	snp_open(&r, &good, &snpkit_good);
	r.in.n_path = 0;
	CHECK(refused(&r, "no certificate"));
	r.in.n_path = 1;
	r.in.path[0] = SPAN(good.report);
	CHECK(refused(&r, "malformed"));
	snpkit_open(&bad, &snpkit_good); /* the same names, other keys */
	r.in.path[0] = cert_bytes(bad.col.certs.c[0]);
	CHECK(refused(&r, "trusted root"));
	snpkit_close(&bad);
	r.in.path[0] = wr_span(&r.out.parts.path[0]);
	r.in.n_roots = 0;
	CHECK(refused(&r, "trusted root"));
	snp_close(&r, &good);

	old.snp = 3; /* a key for older firmware, made by the same vendor, signs a report that claims the newer */
	snp_open(&r, &good, &snpkit_good);
	snpkit_open(&bad, &old);
	r.in.report = SPAN(bad.report);
	r.in.n_path = 1;
	r.in.path[0] = cert_bytes(bad.col.certs.c[0]);
	r.root[0].key = cert_key(bad.col.roots.c[0]);
	CHECK(refused(&r, "another firmware"));
	snpkit_close(&bad);
	other.chip = 0xc2;
	snpkit_open(&bad, &other);
	r.in.report = SPAN(bad.report);
	r.in.n_path = 1;
	r.in.path[0] = cert_bytes(bad.col.certs.c[0]);
	r.root[0].key = cert_key(bad.col.roots.c[0]);
	CHECK(refused(&r, "another chip"));
	r.root[0].name = "SEV-Genoa";
	CHECK(refused(&r, "generation"));
	r.root[0].name = "SEV-Other";
	CHECK(refused(&r, "generation"));
	snpkit_close(&bad);
	snp_close(&r, &good);
}

static void snp_vmpl_and_kind_of_key_are_demanded(void)
{
	struct snpkit k;
	struct rig r;

	snp_open(&r, &k, &snpkit_good);
	k.report[0x30] = 1;
	snpkit_sign(&k);
	r.in.report = SPAN(k.report);
	CHECK(refused(&r, "VMPL"));
	k.report[0x30] = 0;
	k.report[0x48] = 1 << 2; /* says VLEK, is signed by a VCEK */
	snpkit_sign(&k);
	CHECK(refused(&r, "not of the kind"));
	k.report[0x48] = 7 << 2;
	snpkit_sign(&k);
	CHECK(refused(&r, "signature"));
	snp_close(&r, &k);
}

/* A signing key is no CA: what it signed is no issuer. */
static void leaf_does_not_issue(void)
{
	static const struct evkit_ext none[1];
	CLEANUP(wr_close) struct wr der = wr_open(1u << 16);
	struct evkit_cert c = { .cn = "SEV-VCEK", .issuer_cn = "SEV-VCEK", .pathlen = -1, .ext = none };
	struct snpkit k;
	struct rig r;

	snp_open(&r, &k, &snpkit_good);
	c.key = c.issuer_key = k.vek;
	evkit_cert(&c, &der);
	r.in.path[1] = r.in.path[0];
	r.in.path[0] = wr_span(&der);
	r.in.n_path = 2;
	CHECK(refused(&r, "no CA"));
	snp_close(&r, &k);
}

/* ---- tdx, sgx ---- */

static void quote_is_read_from_its_own_bytes(bool td)
{
	struct dcapkit k;
	struct rig r;
	struct dcap_quote q;

	dcapkit_open(&k, td ? 4 : 3, td);
	dcapkit_make(&k);
	rig_appraise(&r, td ? "tdx" : "sgx", wr_span(&k.quote), &k.col, DCAPKIT_NOW);
	CHECK(accepted(&r) && facts_reg(&r.got.facts, td ? "mr_td" : "mr_enclave") && facts_svn(&r.got.facts, "tcb15"));
	CHECK(r.got.report_data_n == 64 && r.got.init_register_n == (td ? 48 : 64) && strlen(r.got.facts.product) == 12);
	CHECK(dcap_quote_parse(r.in.report, &q, &r.e) == COFFER_OK);
	CHECK(sweep(&r, &r.in.report, q.signed_part.n) == 0 && cuts(&r, &r.in.report) == 0);
	r.root[0].pinned = true; /* as if Intel's: then Intel's own quoting enclave is wanted */
	CHECK(refused(&r, "not Intel's"));
	r.root[0].pinned = false;
	r.in.n_path = 1; /* the CA left out: nobody trusted signed the PCK */
	CHECK(refused(&r, "trusted root"));
	r.in.n_path = 2;
	r.in.path[0] = r.in.path[1];
	CHECK(!accepted(&r));
	r.in.platform = td ? "sgx" : "tdx";
	CHECK(refused(&r, "is not of a"));
	rig_close(&r);
	dcapkit_close(&k);
}

static void td_quote_is_read_from_its_own_bytes(void)
{
	quote_is_read_from_its_own_bytes(true);
}

static void enclave_quote_is_read_from_its_own_bytes(void)
{
	quote_is_read_from_its_own_bytes(false);
}

/* Made after an honest appraisal gave the path; then the quote is exchanged. */
static void quote_of_another_enclave_or_key_is_refused(void)
{
	struct dcapkit k;
	struct rig r;

	dcapkit_open(&k, 4, true);
	dcapkit_make(&k);
	rig_appraise(&r, "tdx", wr_span(&k.quote), &k.col, DCAPKIT_NOW);
	k.qe_unbound = true;
	dcapkit_make(&k);
	r.root[0].key = cert_key(k.col.roots.c[0]); /* made anew from the same key */
	r.in.report = wr_span(&k.quote);
	CHECK(refused(&r, "another attestation key"));
	k.qe_unbound = false;
	k.qe_signed_by = k.tcb;
	dcapkit_make(&k);
	r.root[0].key = cert_key(k.col.roots.c[0]); /* made anew from the same key */
	r.in.report = wr_span(&k.quote);
	CHECK(refused(&r, "not signed by the platform's PCK"));
	k.qe_signed_by = NULL;
	k.qe[48] |= 2; /* attributes: debug */
	dcapkit_make(&k);
	r.root[0].key = cert_key(k.col.roots.c[0]);
	r.in.report = wr_span(&k.quote);
	CHECK(refused(&r, "can be debugged"));
	k.qe[48] = (uint8_t)(k.qe[48] & ~2);
	k.body[112] |= 1; /* attributes of the TDX module */
	dcapkit_make(&k);
	r.root[0].key = cert_key(k.col.roots.c[0]);
	r.in.report = wr_span(&k.quote);
	CHECK(refused(&r, "for production"));
	k.body[112] &= 0xfe;
	dcapkit_make(&k);
	r.root[0].key = cert_key(k.col.roots.c[0]);
	r.in.report = wr_span(&k.quote);
	CHECK(accepted(&r));
	rig_close(&r);
	dcapkit_close(&k);
}

static void td_debug_is_seen(void)
{
	struct dcapkit k;
	struct rig r;

	dcapkit_open(&k, 4, true);
	k.body[120] |= 1; /* TD attributes */
	dcapkit_make(&k);
	rig_appraise(&r, "tdx", wr_span(&k.quote), &k.col, DCAPKIT_NOW);
	CHECK(accepted(&r) && r.got.facts.debug);
	rig_close(&r);
	dcapkit_close(&k);
}

/* ---- tpm ---- */

struct tpm_rig { EVP_PKEY *ak, *ca; struct wr msg, sig, key, cert; uint8_t pcr[TPM_PCRS][32]; struct vkey *root; struct fixed_root fr; struct fixed_in in; struct fixed_out got; struct err e; };

static void tpm_open(struct tpm_rig *t, uint32_t select)
{
	CLEANUP(wr_close) struct wr spki = wr_open(1024);
	struct evkit_cert c = { .cn = "AK", .issuer_cn = "CA", .pathlen = -1 };
	uint8_t rs[64];

	*t = (struct tpm_rig){ .ak = evkit_ec("P-256"), .ca = evkit_ec("P-384"), .msg = wr_open(4096), .sig = wr_open(1024), .key = wr_open(1024),
		.cert = wr_open(1u << 16) };
	for (size_t i = 0; i < TPM_PCRS; i++)
		memset(t->pcr[i], (int)i + 1, 32);
	c.key = t->ak;
	c.issuer_key = t->ca;
	evkit_cert(&c, &t->cert);
	evkit_tpm_message(&t->msg, (struct span){ (const uint8_t *)"nonce", 5 }, select, 1, t->pcr[0]);
	evkit_sign(t->ak, "SHA256", wr_span(&t->msg), rs, 32);
	wr_be16(&t->sig, 0x0018);
	wr_be16(&t->sig, TPM_ALG_SHA256);
	for (size_t i = 0; i < 2; i++) {
		wr_be16(&t->sig, 32);
		wr_put(&t->sig, (struct span){ rs + 32 * i, 32 });
	}
	evkit_spki(t->ak, &t->key);
	evkit_spki(t->ca, &spki);
	CHECK(der_key(wr_span(&spki), &t->root, &t->e) == COFFER_OK);
	t->fr = (struct fixed_root){ .name = "CA", .key = t->root };
	t->in = (struct fixed_in){ .platform = "tpm", .report = wr_span(&t->msg), .signature = wr_span(&t->sig), .key = wr_span(&t->key),
		.registers = { t->pcr[0], sizeof(t->pcr) }, .path = { wr_span(&t->cert) }, .n_path = 1, .root = &t->fr, .n_roots = 1 };
}

static void tpm_close(struct tpm_rig *t)
{
	EVP_PKEY_free(t->ak);
	EVP_PKEY_free(t->ca);
	wr_close(&t->msg);
	wr_close(&t->sig);
	wr_close(&t->key);
	wr_close(&t->cert);
	vkey_free(t->root);
}

static bool tpm_ok(struct tpm_rig *t)
{
	return fixed_read(&t->in, &t->got, &t->e) == COFFER_OK;
}

static void tpm_quote_is_read_from_its_own_bytes(void)
{
	struct tpm_rig t;

	tpm_open(&t, 1u << 4 | 1u << 8);
	CHECK(tpm_ok(&t) && facts_reg(&t.got.facts, "pcr04") && !facts_reg(&t.got.facts, "pcr05") && t.got.init_register_n == 32);
	CHECK(t.got.init_register[0] == 9 && t.got.report_data_n == 5);
	t.pcr[4][0] ^= 1;
	CHECK(!tpm_ok(&t) && strstr(t.e.msg, "registers"));
	t.pcr[4][0] ^= 1;
	t.pcr[5][0] ^= 1; /* not quoted: not a fact either */
	CHECK(tpm_ok(&t));
	for (size_t i = 0; i < t.msg.n; i++) {
		t.msg.p[i] ^= 1;
		CHECK(!tpm_ok(&t));
		t.msg.p[i] ^= 1;
	}
	tpm_close(&t);
}

static void tpm_key_needs_somebody_who_vouches(void)
{
	struct tpm_rig t, other;

	tpm_open(&t, 1u << 4);
	t.in.n_path = 0;
	CHECK(!tpm_ok(&t) && strstr(t.e.msg, "no certificate"));
	t.in.key_vouched = true;
	CHECK(tpm_ok(&t));
	t.in.key_vouched = false;
	t.in.platform = "swtpm";
	CHECK(tpm_ok(&t) && t.got.init_register_n == 0);
	t.in.platform = "tpm";
	tpm_open(&other, 1u << 4);
	t.in.n_path = 1;
	t.in.path[0] = wr_span(&other.cert);
	t.fr.key = other.root;
	CHECK(!tpm_ok(&t) && strstr(t.e.msg, "another attestation key"));
	tpm_close(&other);
	tpm_close(&t);
}

static void other_platforms_have_no_fixed_layout(void)
{
	struct fixed_in in = { .platform = "cca" };
	struct fixed_out out;
	struct err e = { 0 };

	CHECK(!fixed_platform("cca") && fixed_platform("snp") && fixed_read(&in, &out, &e) == COFFER_E_DENIED);
}

/* ---- facts as bytes ---- */

static void facts_travel_and_are_refused_when_cut_or_changed_in_form(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(FACTS_PACKED_MAX), again = wr_open(FACTS_PACKED_MAX);
	struct hw_facts f = { .platform = "snp", .product = "milan", .chip = { 1 }, .chip_n = 64, .debug = true }, got;
	struct err e = { 0 };

	CHECK(facts_add_reg(&f, "measurement", SPAN(f.chip)) && facts_add_svn(&f, "snp", 5, 4));
	facts_write(&w, &f);
	CHECK(facts_read(wr_span(&w), &got, &e) == COFFER_OK && got.debug && facts_svn(&got, "snp")->launch == 4);
	facts_write(&again, &got);
	CHECK(span_eq(wr_span(&w), wr_span(&again)));
	for (size_t n = 0; n < w.n; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, w.p, n);
		CHECK(facts_read((struct span){ exact, n }, &got, &e) == COFFER_E_INPUT);
		free(exact);
	}
	w.p[0] = 1; /* the form before */
	CHECK(facts_read(wr_span(&w), &got, &e) == COFFER_E_INPUT);
}

static void facts_have_bounds(void)
{
	struct hw_facts f = { 0 };
	uint8_t v[65] = { 0 };

	CHECK(!facts_add_reg(&f, "r", SPAN(v)) && !facts_add_reg(&f, "r", (struct span){ v, 0 }));
	CHECK(!facts_add_reg(&f, "a-name-of-twenty-four-ch", (struct span){ v, 1 }));
	for (size_t i = 0; i < FACT_REGS_MAX; i++)
		CHECK(facts_add_reg(&f, "r", (struct span){ v, 64 }));
	CHECK(!facts_add_reg(&f, "r", (struct span){ v, 64 }));
	for (size_t i = 0; i < FACT_SVNS_MAX; i++)
		CHECK(facts_add_svn(&f, "s", 1, 1));
	CHECK(!facts_add_svn(&f, "s", 1, 1) && !facts_svn(&f, "x") && !facts_reg(&f, "x"));
}

int main(void)
{
	static const struct t_case cases[] = { T(snp_is_read_from_its_own_bytes), T(snp_debug_and_committed_firmware_are_seen), T(snp_chip_is_known_where_the_host_masks_it_or_signs_by_a_vlek),
		T(snp_path_of_a_lying_eval_is_refused), T(snp_vmpl_and_kind_of_key_are_demanded), T(leaf_does_not_issue),
		T(td_quote_is_read_from_its_own_bytes), T(enclave_quote_is_read_from_its_own_bytes),
		T(quote_of_another_enclave_or_key_is_refused), T(td_debug_is_seen), T(tpm_quote_is_read_from_its_own_bytes),
		T(tpm_key_needs_somebody_who_vouches), T(other_platforms_have_no_fixed_layout),
		T(facts_travel_and_are_refused_when_cut_or_changed_in_form), T(facts_have_bounds) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
