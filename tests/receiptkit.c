#include "tests/receiptkit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "replay/replay.h"
#include "tests/t.h"
#include "trust/witnesses.h"

static enum coffer_rc fetch(void *ctx, const struct tile *t, struct wr *out, struct err *e)
{
	struct wr w = wr_open(4096);
	char name[TILE_PATH_MAX];
	struct kit *k = ctx;

	tile_path(t, name);
	wr_str(&w, name);
	if (kit_ask(k, KEEP_LEDGER, &w) != COFFER_OK)
		return err_set(e, COFFER_E_NOTFOUND, "%s", name);
	wr_put(out, wr_span(&k->answer));
	return COFFER_OK;
}

static enum coffer_rc ask_by(struct kit *k, enum kit_party who, enum keep_type type, const uint8_t id[static 16])
{
	CLEANUP(wr_close) struct wr own = { 0 };
	struct wr w = wr_open(1u << 16);
	struct keep_decision_req m = { 0 };
	char path[64] = "/coffer/v0/receipts/";

	memcpy(m.id, id, sizeof(m.id));
	for (size_t i = 0; i < sizeof(m.id); i++)
		(void)snprintf(path + strlen(path), 3, "%02x", id[i]);
	kit_auth(k, who, type == KEEP_HAD ? "POST" : "GET", path, &m.auth, &own);
	keep_decision_req_write(&w, &m);
	return kit_ask(k, type, &w);
}

enum coffer_rc receiptkit_ask(struct kit *k, enum kit_party who, const uint8_t id[static 16])
{
	return ask_by(k, who, KEEP_RECEIPT, id);
}

enum coffer_rc receiptkit_had(struct kit *k, enum kit_party who, const uint8_t id[static 16])
{
	return ask_by(k, who, KEEP_HAD, id);
}

/* The newest decision's id. */
void receiptkit_newest(struct kit *k, uint8_t id[static 16])
{
	CLEANUP(q_close) struct q q = q_open(k->keep.store, "SELECT id FROM decision ORDER BY seq DESC LIMIT 1");
	struct err e = { 0 };
	bool row = false;

	CHECK(q_row(&q, &row, &e) == COFFER_OK && row && q_col_fixed(&q, 0, id, 16));
}

static void take(struct kit *k, struct wr *to)
{
	*to = wr_open(RECEIPT_MAX);
	wr_put(to, wr_span(&k->answer));
}

/* As `coffer receipt get` makes it. */
/* By which the kit's assets go. */
static const struct genesis *genesis_of(struct kit *k)
{
	uint8_t id[32];

	CHECK(!k->amendment || hex_fixed(span_of(k->amendment), id, sizeof(id)));
	return parties_genesis_by(&k->keep.registry.parties, k->amendment ? id : NULL);
}

void receiptkit_make(struct kit *k, enum kit_party who, struct wr *out)
{
	uint8_t id[16];

	receiptkit_newest(k, id);
	*out = (struct wr){ 0 };
	receiptkit_of(k, who, id, out);
}

void receiptkit_of(struct kit *k, enum kit_party who, const uint8_t id[static 16], struct wr *out)
{
	CLEANUP(wr_close) struct wr reply = { 0 }, note = { 0 }, genesis = wr_open(DSSE_ENVELOPE_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct tile_source tiles = { fetch, k, k->keep.journal.seq + 1, NULL };
	struct json_wr j = jw_open(&genesis, false);
	struct wr w = wr_open(64);
	struct genesis_policy policy;
	struct receipt_parts p = { .policy = &policy.p, .tiles = &tiles };
	struct ledger_seen seen;
	struct err e = { 0 };

	CHECK(receiptkit_ask(k, who, id) == COFFER_OK);
	take(k, &reply);
	wr_str(&w, "checkpoint");
	CHECK(kit_ask(k, KEEP_LEDGER, &w) == COFFER_OK);
	take(k, &note);
	dsse_write(&k->genesis, &j);
	CHECK(genesis_policy(genesis_of(k), &policy, &e) == COFFER_OK);
	CHECK(json_parse(wr_span(&reply), RECEIPT_MAX, &doc, &e) == COFFER_OK);
	p.reply = json_root(doc);
	p.genesis = wr_span(&genesis);
	p.note = json_str(json_get(p.reply, "checkpoint"));
	if (p.note.n > 0) { /* the one that the service kept of these witnesses */
		CHECK(checkpoint_open(p.note, &policy.p, &seen, &e) == COFFER_OK);
		tiles.size = seen.cp.head.size;
	} else {
		p.note = wr_span(&note);
	}
	wr_close(out);
	*out = wr_open(RECEIPT_MAX);
	CHECK(receipt_make(&p, out, &e) == COFFER_OK);
}

/* Each member of the one in place of the other's. */
void receiptkit_splice(const struct wr *a, const struct wr *b, const char *name, struct wr *out)
{
	CLEANUP(json_freep) struct json_doc *x = NULL, *y = NULL;
	struct err e = { 0 };
	struct json_wr j;

	*out = wr_open(RECEIPT_MAX);
	j = jw_open(out, false);
	CHECK(json_parse((struct span){ a->p, a->n - 1 }, RECEIPT_MAX, &x, &e) == COFFER_OK);
	CHECK(json_parse((struct span){ b->p, b->n - 1 }, RECEIPT_MAX, &y, &e) == COFFER_OK);
	jw_obj(&j);
	for (size_t i = 0; i < json_len(json_root(x)); i++) {
		struct span at = json_name(json_root(x), i);

		jw_namen(&j, at);
		jw_value(&j, span_eq_str(at, name) ? json_get(json_root(y), name) : json_at(json_root(x), i));
	}
	jw_obj_end(&j);
	wr_u8(out, '\n');
}

/* The statement, and what stands for it in its key's value. */
static bool is_it(const struct json *o, const uint8_t *id, struct mhash *before)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(wr_close) struct wr raw = wr_open(LEAF_MAX);
	struct leaf leaf;
	struct err e = { 0 };
	uint8_t got[32];

	CHECK(dsse_parse_json(json_get(o, "envelope"), &env, &e) == COFFER_OK && b64url_read(json_str(json_get(o, "leaf")), &raw) && leaf_read(wr_span(&raw), &leaf));
	dsse_id(&env, got);
	if (memcmp(got, id, 32) != 0)
		return false;
	*before = (struct mhash){ { 0 } };
	map_said_next(before, id, leaf.index);
	return true;
}

static void put_begun(struct json_wr *j, const struct json *list, const struct receiptkit_begin *h, const struct mhash *before)
{
	char subject[HEX32_LEN], hex[HEX32_LEN];

	hex32(h->subject, subject);
	hex32(before->b, hex);
	jw_arr(j);
	for (size_t i = 0; i < json_len(list); i++) {
		const struct json *o = json_at(list, i);

		if (!span_eq_str(json_str(json_get(o, "by")), h->by) || !span_eq_str(json_str(json_get(o, "kind")), h->kind) ||
		    !span_eq_str(json_str(json_get(o, "subject")), subject)) {
			jw_value(j, o);
			continue;
		}
		jw_obj(j);
		jw_m_text(j, "before", hex);
		for (size_t n = 0; n < json_len(o); n++) {
			jw_namen(j, json_name(o, n));
			jw_value(j, json_at(o, n));
		}
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

void receiptkit_begin(const struct wr *text, const struct receiptkit_begin *h, struct wr *out)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *list;
	struct mhash before = { { 0 } };
	size_t at = SIZE_MAX;
	struct err e = { 0 };
	struct json_wr j;

	*out = wr_open(RECEIPT_MAX);
	j = jw_open(out, false);
	CHECK(json_parse((struct span){ text->p, text->n - 1 }, RECEIPT_MAX, &doc, &e) == COFFER_OK);
	list = json_get(json_root(doc), "statements");
	for (size_t i = 0; i < json_len(list) && at == SIZE_MAX; i++)
		at = is_it(json_at(list, i), h->id, &before) ? i : SIZE_MAX;
	CHECK(at != SIZE_MAX);
	jw_obj(&j);
	for (size_t i = 0; i < json_len(json_root(doc)); i++) {
		const struct json *v = json_at(json_root(doc), i);

		jw_namen(&j, json_name(json_root(doc), i));
		if (span_eq_str(json_name(json_root(doc), i), "said")) {
			put_begun(&j, v, h, &before);
			continue;
		}
		if (v != list) {
			jw_value(&j, v);
			continue;
		}
		jw_arr(&j);
		for (size_t n = 0; n < json_len(v); n++)
			if (n != at)
				jw_value(&j, json_at(v, n));
		jw_arr_end(&j);
	}
	jw_obj_end(&j);
	wr_u8(out, '\n');
}

/* What a party is told of a decision, as if it were that of entry ?2 at ?3. */
#define AS_OF(view) "CAST(json_set(CAST(" view " AS TEXT), '$.decision', lower(hex(?1)), '$.seq', ?2, '$.time', ?3) AS BLOB)"

/* to: at most as long. */
static void lie(struct kit *k, const char *from, const char *to)
{
	CLEANUP(q_close) struct q last = q_open(k->keep.store, "SELECT data FROM entry WHERE type='release' ORDER BY seq DESC LIMIT 1");
	CLEANUP(q_close) struct q row = q_open(k->keep.store, "INSERT INTO decision SELECT ?1, ?2, owner, " AS_OF("owner_view") ", provider, " AS_OF("provider_view")
	    " FROM decision WHERE seq=(SELECT max(seq) FROM entry WHERE type='release' AND seq<?2)");
	CLEANUP(freep) char *data = NULL;
	CLEANUP(wr_close) struct wr hex = wr_open(64);
	CLEANUP(tx_end) struct tx tx = { 0 };
	uint8_t id[16];
	char when[CLOCK_TEXT_LEN];
	struct err e = { 0 };
	bool some = false;
	char *at;

	random_bytes(id, sizeof(id));
	hex_write(&hex, SPAN(id));
	CHECK(q_row(&last, &some, &e) == COFFER_OK && some);
	data = span_dup(q_col(&last, 0));
	at = data ? strstr(data, "\"decision\":\"") : NULL;
	if (!at)
		abort();
	memcpy(at + 12, hex.p, 32);
	at = from ? strstr(data, from) : NULL;
	CHECK(!from == !at);
	if (at) {
		memcpy(at, to, strlen(to));
		memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
	}
	CHECK(tx_begin(&k->keep.journal, &tx, &e) == COFFER_OK && journal_append(&k->keep.journal, "release", span_of(data), k->now, &e) == COFFER_OK);
	q_blob(&row, SPAN(id));
	q_i64(&row, (int64_t)k->keep.journal.seq);
	clock_text(k->keep.journal.time, when);
	q_text(&row, span_of(when));
	CHECK(q_run(&row, &e) == COFFER_OK && tx_commit(&tx, &e) == COFFER_OK);
}

void receiptkit_lie(struct kit *k, const char *cut)
{
	lie(k, cut, "");
}

void receiptkit_lie_text(struct kit *k, const char *from, const char *to)
{
	lie(k, from, to);
}

void receiptkit_lie_bare(struct kit *k)
{
	CLEANUP(q_close) struct q q = q_open(k->keep.store, "SELECT json_extract(CAST(data AS TEXT), '$.evidence') FROM entry WHERE type='release' ORDER BY seq DESC LIMIT 1");
	CLEANUP(freep) char *cut = NULL;
	struct err e = { 0 };
	bool some = false;

	CHECK(q_row(&q, &some, &e) == COFFER_OK && some);
	cut = str_fmt("\"evidence\":\"%.*s\",", (int)q_col(&q, 0).n, (const char *)q_col(&q, 0).p);
	receiptkit_lie(k, q_col(&q, 0).n ? cut : NULL);
}

void receiptkit_lie_with(struct kit *k, const uint8_t id[static 32], const uint8_t other[static 32])
{
	char from[HEX32_LEN], to[HEX32_LEN];

	hex32(id, from);
	hex32(other, to);
	lie(k, from, to);
}

enum coffer_rc receiptkit_replay(const struct kit *k, struct span text, struct span file, struct replay_out *out, struct err *e)
{
	CLEANUP(zones_close) struct zones zones = zones_open("/nowhere");
	CLEANUP(receipt_clear) struct receipt r = { 0 };
	struct replay_in in = { .r = &r, .genesis = k->genesis_id, .file = &file, .n_files = file.n > 0, .zones = &zones };

	*e = (struct err){ 0 };
	TRY(zones_load(&zones, e));
	TRY(receipt_read(text, &r, e));
	TRY(replay(&in, out, e));
	out->v.record = (struct span){ 0 }; /* of the receipt, which goes */
	return COFFER_OK;
}

bool receiptkit_replays(struct kit *k, enum kit_party who)
{
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));
	CLEANUP(wr_close) struct wr text = { 0 };
	struct err e = { 0 };
	bool good;

	receiptkit_make(k, who, &text);
	good = out && receiptkit_replay(k, wr_span(&text), (struct span){ 0 }, out, &e) == COFFER_OK && out->v.evidence && out->words;
	if (!good)
		printf("# %s: %s\n", e.check, e.msg);
	return good;
}
