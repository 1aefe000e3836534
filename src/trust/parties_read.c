#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "trust/form.h"
#include "trust/parties.h"

#define WHERE "parties"

/* What the list has no place for would be a statement that means something else. */
static bool belongs(const struct statement *s, const uint8_t genesis[static 32])
{
	return (s->kind == ST_PARTY || s->kind == ST_REVOCATION || s->kind == ST_AMENDMENT) && s->has_ledger && span_eq(SPAN(s->ledger), (struct span){ genesis, 32 });
}

static enum coffer_rc read_one(struct parties *p, const uint8_t genesis[static 32], const struct json *v, struct parties_page *at,
    struct err *e)
{
	static const char *const names[] = { "seq", "statement", "time", NULL };
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	const struct json *text = NULL;
	int64_t time;
	uint64_t seq;

	TRY(json_closed(v, names, WHERE, e));
	TRY(form_number(v, "seq", WHERE, (struct form_range){ at->next, FORM_NUMBER_MAX }, &seq, e));
	TRY(form_time(v, "time", WHERE, &time, e));
	TRY(json_need_obj(v, "statement", WHERE, &text, e));
	TRY(dsse_parse_json(text, &env, e));
	TRY(statement_parse(wr_span(&env.payload), &s, e));
	if (!belongs(&s, genesis))
		return err_deny(e, WHERE, "a statement that says nothing of parties here");
	TRY(parties_learn(p, &(struct parties_event){ &env, &s, time }, e));
	at->next = seq + 1;
	at->n++;
	return COFFER_OK;
}

static enum coffer_rc read_page(struct parties *p, const uint8_t genesis[static 32], const struct json *v, struct parties_page *at,
    struct err *e)
{
	static const char *const names[] = { "statements", "more", "next", NULL };
	const struct json *list = NULL;
	uint64_t next, was = at->next;

	TRY(json_closed(v, names, WHERE, e));
	TRY(json_need_arr(v, "statements", WHERE, &list, e));
	if (!json_bool(json_get(v, "more"), &at->more))
		return err_set(e, COFFER_E_INPUT, "parties: member \"more\" is not true or false");
	TRY(form_number(v, "next", WHERE, (struct form_range){ was, FORM_NUMBER_MAX }, &next, e));
	for (size_t i = 0; i < json_len(list); i++)
		TRY(read_one(p, genesis, json_at(list, i), at, e));
	if (at->next != next || (at->more && next == was))
		return err_set(e, COFFER_E_INPUT, "parties: the page ends elsewhere than it says");
	return COFFER_OK;
}

enum coffer_rc parties_read(struct parties *p, const uint8_t genesis[static 32], struct span text, struct parties_page *at,
    struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err why;

	TRY(json_parse(text, PARTIES_PAGE_MAX, &doc, e));
	if (read_page(p, genesis, json_root(doc), at, e) == COFFER_OK)
		return COFFER_OK;
	why = *e;
	return why.rc == COFFER_E_SYSTEM ? why.rc : err_deny(e, WHERE, "what the trust service says of the parties does not follow: %.400s", why.msg);
}

enum coffer_rc parties_follow(struct parties *p, const uint8_t genesis[static 32], const struct parties_source *s, struct err *e)
{
	struct parties_page at = { .more = true };

	while (at.more) {
		CLEANUP(wr_close) struct wr text = { 0 };

		if (at.n >= s->most)
			return err_set(e, COFFER_E_LIMIT, "the trust service has more to say of parties than %llu statements", (unsigned long long)s->most);
		TRY(s->page(s->arg, at.next, &text, e));
		TRY(parties_read(p, genesis, wr_span(&text), &at, e));
	}
	return COFFER_OK;
}
