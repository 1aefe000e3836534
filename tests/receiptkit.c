#include "tests/receiptkit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
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

enum coffer_rc receiptkit_ask(struct kit *k, enum kit_party who, const uint8_t id[static 16])
{
	CLEANUP(wr_close) struct wr own = { 0 };
	struct wr w = wr_open(1u << 16);
	struct keep_decision_req m = { 0 };
	char path[64] = "/coffer/v0/receipts/";

	memcpy(m.id, id, sizeof(m.id));
	for (size_t i = 0; i < sizeof(m.id); i++)
		(void)snprintf(path + strlen(path), 3, "%02x", id[i]);
	kit_auth(k, who, "GET", path, &m.auth, &own);
	keep_decision_req_write(&w, &m);
	return kit_ask(k, KEEP_RECEIPT, &w);
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
	p.note = wr_span(&note);
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
