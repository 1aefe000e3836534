/* Reports through configfs-tsm: the kernel, and the host's part in it, are played here. What comes out is judged by the drivers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/platform.h"
#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "evidence/ghcb_certs.h"
#include "evidence/snp_report.h"
#include "os/file.h"
#include "tests/dcapkit.h"
#include "tests/snpkit.h"
#include "tests/t.h"

static const char document[] = "algorithm = \"sha256\"\n";
static const uint8_t asked[48] = { 1, 2, 3 };

struct kernel {
	const char *provider, *number;	 /* number: instead of the generation */
	unsigned    gen, made, live;
	unsigned    disturbed;		 /* so many requests see another's write */
	unsigned    busy;		 /* so many reads of the report are to be tried again */
	bool	    deaf, stale, no_aux; /* writes have no effect; reports are over something else */
	size_t	    out_n;		 /* instead of the report's length */
	uint8_t	    in[TSM_IN_LEN];
	struct wr   aux;
	bool	    td;
	struct snpkit  snp;
	struct dcapkit tdx;
};

static enum coffer_rc k_make(void *arg, struct err *e)
{
	struct kernel *k = arg;

	if (!k->provider)
		return err_set(e, COFFER_E_NOTFOUND, "none");
	k->gen = 0;
	k->made++;
	k->live++;
	return COFFER_OK;
}

static void k_drop(void *arg)
{
	((struct kernel *)arg)->live--;
}

static enum coffer_rc k_write(void *arg, const char *attribute, struct span s, struct err *e)
{
	struct kernel *k = arg;

	(void)e;
	CHECK(strcmp(attribute, "inblob") == 0 && s.n == TSM_IN_LEN);
	if (k->deaf)
		return COFFER_OK;
	memcpy(k->in, s.p, s.n);
	k->gen++;
	if (k->disturbed > 0) {
		k->disturbed--;
		k->in[0] ^= 0xff;
		k->gen++;
	}
	return COFFER_OK;
}

static struct span k_report(struct kernel *k)
{
	if (k->stale)
		k->in[63] = 1;
	if (k->td) {
		memcpy(k->tdx.body + 520, k->in, sizeof(k->in));
		dcapkit_make(&k->tdx);
		return wr_span(&k->tdx.quote);
	}
	memcpy(k->snp.report + 0x50, k->in, sizeof(k->in));
	snpkit_sign(&k->snp);
	return SPAN(k->snp.report);
}

static enum coffer_rc k_read(void *arg, const char *attribute, size_t max, struct wr *out, struct err *e)
{
	struct kernel *k = arg;
	struct span s;

	*out = wr_open(max);
	if (strcmp(attribute, "provider") == 0) {
		wr_fmt(out, "%s\n", k->provider);
	} else if (strcmp(attribute, "generation") == 0 && k->number) {
		wr_str(out, k->number);
	} else if (strcmp(attribute, "generation") == 0) {
		wr_fmt(out, "%u\n", k->gen);
	} else if (strcmp(attribute, "auxblob") == 0) {
		if (k->no_aux)
			return err_set(e, COFFER_E_NOTFOUND, "none");
		wr_put(out, wr_span(&k->aux));
	} else {
		if (k->busy > 0) {
			k->busy--;
			return err_set(e, COFFER_E_UPSTREAM, "busy");
		}
		s = k_report(k);
		s.n = k->out_n ? k->out_n - 1 : s.n;
		wr_put(out, s);
	}
	return wr_done(out, attribute, e);
}

static void table_entry(struct wr *w, const uint8_t guid[16], uint32_t at, uint32_t n)
{
	wr_put(w, (struct span){ guid, 16 });
	wr_le32(w, at);
	wr_le32(w, n);
}

static const uint8_t vcek[16] = { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd };
static const uint8_t other[16] = { 1 }, last[16];

/* An entry that is not known, the certificate, the end. */
static void table(struct wr *w, struct span der)
{
	*w = wr_open(1u << 16);
	table_entry(w, other, 72, 1);
	table_entry(w, vcek, 73, (uint32_t)der.n);
	table_entry(w, last, 0, 0);
	wr_u8(w, 7);
	wr_put(w, der);
}

static void snp_open(struct kernel *k)
{
	uint8_t d[32];

	*k = (struct kernel){ .provider = "sev_guest" };
	snpkit_open(&k->snp, &snpkit_good);
	sha256(span_of(document), d);
	memcpy(k->snp.report + 0xC0, d, sizeof(d));
	table(&k->aux, cert_bytes(k->snp.col.certs.c[0]));
}

static void tdx_open(struct kernel *k)
{
	uint8_t d[32];

	*k = (struct kernel){ .provider = "tdx_guest", .td = true, .no_aux = true };
	dcapkit_open(&k->tdx, 4, true);
	sha256(span_of(document), d);
	memset(k->tdx.body + 184, 0, 48);
	memcpy(k->tdx.body + 184, d, sizeof(d));
}

static void k_close(struct kernel *k)
{
	CHECK(k->live == 0); /* no request is left behind */
	wr_close(&k->aux);
	if (k->td)
		dcapkit_close(&k->tdx);
	else
		snpkit_close(&k->snp);
}

static struct tsm_link link_to(struct kernel *k)
{
	return (struct tsm_link){ k_make, k_drop, k_read, k_write, k };
}

static enum coffer_rc init(struct kernel *k, struct err *e)
{
	struct tsm_link l = link_to(k);
	struct attest_tsm t;

	*e = (struct err){ 0 };
	TRY(attest_tsm_open(&t, &l, e));
	return attest_tsm_init(&t, span_of(document), e);
}

static enum coffer_rc evidence(struct kernel *k, const char *ccel, struct wr *json, struct err *e)
{
	struct tsm_link l = link_to(k);
	struct attester a;
	struct attest_tsm t;
	uint8_t d[32];

	*e = (struct err){ 0 };
	sha256(span_of(document), d);
	TRY(attest_tsm_open(&t, &l, e));
	t.ccel = ccel;
	a = attest_tsm_attester(&t);
	CHECK(strcmp(a.tee, k->td ? "tdx" : "snp") == 0 && !a.ask && !a.open);
	*json = wr_open(SNP_EVIDENCE_MAX);
	return a.evidence(a.arg, SPAN(asked), d, json, e);
}

static bool denied(enum coffer_rc rc, const struct err *e, const char *check)
{
	return rc == COFFER_E_DENIED && strcmp(e->check, check) == 0;
}

/* ---- evidence ---- */

static void snp_evidence_is_what_the_driver_takes(void)
{
	CLEANUP(wr_close) struct wr json = { 0 };
	struct ev_out out = { 0 };
	struct kernel k;
	struct err e;
	uint8_t d[32];

	snp_open(&k);
	sha256(span_of(document), d);
	CHECK(init(&k, &e) == COFFER_OK && evidence(&k, "/nowhere", &json, &e) == COFFER_OK);
	certs_clear(&k.snp.col.certs); /* the certificate is in the evidence, from the host's table */
	struct ev_in in = { .evidence = wr_span(&json), .col = &k.snp.col, .now = SNPKIT_NOW, .report_data = SPAN(asked), .init_data = SPAN(d) };
	CHECK(tee_driver_find(span_of("snp"))->appraise(&in, &out, &e) == COFFER_OK && out.verdict == VERDICT_VALID);
	ev_out_clear(&out);
	k_close(&k);
}

static void snp_report_without_certificates_says_null(void)
{
	CLEANUP(wr_close) struct wr json = { 0 };
	struct ev_out out = { 0 };
	struct kernel k;
	struct err e;

	snp_open(&k);
	wr_close(&k.aux);
	k.no_aux = true;
	CHECK(evidence(&k, "/nowhere", &json, &e) == COFFER_OK && span_ends(wr_span(&json), "\"cert_chain\":null}"));
	struct ev_in in = { .evidence = wr_span(&json), .col = &k.snp.col, .now = SNPKIT_NOW };
	CHECK(tee_driver_find(span_of("snp"))->appraise(&in, &out, &e) == COFFER_OK && out.verdict == VERDICT_VALID);
	ev_out_clear(&out);
	k_close(&k);
}

static void tdx_evidence_is_what_the_driver_takes(void)
{
	CLEANUP(wr_close) struct wr json = { 0 };
	struct ev_out out = { 0 };
	struct kernel k;
	struct err e;
	uint8_t d[48] = { 0 };

	tdx_open(&k);
	sha256(span_of(document), d);
	CHECK(init(&k, &e) == COFFER_OK && evidence(&k, "/nowhere", &json, &e) == COFFER_OK);
	struct ev_in in = { .evidence = wr_span(&json), .col = &k.tdx.col, .now = DCAPKIT_NOW, .report_data = SPAN(asked), .init_data = SPAN(d) };
	CHECK(tee_driver_find(span_of("tdx"))->appraise(&in, &out, &e) == COFFER_OK && out.verdict == VERDICT_VALID);
	ev_out_clear(&out);
	k_close(&k);
}

static void td_sends_its_event_log(void)
{
	CLEANUP(wr_close) struct wr json = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	char path[] = "/tmp/test-tsm-XXXXXX";
	int fd = mkstemp(path);
	struct kernel k;
	struct err e;

	CHECK(fd >= 0 && write(fd, "ccel", 4) == 4);
	closep(&fd);
	tdx_open(&k);
	CHECK(evidence(&k, path, &json, &e) == COFFER_OK && json_parse(wr_span(&json), SNP_EVIDENCE_MAX, &doc, &e) == COFFER_OK);
	CHECK(span_eq_str(json_str(json_get(json_root(doc), "cc_eventlog")), "Y2NlbA=="));
	(void)unlink(path);
	k_close(&k);
}

/* ---- what is not taken ---- */

static void machine_launched_with_another_initdata_is_refused(void)
{
	CLEANUP(wr_close) struct wr json = { 0 };
	struct kernel k;
	struct err e;

	snp_open(&k);
	k.snp.report[0xC0 + 31] ^= 1;
	CHECK(denied(init(&k, &e), &e, "initdata") && denied(evidence(&k, "/nowhere", &json, &e), &e, "initdata") && json.n == 0);
	memset(k.snp.report + 0xC0, 0, 32); /* launched without any */
	CHECK(denied(init(&k, &e), &e, "initdata"));
	k_close(&k);
	tdx_open(&k);
	k.tdx.body[184] ^= 1;
	CHECK(denied(init(&k, &e), &e, "initdata"));
	k.tdx.body[184] ^= 1;
	k.tdx.body[184 + 47] = 1; /* behind the digest */
	CHECK(denied(init(&k, &e), &e, "initdata"));
	k_close(&k);
}

static void report_over_something_else_is_refused(void)
{
	struct kernel k;
	struct err e;

	snp_open(&k);
	k.stale = true;
	CHECK(denied(init(&k, &e), &e, "tsm"));
	k_close(&k);
	tdx_open(&k);
	k.stale = true;
	CHECK(denied(init(&k, &e), &e, "tsm"));
	k_close(&k);
}

static void others_who_write_between_are_noticed_and_only_so_often(void)
{
	struct kernel k;
	struct err e;

	snp_open(&k);
	k.disturbed = TSM_TRIES - 1;
	CHECK(init(&k, &e) == COFFER_OK && k.made == 1 + TSM_TRIES);
	k.disturbed = TSM_TRIES;
	k.made = 0;
	CHECK(denied(init(&k, &e), &e, "tsm") && k.made == 1 + TSM_TRIES);
	k.disturbed = 0;
	k.busy = 2;
	CHECK(init(&k, &e) == COFFER_OK);
	k.deaf = true; /* the write failed when the file was closed, and nobody said so */
	CHECK(denied(init(&k, &e), &e, "tsm"));
	k_close(&k);
}

static void provider_has_to_be_one_that_is_known_and_stay(void)
{
	struct attest_tsm t;
	struct tsm_link l;
	struct kernel k;
	struct err e;

	snp_open(&k);
	l = link_to(&k);
	k.provider = "arm_cca_guest";
	CHECK(denied(attest_tsm_open(&t, &l, &e), &e, "tsm") && t.tee == TSM_TEE_NONE);
	k.provider = "Sev Guest";
	CHECK(attest_tsm_open(&t, &l, &e) == COFFER_E_INPUT);
	k.provider = "a_name_of_more_than_thirty_one_characters";
	CHECK(attest_tsm_open(&t, &l, &e) == COFFER_E_LIMIT || e.rc == COFFER_E_INPUT);
	k.provider = "";
	CHECK(attest_tsm_open(&t, &l, &e) == COFFER_E_INPUT);
	k.provider = "sev_guest";
	CHECK(attest_tsm_open(&t, &l, &e) == COFFER_OK && t.tee == TSM_TEE_SNP);
	k.provider = "tdx_guest";
	CHECK(denied(attest_tsm_init(&t, span_of(document), &e), &e, "tsm"));
	k.provider = NULL;
	CHECK(attest_tsm_open(&t, &l, &e) == COFFER_E_NOTFOUND);
	k_close(&k);
}

/* A service's machine has no initdata: what its launcher put there is nobody's business, and that the report is over what was asked still is. */
static void without_initdata_the_register_is_not_looked_at(void)
{
	static const uint8_t none[32];
	CLEANUP(wr_close) struct wr json = wr_open(SNP_EVIDENCE_MAX), again = wr_open(SNP_EVIDENCE_MAX);
	struct attester a;
	struct attest_tsm t;
	struct tsm_link l;
	struct kernel k;
	struct err e = { 0 };

	snp_open(&k);
	l = link_to(&k);
	CHECK(attest_tsm_open(&t, &l, &e) == COFFER_OK);
	a = attest_tsm_attester(&t);
	CHECK(denied(a.evidence(a.arg, SPAN(asked), none, &json, &e), &e, "initdata"));
	t.any_init = true;
	CHECK(a.evidence(a.arg, SPAN(asked), none, &json, &e) == COFFER_OK);
	k.stale = true;
	CHECK(denied(a.evidence(a.arg, SPAN(asked), none, &again, &e), &e, "tsm"));
	k_close(&k);
	tdx_open(&k);
	l = link_to(&k);
	CHECK(attest_tsm_open(&t, &l, &e) == COFFER_OK);
	t.any_init = true;
	t.ccel = NULL; /* nor is a log read */
	a = attest_tsm_attester(&t);
	CHECK(a.evidence(a.arg, SPAN(asked), none, &again, &e) == COFFER_OK && strstr((const char *)again.p, "quote") && !strstr((const char *)again.p, "cc_eventlog"));
	k_close(&k);
}

/* The folder is made, left open and taken away; one that was there before stays. */
static void request_that_stays_is_one_folder(void)
{
	char root[] = "/tmp/coffer-test-held.XXXXXX", at[192];
	CLEANUP(wr_close) struct wr got = { 0 };
	struct tsm_held h = { .dir = -1 }, mine = { .dir = -1 };
	struct tsm_link l;
	struct err e = { 0 };

	CHECK(mkdtemp(root) && tsm_held_make(root, &h, &e) == COFFER_OK && h.dir >= 0 && access(h.at, F_OK) == 0);
	(void)snprintf(at, sizeof(at), "%s", h.at);
	l = tsm_held_link(&h.dir);
	CHECK(l.make(l.arg, &e) == COFFER_OK && l.read(l.arg, "provider", 10, &got, &e) == COFFER_E_NOTFOUND);
	CHECK(l.write(l.arg, "inblob", SPAN(asked), &e) == COFFER_E_NOTFOUND); /* nothing is made */
	l.drop(l.arg);
	CHECK(access(at, F_OK) == 0 && tsm_held_take(at, &mine, &e) == COFFER_OK);
	tsm_held_drop(&mine);
	CHECK(mine.dir == -1 && access(at, F_OK) == 0);
	tsm_held_drop(&h);
	CHECK(h.dir == -1 && access(at, F_OK) != 0);
	CHECK(tsm_held_take(at, &mine, &e) == COFFER_E_NOTFOUND && tsm_held_make(at, &mine, &e) == COFFER_E_NOTFOUND && mine.dir == -1);
	CHECK(rmdir(root) == 0);
}

static void every_cut_of_a_report_is_refused(void)
{
	struct kernel k;
	struct err e;

	snp_open(&k);
	for (k.out_n = 1; k.out_n <= SNP_REPORT_LEN; k.out_n += 101)
		CHECK(init(&k, &e) == COFFER_E_INPUT);
	k.out_n = 0;
	k.number = "-1\n";
	CHECK(init(&k, &e) == COFFER_E_INPUT);
	k.number = "18446744073709551615000\n";
	CHECK(init(&k, &e) == COFFER_E_INPUT);
	k_close(&k);
	tdx_open(&k);
	for (k.out_n = 1; k.out_n <= 700; k.out_n += 53)
		CHECK(init(&k, &e) == COFFER_E_INPUT);
	k_close(&k);
}

static void processor_that_nobody_knows_is_not_written_wrongly(void)
{
	CLEANUP(wr_close) struct wr json = { 0 };
	struct kernel k;
	struct err e;

	snp_open(&k);
	k.snp.report[0x188] = 0x1f; /* family */
	CHECK(init(&k, &e) == COFFER_OK && evidence(&k, "/nowhere", &json, &e) == COFFER_E_INPUT && json.n == 0);
	k_close(&k);
}

/* ---- the host's table ---- */

static void table_is_read_and_every_cut_of_it_is_refused(void)
{
	CLEANUP(wr_close) struct wr w = { 0 };
	struct ghcb_certs c = { 0 };
	struct err e = { 0 };

	table(&w, span_of("certificate"));
	CHECK(ghcb_certs_parse(wr_span(&w), &c, &e) == COFFER_OK && c.n == 1 && strcmp(c.of[0].type, "VCEK") == 0 &&
	      span_eq_str(c.of[0].data, "certificate"));
	for (size_t n = 1; n < w.n; n++) {
		uint8_t *p = malloc(n);

		memcpy(p, w.p, n);
		c.n = 99;
		CHECK(ghcb_certs_parse((struct span){ p, n }, &c, &e) == COFFER_E_INPUT && c.n == 99);
		free(p);
	}
	CHECK(ghcb_certs_parse((struct span){ 0 }, &c, &e) == COFFER_OK && c.n == 0);
}

static void table_points_at_certificates_and_nowhere_else(void)
{
	static const struct { uint32_t at, n; } bad[] = { { 0, 4 }, { 47, 4 }, { 52, 1 }, { 48, 5 }, { 48, 0 }, { UINT32_MAX, 2 }, { 48, UINT32_MAX } };
	struct ghcb_certs c = { 0 };
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(256);

		table_entry(&w, vcek, bad[i].at, bad[i].n);
		table_entry(&w, last, 0, 0);
		wr_le32(&w, 0x11223344);
		CHECK(ghcb_certs_parse(wr_span(&w), &c, &e) == COFFER_E_INPUT);
	}
	for (unsigned n = GHCB_CERTS_MAX; n <= GHCB_CERTS_MAX + 1; n++) {
		CLEANUP(wr_close) struct wr w = wr_open(4096);

		for (unsigned i = 0; i < n; i++)
			table_entry(&w, vcek, (n + 1) * 24, 1);
		table_entry(&w, last, 0, 0);
		wr_u8(&w, 1);
		CHECK(ghcb_certs_parse(wr_span(&w), &c, &e) == (n <= GHCB_CERTS_MAX ? COFFER_OK : COFFER_E_LIMIT));
	}
}

/* ---- files ---- */

static void folders_are_the_kernels_by_their_form(void)
{
	char root[] = "/tmp/test-tsm-XXXXXX", path[256];
	struct wr w = { 0 };
	struct tsm_files f = { 0 };
	struct tsm_link l;
	struct err e = { 0 };

	CHECK(mkdtemp(root) != NULL);
	l = tsm_files_link(&f, root);
	CHECK(l.make(l.arg, &e) == COFFER_OK);
	CHECK(l.read(l.arg, "provider", 32, &w, &e) == COFFER_E_NOTFOUND);
	CHECK(l.write(l.arg, "inblob", span_of("x"), &e) == COFFER_E_NOTFOUND); /* nothing is made there but the folder */
	(void)snprintf(path, sizeof(path), "%s/outblob", f.at);
	CHECK(file_write(path, SPAN(asked), 0600, &e) == COFFER_OK);
	CHECK(l.read(l.arg, "outblob", sizeof(asked), &w, &e) == COFFER_OK && span_eq(wr_span(&w), SPAN(asked)));
	wr_close(&w);
	CHECK(l.read(l.arg, "outblob", sizeof(asked) - 1, &w, &e) == COFFER_E_LIMIT);
	wr_close(&w);
	CHECK(l.write(l.arg, "outblob", span_of("written"), &e) == COFFER_OK);
	CHECK(unlink(path) == 0);
	l.drop(l.arg);
	CHECK(!file_exists(f.at));
	(void)snprintf(path, sizeof(path), "%s/coffer-%d-%u", root, (int)getpid(), f.n);
	CHECK(mkdir(path, 0700) == 0); /* left behind by another */
	CHECK(l.make(l.arg, &e) == COFFER_OK && strcmp(f.at, path) != 0);
	l.drop(l.arg);
	CHECK(rmdir(path) == 0 && rmdir(root) == 0);
	CHECK(l.make(l.arg, &e) == COFFER_E_NOTFOUND);
}

static void machine_without_reports_is_no_snp_whatever_else_it_has(void)
{
	CLEANUP(platform_close) struct platform p = PLATFORM_NONE;
	struct err e = { 0 };

	p.root = "/nowhere/tsm/report";
	CHECK(platform_open(&p, "snp", &e) == COFFER_E_NOTFOUND && strstr(e.msg, p.root) != NULL && p.tpm.fd < 0);
	CHECK(platform_open(&p, "tdx", &e) == COFFER_E_NOTFOUND && p.tsm.tee == TSM_TEE_NONE);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(snp_evidence_is_what_the_driver_takes),
		T(snp_report_without_certificates_says_null),
		T(tdx_evidence_is_what_the_driver_takes),
		T(td_sends_its_event_log),
		T(machine_launched_with_another_initdata_is_refused),
		T(report_over_something_else_is_refused),
		T(others_who_write_between_are_noticed_and_only_so_often),
		T(provider_has_to_be_one_that_is_known_and_stay),
		T(without_initdata_the_register_is_not_looked_at), T(request_that_stays_is_one_folder), T(every_cut_of_a_report_is_refused),
		T(processor_that_nobody_knows_is_not_written_wrongly),
		T(table_is_read_and_every_cut_of_it_is_refused),
		T(table_points_at_certificates_and_nowhere_else),
		T(folders_are_the_kernels_by_their_form),
		T(machine_without_reports_is_no_snp_whatever_else_it_has),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
