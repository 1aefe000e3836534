#include "cofferd/keep/journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "trust/ledger/leaf.h"

#define ENTRY_MAX (64u << 10)

/* The leaf hash of RFC 6962 over the entry's JCS bytes. */
static enum coffer_rc entry_hash(const struct journal *after, const uint8_t previous[static 32], const char *type,
    struct span data, uint8_t out[static 32], struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(ENTRY_MAX);
	char time[CLOCK_TEXT_LEN];

	clock_text(after->time, time);
	wr_u8(&w, 0);
	wr_str(&w, "{\"data\":");
	wr_put(&w, data);
	wr_str(&w, ",\"previous\":\"");
	hex_write(&w, (struct span){ previous, 32 });
	wr_fmt(&w, "\",\"seq\":%llu,\"time\":\"%s\",\"type\":\"%s\"}", (unsigned long long)after->seq, time, type);
	TRY(wr_done(&w, "journal entry", e));
	sha256(wr_span(&w), out);
	return COFFER_OK;
}

void journal_record(const char *type, struct span data, int64_t time, struct wr *w)
{
	char text[CLOCK_TEXT_LEN];

	clock_text(time, text);
	wr_str(w, "{\"data\":");
	wr_put(w, data);
	wr_fmt(w, ",\"time\":\"%s\",\"type\":\"%s\"}", text, type);
}

static void head_mac(const struct journal *j, uint8_t out[static 32])
{
	struct merkle_head head;
	uint8_t msg[72];

	for (unsigned i = 0; i < 8; i++)
		msg[i] = (uint8_t)(j->seq >> (8 * (7 - i)));
	memcpy(msg + 8, j->hash, 32);
	tree_head(&j->tree, &head);
	memcpy(msg + 40, head.root.b, 32);
	hmac_sha256(SPAN(j->mac_key), SPAN(msg), out);
}

static enum coffer_rc check_head(struct journal *j, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(j->store, "SELECT value FROM meta WHERE name='head'");
	uint8_t want[32], found[32] = { 0 };
	bool row = false;

	TRY(q_row(&q, &row, e));
	if (row && !q_col_fixed(&q, 0, found, sizeof(found)))
		return err_deny(e, "R12", "journal: the record of its newest entry is malformed");
	if (row != j->any)
		return err_deny(e, "R12", "journal: entries and the record of the newest do not belong together");
	head_mac(j, want);
	if (j->any && !ct_eq(SPAN(want), SPAN(found)))
		return err_deny(e, "R12", "journal: entry %llu is not the last that the service with these keys wrote",
				(unsigned long long)j->seq);
	return COFFER_OK;
}

/* The entry's leaf on top of j's tree. */
static enum coffer_rc check_leaf(struct journal *j, struct q *q, const char *type, struct err *e)
{
	CLEANUP(wr_close) struct wr record = wr_open(ENTRY_MAX);
	struct tree_entry in = { .time = q_col_i64(q, 2) };
	struct tree_stored got = { q_col(q, 5), q_col(q, 6) };

	journal_record(type, q_col(q, 4), in.time, &record);
	TRY(wr_done(&record, "journal entry", e));
	in.record = wr_span(&record);
	return tree_check(&j->tree, &in, &got, e);
}

/* One stored entry on top of j. */
static enum coffer_rc check_entry(struct journal *j, struct q *q, struct err *e)
{
	struct journal next = *j;
	uint8_t hash[32], stored[32];
	char type[32];

	next.seq = j->any ? j->seq + 1 : 0;
	next.time = q_col_i64(q, 2);
	next.any = true;
	if (q_col_i64(q, 0) < 0 || (uint64_t)q_col_i64(q, 0) != next.seq)
		return err_deny(e, "R12", "journal: entry %llu is missing", (unsigned long long)next.seq);
	if (!q_col_name(q, 3, type, sizeof(type)) || !q_col_fixed(q, 1, stored, sizeof(stored)) || next.time < j->time)
		return err_deny(e, "R12", "journal: entry %llu is malformed", (unsigned long long)next.seq);
	TRY(entry_hash(&next, j->hash, type, q_col(q, 4), hash, e));
	if (!ct_eq(SPAN(hash), SPAN(stored)))
		return err_deny(e, "R12", "journal: entry %llu was changed", (unsigned long long)next.seq);
	memcpy(next.hash, hash, sizeof(hash));
	TRY(check_leaf(&next, q, type, e));
	*j = next;
	return COFFER_OK;
}

enum coffer_rc journal_open(struct store *s, const uint8_t mac_key[static 32], struct journal *out, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, "SELECT e.seq, e.hash, e.time, e.type, e.data, l.salt, l.entry"
	    " FROM entry e LEFT JOIN leaf l ON l.seq=e.seq ORDER BY e.seq");
	struct journal j = { .store = s, .tree = { .store = s, .map = { .store = s } } };
	bool row = false;

	memcpy(j.mac_key, mac_key, sizeof(j.mac_key));
	for (;;) {
		TRY(q_row(&q, &row, e));
		if (!row)
			break;
		TRY(check_entry(&j, &q, e));
	}
	if (!j.any)
		j.tree.rule = LEAF_RULE;
	TRY(tree_check_end(&j.tree, e));
	TRY(check_head(&j, e));
	*out = j;
	return COFFER_OK;
}

/* ---- transactions ---- */

static enum coffer_rc undone(struct err *e)
{
	return err_set(e, COFFER_E_SYSTEM, "store: what was written together was undone; nothing of it is kept");
}

static enum coffer_rc group_begin(struct journal *j, struct err *e)
{
	struct group *g = j->group;

	if (g->open && !store_in_transaction(j->store))
		g->broken = true;
	if (g->broken)
		return undone(e);
	if (g->open)
		return COFFER_OK;
	if (!g->before)
		g->before = malloc(sizeof(*g->before));
	if (!g->before)
		return err_set(e, COFFER_E_SYSTEM, "journal: out of memory");
	*g->before = *j;
	g->open = store_begin(j->store, e) == COFFER_OK;
	return g->open ? COFFER_OK : e->rc;
}

enum coffer_rc tx_begin(struct journal *j, struct tx *out, struct err *e)
{
	if (j->group) {
		TRY(group_begin(j, e));
		TRY(store_part_begin(j->store, e));
	} else {
		TRY(store_begin(j->store, e));
	}
	*out = (struct tx){ .j = j, .before = *j };
	return COFFER_OK;
}

static enum coffer_rc raise_mark(const struct journal *j, struct err *e)
{
	return j->mark ? mark_raise(j->mark, journal_entries(j), e) : COFFER_OK;
}

enum coffer_rc tx_commit(struct tx *t, struct err *e)
{
	const struct journal *j = t->j;

	TRY(j->group ? store_part_keep(j->store, e) : store_commit(j->store, e));
	t->j = NULL;
	return j->group ? COFFER_OK : raise_mark(j, e);
}

void tx_end(struct tx *t)
{
	struct journal *j = t->j;

	if (!j)
		return;
	if (!j->group)
		store_rollback(j->store);
	else if (!store_in_transaction(j->store) || !store_part_undo(j->store))
		j->group->broken = true;
	*j = t->before;
	t->j = NULL;
}

static enum coffer_rc end_group(struct journal *j, struct err *e)
{
	const struct group *g = j->group;

	if (g->broken || !store_in_transaction(j->store))
		return undone(e);
	return store_commit(j->store, e);
}

enum coffer_rc group_commit(struct journal *j, struct err *e)
{
	struct group *g = j->group;
	enum coffer_rc rc = COFFER_OK;

	if (g->open || g->broken)
		rc = end_group(j, e);
	if (rc == COFFER_OK && g->open) {
		g->open = false;
		rc = raise_mark(j, e);
	}
	group_drop(j);
	return rc;
}

void group_drop(struct journal *j)
{
	struct group *g = j->group;

	if (g->open) {
		store_rollback(j->store);
		*j = *g->before;
	}
	if (g->before)
		explicit_bzero(g->before, sizeof(*g->before)); /* its MAC key */
	free(g->before);
	*g = (struct group){ .open = false };
}

static enum coffer_rc save_entry(const struct journal *j, const char *type, struct span data, struct err *e)
{
	CLEANUP(q_close) struct q row = q_open(j->store, "INSERT INTO entry(seq, hash, time, type, data) VALUES(?,?,?,?,?)");

	q_i64(&row, (int64_t)j->seq);
	q_blob(&row, SPAN(j->hash));
	q_i64(&row, j->time);
	q_text(&row, span_of(type));
	q_blob(&row, data);
	return q_run(&row, e);
}

/* Of the newest entry and the tree with it. */
static enum coffer_rc save_head(const struct journal *j, struct err *e)
{
	CLEANUP(q_close) struct q head = q_open(j->store, "INSERT INTO meta(name, value) VALUES('head', ?)"
	    " ON CONFLICT(name) DO UPDATE SET value=excluded.value"); /* in place: a row put anew changes the index too, a page more in each transaction */
	uint8_t mac[32];

	head_mac(j, mac);
	q_blob(&head, SPAN(mac));
	return q_run(&head, e);
}

enum coffer_rc journal_append(struct journal *j, const char *type, struct span data, int64_t now, struct err *e)
{
	CLEANUP(wr_close) struct wr record = wr_open(ENTRY_MAX);
	struct journal next = *j;
	struct tree_entry leaf;

	next.seq = j->any ? j->seq + 1 : 0;
	next.any = true;
	next.time = now > j->time ? now : j->time; /* journal time never runs backwards */
	TRY(entry_hash(&next, j->hash, type, data, next.hash, e));
	journal_record(type, data, next.time, &record);
	TRY(wr_done(&record, "journal entry", e));
	leaf = (struct tree_entry){ next.time, wr_span(&record), next.tagged ? next.tag : NULL };
	next.tagged = false;
	TRY(save_entry(&next, type, data, e));
	TRY(tree_append(&next.tree, &leaf, e));
	TRY(save_head(&next, e));
	*j = next;
	return COFFER_OK;
}
