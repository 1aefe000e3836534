/* What the service answers to a revocation or pause that says nothing new: that one before it says the same and stands. Dropped so, it holds nothing back if
 * that is a lie; so it is held against both statements and against the ledger. */
#include "cli/stood.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/opened.h"
#include "client/heads.h"
#include "fmt/enc.h"

struct before { const struct statement *now; const uint8_t *id; bool found, as_much, lifted; };

static enum coffer_rc take_before(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct before *b = arg;

	(void)env, (void)e;
	if (!span_eq(SPAN(s->id), (struct span){ b->id, 32 }))
		return COFFER_OK;
	b->found = true;
	b->as_much = revocation_says_as_much(s, b->now);
	return COFFER_OK;
}

static enum coffer_rc take_lift(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct before *b = arg;
	struct revocation v;

	(void)env;
	TRY(revocation_read(s, &v, e));
	b->lifted = b->lifted || (!v.of_key && !v.of_thing && span_eq(SPAN(v.statement), (struct span){ b->id, 32 }));
	return COFFER_OK;
}

static enum coffer_rc check_said(const struct stood *q, const struct statement *s, const char *hex, struct err *e)
{
	CLEANUP(freep) char *one = str_fmt("kind=%s&issuer=%s&id=%s&all=1", statement_kind_name(s->kind), q->h->party, hex);
	CLEANUP(freep) char *lifts = str_fmt("kind=revocation&issuer=%s&subject=%s&all=1", q->h->party, hex);
	struct before b = { .now = s, .id = q->id };

	if (!one || !lifts)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(statements_query(NULL, q->h, q->key, q->conn, one, take_before, &b, e));
	TRY(statements_query(NULL, q->h, q->key, q->conn, lifts, take_lift, &b, e));
	if (b.found && b.as_much && !b.lifted)
		return COFFER_OK;
	return err_deny(e, "statement", "the trust service did not log this and says that %.16s stands already and says the same: %s; ask its operator why", hex,
	    !b.found ? "it shows no such statement" : b.lifted ? "it was lifted" : "it does not");
}

struct entry { uint64_t index; const uint8_t *id; bool is; };

static enum coffer_rc take_entry(struct ledger *l, uint64_t index, struct span opening, void *arg, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct entry *x = arg;
	struct leaf_opening o;
	uint8_t id[32];

	(void)l;
	if (!leaf_opening_read(opening, &o))
		return err_set(e, COFFER_E_BUG, "ledger: an opening changed");
	TRY(json_parse(o.record, LEAF_RECORD_MAX, &doc, e));
	x->is = index == x->index && span_eq_str(json_str(json_get(json_root(doc), "type")), "statement") &&
		hex_fixed(json_str(json_get(json_get(json_root(doc), "data"), "id")), id, sizeof(id)) && span_eq(SPAN(id), (struct span){ x->id, 32 });
	return COFFER_OK;
}

static enum coffer_rc no_entry(const struct stood *q, const char *hex, struct err *e)
{
	return err_deny(e, "ledger-opening", "the trust service did not log this and says that %.16s stands already as entry %llu of the ledger, which that entry is not; ask its operator why",
	    hex, (unsigned long long)q->seq);
}

/* Under the newest head, as the log alone signs it: whatever stands already is. */
static enum coffer_rc check_size(const struct stood *q, const char *hex, struct err *e)
{
	CLEANUP(wr_close) struct wr note = wr_open(NOTE_MAX);
	struct merkle_head head;

	TRY(heads_newest(q->conn, &note, &head, e));
	return q->seq < head.size ? COFFER_OK : no_entry(q, hex, e);
}

/* *covered: the public head is over it; it may wait for its witnesses. */
static enum coffer_rc check_entry(const struct stood *q, const char *hex, bool *covered, struct err *e)
{
	CLEANUP(ledger_end) struct ledger l = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct entry x = { .index = q->seq, .id = q->id };
	const struct json *list;
	uint64_t from = 0;

	TRY(ledger_open(q->h->cli, &l, e));
	TRY(ledger_follow(&l, &from, e));
	*covered = q->seq < l.seen.cp.head.size;
	if (!*covered)
		return COFFER_OK;
	TRY(opened_page(&l, q->key, q->seq, &doc, e));
	TRY(json_need_arr(json_root(doc), "openings", "reply", &list, e));
	if (json_len(list) > 0)
		TRY(opened_one(&l, json_at(list, 0), take_entry, &x, e));
	return x.is ? COFFER_OK : no_entry(q, hex, e);
}

enum coffer_rc stood_check(const struct stood *q, const struct dsse *env, bool *checked, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	char hex[HEX32_LEN];

	*checked = false;
	hex32(q->id, hex);
	TRY(statement_parse(wr_span(&env->payload), &s, e));
	TRY(check_said(q, &s, hex, e));
	TRY(check_size(q, hex, e));
	return check_entry(q, hex, checked, e);
}
