/* The operator's check of a store that is not in use: what is damaged, by name, and what can be computed again from the entries, which
 * are covered by the chain and by the MAC of the newest. Nothing else is ever mended, but that what can mean nothing is dropped (rows.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/assets.h"
#include "cofferd/keep/rows.h"
#include "cofferd/keep/showing.h"
#include "cofferd/keep/status.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "trust/ledger/leaf.h"

#define RECORD_MAX (64u << 10)

/* How often each approval was used, as the entries so far say. */
struct uses {
	uint8_t id[32];
	uint64_t n;
};
struct replay {
	struct keep k;	   /* keys, store and the map; nothing else of it is used */
	struct uses *uses; /* owned */
	size_t n;
	int64_t now;
};

static void replay_clear(struct replay *r)
{
	free(r->uses);
	secret_free(&r->k.rest);
	keys_clear(&r->k.keys);
	store_close(r->k.store);
}

/* ---- the map, entry by entry ---- */

static enum coffer_rc used_once_more(struct replay *r, const uint8_t id[static 32], uint64_t *count, struct err *e)
{
	struct uses *more;
	size_t i = 0;

	while (i < r->n && !span_eq(SPAN(r->uses[i].id), (struct span){ id, 32 }))
		i++;
	if (i == r->n) {
		more = realloc(r->uses, (r->n + 1) * sizeof(*more));
		if (!more)
			return err_set(e, COFFER_E_SYSTEM, "fsck: out of memory");
		r->uses = more;
		r->uses[r->n] = (struct uses){ .n = 0 };
		memcpy(r->uses[r->n++].id, id, 32);
	}
	*count = ++r->uses[i].n;
	return COFFER_OK;
}

/* Counts only where the approval limits them. */
static enum coffer_rc redo_use(struct replay *r, const uint8_t id[static 32], struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(freep) struct approval *a = calloc(1, sizeof(*a));
	uint64_t count = 0;

	if (!a)
		return err_set(e, COFFER_E_SYSTEM, "fsck: out of memory");
	TRY(registry_envelope(&r->k.registry, id, &env, e));
	TRY(statement_parse(wr_span(&env.payload), &s, e));
	if (s.kind != ST_APPROVAL)
		return COFFER_OK;
	TRY(approval_read(&s, a, e));
	if (!a->has_uses)
		return COFFER_OK;
	TRY(used_once_more(r, id, &count, e));
	return status_used(&r->k, id, count, e);
}

static enum coffer_rc redo_release(struct replay *r, const struct json *data, struct err *e)
{
	const struct json *list = json_get(data, "rests");

	for (size_t i = 0; i < json_len(list); i++) {
		uint8_t id[32];

		if (!hex_fixed(json_str(json_at(list, i)), id, sizeof(id)))
			return err_set(e, COFFER_E_INPUT, "fsck: the record of a release is malformed");
		TRY(redo_use(r, id, e));
	}
	return COFFER_OK;
}

static enum coffer_rc redo_statement(struct replay *r, uint64_t seq, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->k.store, "SELECT payload FROM statement WHERE seq=?");
	CLEANUP(statement_clear) struct statement s = { 0 };
	bool row = false;

	q_i64(&q, (int64_t)seq);
	TRY(q_row(&q, &row, e));
	if (!row)
		return err_deny(e, "R12", "the statement of entry %llu is missing", (unsigned long long)seq);
	TRY(statement_parse(q_col(&q, 0), &s, e));
	return status_log(&r->k, &s, e);
}

static enum coffer_rc redo_entry(struct replay *r, const char *type, struct span text, uint64_t seq, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct asset_path path;

	if (strcmp(type, "statement") == 0 || strcmp(type, "genesis") == 0)
		return redo_statement(r, seq, e);
	TRY(json_parse(text, RECORD_MAX, &doc, e));
	if (strcmp(type, "release") == 0)
		return redo_release(r, json_root(doc), e);
	if (strcmp(type, "delete") != 0)
		return COFFER_OK;
	TRY(asset_path_parse(json_str(json_get(json_root(doc), "asset")), &path, e));
	return status_deleted(&r->k, &path, e);
}

/* Each entry must come to the root that its leaf has. */
static enum coffer_rc redo_map(struct replay *r, struct err *e)
{
	CLEANUP(q_close) struct q drop = q_open(r->k.store, "DELETE FROM mapnode");
	CLEANUP(q_close) struct q unsay = q_open(r->k.store, "DELETE FROM said");
	CLEANUP(q_close)
	struct q q =
	    q_open(r->k.store, "SELECT e.seq, e.type, e.data, l.entry FROM entry e JOIN leaf l ON l.seq=e.seq ORDER BY e.seq");
	struct journal *j = &r->k.journal;

	TRY(q_run(&drop, e));
	TRY(q_run(&unsay, e));
	*j = (struct journal){ .store = r->k.store, .tree = { .rule = 1, .map.store = r->k.store } };
	for (;;) {
		struct leaf l;
		char type[32];
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		if (!q_col_name(&q, 1, type, sizeof(type)) || !leaf_read(q_col(&q, 3), &l))
			return err_deny(e, "R12", "an entry or its leaf is malformed");
		if (l.rule > j->tree.rule)
			TRY(status_adopt(&r->k, e));
		TRY(redo_entry(r, type, q_col(&q, 2), (uint64_t)q_col_i64(&q, 0), e));
		if (!mhash_eq(&j->tree.map.root, &l.map))
			return err_deny(e, "R12", "the map does not come to the root in the leaf of entry %llu",
			    (unsigned long long)q_col_i64(&q, 0));
		j->any = true;
		j->seq = (uint64_t)q_col_i64(&q, 0);
	}
}

/* How often each was used, as its releases say. */
static enum coffer_rc redo_uses(const struct replay *r, struct err *e)
{
	CLEANUP(q_close) struct q drop = q_open(r->k.store, "DELETE FROM approval_use");

	TRY(q_run(&drop, e));
	for (size_t i = 0; i < r->n; i++) {
		CLEANUP(q_close) struct q q = q_open(r->k.store, "INSERT INTO approval_use(statement, uses) VALUES(?,?)");

		q_blob(&q, SPAN(r->uses[i].id));
		q_i64(&q, (int64_t)r->uses[i].n);
		TRY(q_run(&q, e));
	}
	return COFFER_OK;
}

/* ---- checking, and mending ---- */

static enum coffer_rc check_all(struct replay *r, struct err *e)
{
	uint8_t mac[32];

	keys_derive(&r->k.keys, KEYS_USE_JOURNAL, mac);
	TRY(journal_open(r->k.store, mac, &r->k.journal, e));
	return status_check(&r->k, e);
}

/* The statements against the entries, by the genesis that the store itself has. *ran: there is one; a service that never ran has none. */
static enum coffer_rc check_registry(struct replay *r, struct registry *out, bool *ran, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->k.store, "SELECT payload FROM statement WHERE seq=0");
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(freep) struct genesis *made = calloc(1, sizeof(*made));

	if (!made)
		return err_set(e, COFFER_E_SYSTEM, "fsck: out of memory");
	TRY(q_row(&q, ran, e));
	if (!*ran)
		return COFFER_OK;
	TRY(statement_parse(q_col(&q, 0), &s, e));
	TRY(genesis_read(&s, made, e));
	return registry_open(r->k.store, made, out, e);
}

/* What no start looks at: by the statements, which hold by then. */
static enum coffer_rc check_rows(struct replay *r, bool mend, struct err *e)
{
	CLEANUP(registry_clear) struct registry g = { 0 };
	bool ran = false;

	TRY(check_registry(r, &g, &ran, e));
	TRY(showing_check(r->k.store, e));
	return ran ? rows_check(&(struct rows){ r->k.store, &r->k.keys, &g.parties, g.genesis->id, r->now, mend }, e) : COFFER_OK;
}

static enum coffer_rc check_entries(struct replay *r, struct err *e)
{
	TRY(check_all(r, e));
	return check_rows(r, false, e);
}

static enum coffer_rc redo(struct replay *r, struct err *e)
{
	TRY(tree_rebuild(r->k.store, e));
	TRY(registry_reindex(&r->k.registry, e));
	TRY(redo_map(r, e));
	TRY(redo_uses(r, e));
	TRY(check_all(r, e));
	TRY(check_rows(r, true, e));
	return check_rows(r, false, e);
}

/* Durable only if everything then holds. */
static enum coffer_rc mend(struct replay *r, struct err *e)
{
	enum coffer_rc rc;

	TRY(store_begin(r->k.store, e));
	rc = redo(r, e);
	if (rc == COFFER_OK)
		rc = store_commit(r->k.store, e);
	if (rc != COFFER_OK)
		store_rollback(r->k.store);
	return rc;
}

static enum coffer_rc check_mark(const char *path, const struct replay *r, struct err *e)
{
	struct mark *m = NULL;
	uint64_t wrote;
	uint8_t mac[32];

	keys_derive(&r->k.keys, KEYS_USE_JOURNAL, mac);
	TRY(mark_open(path, mac, &m, e));
	wrote = mark_entries(m);
	mark_close(m);
	if (journal_entries(&r->k.journal) >= wrote)
		return COFFER_OK;
	return err_deny(e, "R12", "the store has %llu entries, this service wrote %llu: it is an old copy",
	    (unsigned long long)journal_entries(&r->k.journal), (unsigned long long)wrote);
}

static enum coffer_rc altered(const struct asset_path *p, struct err *e)
{
	return err_deny(e, "R12", "the content of %s was altered in the store; it comes from a copy, or its owner puts it again: coffer asset put", p->text);
}

/* What is kept of each asset opens, and is what its owner's statement names. */
static enum coffer_rc check_contents(struct replay *r, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(r->k.store, "SELECT a.path, a.version, s.payload FROM asset a LEFT JOIN statement s ON s.id=a.statement ORDER BY a.path");

	TRY(keys_rest(&r->k.keys, &r->k.rest, e));
	for (;;) {
		CLEANUP(statement_clear) struct statement s = { 0 };
		CLEANUP(secret_free) struct secret plain = { 0 };
		struct asset_path path;
		uint8_t digest[32];
		bool row = false;

		TRY(q_row(&q, &row, e));
		if (!row)
			return COFFER_OK;
		TRY(asset_path_parse(q_col(&q, 0), &path, e));
		if (statement_parse(q_col(&q, 2), &s, e) != COFFER_OK || asset_load(&r->k, &path, (uint64_t)q_col_i64(&q, 1), &plain, e) != COFFER_OK)
			return altered(&path, e);
		sha256((struct span){ plain.p, plain.n }, digest);
		if (!span_eq_str(s.subject[0].name, path.text) || !ct_eq(SPAN(digest), SPAN(s.subject[0].sha256)))
			return altered(&path, e);
	}
}

enum coffer_rc keep_fsck(const char *dir, bool repair, int64_t now, struct fsck_found *out, struct err *e)
{
	CLEANUP(freep) char *db = str_fmt("%s/keep.db", dir), *mark = str_fmt("%s/keep.mark", dir);
	CLEANUP(replay_clear) struct replay r = { .now = now };
	struct fsck_found f = { 0 };
	struct err damage = { 0 };
	enum coffer_rc rc;

	if (!db || !mark)
		return err_set(e, COFFER_E_SYSTEM, "fsck: out of memory");
	TRY(keep_look(dir, e));
	TRY(keys_load(dir, &r.k.keys, e));
	TRY(store_open(db, &r.k.store, e));
	r.k.registry.store = r.k.store;
	rc = check_entries(&r, &damage);
	if (rc != COFFER_OK && rc != COFFER_E_DENIED) {
		*e = damage;
		return rc;
	}
	if (rc != COFFER_OK) {
		(void)snprintf(f.damage, sizeof(f.damage), "%s", damage.msg);
		if (!repair)
			*e = damage;
		TRY(repair ? mend(&r, e) : rc);
		f.mended = true;
	}
	TRY(check_contents(&r, e));
	TRY(check_mark(mark, &r, e));
	f.entries = journal_entries(&r.k.journal);
	*out = f;
	return COFFER_OK;
}
