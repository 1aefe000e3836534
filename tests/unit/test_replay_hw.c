/* Releases on machines of several kinds, decided again: with the vendor's collateral, by a TPM's credential, and where no layout is fixed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "replay/replay.h"
#include "tests/ccakit.h"
#include "tests/dcapkit.h"
#include "tests/receiptkit.h"
#include "tests/t.h"
#include "tests/tpmguest.h"

/* ---- a deployment of whatever the machine says that it launched ---- */

static enum coffer_rc attest(struct kit *k)
{
	return kit_begin(k) == COFFER_OK ? kit_attest(k, (struct kit_evidence){ 0 }) : COFFER_E_BUG;
}

static const struct session *session_of(struct kit *k)
{
	const struct session *s = session_get(k->keep.sessions, k->session, k->now);

	if (!s) {
		(void)fprintf(stderr, "# %s %s\n", k->no.check, k->no.reason);
		abort();
	}
	return s;
}

static void put_register(const struct hw_facts *f, const char *name, struct wr *w)
{
	const struct fact_reg *r = facts_reg(f, name);

	CHECK(r);
	wr_fmt(w, "%s\"%s\":\"", w->n > 0 ? "," : "", name);
	if (r)
		hex_write(w, (struct span){ r->v, r->n });
	wr_str(w, "\"");
}

/* names: registers of the boot image, the list ends with NULL. */
static void deploy(struct kit *k, const char *const *names)
{
	CLEANUP(wr_close) struct wr regs = wr_open(4096);
	CLEANUP(freep) char *body = NULL, *extra = NULL;
	struct span packed, claims;
	struct hw_facts f = { 0 };
	struct err e = { 0 };
	char hex[HEX32_LEN];
	uint8_t id[32];

	k->policy = "package policy\nallow := true\n";
	CHECK(kit_service(k) == COFFER_OK && kit_release(k, 1, 1, NULL) == COFFER_OK && kit_release(k, 2, 1, NULL) == COFFER_OK);
	CHECK(kit_workload(k) == COFFER_OK && attest(k) == COFFER_OK);
	CHECK(session_read_note(session_of(k), &packed, &claims) && facts_read(packed, &f, &e) == COFFER_OK);
	for (size_t i = 0; names[i]; i++)
		put_register(&f, names[i], &regs);
	body = str_fmt("{\"name\":\"guest\",\"enforces\":[\"manifest\",\"image-digests\",\"container-scoping\"],\"launches\":[{\"platform\":\"%s\","
		       "\"shape\":\"any\",\"registers\":{%.*s}}],\"rebuild\":\"make\"}", k->hw.platform, (int)regs.n, (const char *)regs.p);
	CHECK(kit_log(k, &(struct kit_st){ .kind = ST_BOOT_IMAGE, .subject = "kernel", .body = body }, id) == COFFER_OK);
	hex32(id, hex);
	extra = str_fmt(",\"boot-images\":[\"%s\"]", hex);
	CHECK(kit_approve(k, extra, 1, NULL) == COFFER_OK && kit_put(k, KIT_HOSPITAL, "good morning") == COFFER_OK);
}

static bool released(struct kit *k)
{
	bool good = attest(k) == COFFER_OK && kit_get(k, (struct kit_get){ 0 }) == COFFER_OK;

	if (!good)
		printf("# %s %s\n", k->no.check, k->no.reason);
	return good;
}

/* ---- tdx: judged with five documents of the vendor ---- */

struct td { struct kit k; struct dcapkit d; };

static void make_td(void *arg, struct span report_data, const uint8_t *reg, struct wr *json)
{
	struct td *t = arg;
	struct json_wr j = jw_open(json, false);
	CLEANUP(wr_close) struct wr b64 = wr_open(1u << 16);

	memset(t->d.body + 520, 0, 64);
	memcpy(t->d.body + 520, report_data.p, report_data.n);
	memset(t->d.body + 184, 0, 48);
	if (reg)
		memcpy(t->d.body + 184, reg, 32);
	dcapkit_make(&t->d);
	b64_write(&b64, wr_span(&t->d.quote));
	jw_obj(&j);
	jw_m_str(&j, "quote", wr_span(&b64));
	jw_obj_end(&j);
	t->k.hw.more[0] = wr_span(&t->d.tcb_info);
	t->k.hw.more[1] = wr_span(&t->d.qe_identity);
	t->k.hw.more[2] = wr_span(&t->d.list[0]);
	t->k.hw.more[3] = wr_span(&t->d.list[1]);
	t->k.hw.more[4] = cert_bytes(t->d.col.certs.c[0]);
}

static void td_released(struct td *t)
{
	static const char *const names[] = { "mr_td", "rtmr_1", "rtmr_2", NULL };
	struct kit_hw hw = { .tee = TEE_TDX, .platform = "tdx", .vendor = "intel", .root_name = "Root", .make = make_td, .arg = t };

	dcapkit_open(&t->d, 4, true);
	dcapkit_make(&t->d);
	hw.root = cert_bytes(t->d.col.roots.c[0]);
	kit_open_hw(&t->k, &hw);
	t->k.now = DCAPKIT_NOW;
	deploy(&t->k, names);
	CHECK(released(&t->k));
}

static void td_close(struct td *t)
{
	kit_free(&t->k);
	dcapkit_close(&t->d);
}

/* The receipt without its file at that place; SIZE_MAX: without any. */
static void leave_out(const struct wr *text, size_t place, struct wr *out)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err e = { 0 };
	struct json_wr j;

	*out = wr_open(RECEIPT_MAX);
	j = jw_open(out, false);
	CHECK(json_parse((struct span){ text->p, text->n - 1 }, RECEIPT_MAX, &doc, &e) == COFFER_OK);
	jw_obj(&j);
	for (size_t i = 0; i < json_len(json_root(doc)); i++) {
		const struct json *v = json_at(json_root(doc), i), *files = json_get(v, "files");

		jw_namen(&j, json_name(json_root(doc), i));
		if (!files) {
			jw_value(&j, v);
			continue;
		}
		jw_obj(&j);
		jw_name(&j, "document");
		jw_value(&j, json_get(v, "document"));
		jw_name(&j, "files");
		jw_arr(&j);
		for (size_t n = 0; n < json_len(files); n++)
			if (place != SIZE_MAX && n != place)
				jw_value(&j, json_at(files, n));
		jw_arr_end(&j);
		jw_obj_end(&j);
	}
	jw_obj_end(&j);
	wr_u8(out, '\n');
}

static void td_is_decided_again_with_the_collateral_of_then(void)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	struct td t;
	struct err e;

	td_released(&t);
	receiptkit_make(&t.k, KIT_HOSPITAL, &text);
	CHECK(out && receiptkit_replay(&t.k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_OK && out->words);
	if (e.rc != COFFER_OK)
		printf("# %s %s\n", e.check, e.msg);
	for (size_t i = 0; i < 5; i++) {
		CLEANUP(wr_close) struct wr less = { 0 };
		char hex[HEX32_LEN];
		uint8_t digest[32];

		leave_out(&text, i, &less);
		sha256(t.k.hw.more[i], digest);
		hex32(digest, hex);
		CHECK(out && receiptkit_replay(&t.k, wr_span(&less), (struct span){ 0 }, out, &e) == COFFER_E_NOTFOUND && strstr(e.msg, hex));
		CHECK(out && receiptkit_replay(&t.k, wr_span(&less), t.k.hw.more[i], out, &e) == COFFER_OK && out->words);
	}
	td_close(&t);
}

/* What many sessions bring is in the store once, and each receipt has it. */
static void collateral_of_many_sessions_is_stored_once(void)
{
	struct td t;
	struct err e = { 0 };
	bool row = false;

	td_released(&t);
	CHECK(receiptkit_replays(&t.k, KIT_HOSPITAL));
	t.k.now += INT64_C(86400) * 3650; /* long past the next update */
	CHECK(attest(&t.k) == COFFER_E_DENIED && receiptkit_replays(&t.k, KIT_HOSPITAL));
	{
		CLEANUP(q_close) struct q q = q_open(t.k.keep.store, "SELECT (SELECT count(*) FROM shown_bytes), (SELECT count(*) FROM shown_file)");

		CHECK(q_row(&q, &row, &e) == COFFER_OK && q_col_i64(&q, 0) == 5 && q_col_i64(&q, 1) == 5);
	}
	td_close(&t);
}

/* ---- tpm: its key vouched for by a credential ---- */

static void tpm_that_opened_its_credential_is_decided_again(void)
{
	static const char *const names[] = { "pcr04", "pcr11", NULL };
	struct tpmguest tpm;
	struct kit k;
	struct kit_hw hw = { .tee = TEE_TPM, .platform = "tpm", .vendor = "tpm", .root_name = "Maker", .make = tpmguest_evidence, .arg = &tpm,
		.challenged = tpmguest_challenged };

	tpmguest_open(&tpm);
	hw.root = wr_span(&tpm.root);
	hw.tpm = tpmguest_request(&tpm);
	kit_open_hw(&k, &hw);
	deploy(&k, names);
	CHECK(released(&k) && receiptkit_replays(&k, KIT_HOSPITAL));
	k.hw.tpm = (struct keep_tpm){ 0 };
	tpm.with_ak_cert = true; /* the other way: its certificate */
	CHECK(released(&k) && receiptkit_replays(&k, KIT_HOSPITAL));
	kit_free(&k);
	tpmguest_close(&tpm);
}

/* ---- cca: two appraisals that agree, and a third ---- */

static void make_cca(void *arg, struct span report_data, const uint8_t *reg, struct wr *json)
{
	CLEANUP(wr_close) struct wr token = wr_open(1u << 16);
	uint8_t challenge[64] = { 0 }, rpv[64] = { 0 };
	struct ccakit *c = arg;

	memcpy(challenge, report_data.p, report_data.n);
	if (reg)
		memcpy(rpv, reg, 32);
	cb_bytes(ccakit_set(&c->realm, 10), SPAN(challenge));
	cb_bytes(ccakit_set(&c->realm, 44235), SPAN(rpv));
	ccakit_token(c, &token);
	wr_str(json, "{\"token\":[");
	for (size_t i = 0; i < token.n; i++)
		wr_fmt(json, "%s%u", i ? "," : "", (unsigned)token.p[i]);
	wr_str(json, "]}");
}

static void realm_is_decided_again(void)
{
	static const char *const names[] = { "initial_measurement", NULL };
	struct kit_hw hw = { .tee = TEE_CCA, .platform = "cca", .vendor = "arm", .root_name = "lab", .make = make_cca };
	struct ccakit c;
	struct kit k;

	ccakit_open(&c, true);
	hw.root = wr_span(&c.store);
	hw.arg = &c;
	kit_open_hw(&k, &hw);
	deploy(&k, names);
	CHECK(released(&k) && receiptkit_replays(&k, KIT_HOSPITAL));
	kit_free(&k);
	ccakit_close(&c);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(td_is_decided_again_with_the_collateral_of_then), T(collateral_of_many_sessions_is_stored_once),
		T(tpm_that_opened_its_credential_is_decided_again), T(realm_is_decided_again),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
