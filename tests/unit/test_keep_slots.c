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

/* The kit's workload with the hospital's note in a slot, and one more; the hospital approved it for `slots`. */
static void deploy(struct kit *k, const char *slots)
{
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	CLEANUP(freep) char *plain = NULL, *text = NULL, *more = NULL;
	const char *at, *end;
	uint8_t was[32];
	struct err e;

	kit_open(k);
	kit_deploy(k);
	plain = kit_manifest_text(k);
	at = strstr(plain, NAMED);
	end = strstr(plain, "\"volumes\"");
	if (!at || !end)
		abort();
	text = str_fmt("%.*s{\"slot\":\"note\",\"purpose\":\"api\"},{\"slot\":\"other\",\"purpose\":\"api\"}%.*s" SLOTS "%s", (int)(at - plain), plain,
	    (int)(end - at - (ptrdiff_t)strlen(NAMED)), at + strlen(NAMED), end + strlen("\"volumes\""));
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

int main(void)
{
	static const struct t_case cases[] = {
		T(asset_in_a_slot_is_released_and_decided_again), T(revoked_binding_is_not_hidden_among_what_was_looked_at),
		T(bindings_of_wrong_form_end_the_session),
		T(binding_that_is_not_logged_yet_keeps_everything_back),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
