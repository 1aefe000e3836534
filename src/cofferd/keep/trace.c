#include "cofferd/keep/trace.h"

#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/tags.h"
#include "fmt/enc.h"
#include "trust/thing.h"

#define VIEW_MAX (32u << 10)
#define ENTRY_MAX (32u << 10) /* all statements that it may name */

static void hex_member(struct json_wr *j, const char *name, const uint8_t *p, size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(128);

	hex_write(&w, (struct span){ p, n });
	jw_m_str(j, name, wr_span(&w));
}

static void b64_member(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open((size_t)2 * REQUEST_MAX);

	b64url_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
}

static void put_id(struct json_wr *j, const struct fact *f)
{
	char hex[HEX32_LEN];

	hex32(f->id, hex);
	jw_text(j, hex);
}

/* The statements a release rests on, so that whoever learns later that one was a thief's finds what went by it. */
static void rests(const struct decide_in *in, const struct decision *d, struct json_wr *j)
{
	jw_name(j, "rests");
	jw_arr(j);
	if (in->has_asset)
		put_id(j, &in->asset.s);
	for (size_t i = 0; i < d->n_approvals; i++)
		put_id(j, &d->approval[i]->s);
	if (d->service)
		put_id(j, &d->service->s);
	if (d->boot)
		put_id(j, &d->boot->s);
	for (size_t i = 0; i < MAN_CONTAINERS_MAX; i++)
		if (d->release[i])
			put_id(j, &d->release[i]->s);
	for (size_t i = 0; i < in->n_bindings; i++)
		if (decide_binds(in, d->workload, &in->binding[i]))
			put_id(j, &in->binding[i].s);
	jw_arr_end(j);
}

/* The machine by its parts that can be revoked, so that whoever has the record asks the map of each. */
static void things(const struct decide_in *in, struct json_wr *j)
{
	struct thing machine[THINGS_MAX];
	size_t n = things_of(in->a.hw, machine);

	jw_name(j, "things");
	jw_arr(j);
	for (size_t i = 0; i < n; i++) {
		char hex[HEX32_LEN];

		hex32(machine[i].id, hex);
		jw_text(j, hex);
	}
	jw_arr_end(j);
}

/* Of those that come after `last` (NULL: of all) the one with the least id, among the approvals with a limit; NULL: none is left. */
static const struct fact_approval *next_counted(const struct decision *d, const struct fact_approval *last)
{
	const struct fact_approval *best = NULL;

	for (size_t i = 0; i < d->n_approvals; i++) {
		const struct fact_approval *a = d->approval[i];
		bool later = !last || memcmp(a->s.id, last->s.id, sizeof(a->s.id)) > 0; /* public: ids of statements */

		if (a->body.has_uses && later && (!best || memcmp(a->s.id, best->s.id, sizeof(a->s.id)) < 0)) /* public */
			best = a;
	}
	return best;
}

/* How often each approval that counts was used, this use among them; in the order of their ids. */
static void uses(const struct decision *d, struct json_wr *j)
{
	jw_name(j, "uses");
	jw_obj(j);
	for (const struct fact_approval *a = next_counted(d, NULL); a; a = next_counted(d, a)) {
		char hex[HEX32_LEN];

		hex32(a->s.id, hex);
		jw_m_u64(j, hex, a->used + 1);
	}
	jw_obj_end(j);
}

/* And what else it looked at, so that whoever has it all decides again. */
static enum coffer_rc beside(const struct trace_in *t, struct json_wr *j, struct err *e)
{
	CLEANUP(freep) struct beside *b = calloc(1, sizeof(*b));

	if (!b)
		return err_set(e, COFFER_E_SYSTEM, "decision: out of memory");
	decision_beside(t->in, t->d, b);
	if (b->more)
		return err_set(e, COFFER_E_LIMIT, "decision: more than %d statements beside those it rests on", DECIDE_BESIDE_MAX);
	jw_name(j, "beside");
	jw_arr(j);
	for (size_t i = 0; i < b->n; i++) {
		char hex[HEX32_LEN];

		hex32(b->id[i], hex);
		jw_text(j, hex);
	}
	jw_arr_end(j);
	return COFFER_OK;
}

/* Members in JCS order. */
static enum coffer_rc entry(const struct trace_in *t, struct wr *w, struct err *e)
{
	const struct decision *d = t->d;
	struct json_wr j = jw_open(w, false);
	uint8_t words[32];

	TRY(decision_digest(d, words, e));
	jw_obj(&j);
	jw_m_text(&j, "asset", t->in->q.path.text);
	if (t->reply) {
		TRY(beside(t, &j, e));
		jw_m_text(&j, "by", t->by_token ? "token" : "session");
	} else {
		jw_m_text(&j, "check", d->check[d->reason].id);
	}
	if (t->in->q.scoped)
		jw_m_str(&j, "container", t->in->q.container);
	hex_member(&j, "decision", t->id, 16);
	if (t->reply && t->shown)
		hex_member(&j, "evidence", t->shown, 32);
	hex_member(&j, "key", t->thumb, 32);
	if (t->reply)
		jw_m_text(&j, "platform", t->in->a.platform);
	if (t->in->q.scoped)
		jw_m_text(&j, "purpose", purpose_name(t->in->q.purpose));
	if (t->reply) {
		hex_member(&j, "reply", t->reply, 32);
		if (t->in->q.scoped)
			b64_member(&j, "request", t->asked->bytes);
		rests(t->in, d, &j);
		if (t->in->q.scoped)
			b64_member(&j, "signature", (struct span){ t->asked->sig, SIG_LEN });
		things(t->in, &j);
		hex_member(&j, "trace", words, 32);
		uses(d, &j);
		jw_m_u64(&j, "version", t->version);
	}
	if (d->workload)
		hex_member(&j, "workload", d->workload->s.id, 32);
	jw_obj_end(&j);
	return wr_done(w, "journal entry", e);
}

static bool asked(const struct check *c)
{
	return strncmp(c->found, DECIDE_NOT_ASKED, strlen(DECIDE_NOT_ASKED)) != 0;
}

/* A remedy only of what was asked: the others hold by themselves, or not, once that one does. */
static void view(const struct keep *k, const struct trace_in *t, unsigned who, struct wr *w)
{
	struct json_wr j = jw_open(w, false);
	char time[CLOCK_TEXT_LEN];

	clock_text(k->journal.time, time);
	jw_obj(&j);
	jw_m_text(&j, "asset", t->in->q.path.text);
	jw_name(&j, "checks");
	jw_arr(&j);
	for (size_t i = 0; i < t->d->n; i++) {
		const struct check *c = &t->d->check[i];

		if (!(c->sees & who))
			continue;
		jw_obj(&j);
		jw_m_text(&j, "check", c->id);
		jw_m_text(&j, "command", asked(c) ? c->command : "");
		jw_m_text(&j, "expected", c->expected);
		jw_m_text(&j, "found", c->found);
		jw_m_bool(&j, "holds", c->holds);
		jw_m_text(&j, "who", asked(c) ? c->who : "");
		jw_obj_end(&j);
	}
	jw_arr_end(&j);
	hex_member(&j, "decision", t->id, 16);
	jw_m_text(&j, "outcome", t->reply ? "released" : t->in->held ? "lapsed" : "denied");
	jw_m_text(&j, "reason", t->reply ? "" : t->d->check[t->d->reason].id);
	jw_m_u64(&j, "seq", k->journal.seq);
	jw_m_text(&j, "time", time);
	jw_obj_end(&j);
}

/* For those who decide with the owner. */
static enum coffer_rc save_shared(struct keep *k, const struct trace_in *t, struct err *e)
{
	const struct asset_body *b = &t->in->asset.body;

	for (size_t i = 0; t->in->has_asset && i < b->n_of; i++) {
		CLEANUP(q_close) struct q q = q_open(k->store, "INSERT INTO decision_of(party, decision) VALUES(?,?)");

		if (strcmp(b->of[i], t->in->q.path.owner) == 0)
			continue;
		q_text(&q, span_of(b->of[i]));
		q_blob(&q, (struct span){ t->id, 16 });
		TRY(q_run(&q, e));
	}
	return COFFER_OK;
}

static enum coffer_rc save(struct keep *k, const struct trace_in *t, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store,
	    "INSERT INTO decision(id, seq, owner, owner_view, provider, provider_view) VALUES(?,?,?,?,?,?)");
	CLEANUP(wr_close) struct wr owner = wr_open(VIEW_MAX), provider = wr_open(VIEW_MAX);

	view(k, t, SEES_OWNER, &owner);
	view(k, t, SEES_PROVIDER, &provider);
	TRY(wr_done(&owner, "decision", e));
	TRY(wr_done(&provider, "decision", e));
	q_blob(&q, (struct span){ t->id, 16 });
	q_i64(&q, (int64_t)k->journal.seq);
	q_text(&q, span_of(t->in->q.path.owner));
	q_blob(&q, wr_span(&owner));
	q_text(&q, span_of(t->d->workload ? t->d->workload->manifest.provider : ""));
	q_blob(&q, wr_span(&provider));
	TRY(q_run(&q, e));
	return save_shared(k, t, e);
}

enum coffer_rc trace_write(struct keep *k, const struct trace_in *t, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(ENTRY_MAX);

	TRY(entry(t, &w, e));
	if (!t->d->stranger) /* to strangers absent, foreign and denied look alike here too */
		TRY(tags_next(k, &t->in->q.path, e));
	TRY(journal_append(&k->journal, t->reply ? "release" : "denial", wr_span(&w), k->now, e));
	return save(k, t, e);
}
