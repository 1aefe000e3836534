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
#include "tests/lendkit.h"
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

/* names: registers of the boot image, which `by` states; the list ends with NULL. */
static void deploy_by(struct kit *k, const char *const *names, enum kit_party by)
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
	CHECK(kit_log(k, &(struct kit_st){ .kind = ST_BOOT_IMAGE, .issuer = by, .also = by, .subject = "kernel", .body = body }, id) == COFFER_OK);
	hex32(id, hex);
	extra = str_fmt(",\"boot-images\":[\"%s\"]", hex);
	CHECK(kit_approve(k, extra, 1, NULL) == COFFER_OK && kit_put(k, KIT_HOSPITAL, "good morning") == COFFER_OK);
}

static void deploy(struct kit *k, const char *const *names)
{
	deploy_by(k, names, KIT_ACME);
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

static const char *const td_names[] = { "mr_td", "rtmr_1", "rtmr_2", NULL };

static void td_open(struct td *t)
{
	struct kit_hw hw = { .tee = TEE_TDX, .platform = "tdx", .vendor = "intel", .root_name = "Root", .make = make_td, .arg = t };

	dcapkit_open(&t->d, 4, true);
	dcapkit_make(&t->d);
	hw.root = cert_bytes(t->d.col.roots.c[0]);
	kit_open_hw(&t->k, &hw);
	t->k.now = DCAPKIT_NOW;
}

static void td_released(struct td *t)
{
	td_open(t);
	deploy(&t->k, td_names);
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

/* acme lets the hospital state boot images, that one lets the stranger, and acme renews what it lent: the stranger's counts, here and in the receipt. */
static void boot_image_lent_on_by_a_link_that_was_renewed_is_decided_again(void)
{
	uint8_t lent[3][32];
	struct td t;

	td_open(&t);
	CHECK(kit_introduce(&t.k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK);
	CHECK(lend_renewed(&t.k, &(struct lend_renewed){ { .by = KIT_ACME, .of = KIT_ACME, .role = "boot-image" }, KIT_HOSPITAL, "stranger", 2 }, lent));
	deploy_by(&t.k, td_names, KIT_STRANGER);
	CHECK(released(&t.k) && receiptkit_replays(&t.k, KIT_HOSPITAL));
	CHECK(kit_revoke(&t.k, KIT_ACME, lent[0]) == COFFER_OK);
	CHECK(attest(&t.k) == COFFER_OK && kit_get(&t.k, (struct kit_get){ 0 }) == COFFER_E_DENIED && strcmp(t.k.no.check, "R11") == 0);
	td_close(&t);
}

/* ---- minima that are stated anew ---- */

struct minima { struct kit *k; uint64_t serial; uint8_t last[32]; };

static void demand(struct minima *m, const struct privkey *key)
{
	uint8_t id[32];

	CHECK(kit_log_by(m->k, &(struct kit_st){ .kind = ST_TCB, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = "tdx",
	    .body = "{\"platform\":\"tdx\",\"minimum\":[{\"product\":\"\",\"svns\":{\"tcb00\":0}}]}", .serial = m->serial + 1,
	    .previous = m->serial ? m->last : NULL }, (const struct privkey *[]){ key, NULL }, id) == COFFER_OK);
	memcpy(m->last, id, sizeof(id));
	m->serial++;
}

/* Of the newest release, which replays. */
static size_t told(struct kit *k, size_t *begun)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(receipt_clear) struct receipt r = { 0 };
	struct err e = { 0 };

	CHECK(receiptkit_replays(k, KIT_HOSPITAL));
	receiptkit_make(k, KIT_HOSPITAL, &text);
	CHECK(receipt_read(wr_span(&text), &r, &e) == COFFER_OK);
	*begun = 0;
	for (size_t i = 0; i < r.n_said; i++)
		*begun += r.said[i].has_before;
	return r.n;
}

static void minimum_that_was_replaced_is_in_no_later_receipt(void)
{
	struct td t;
	struct minima m = { .k = &t.k };
	size_t one, begun;

	td_released(&t);
	demand(&m, t.k.key[KIT_HOSPITAL]);
	CHECK(released(&t.k));
	one = told(&t.k, &begun);
	CHECK(begun == 0);
	for (unsigned i = 0; i < 5; i++)
		demand(&m, t.k.key[KIT_HOSPITAL]);
	CHECK(released(&t.k) && told(&t.k, &begun) == one && begun == 1);
	for (int zeros = 0; zeros < 2; zeros++) {
		CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
		CLEANUP(wr_close) struct wr text = { 0 };
		struct err e = { 0 };
		char *at;

		receiptkit_make(&t.k, KIT_HOSPITAL, &text);
		at = memmem(text.p, text.n, "\"before\":\"", 10);
		CHECK(at && out);
		memset(at + 10, '0', zeros ? 64 : 8); /* another value, and none: the other spelling of leaving the member out */
		CHECK(receiptkit_replay(&t.k, wr_span(&text), (struct span){ 0 }, out, &e) == (zeros ? COFFER_E_INPUT : COFFER_E_DENIED) &&
		      (zeros || strcmp(e.check, "receipt-said") == 0));
	}
	td_close(&t);
}

/* What a thief stated after it leaves the owner's standing; a service that looks away from that, and hides it, is refused. */
static void minimum_before_a_thiefs_is_not_left_out(void)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 }, less = { 0 };
	CLEANUP(freep) char *cut = NULL;
	struct td t;
	struct minima m = { .k = &t.k };
	struct privkey *fresh = NULL, *was;
	const struct privkey *quorum[2] = { NULL };
	uint8_t id[32], mine[32], platform[32];
	char hex[HEX32_LEN];
	struct err e = { 0 };
	size_t begun;

	td_released(&t);
	quorum[0] = t.k.recovery[KIT_HOSPITAL];
	demand(&m, t.k.key[KIT_HOSPITAL]);
	memcpy(mine, m.last, sizeof(mine));
	t.k.now += 10;
	demand(&m, t.k.key[KIT_HOSPITAL]);
	CHECK(privkey_new(KEY_ED25519, &fresh, &e) == COFFER_OK && kit_rotate(&t.k, fresh) == COFFER_OK);
	was = t.k.key[KIT_HOSPITAL];
	t.k.key[KIT_HOSPITAL] = fresh;
	CHECK(kit_compromise(&t.k, &(struct kit_stolen){ was, t.k.now - 5, quorum, 0, NULL }, id) == COFFER_OK);
	CHECK(released(&t.k) && told(&t.k, &begun) > 0 && begun == 0);
	hex32(mine, hex);
	cut = str_fmt(",\"%s\"", hex); /* the newest comes first */
	receiptkit_lie(&t.k, cut);
	receiptkit_make(&t.k, KIT_HOSPITAL, &text);
	sha256(span_of("tdx"), platform);
	CHECK(out && receiptkit_replay(&t.k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_E_DENIED && strcmp(e.check, "receipt-rests") == 0);
	receiptkit_begin(&text, &(struct receiptkit_begin){ mine, "minimum", "hospital", platform }, &less);
	CHECK(receiptkit_replay(&t.k, wr_span(&less), (struct span){ 0 }, out, &e) == COFFER_E_DENIED && strcmp(e.check, "receipt-said") == 0 &&
	      strstr(e.msg, "the first is left out"));
	if (!strstr(e.msg, "left out"))
		printf("# %s %s\n", e.check, e.msg);
	td_close(&t);
	privkey_free(was);
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

/* ---- the firmware's register ---- */

static bool is_register(const struct replay_out *o, size_t i, const char *name, enum replay_by by)
{
	const struct replay_register *r = &o->reg[i];
	bool same = r->told.n == 32 && memcmp(r->told.v, r->quoted.v, 32) == 0;

	return i < o->n_regs && strcmp(r->quoted.name, name) == 0 && r->quoted.n == 32 && r->by == by && (by == REPLAY_BY_NOTHING ? r->told.n == 0 : same);
}

/* Registers are shown as they were quoted, each beside what foretold it. */
static void registers_are_told(struct kit *k)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	struct err e = { 0 };

	receiptkit_make(k, KIT_HOSPITAL, &text);
	CHECK(out && receiptkit_replay(k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_OK);
	CHECK(out && out->booted && strcmp(out->boot_name, "guest") == 0 && strcmp(out->boot_shape, "any") == 0 && out->n_regs == 5 &&
	      is_register(out, 0, "pcr00", REPLAY_BY_BOOT_IMAGE) && is_register(out, 1, "pcr04", REPLAY_BY_BOOT_IMAGE) &&
	      is_register(out, 2, "pcr08", REPLAY_BY_INITDATA) &&
	      is_register(out, 3, "pcr09", REPLAY_BY_BOOT_IMAGE) && is_register(out, 4, "pcr11", REPLAY_BY_NOTHING) && out->reg[0].quoted.v[0] == 1);
}

static bool refused_by_r5(struct kit *k)
{
	return attest(k) == COFFER_OK && kit_get(k, (struct kit_get){ 0 }) == COFFER_E_DENIED && strcmp(k->no.check, "R5") == 0 &&
	       strstr(k->no.reason, "what was booted is none of");
}

static void firmware_that_the_boot_image_does_not_name_is_refused(void)
{
	static const char *const names[] = { "pcr00", "pcr04", "pcr09", NULL };
	static const enum tee_kind kinds[] = { TEE_TPM, TEE_SWTPM };

	for (size_t i = 0; i < 2; i++) {
		struct tpmguest tpm;
		struct kit k;
		struct kit_hw hw = { .tee = kinds[i], .platform = i ? "swtpm" : "tpm", .vendor = "tpm", .root_name = "Maker", .make = tpmguest_evidence, .arg = &tpm,
			.challenged = tpmguest_challenged };

		tpmguest_open(&tpm);
		tpm.firmware = 1;
		tpm.quoted |= 1u << 9;
		hw.root = wr_span(&tpm.root);
		hw.tpm = tpmguest_request(&tpm);
		kit_open_hw(&k, &hw);
		deploy(&k, names);
		CHECK(released(&k));
		tpm.firmware = 2;
		CHECK(refused_by_r5(&k));
		tpm.firmware = 1;
		CHECK(released(&k));
		tpm.quoted &= ~1u; /* a host that leaves it out of the quote */
		CHECK(refused_by_r5(&k));
		kit_free(&k);
		tpmguest_close(&tpm);
	}
}

static void registers_of_a_quote_are_shown_beside_what_foretold_them(void)
{
	static const char *const names[] = { "pcr00", "pcr04", "pcr09", NULL };
	struct tpmguest tpm;
	struct kit k;
	struct kit_hw hw = { .tee = TEE_TPM, .platform = "tpm", .vendor = "tpm", .root_name = "Maker", .make = tpmguest_evidence, .arg = &tpm,
		.challenged = tpmguest_challenged };

	tpmguest_open(&tpm);
	tpm.firmware = 1;
	tpm.quoted |= 1u << 9;
	hw.root = wr_span(&tpm.root);
	hw.tpm = tpmguest_request(&tpm);
	kit_open_hw(&k, &hw);
	deploy(&k, names);
	CHECK(released(&k));
	registers_are_told(&k);
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
		T(td_is_decided_again_with_the_collateral_of_then), T(boot_image_lent_on_by_a_link_that_was_renewed_is_decided_again),
		T(minimum_that_was_replaced_is_in_no_later_receipt), T(minimum_before_a_thiefs_is_not_left_out), T(collateral_of_many_sessions_is_stored_once),
		T(tpm_that_opened_its_credential_is_decided_again), T(firmware_that_the_boot_image_does_not_name_is_refused),
		T(registers_of_a_quote_are_shown_beside_what_foretold_them), T(realm_is_decided_again),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
