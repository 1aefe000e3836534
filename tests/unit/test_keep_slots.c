/* Slots in a running keep: what a guest was started with, and the receipts of what it got. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "replay/replay.h"
#include "tests/receiptkit.h"
#include "tests/t.h"
#include "trust/manifest.h"

#define NAMED "{\"asset\":\"kbs:///hospital/note/greeting\",\"purpose\":\"api\"}"
#define SLOTS "\"slots\":[{\"name\":\"note\",\"type\":\"api\"},{\"name\":\"other\",\"type\":\"api\"}],\"volumes\""

/* The kit's, with two slots in the place of the hospital's note; the caller frees. */
static char *manifest_of(struct kit *k)
{
	CLEANUP(freep) char *plain = kit_manifest_text(k);
	const char *at = strstr(plain, NAMED), *end = strstr(plain, "\"volumes\"");

	if (!at || !end)
		abort();
	return str_fmt("%.*s{\"slot\":\"note\",\"purpose\":\"api\"},{\"slot\":\"other\",\"purpose\":\"api\"}%.*s" SLOTS "%s", (int)(at - plain), plain,
	    (int)(end - at - (ptrdiff_t)strlen(NAMED)), at + strlen(NAMED), end + strlen("\"volumes\""));
}

/* The kit's workload with the hospital's note in a slot, and one more; the hospital approved it for `slots`. */
static void deploy(struct kit *k, const char *slots)
{
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	CLEANUP(freep) char *text = NULL, *more = NULL;
	uint8_t was[32];
	struct err e;

	kit_open(k);
	kit_deploy(k);
	text = manifest_of(k);
	CHECK(manifest_parse(span_of(text), &m, &e) == COFFER_OK);
	wr_close(&k->initdata);
	k->initdata = wr_open(MAN_INITDATA_MAX);
	CHECK(manifest_render(&m, &k->initdata, &e) == COFFER_OK);
	sha256(wr_span(&k->initdata), k->initdata_sha);
	memcpy(k->manifest, m.digest, 32);
	CHECK(kit_log(k, &(struct kit_st){ .kind = ST_WORKLOAD, .subject = "risk", .digest = m.digest, .body = text, .serial = 1 }, k->workload_id) == COFFER_OK);
	memcpy(was, k->approval_id, 32);
	more = str_fmt(",\"slots\":[%s]", slots);
	CHECK(kit_approve(k, more, 1, NULL) == COFFER_OK);
}

static enum coffer_rc bind_as(struct kit *k, const char *name, const char *slot, uint64_t serial, uint8_t id[static 32])
{
	CLEANUP(freep) char *body = NULL;
	char subject[BINDING_SUBJECT_MAX], hex[HEX32_LEN];
	uint8_t was[32];

	memcpy(was, id, 32);
	hex32(k->manifest, hex);
	binding_subject(k->manifest, name, subject);
	body = str_fmt("{\"workload\":\"%s\",\"name\":\"%s\",\"slots\":[{\"slot\":\"%s\",\"asset\":\"" KIT_ASSET "\"}]}", hex, name, slot);
	return kit_log(k, &(struct kit_st){ .kind = ST_BINDING, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = subject, .body = body,
	    .serial = serial, .previous = serial > 1 ? was : NULL }, id);
}

static enum coffer_rc start(struct kit *k, const char *bindings)
{
	k->bindings = bindings;
	return kit_begin(k) == COFFER_OK ? kit_attest(k, (struct kit_evidence){ 0 }) : COFFER_E_BUG;
}

static bool denied_by(struct kit *k, const char *check)
{
	enum coffer_rc rc = kit_get(k, (struct kit_get){ 0 });

	if (rc != COFFER_E_DENIED || strcmp(k->no.check, check) != 0)
		printf("# %d %s: %s\n", (int)rc, k->no.check, k->no.reason);
	return rc == COFFER_E_DENIED && strcmp(k->no.check, check) == 0;
}

static void asset_in_a_slot_is_released_and_decided_again(void)
{
	CLEANUP(kit_free) struct kit k;
	char east[HEX32_LEN], both[2 * HEX32_LEN];
	uint8_t id[32], west[32];

	deploy(&k, "\"note\"");
	CHECK(start(&k, NULL) == COFFER_OK && denied_by(&k, "policy"));
	CHECK(bind_as(&k, "east", "note", 1, id) == COFFER_OK);
	hex32(id, east);
	CHECK(start(&k, east) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
	CHECK(receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(bind_as(&k, "west", "other", 1, west) == COFFER_OK);
	(void)snprintf(both, sizeof(both), "%s,", east);
	hex32(west, both + 65);
	CHECK(start(&k, both) == COFFER_OK && denied_by(&k, "R9")); /* approved for one of the two slots */
	CHECK(kit_approve(&k, ",\"slots\":[\"note\",\"other\"]", 2, k.approval_id) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(bind_as(&k, "west", "other", 2, west) == COFFER_OK); /* the old one ended; what it says is looked at still */
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_revoke(&k, KIT_HOSPITAL, id) == COFFER_OK && denied_by(&k, "R11"));
}

/* A service that was broken into enters a release that a revoked binding had ended, as one that was only looked at. */
static void lie(struct kit *k, const char *revoked)
{
	CLEANUP(q_close) struct q last = q_open(k->keep.store, "SELECT replace(replace(replace(data, ',\"' || ?1 || '\"', ''), '\"beside\":[]', '\"beside\":[\"' || ?1"
	    " || '\"]'), json_extract(CAST(data AS TEXT), '$.decision'), ?2) FROM entry WHERE type='release' ORDER BY seq DESC LIMIT 1");
	CLEANUP(q_close) struct q row = q_open(k->keep.store, "INSERT INTO decision VALUES(?,?,'hospital',x'7b7d','acme',x'7b7d')");
	CLEANUP(tx_end) struct tx tx = { 0 };
	CLEANUP(wr_close) struct wr hex = wr_open(64), text = wr_open(1u << 16);
	struct err e = { 0 };
	uint8_t id[16];
	bool some = false;

	random_bytes(id, sizeof(id));
	hex_write(&hex, SPAN(id));
	q_text(&last, span_of(revoked));
	q_text(&last, wr_span(&hex));
	CHECK(q_row(&last, &some, &e) == COFFER_OK && some);
	wr_put(&text, q_col(&last, 0));
	CHECK(tx_begin(&k->keep.journal, &tx, &e) == COFFER_OK);
	CHECK(journal_append(&k->keep.journal, "release", wr_span(&text), k->now, &e) == COFFER_OK);
	q_blob(&row, SPAN(id));
	q_i64(&row, (int64_t)k->keep.journal.seq);
	CHECK(q_run(&row, &e) == COFFER_OK && tx_commit(&tx, &e) == COFFER_OK);
}

static void revoked_binding_is_not_hidden_among_what_was_looked_at(void)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(kit_free) struct kit k;
	char both[2 * HEX32_LEN];
	uint8_t id[32] = { 0 }, west[32] = { 0 };
	struct err e = { 0 };

	deploy(&k, "\"note\",\"other\"");
	CHECK(bind_as(&k, "east", "note", 1, id) == COFFER_OK && bind_as(&k, "west", "other", 1, west) == COFFER_OK);
	hex32(id, both);
	both[64] = ',';
	hex32(west, both + 65);
	CHECK(start(&k, both) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_revoke(&k, KIT_HOSPITAL, west) == COFFER_OK && denied_by(&k, "R11"));
	lie(&k, both + 65);
	receiptkit_make(&k, KIT_HOSPITAL, &text);
	CHECK(receiptkit_replay(&k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_E_DENIED && strcmp(e.check, "R11") == 0);
	printf("# %s %s\n", e.check, e.msg);
}

static void bindings_of_wrong_form_end_the_session(void)
{
	static const char *const bad[] = { "x", ",", "00", "0000000000000000000000000000000000000000000000000000000000000000,",
		"0000000000000000000000000000000000000000000000000000000000000000,0000000000000000000000000000000000000000000000000000000000000000" };
	CLEANUP(kit_free) struct kit k;
	char five[5 * 65 + 1] = "";

	kit_open(&k);
	kit_deploy(&k);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(start(&k, bad[i]) == COFFER_E_INPUT);
	for (size_t i = 0; i < 5; i++)
		(void)snprintf(five + strlen(five), sizeof(five) - strlen(five), "%s%064zx", i ? "," : "", i);
	CHECK(start(&k, five) == COFFER_E_INPUT);
	CHECK(start(&k, NULL) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
}

/* Whoever would have it both ways: released alone first, met by a pair logged afterwards. */
static void binding_that_is_not_logged_yet_keeps_everything_back(void)
{
	CLEANUP(kit_free) struct kit k;
	char text[2 * HEX32_LEN];
	uint8_t id[32];

	deploy(&k, "\"note\"");
	CHECK(bind_as(&k, "east", "note", 1, id) == COFFER_OK);
	hex32(id, text);
	(void)snprintf(text + 64, sizeof(text) - 64, ",%064x", 7u);
	CHECK(start(&k, text) == COFFER_OK && denied_by(&k, "R7"));
	text[64] = '\0';
	CHECK(start(&k, text) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK);
}

/* Two of the owner's own fill the other slot: nothing of that was asked for. */
static void slot_that_two_fill_is_nobodys_else(void)
{
	CLEANUP(kit_free) struct kit k;
	char all[3 * 65 + 1] = "";
	uint8_t id[32];

	deploy(&k, "\"note\",\"other\"");
	for (int i = 0; i < 3; i++) {
		const char name[] = { (char)('a' + i), '\0' };
		char hex[HEX32_LEN];

		CHECK(bind_as(&k, name, i == 0 ? "note" : "other", 1, id) == COFFER_OK);
		hex32(id, hex);
		(void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? "," : "", hex);
	}
	CHECK(start(&k, all) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* Approved is a wider one, whose slots are open as this one's were when they were compared. */
static void slot_of_a_narrower_workload_has_a_receipt(void)
{
	CLEANUP(manifest_clear) struct manifest wide = { 0 };
	CLEANUP(freep) char *text = NULL, *subject = NULL, *body = NULL, *other = NULL;
	CLEANUP(kit_free) struct kit k;
	char hex[HEX32_LEN], service[HEX32_LEN], bound[HEX32_LEN];
	const char *at;
	uint8_t id[32];
	struct err e;

	deploy(&k, "\"other\""); /* which does not do */
	text = manifest_of(&k);
	at = strstr(text, "\"platforms\":[\"sample\"]");
	if (!at)
		abort();
	other = str_fmt("%.*s\"platforms\":[\"sample\",\"swtpm\"]%s", (int)(at - text), text, at + strlen("\"platforms\":[\"sample\"]"));
	CHECK(manifest_parse(span_of(other), &wide, &e) == COFFER_OK);
	CHECK(kit_log(&k, &(struct kit_st){ .kind = ST_WORKLOAD, .subject = "risk", .digest = wide.digest, .body = other, .serial = 1 }, id) == COFFER_OK);
	hex32(wide.digest, hex);
	hex32(k.service_id, service);
	subject = str_fmt(KIT_ASSET ",workload:%s", hex);
	body = str_fmt("{\"assets\":[\"" KIT_ASSET "\"],\"workload\":\"%s\",\"platforms\":[\"sample\"],\"services\":[\"%s\"],\"until\":\"2027-06-01T00:00:00Z\",\"shown\":\"%s\","
	    "\"slots\":[\"note\"],\"or-narrower\":true}", hex, service, hex);
	CHECK(kit_log(&k, &(struct kit_st){ .kind = ST_APPROVAL, .issuer = KIT_HOSPITAL, .also = KIT_HOSPITAL, .subject = subject, .body = body }, id) == COFFER_OK);
	CHECK(bind_as(&k, "east", "note", 1, id) == COFFER_OK);
	hex32(id, bound);
	CHECK(start(&k, bound) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* By a key that was named compromised since; the guest chose to bring it, and it fills nothing. */
static void void_binding_of_another_workload_spoils_no_receipt(void)
{
	static const char other[] = "1111111111111111111111111111111111111111111111111111111111111111";
	CLEANUP(freep) char *body = str_fmt("{\"workload\":\"%s\",\"name\":\"b\",\"slots\":[{\"slot\":\"scans\",\"asset\":\"kbs:///stranger/note/x\"}]}", other);
	CLEANUP(freep) char *subject = str_fmt("workload:%s/b", other);
	CLEANUP(kit_free) struct kit k;
	char both[2 * HEX32_LEN];
	uint8_t id[32];

	deploy(&k, "\"note\"");
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK && bind_as(&k, "east", "note", 1, id) == COFFER_OK);
	hex32(id, both);
	both[64] = ',';
	CHECK(kit_log(&k, &(struct kit_st){ .kind = ST_BINDING, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = subject, .body = body }, id) == COFFER_OK);
	hex32(id, both + 65);
	CHECK(start(&k, both) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_compromise_of(&k, KIT_STRANGER,
		  &(struct kit_stolen){ k.key[KIT_STRANGER], k.now - 60, (const struct privkey *const[]){ k.recovery[KIT_STRANGER], NULL }, 0, NULL }, id) == COFFER_OK);
	CHECK(kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
}

/* As one that was revoked is not (above). */
static void void_binding_is_not_hidden_among_what_was_looked_at(void)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(freep) char *body = NULL;
	CLEANUP(kit_free) struct kit k;
	char both[2 * HEX32_LEN], hex[HEX32_LEN], subject[BINDING_SUBJECT_MAX];
	uint8_t id[32];
	struct err e = { 0 };

	deploy(&k, "\"note\"");
	CHECK(kit_introduce(&k, KIT_STRANGER, KIT_STRANGER, KIT_ACME) == COFFER_OK && bind_as(&k, "east", "note", 1, id) == COFFER_OK);
	CHECK(kit_approve(&k, ",\"slots\":[\"note\"],\"beside\":[\"kbs:///stranger/note/x\"]", 2, k.approval_id) == COFFER_OK);
	hex32(id, both);
	both[64] = ',';
	hex32(k.manifest, hex);
	binding_subject(k.manifest, "west", subject);
	body = str_fmt("{\"workload\":\"%s\",\"name\":\"west\",\"slots\":[{\"slot\":\"other\",\"asset\":\"kbs:///stranger/note/x\"}]}", hex);
	CHECK(kit_log(&k, &(struct kit_st){ .kind = ST_BINDING, .issuer = KIT_STRANGER, .also = KIT_STRANGER, .subject = subject, .body = body }, id) == COFFER_OK);
	hex32(id, both + 65);
	CHECK(start(&k, both) == COFFER_OK && kit_get(&k, (struct kit_get){ 0 }) == COFFER_OK && receiptkit_replays(&k, KIT_HOSPITAL));
	CHECK(kit_compromise_of(&k, KIT_STRANGER,
		  &(struct kit_stolen){ k.key[KIT_STRANGER], k.now - 60, (const struct privkey *const[]){ k.recovery[KIT_STRANGER], NULL }, 0, NULL }, id) == COFFER_OK);
	CHECK(denied_by(&k, "R11"));
	lie(&k, both + 65);
	receiptkit_make(&k, KIT_HOSPITAL, &text);
	CHECK(receiptkit_replay(&k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_E_DENIED && strcmp(e.check, "R11") == 0);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(asset_in_a_slot_is_released_and_decided_again), T(revoked_binding_is_not_hidden_among_what_was_looked_at),
		T(bindings_of_wrong_form_end_the_session),
		T(binding_that_is_not_logged_yet_keeps_everything_back),
		T(slot_that_two_fill_is_nobodys_else), T(slot_of_a_narrower_workload_has_a_receipt), T(void_binding_of_another_workload_spoils_no_receipt),
		T(void_binding_is_not_hidden_among_what_was_looked_at),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
