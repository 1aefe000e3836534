/* Who lets whom designate the service, as a client reads it. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "trust/chain.h"
#include "trust/form.h"
#include "trust/parties.h"

#define WHERE "designation"
#define CHECK "service"

/* One place in the ledger: the statement, and when it was logged. */
struct entry { struct dsse env; struct statement s; uint64_t seq; int64_t logged; };

static void entry_clear(struct entry *x)
{
	statement_clear(&x->s);
	dsse_clear(&x->env);
}

static enum coffer_rc read_entry(const struct json *v, uint64_t from, struct entry *out, struct err *e)
{
	static const char *const names[] = { "seq", "statement", "time", NULL };
	const struct json *text = NULL;

	TRY(json_closed(v, names, WHERE, e));
	TRY(form_number(v, "seq", WHERE, (struct form_range){ from, FORM_NUMBER_MAX }, &out->seq, e));
	TRY(form_time(v, "time", WHERE, &out->logged, e));
	TRY(json_need_obj(v, "statement", WHERE, &text, e));
	TRY(dsse_parse_json(text, &out->env, e));
	return statement_parse(wr_span(&out->env.payload), &out->s, e);
}

static enum coffer_rc check_signed(const struct entry *x, const struct parties *known, struct err *e)
{
	const struct party_life *l = parties_life(known, span_of(x->s.issuer));

	/* By any key it had, which it may have changed since: unless one that was named compromised from then on or earlier. */
	if (!l || x->logged > INT64_MAX - LIFE_AHEAD || !life_vouches(l, &x->env, x->logged + LIFE_AHEAD, x->logged))
		return err_set(e, COFFER_E_INPUT, WHERE ": a delegation is not signed by a key that %s had when it was logged", x->s.issuer);
	return COFFER_OK;
}

static bool follows(const struct fact_delegation *was, const struct fact_delegation *is)
{
	return strcmp(was->s.issuer, is->s.issuer) == 0 && strcmp(was->body.to, is->body.to) == 0 && strcmp(was->body.of, is->body.of) == 0;
}

static enum coffer_rc add(const struct entry *x, const struct genesis *g, struct designation_links *out, struct err *e)
{
	struct fact_delegation *d = &out->d[out->n];
	const struct party *founder;

	TRY(delegation_read(&x->s, &d->body, e));
	founder = genesis_party(g, d->body.of);
	if (d->body.role != ROLE_SERVICE || !founder || !(founder->personas & PERSONA_WORKLOAD))
		return err_set(e, COFFER_E_INPUT, WHERE ": a delegation that lets nobody designate the service");
	if (!x->s.has_ledger || !span_eq(SPAN(x->s.ledger), SPAN(g->id)))
		return err_set(e, COFFER_E_INPUT, WHERE ": a delegation of another genesis");
	d->s = (struct fact){ .kind = x->s.kind, .issued = x->s.issued, .expires = x->s.expires, .seq = x->seq, .logged = x->logged, .issuer_may = true };
	memcpy(d->s.id, x->s.id, sizeof(d->s.id));
	(void)snprintf(d->s.issuer, sizeof(d->s.issuer), "%s", x->s.issuer);
	d->superseded_at = 0;
	for (size_t i = 0; i < out->n; i++) /* serials of one subject rise in the order of the ledger */
		if (out->d[i].superseded_at == 0 && follows(&out->d[i], d))
			out->d[i].superseded_at = x->seq;
	out->n++;
	return COFFER_OK;
}

static enum coffer_rc read_list(struct span text, const struct genesis *g, const struct parties *known, struct designation_links *out, struct err *e)
{
	static const char *const names[] = { "statements", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *list = NULL;
	uint64_t from = 0;

	TRY(json_parse(text, DESIGNATION_TEXT_MAX, &doc, e));
	TRY(json_closed(json_root(doc), names, WHERE, e));
	TRY(form_list(json_root(doc), "statements", WHERE, (struct form_range){ 0, DESIGNATION_MAX }, &list, e));
	for (size_t i = 0; i < json_len(list); i++) {
		CLEANUP(entry_clear) struct entry x = { .seq = 0 };

		TRY(read_entry(json_at(list, i), from, &x, e));
		TRY(check_signed(&x, known, e));
		TRY(add(&x, g, out, e));
		from = x.seq + 1;
	}
	return COFFER_OK;
}

enum coffer_rc designation_read(struct span text, const struct genesis *g, const struct parties *known, struct designation_links *out, struct err *e)
{
	CLEANUP(freep) struct designation_links *l = calloc(1, sizeof(*l));
	struct err why;

	if (!l)
		return err_set(e, COFFER_E_SYSTEM, WHERE ": out of memory");
	if (read_list(text, g, known, l, e) == COFFER_OK) {
		*out = *l;
		return COFFER_OK;
	}
	why = *e;
	return why.rc == COFFER_E_SYSTEM ? why.rc : err_deny(e, CHECK, "what the trust service says of who designates it does not hold: %.300s", why.msg);
}
