#include "cofferd/keep/tree.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "trust/ledger/leaf.h"

#define TILE_BITS 8 /* levels between those whose hashes lie in tiles */

/* The rest of l is there already. */
static enum coffer_rc make_leaf(const struct tree *t, const struct tree_entry *in, const uint8_t salt[static LEAF_SALT], struct leaf *l,
    struct err *e)
{
	if (in->record.n == 0 || in->record.n > LEAF_RECORD_MAX)
		return err_set(e, COFFER_E_LIMIT, "ledger: a record of %zu bytes", in->record.n);
	l->time = (uint64_t)in->time;
	l->index = t->f.size;
	leaf_commit(salt, in->record, l->commitment);
	return COFFER_OK;
}

/* done[0..n): the subtrees that the newest leaf completed. */
static enum coffer_rc save_nodes(const struct tree *t, const struct mhash *done, size_t n, struct err *e)
{
	for (size_t l = 0; l < n; l += TILE_BITS) {
		CLEANUP(q_close) struct q q = q_open(t->store, "INSERT INTO node(level, place, hash) VALUES(?,?,?)");

		q_i64(&q, (int64_t)l);
		q_i64(&q, (int64_t)((t->f.size - 1) >> l));
		q_blob(&q, SPAN(done[l].b));
		TRY(q_run(&q, e));
	}
	return COFFER_OK;
}

enum coffer_rc tree_append(struct tree *t, const struct tree_entry *in, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(t->store, "INSERT INTO leaf(seq, salt, entry) VALUES(?,?,?)");
	struct mhash leaf, done[MERKLE_LEVELS];
	struct leaf l = { .rule = t->rule, .map = t->map.root, .map_before = t->map_before };
	uint8_t salt[LEAF_SALT], entry[LEAF_MAX];
	struct tree next = *t;
	size_t n, len;

	random_bytes(salt, sizeof(salt));
	TRY(make_leaf(t, in, salt, &l, e));
	if (in->tag)
		memcpy(l.tag[l.n_tags++], in->tag, 32);
	leaf_pad_tags(&l, 1);
	len = leaf_write(&l, entry);
	merkle_leaf((struct span){ entry, len }, &leaf);
	n = merkle_append(&next.f, &leaf, done);
	if (n == 0)
		return err_set(e, COFFER_E_LIMIT, "ledger: the tree is full");
	q_i64(&q, (int64_t)t->f.size);
	q_blob(&q, SPAN(salt));
	q_blob(&q, (struct span){ entry, len });
	TRY(q_run(&q, e));
	TRY(save_nodes(&next, done, n, e));
	next.map_before = l.map;
	*t = next;
	return COFFER_OK;
}

static enum coffer_rc check_nodes(const struct tree *t, const struct mhash *done, size_t n, struct err *e)
{
	for (size_t l = 0; l < n; l += TILE_BITS) {
		CLEANUP(q_close) struct q q = q_open(t->store, "SELECT hash FROM node WHERE level=? AND place=?");
		uint8_t stored[32];
		bool row = false;

		q_i64(&q, (int64_t)l);
		q_i64(&q, (int64_t)((t->f.size - 1) >> l));
		TRY(q_row(&q, &row, e));
		if (!row || !q_col_fixed(&q, 0, stored, sizeof(stored)) || !span_eq(SPAN(stored), SPAN(done[l].b)))
			return err_deny(e, "R12", "journal: a hash of the ledger's tree that covers entry %llu was changed or removed",
			    (unsigned long long)(t->f.size - 1));
	}
	return COFFER_OK;
}

enum coffer_rc tree_check(struct tree *t, const struct tree_entry *in, const struct tree_stored *got, struct err *e)
{
	struct mhash leaf, done[MERKLE_LEVELS];
	uint8_t entry[LEAF_MAX];
	struct tree next = *t;
	struct leaf l;
	size_t n, len;

	if (got->salt.n != LEAF_SALT || !got->salt.p)
		return err_deny(e, "R12", "journal: the salt of entry %llu is missing", (unsigned long long)t->f.size);
	if (!leaf_read(got->entry, &l) || !mhash_eq(&l.map_before, &t->map_before) || l.rule < t->rule)
		return err_deny(e, "R12", "journal: the leaf of entry %llu is malformed, or its map does not begin where the one before ended",
		    (unsigned long long)t->f.size);
	TRY(make_leaf(t, in, got->salt.p, &l, e));
	len = leaf_write(&l, entry);
	if (!span_eq((struct span){ entry, len }, got->entry))
		return err_deny(e, "R12", "journal: entry %llu is not what its leaf in the ledger commits to",
		    (unsigned long long)t->f.size);
	merkle_leaf((struct span){ entry, len }, &leaf);
	n = merkle_append(&next.f, &leaf, done);
	TRY(check_nodes(&next, done, n, e));
	next.map.root = next.map_before = l.map;
	next.rule = l.rule;
	*t = next;
	return COFFER_OK;
}

enum coffer_rc tree_check_end(const struct tree *t, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(t->store, "SELECT count(*) FROM node");
	uint64_t want = 0;
	bool row = false;

	for (unsigned l = 0; l < MERKLE_LEVELS; l += TILE_BITS)
		want += t->f.size >> l;
	TRY(q_row(&q, &row, e));
	if (!row || q_col_i64(&q, 0) < 0 || (uint64_t)q_col_i64(&q, 0) != want)
		return err_deny(e, "R12", "journal: the ledger's tree has hashes that no entry gives");
	return map_check(&t->map, e);
}

enum coffer_rc tree_rebuild(struct store *s, struct err *e)
{
	CLEANUP(q_close) struct q drop = q_open(s, "DELETE FROM node");
	CLEANUP(q_close) struct q q = q_open(s, "SELECT entry FROM leaf ORDER BY seq");
	struct tree t = { .store = s };

	TRY(q_run(&drop, e));
	for (;;) {
		struct mhash leaf, done[MERKLE_LEVELS];
		bool row = false;
		size_t n;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		merkle_leaf(q_col(&q, 0), &leaf);
		n = merkle_append(&t.f, &leaf, done);
		TRY(save_nodes(&t, done, n, e));
	}
}

void tree_head(const struct tree *t, struct merkle_head *out)
{
	out->size = t->f.size;
	merkle_frontier_root(&t->f, &out->root);
}

static enum coffer_rc put_rows(struct q *q, const struct tile *want, struct wr *out, struct err *e)
{
	bool row = false;

	for (unsigned i = 0; i < want->width; i++) {
		TRY(q_row(q, &row, e));
		if (!row)
			return err_set(e, COFFER_E_BUG, "ledger: the store has fewer hashes than the tree");
		if (want->entries)
			TRY(tile_entry_add(out, q_col(q, 0), e));
		else
			wr_put(out, q_col(q, 0));
	}
	return COFFER_OK;
}

enum coffer_rc tree_tile(const struct tree *t, const struct tile *want, struct wr *out, struct err *e)
{
	unsigned level = want->level * TILE_BITS;
	uint64_t have = level < MERKLE_LEVELS ? t->f.size >> level : 0;
	CLEANUP(q_close) struct q q = want->entries
	    ? q_open(t->store, "SELECT entry FROM leaf WHERE seq>=? ORDER BY seq")
	    : q_open(t->store, "SELECT hash FROM node WHERE place>=? AND level=? ORDER BY place");

	if (want->n > have / TILE_WIDTH || want->n * TILE_WIDTH + want->width > have)
		return err_set(e, COFFER_E_NOTFOUND, "the ledger has no such tile");
	q_i64(&q, (int64_t)(want->n * TILE_WIDTH));
	if (!want->entries)
		q_i64(&q, (int64_t)level);
	return put_rows(&q, want, out, e);
}
