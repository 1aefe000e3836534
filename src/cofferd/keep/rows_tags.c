/* How often each asset's entries were tagged, for each key that its owner ever had: counted among the public leaves, whose tags the chain covers. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/rows.h"
#include "trust/ledger/leaf.h"
#include "trust/ledger/tag.h"

struct owner_key { char owner[PARTY_MAX]; struct pubkey key; };
struct tally {
	uint8_t (*tag)[TAG_LEN]; /* owned, as all lists; sorted */
	size_t  n_tags, tag_room;
	struct owner_key *key;
	size_t  n_keys;
	uint64_t rows; /* that there should be */
};

static void tally_clear(struct tally *t)
{
	free(t->tag);
	free(t->key);
}

static enum coffer_rc no_memory(struct err *e)
{
	return err_set(e, COFFER_E_SYSTEM, "fsck: out of memory");
}

/* ---- what the leaves have ---- */

static enum coffer_rc take_leaf(struct tally *t, const struct leaf *l, struct err *e)
{
	for (unsigned i = 0; i < l->n_tags; i++) {
		if (t->n_tags == t->tag_room) {
			size_t room = t->tag_room ? 2 * t->tag_room : 1024;
			void *more = reallocarray(t->tag, room, sizeof(*t->tag));

			if (!more)
				return no_memory(e);
			t->tag = more;
			t->tag_room = room;
		}
		memcpy(t->tag[t->n_tags++], l->tag[i], TAG_LEN);
	}
	return COFFER_OK;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, TAG_LEN); /* public: tags are in the leaves */
}

static enum coffer_rc take_leaves(struct store *s, struct tally *t, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, "SELECT entry FROM leaf ORDER BY seq");

	for (;;) {
		struct leaf l;
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			break;
		if (!leaf_read(q_col(&q, 0), &l))
			return err_deny(e, "R12", "an entry or its leaf is malformed");
		TRY(take_leaf(t, &l, e));
	}
	if (t->n_tags)
		qsort(t->tag, t->n_tags, sizeof(*t->tag), by_bytes);
	return COFFER_OK;
}

/* ---- every key that a party ever stated ---- */

static enum coffer_rc take_party(struct tally *t, const struct party *p, struct err *e)
{
	struct owner_key *more;

	if (!p->has_encryption)
		return COFFER_OK;
	for (size_t i = 0; i < t->n_keys; i++)
		if (strcmp(t->key[i].owner, p->id) == 0 && pubkey_eq(&t->key[i].key, &p->encryption))
			return COFFER_OK;
	more = reallocarray(t->key, t->n_keys + 1, sizeof(*more));
	if (!more)
		return no_memory(e);
	t->key = more;
	memcpy(more[t->n_keys].owner, p->id, sizeof(p->id));
	more[t->n_keys++].key = p->encryption;
	return COFFER_OK;
}

static enum coffer_rc take_statement(struct tally *t, struct span payload, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(freep) struct genesis *g = NULL;
	struct party p;

	TRY(statement_parse(payload, &s, e));
	if (s.kind == ST_PARTY) {
		TRY(party_read(s.body, &p, e));
		return take_party(t, &p, e);
	}
	g = calloc(1, sizeof(*g));
	if (!g)
		return no_memory(e);
	TRY(genesis_read(&s, g, e));
	for (size_t i = 0; i < g->n_parties; i++)
		TRY(take_party(t, &g->party[i], e));
	return COFFER_OK;
}

static enum coffer_rc take_keys(struct store *s, struct tally *t, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, "SELECT payload FROM statement WHERE kind IN (1, 2) ORDER BY seq");

	_Static_assert(ST_GENESIS == 1 && ST_PARTY == 2, "the numbers in the query above");
	for (;;) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(take_statement(t, q_col(&q, 0), e));
	}
}

/* ---- held against the rows ---- */

/* Its tags come one after the other, from the first on. */
static enum coffer_rc count(const struct rows *r, const struct tally *t, const struct owner_key *k, const struct asset_path *p, uint64_t *n, struct err *e)
{
	CLEANUP(secret_free) struct secret shared = { 0 };
	uint8_t asset[TAG_LEN], tag[TAG_LEN];

	TRY(tag_owner_key(r->keys->receive, &k->key, r->genesis, &shared, e));
	tag_asset_key(&shared, span_of(p->text), asset);
	for (*n = 0;; (*n)++) {
		tag_of(asset, *n, tag);
		if (!t->n_tags || !bsearch(tag, t->tag, t->n_tags, sizeof(*t->tag), by_bytes))
			return COFFER_OK;
	}
}

static enum coffer_rc put_row(const struct rows *r, const struct asset_path *p, const uint8_t thumb[static 32], uint64_t n, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "INSERT INTO asset_tag(path, key, n) VALUES(?,?,?)");

	q_text(&q, span_of(p->text));
	q_blob(&q, (struct span){ thumb, 32 });
	q_i64(&q, (int64_t)n);
	return q_run(&q, e);
}

static enum coffer_rc check_one(const struct rows *r, struct tally *t, const struct owner_key *k, const struct asset_path *p, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT n FROM asset_tag WHERE path=? AND key=?");
	uint8_t thumb[32];
	uint64_t n = 0;
	bool row = false;

	TRY(count(r, t, k, p, &n, e));
	t->rows += n > 0;
	pubkey_thumbprint(&k->key, thumb);
	if (r->mend)
		return n > 0 ? put_row(r, p, thumb, n, e) : COFFER_OK;
	q_text(&q, span_of(p->text));
	q_blob(&q, SPAN(thumb));
	TRY(q_row(&q, &row, e));
	if ((row ? (uint64_t)q_col_i64(&q, 0) : 0) == n)
		return COFFER_OK;
	return err_deny(e, "R12", "how many entries on %s have its owner's tags is written down wrong (%llu have); " ROWS_MENDS, p->text, (unsigned long long)n);
}

static enum coffer_rc check_path(const struct rows *r, struct tally *t, struct span path, struct err *e)
{
	struct asset_path p;

	TRY(asset_path_parse(path, &p, e));
	for (size_t i = 0; i < t->n_keys; i++)
		if (strcmp(t->key[i].owner, p.owner) == 0)
			TRY(check_one(r, t, &t->key[i], &p, e));
	return COFFER_OK;
}

static enum coffer_rc check_paths(const struct rows *r, struct tally *t, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store,
	    "SELECT json_extract(CAST(data AS TEXT), '$.asset') FROM entry WHERE type IN ('release','denial','delete')"
	    " AND json_type(CAST(data AS TEXT), '$.asset')='text'"
	    " UNION SELECT " STORE_ONE_NAME("names") " FROM statement WHERE kind=5");

	_Static_assert(ST_ASSET == 5, "the number in the query above");
	for (;;) {
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(check_path(r, t, q_col(&q, 0), e));
	}
}

/* Every row that there should be is as it should: what there is beyond is no asset's, or no key's of its owner. */
static enum coffer_rc check_others(const struct rows *r, const struct tally *t, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "SELECT count(*) FROM asset_tag");
	bool row = false;

	TRY(q_row(&q, &row, e));
	if (row && (uint64_t)q_col_i64(&q, 0) == t->rows)
		return COFFER_OK;
	return err_deny(e, "R12", "tags are counted of what no entry is about, or by a key that its owner never had; " ROWS_MENDS);
}

static enum coffer_rc drop_all(const struct rows *r, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->store, "DELETE FROM asset_tag");

	return q_run(&q, e);
}

enum coffer_rc rows_check_tags(const struct rows *r, struct err *e)
{
	CLEANUP(tally_clear) struct tally t = { 0 };

	TRY(take_leaves(r->store, &t, e));
	TRY(take_keys(r->store, &t, e));
	if (r->mend)
		TRY(drop_all(r, e));
	TRY(check_paths(r, &t, e));
	return check_others(r, &t, e);
}
