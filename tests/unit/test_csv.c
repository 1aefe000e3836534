/* Hygon certificates and reports by SM2 keys made on the spot: what is good, and every reason not to. */
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/csv.h"
#include "evidence/csv_report.h"
#include "tests/evkit.h"
#include "tests/t.h"

static const uint8_t anonce[4] = { 0x26, 0xd7, 0xc7, 0x5d };

struct rig {
	EVP_PKEY         *hrk, *hsk, *cek, *pek;
	uint8_t           page[4096], both[CSV_CA_LEN + CSV_CERT_LEN], pek_cert[CSV_CERT_LEN];
	uint8_t           magic, flags;
	bool              in_evidence; /* HSK and CEK */
	uint32_t          policy;      /* 0: ES and CSV3, no debugging */
	struct wr         json;
	struct anchors    roots;
	struct collateral col;
	struct ev_out     out;
};

static void le32(uint8_t *p, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* Two numbers, big endian, as fields of 72 bytes. */
static void put_pair(uint8_t *p, const uint8_t be[static 64])
{
	memset(p, 0, 144);
	for (size_t i = 0; i < 32; i++) {
		p[i] = be[31 - i];
		p[72 + i] = be[63 - i];
	}
}

static void sign(EVP_PKEY *k, const char *id, struct span msg, uint8_t *fields)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	const unsigned char *p;
	uint8_t der[128], rs[64];
	size_t n = sizeof(der);
	ECDSA_SIG *s;

	CHECK(EVP_DigestSignInit(c, &pc, EVP_sm3(), NULL, k) == 1 && EVP_PKEY_CTX_set1_id(pc, id, (int)strlen(id)) == 1 &&
	      EVP_DigestSign(c, der, &n, msg.p, msg.n) == 1);
	p = der;
	s = d2i_ECDSA_SIG(NULL, &p, (long)n);
	CHECK(s && BN_bn2binpad(ECDSA_SIG_get0_r(s), rs, 32) == 32 && BN_bn2binpad(ECDSA_SIG_get0_s(s), rs + 32, 32) == 32);
	put_pair(fields, rs);
	ECDSA_SIG_free(s);
	EVP_MD_CTX_free(c);
}

static void put_key(uint8_t *p, EVP_PKEY *k, const char *id)
{
	uint8_t xy[64];

	le32(p, 3);
	evkit_xy(k, xy, 32);
	put_pair(p + 4, xy);
	p[148] = (uint8_t)strlen(id);
	memcpy(p + 150, id, strlen(id));
}

static void make_ca(struct rig *r)
{
	uint8_t *p = r->both;

	memset(p, 0, CSV_CA_LEN);
	le32(p, 1);
	le32(p + 36, CSV_HSK);
	put_key(p + 64, r->hsk, "HSK");
	sign(r->hrk, "HRK", (struct span){ p, 576 }, p + 576);
}

struct chip { EVP_PKEY *key, *signer; const char *id, *signer_id; uint32_t usage, signer_usage; };

static void make_chip(uint8_t *p, const struct chip *c, size_t slot)
{
	memset(p, 0, CSV_CERT_LEN);
	le32(p, 2);
	le32(p + 8, c->usage);
	le32(p + 12, CSV_ALGO_SM2);
	put_key(p + 16, c->key, c->id);
	le32(p + 1044, 0x1000); /* nobody's */
	le32(p + 1564, 0x1000);
	p += 1044 + 520 * slot;
	le32(p, c->signer_usage);
	le32(p + 4, CSV_ALGO_SM2);
	sign(c->signer, c->signer_id, (struct span){ p - 1044 - 520 * slot, 1044 }, p + 8);
}

static void make_report(struct rig *r, uint32_t usage)
{
	uint8_t *p = r->page;

	memset(p, 0, sizeof(r->page));
	memset(p + 64, 0xda, 64);  /* report data */
	memset(p + 144, 0x3e, 32); /* measure */
	le32(p + 176, r->policy ? r->policy : 0x45);
	le32(p + 180, usage);
	le32(p + 184, CSV_ALGO_SM2);
	for (size_t i = 0; i < 188; i++)
		p[i] ^= anonce[i % 4];
	memcpy(p + 188, anonce, 4);
	sign(r->pek, "PEK", (struct span){ p, CSV_SIGNED_LEN }, p + 192);
}

static void remake(struct rig *r)
{
	make_ca(r);
	make_chip(r->both + CSV_CA_LEN, &(struct chip){ r->cek, r->hsk, "CEK", "HSK", CSV_CEK, CSV_HSK }, 0);
	make_chip(r->pek_cert, &(struct chip){ r->pek, r->cek, "PEK", "CEK", CSV_PEK, CSV_CEK }, 1);
	make_report(r, CSV_PEK);
	r->col.other[0] = SPAN(r->both);
	r->col.n_other = 1;
	r->in_evidence = false;
	r->magic = r->flags = 0;
}

static void rig_open(struct rig *r)
{
	CLEANUP(wr_close) struct wr spki = wr_open(4096);
	struct vkey *k = NULL;
	struct err e = { 0 };

	*r = (struct rig){ .hrk = EVP_PKEY_Q_keygen(NULL, NULL, "SM2"), .hsk = EVP_PKEY_Q_keygen(NULL, NULL, "SM2"),
		.cek = EVP_PKEY_Q_keygen(NULL, NULL, "SM2"), .pek = EVP_PKEY_Q_keygen(NULL, NULL, "SM2") };
	evkit_spki(r->hrk, &spki);
	CHECK(vkey_spki(wr_span(&spki), &k, &e) == COFFER_OK && anchors_add(&r->roots, "HRK", k, &e) == COFFER_OK);
	remake(r);
}

static void rig_close(struct rig *r)
{
	EVP_PKEY_free(r->hrk);
	EVP_PKEY_free(r->hsk);
	EVP_PKEY_free(r->cek);
	EVP_PKEY_free(r->pek);
	wr_close(&r->json);
	anchors_clear(&r->roots);
	ev_out_clear(&r->out);
}

/* ---- upstream's JSON ---- */

static void ints(struct wr *w, const char *name, const uint8_t *p, size_t n)
{
	wr_fmt(w, "\"%s\":[", name);
	for (size_t i = 0; i < n; i++)
		wr_fmt(w, i ? ",%u" : "%u", p[i]);
	wr_str(w, "]");
}

static unsigned num(const uint8_t *p, size_t n)
{
	unsigned v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static void point(struct wr *w, const uint8_t *p)
{
	wr_fmt(w, "{\"g\":%u,", num(p, 4));
	ints(w, "x", p + 4, 72);
	wr_str(w, ",");
	ints(w, "y", p + 76, 72);
	wr_fmt(w, "},\"uid_size\":%u,", num(p + 148, 2));
	ints(w, "user_id", p + 150, 254);
}

static void rs_fields(struct wr *w, const uint8_t *p)
{
	wr_str(w, "\"signature\":{");
	ints(w, "r", p, 72);
	wr_str(w, ",");
	ints(w, "s", p + 72, 72);
	wr_str(w, "},");
}

static void ca_json(struct wr *w, const uint8_t *p)
{
	wr_fmt(w, "{\"body\":{\"preamble\":{\"ver\":%u,\"data\":{\"usage\":%u,", num(p, 4), num(p + 36, 4));
	ints(w, "kid", p + 4, 16);
	wr_str(w, ",");
	ints(w, "sid", p + 20, 16);
	wr_str(w, ",");
	ints(w, "reserved", p + 40, 24);
	wr_str(w, "}},\"pubkey\":");
	point(w, p + 64);
	wr_str(w, ",");
	ints(w, "reserved", p + 468, 108);
	wr_str(w, "},");
	rs_fields(w, p + 576);
	ints(w, "_reserved", p + 720, 112);
	wr_str(w, "}");
}

static void chip_json(struct wr *w, const uint8_t *p)
{
	wr_fmt(w, "{\"body\":{\"ver\":%u,\"data\":{\"firmware\":{\"major\":%u,\"minor\":%u},\"reserved1\":%u,", num(p, 4), p[4], p[5],
	    num(p + 6, 2));
	wr_str(w, "\"pubkey\":{");
	wr_fmt(w, "\"usage\":%u,\"algo\":%u,\"key\":", num(p + 8, 4), num(p + 12, 4));
	{
		CLEANUP(wr_close) struct wr key = wr_open(8192);
		const char *end;

		point(&key, p + 16);
		wr_u8(&key, 0);
		end = strstr((const char *)key.p, "},\"uid_size") + 1; /* the identifier stands one level up */
		wr_put(w, (struct span){ key.p, (size_t)(end - (const char *)key.p) });
		wr_fmt(w, "}%s,", end);
	}
	ints(w, "sid", p + 420, 16);
	wr_str(w, ",");
	ints(w, "reserved2", p + 436, 608);
	wr_str(w, "}},\"sigs\":[");
	for (size_t i = 0; i < 2; i++) {
		const uint8_t *s = p + 1044 + 520 * i;

		wr_fmt(w, "%s{\"usage\":%u,\"algo\":%u,", i ? "," : "", num(s, 4), num(s + 4, 4));
		rs_fields(w, s + 8);
		ints(w, "_reserved", s + 152, 368);
		wr_str(w, "}");
	}
	wr_str(w, "]}");
}

static void make_json(struct rig *r)
{
	static const uint8_t serial[64] = "KPA0001";
	uint8_t magic[16] = { 0 };
	struct wr *w = &r->json;

	if (r->magic)
		memcpy(magic, "ATTESTATION_EXT", 16);
	wr_close(w);
	*w = wr_open(1u << 18);
	wr_str(w, "{\"attestation_report\":{");
	ints(w, "data", r->page, sizeof(r->page));
	wr_fmt(w, ",\"flags\":%u,", r->flags);
	ints(w, "magic", magic, 16);
	wr_str(w, "},\"cert_chain\":{\"pek\":");
	chip_json(w, r->pek_cert);
	if (r->in_evidence) {
		wr_str(w, ",\"hsk_cek\":{\"hsk\":");
		ca_json(w, r->both);
		wr_str(w, ",\"cek\":");
		chip_json(w, r->both + CSV_CA_LEN);
		wr_str(w, "}");
	}
	wr_str(w, "},");
	ints(w, "serial_number", serial, 64);
	wr_str(w, "}");
	CHECK(wr_ok(w));
}

static enum verdict judge(struct rig *r, struct span data, struct span init)
{
	struct ev_in in = { .col = &r->col, .now = -1, .report_data = data, .init_data = init };
	struct err e = { 0 };

	make_json(r);
	in.evidence = wr_span(&r->json);
	ev_out_clear(&r->out);
	CHECK(csv_appraise(&in, &r->roots, &r->out, &e) == COFFER_OK);
	return r->out.verdict;
}

static enum verdict plain(struct rig *r)
{
	return judge(r, (struct span){ 0 }, (struct span){ 0 });
}

static void report_is_good_with_the_chain_in_evidence_or_collateral(void)
{
	struct json_doc *d = NULL;
	struct err e = { 0 };
	uint64_t nodbg = 0;
	struct rig r;

	rig_open(&r);
	CHECK(plain(&r) == VERDICT_VALID);
	CHECK(json_parse(wr_span(&r.out.claims), 1u << 16, &d, &e) == COFFER_OK);
	CHECK(json_u64(json_get(json_get(json_root(d), "policy"), "nodbg"), &nodbg) && nodbg == 1);
	CHECK(span_eq_str(json_str(json_get(json_root(d), "serial_number")), "KPA0001"));
	CHECK(span_starts(json_str(json_get(json_root(d), "measure")), "3e3e3e3e"));
	json_free(d);
	r.col.n_other = 0;
	CHECK(plain(&r) == VERDICT_COLLATERAL && evkit_only(&r.out, VERDICT_COLLATERAL, "pek_chain"));
	r.in_evidence = true;
	CHECK(plain(&r) == VERDICT_VALID);
	r.flags = 0, r.magic = 1;
	CHECK(plain(&r) == VERDICT_VALID);
	r.flags = 1;
	CHECK(plain(&r) == VERDICT_MALFORMED && evkit_fails(&r.out, "form"));
	rig_close(&r);
}

static void bindings_are_judged_and_init_data_has_no_place(void)
{
	uint8_t want[64];
	struct rig r;

	rig_open(&r);
	memset(want, 0xda, 64);
	CHECK(judge(&r, SPAN(want), (struct span){ 0 }) == VERDICT_VALID);
	want[63] ^= 1;
	CHECK(judge(&r, SPAN(want), (struct span){ 0 }) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "report_data"));
	CHECK(judge(&r, (struct span){ 0 }, SPAN(want)) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "init_data"));
	rig_close(&r);
}

static void facts_are_the_measurement_and_the_policys_bits(void)
{
	const struct hw_facts *f;
	uint8_t measure[32];
	struct rig r;

	rig_open(&r);
	f = &r.out.facts;
	memset(measure, 0x3e, sizeof(measure));
	CHECK(plain(&r) == VERDICT_VALID && strcmp(f->platform, "csv") == 0 && f->product[0] == '\0' && f->chip_n == 0);
	CHECK(f->n_regs == 1 && facts_reg(f, "measure") && span_eq(SPAN(measure), (struct span){ f->reg[0].v, f->reg[0].n }));
	CHECK(!f->debug && f->migratable && f->smt && f->n_svns == 0 && r.out.report_data_n == 64 && r.out.init_register_n == 0);
	r.policy = 0x4c; /* may be debugged, may not be sent */
	make_report(&r, CSV_PEK);
	CHECK(plain(&r) == VERDICT_VALID && f->debug && !f->migratable);
	rig_close(&r);
}

static void every_signed_byte_of_the_report_counts(void)
{
	struct rig r;

	rig_open(&r);
	for (size_t i = 0; i < CSV_SIGNED_LEN; i += 7) {
		r.page[i] ^= 1;
		CHECK(plain(&r) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "report_signature"));
		r.page[i] ^= 1;
	}
	make_report(&r, CSV_CEK);
	CHECK(plain(&r) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "signature_kind"));
	rig_close(&r);
}

static bool chain_fails(struct rig *r)
{
	bool ok = plain(r) == VERDICT_INVALID && evkit_only(&r->out, VERDICT_INVALID, "pek_chain");

	remake(r);
	return ok;
}

static void each_link_of_the_chain_is_demanded(void)
{
	struct rig r;
	uint8_t *cek = r.both + CSV_CA_LEN;

	rig_open(&r);
	r.both[40] ^= 1; /* HSK, signed */
	CHECK(chain_fails(&r));
	cek[436] ^= 1; /* CEK, signed */
	CHECK(chain_fails(&r));
	r.pek_cert[436] ^= 1;
	CHECK(chain_fails(&r));
	make_chip(cek, &(struct chip){ r.cek, r.hrk, "CEK", "HSK", CSV_CEK, CSV_HSK }, 0);
	CHECK(chain_fails(&r));
	make_chip(cek, &(struct chip){ r.cek, r.hsk, "CEK", "HRK", CSV_CEK, CSV_HSK }, 0); /* under another identifier */
	CHECK(chain_fails(&r));
	make_chip(cek, &(struct chip){ r.cek, r.hsk, "CEK", "HSK", CSV_PEK, CSV_HSK }, 0); /* of another use */
	CHECK(chain_fails(&r));
	make_chip(r.pek_cert, &(struct chip){ r.pek, r.cek, "PEK", "CEK", CSV_PEK, 0x1001 }, 1); /* as an owner's */
	CHECK(chain_fails(&r));
	make_chip(r.pek_cert, &(struct chip){ r.pek, r.cek, "PEK", "CEK", CSV_CEK, CSV_CEK }, 1);
	CHECK(chain_fails(&r));
	CHECK(plain(&r) == VERDICT_VALID);
	anchors_clear(&r.roots);
	CHECK(chain_fails(&r));
	rig_close(&r);
}

static void every_other_length_is_refused(void)
{
	struct csv_report p = { .policy = 77 };
	struct csv_cert c = { .usage = 77 };
	struct err e = { 0 };
	struct rig r;

	rig_open(&r);
	for (size_t n = 0; n <= CSV_CERT_LEN + 1; n++) {
		CLEANUP(freep) uint8_t *exact = calloc(1, n ? n : 1);

		memcpy(exact, r.pek_cert, n < CSV_CERT_LEN ? n : CSV_CERT_LEN);
		if (n < CSV_REPORT_LEN)
			CHECK(csv_report_parse((struct span){ exact, n }, &p, &e) == COFFER_E_INPUT && p.policy == 77);
		if (n != CSV_CERT_LEN)
			CHECK(csv_cert_parse((struct span){ exact, n }, &c, &e) == COFFER_E_INPUT && c.usage == 77);
	}
	CHECK(csv_cert_parse(SPAN(r.pek_cert), &c, &e) == COFFER_OK && c.usage == CSV_PEK && c.n_sigs == 1);
	rig_close(&r);
}

/* A byte of the certificate that makes its form wrong: curve, algorithm, a coordinate's and the signature's upper bytes, sizes. */
static void malformed_fields_are_refused(void)
{
	static const struct { size_t at; uint8_t v; } bad[] = { { 16, 2 }, { 12, 5 }, { 20 + 32, 1 }, { 92 + 71, 1 }, { 164, 0 },
		{ 164, 255 }, { 165, 1 }, { 1564 + 8 + 32, 1 } };
	struct csv_cert c = { .usage = 77 };
	struct csv_report p = { .policy = 77 };
	struct err e = { 0 };
	struct rig r;

	rig_open(&r);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t was = r.pek_cert[bad[i].at];

		r.pek_cert[bad[i].at] = bad[i].v;
		CHECK(csv_cert_parse(SPAN(r.pek_cert), &c, &e) == COFFER_E_INPUT && c.usage == 77);
		r.pek_cert[bad[i].at] = was;
	}
	r.page[192 + 32] = 1;
	CHECK(csv_report_parse(SPAN(r.page), &p, &e) == COFFER_E_INPUT && p.policy == 77);
	rig_close(&r);
}

/* Each member renamed. */
static void evidence_of_another_form_is_malformed(void)
{
	static const char *const names[] = { "attestation_report", "data", "flags", "magic", "cert_chain", "pek", "uid_size", "sigs",
		"serial_number", "reserved2", "user_id" };
	struct rig r;

	rig_open(&r);
	make_json(&r);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct ev_in in = { .col = &r.col, .now = -1, .evidence = wr_span(&r.json) };
		uint8_t *at = memmem(r.json.p, r.json.n, names[i], strlen(names[i]));
		struct err e = { 0 };

		CHECK(at != NULL);
		at[0] ^= 1;
		ev_out_clear(&r.out);
		CHECK(csv_appraise(&in, &r.roots, &r.out, &e) == COFFER_OK && r.out.verdict == VERDICT_MALFORMED);
		at[0] ^= 1;
	}
	rig_close(&r);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(report_is_good_with_the_chain_in_evidence_or_collateral),
		T(bindings_are_judged_and_init_data_has_no_place),
		T(facts_are_the_measurement_and_the_policys_bits), T(every_signed_byte_of_the_report_counts),
		T(each_link_of_the_chain_is_demanded),
		T(every_other_length_is_refused),
		T(malformed_fields_are_refused),
		T(evidence_of_another_form_is_malformed),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
