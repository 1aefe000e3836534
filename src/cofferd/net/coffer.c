/* Coffer's own endpoints. docs/protocol/service.md. */
#include <stdio.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/net/forms.h"
#include "cofferd/net/kbs_attest.h"
#include "cofferd/net/web.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "proto/fresh.h"

#define REQ_MAX (1u << 20)
#define TOKEN_HINT "coffer token"

/* ---- who asks ---- */

static enum coffer_rc asker(const struct request *q, bool needed, struct party_token *t, bool *has, struct err *e)
{
	struct span bearer = web_bearer(q);

	*has = false;
	if (bearer.n == 0)
		return needed ? err_deny(e, "token", "this needs a party token") : COFFER_OK;
	if (party_token_split(bearer, t, e) != COFFER_OK)
		return err_deny(e, "token", "the bearer token is no party token");
	t->auth.method = span_of(q->method);
	t->auth.path = span_of(q->target);
	sha256(wr_span(&q->body), t->auth.body_sha256);
	*has = true;
	return COFFER_OK;
}

/* ---- the query of a request ---- */

static enum coffer_rc query_value(struct span query, const char *name, struct wr *out, struct err *e)
{
	size_t len = strlen(name);
	bool found = false;

	while (query.n > 0) {
		size_t end = span_find(query, '&');
		struct span one = { query.p, end };

		if (one.n > len && span_starts(one, name) && one.p[len] == '=') {
			if (found)
				return err_set(e, COFFER_E_INPUT, "query: %s is given twice", name);
			found = true;
			if (!web_unescape(span_skip(one, len + 1), out))
				return err_set(e, COFFER_E_INPUT, "query: %s is malformed or too long", name);
		}
		query = span_skip(query, end + 1);
	}
	return COFFER_OK;
}

static enum coffer_rc query_known(struct span query, const char *const *names, struct err *e)
{
	while (query.n > 0) {
		size_t end = span_find(query, '&');
		struct span one = { query.p, end };
		size_t eq = span_find(one, '=');
		bool known = false;

		for (size_t i = 0; names[i]; i++)
			known = known || (eq < one.n && span_eq_str((struct span){ one.p, eq }, names[i]));
		if (!known)
			return err_set(e, COFFER_E_INPUT, "query: a name is unknown here");
		query = span_skip(query, end + 1);
	}
	return COFFER_OK;
}

/* ---- statements ---- */

static void write_logged(struct reply *r, const struct keep_logged_rep *m)
{
	char id[HEX32_LEN], entry[HEX32_LEN];
	struct json_wr j;

	hex32(m->id, id);
	hex32(m->entry, entry);
	reply_json(r, (struct span){ 0 });
	j = jw_open(&r->body, false);
	jw_obj(&j);
	jw_m_text(&j, "id", id);
	jw_m_u64(&j, "seq", m->seq);
	jw_m_text(&j, "entry", entry);
	jw_obj_end(&j);
}

static enum coffer_rc post_statement(struct request *q, struct reply *r, struct err *e)
{
	CLEANUP(answer_clear) struct answer a = { 0 };
	CLEANUP(wr_close) struct wr req = wr_open(REQ_MAX);
	struct keep_statement_req m = { 0 };
	struct keep_logged_rep rep;
	enum coffer_rc rc;

	TRY(dsse_parse(wr_span(&q->body), &m.statement, e));
	keep_statement_req_write(&req, &m);
	rc = keeper_ask(&q->net->keep, KEEP_STATEMENT, &req, &a, e);
	dsse_clear(&m.statement);
	if (rc != COFFER_OK)
		return rc;
	TRY(keep_logged_rep_read(wr_span(&a.body), &rep, e));
	write_logged(r, &rep);
	return COFFER_OK;
}

/* The question as sent, with its signature behind it; the answer too. keep reads both. */
static enum coffer_rc post_freshness(struct request *q, struct reply *r, struct err *e)
{
	CLEANUP(answer_clear) struct answer a = { 0 };
	CLEANUP(wr_close) struct wr req = wr_open(REQ_MAX);
	struct span body = wr_span(&q->body);
	struct keep_fresh_req m = { 0 };
	struct keep_fresh_rep rep;

	if (!kbs_session_cookie(q, m.session))
		return err_deny(e, "session", "no attested session; attest first");
	if (body.n <= SIG_LEN || body.n > FRESH_REQUEST_MAX + SIG_LEN)
		return err_set(e, COFFER_E_INPUT, "freshness: the question has %zu bytes", body.n);
	m.ask = (struct span){ body.p, body.n - SIG_LEN };
	memcpy(m.sig, body.p + m.ask.n, SIG_LEN);
	keep_fresh_req_write(&req, &m);
	TRY(keeper_ask(&q->net->keep, KEEP_FRESH, &req, &a, e));
	TRY(keep_fresh_rep_read(wr_span(&a.body), &rep, e));
	reply_json(r, rep.answer);
	wr_put(&r->body, SPAN(rep.sig));
	r->type = "application/octet-stream";
	return COFFER_OK;
}

struct statement_query {
	struct keep_query_req m;
	struct party_token    token;
	struct wr             issuer, subject; /* spans of m borrow them */
};

static void statement_query_clear(struct statement_query *s)
{
	party_token_clear(&s->token);
	wr_close(&s->issuer);
	wr_close(&s->subject);
}

static enum coffer_rc read_kind(struct span query, struct statement_query *s, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(64);
	enum statement_kind kind;

	TRY(query_value(query, "kind", &w, e));
	if (w.n == 0)
		return COFFER_OK;
	if (!statement_kind_by_name(wr_span(&w), &kind))
		return err_set(e, COFFER_E_INPUT, "query: there is no such kind of statement");
	s->m.kind = (uint8_t)kind;
	return COFFER_OK;
}

static enum coffer_rc read_id_and_all(struct span query, struct statement_query *s, struct err *e)
{
	CLEANUP(wr_close) struct wr id = wr_open(64), all = wr_open(1);

	TRY(query_value(query, "id", &id, e));
	if (id.n > 0 && !hex_fixed(wr_span(&id), s->m.id, sizeof(s->m.id)))
		return err_set(e, COFFER_E_INPUT, "query: id is no hex SHA-256");
	s->m.has_id = id.n > 0;
	TRY(query_value(query, "all", &all, e));
	if (all.n > 0 && !span_eq_str(wr_span(&all), "1"))
		return err_set(e, COFFER_E_INPUT, "query: all is 1 or absent");
	s->m.all = all.n > 0;
	return COFFER_OK;
}

/* Where the answer before ended. */
static enum coffer_rc read_before(struct span query, uint64_t *out, struct err *e)
{
	CLEANUP(wr_close) struct wr before = wr_open(20);

	TRY(query_value(query, "before", &before, e));
	if (before.n > 0 && (!span_u64(wr_span(&before), out) || *out == 0))
		return err_set(e, COFFER_E_INPUT, "query: before is no number of an entry");
	return COFFER_OK;
}

static enum coffer_rc read_query(const struct request *q, struct statement_query *s, struct err *e)
{
	static const char *const names[] = { "kind", "issuer", "subject", "id", "all", "before", NULL };

	s->issuer = wr_open(PARTY_MAX);
	s->subject = wr_open(ST_SUBJECT_NAME_MAX);
	TRY(query_known(q->query, names, e));
	TRY(read_kind(q->query, s, e));
	TRY(query_value(q->query, "issuer", &s->issuer, e));
	if (s->issuer.n > 0 && !party_ok(wr_span(&s->issuer)))
		return err_set(e, COFFER_E_INPUT, "query: issuer is no party id");
	TRY(query_value(q->query, "subject", &s->subject, e));
	TRY(read_id_and_all(q->query, s, e));
	TRY(read_before(q->query, &s->m.before, e));
	s->m.issuer = wr_span(&s->issuer);
	s->m.subject = wr_span(&s->subject);
	TRY(asker(q, false, &s->token, &s->m.has_auth, e));
	s->m.auth = s->token.auth;
	return COFFER_OK;
}

static enum coffer_rc ask_statements(struct request *q, const struct keep_query_req *m, struct answer *a, struct err *e)
{
	CLEANUP(wr_close) struct wr req = wr_open(REQ_MAX);

	keep_query_req_write(&req, m);
	return keeper_ask(&q->net->keep, KEEP_QUERY, &req, a, e);
}

static enum coffer_rc get_statements(struct request *q, struct reply *r, struct err *e)
{
	CLEANUP(statement_query_clear) struct statement_query s = { 0 };
	CLEANUP(answer_clear) struct answer a = { 0 };
	uint64_t next;
	struct rd in;
	size_t n;

	TRY(read_query(q, &s, e));
	TRY(ask_statements(q, &s.m, &a, e));
	in = rd_open(wr_span(&a.body));
	n = rd_count(&in, rd_be32(&in), 4, KEEP_QUERY_MAX);
	reply_json(r, span_of("{\"statements\":["));
	for (size_t i = 0; i < n; i++) {
		wr_str(&r->body, i ? "," : "");
		wr_put(&r->body, rd_blob32(&in, DSSE_ENVELOPE_MAX));
	}
	next = (uint64_t)rd_be32(&in) << 32;
	next |= rd_be32(&in);
	wr_fmt(&r->body, "],\"next\":%llu}", (unsigned long long)next);
	return rd_done(&in) ? COFFER_OK : err_set(e, COFFER_E_BUG, "keep answered in an unknown way");
}

/* The newest one in force of a kind that anyone may read: what a client starts from. */
static enum coffer_rc get_newest(struct request *q, enum shelf_place p, struct reply *r, struct err *e)
{
	const enum statement_kind kind = p == SHELF_GENESIS ? ST_GENESIS : ST_SERVICE;
	const uint64_t changes = shelf_changes(&q->net->shelf);
	CLEANUP(answer_clear) struct answer a = { 0 };
	const struct keep_query_req m = { .kind = (uint8_t)kind };
	struct span text;
	struct rd in;

	TRY(ask_statements(q, &m, &a, e));
	in = rd_open(wr_span(&a.body));
	if (rd_count(&in, rd_be32(&in), 4, KEEP_QUERY_MAX) == 0)
		return err_set(e, COFFER_E_NOTFOUND, "no %s statement is in force here", statement_kind_name(kind));
	text = rd_blob32(&in, DSSE_ENVELOPE_MAX);
	if (!rd_ok(&in))
		return err_set(e, COFFER_E_BUG, "keep answered in an unknown way");
	shelf_put(&q->net->shelf, (struct shelf_page){ .place = p }, text, changes, clock_monotonic_ms());
	reply_json(r, text);
	return COFFER_OK;
}

/* What the shelf may have of what is asked: of parties the first page, from which everybody starts; of delegations those of the service statement asked for last. */
static bool place_of(const struct request *q, struct shelf_page *p)
{
	static const struct { const char *path, *query; enum shelf_place place; } at[] = {
		{ "/coffer/v0/genesis", NULL, SHELF_GENESIS },
		{ "/coffer/v0/service", NULL, SHELF_SERVICE },
		{ "/coffer/v0/service/delegations", NULL, SHELF_LENT },
		{ "/coffer/v0/parties", "from=0", SHELF_PARTIES },
	};

	for (size_t i = 0; web_method(q, "GET") && i < sizeof(at) / sizeof(at[0]); i++)
		if (span_eq_str(q->path, at[i].path) && (!at[i].query || span_eq_str(q->query, at[i].query))) {
			*p = (struct shelf_page){ at[i].place, at[i].place == SHELF_LENT ? q->query : (struct span){ 0 } };
			return true;
		}
	return false;
}

bool coffer_at_hand(struct request *q, struct reply *r)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	struct shelf_page p;

	if (!place_of(q, &p) || !shelf_get(&q->net->shelf, p, clock_monotonic_ms(), &text))
		return false;
	reply_json(r, wr_span(&text));
	return true;
}

/* ---- what keep answers as JSON ---- */

static enum coffer_rc pass_json(struct request *q, enum keep_type t, const struct wr *req, struct reply *r, struct err *e)
{
	CLEANUP(answer_clear) struct answer a = { 0 };

	TRY(keeper_ask(&q->net->keep, t, req, &a, e));
	reply_json(r, wr_span(&a.body));
	return COFFER_OK;
}

static enum coffer_rc get_assets(struct request *q, struct reply *r, struct err *e)
{
	static const char *const names[] = { "after", NULL };
	CLEANUP(party_token_clear) struct party_token t = { 0 };
	CLEANUP(wr_close) struct wr req = wr_open(REQ_MAX), after = wr_open(ASSET_PATH_MAX - 1);
	bool has;

	TRY(query_known(q->query, names, e));
	TRY(query_value(q->query, "after", &after, e));
	TRY(asker(q, true, &t, &has, e));
	keep_assets_req_write(&req, &(struct keep_assets_req){ .auth = t.auth, .after = wr_span(&after) });
	return pass_json(q, KEEP_ASSETS, &req, r, e);
}

static enum coffer_rc of_decision(struct request *q, enum keep_type type, struct span id, struct reply *r, struct err *e)
{
	CLEANUP(party_token_clear) struct party_token t = { 0 };
	CLEANUP(wr_close) struct wr req = wr_open(REQ_MAX);
	static const char *const names[] = { "before", NULL };
	struct keep_decision_req m = { .list = id.n == 0 };
	bool has;

	TRY(query_known(q->query, m.list ? names : names + 1, e));
	TRY(read_before(q->query, &m.before, e));
	if (!m.list && (id.n != 2 * sizeof(m.id) || !hex_fixed(id, m.id, sizeof(m.id))))
		return err_set(e, COFFER_E_NOTFOUND, "a decision is named by 32 hex digits");
	TRY(asker(q, true, &t, &has, e));
	m.auth = t.auth;
	keep_decision_req_write(&req, &m);
	return pass_json(q, type, &req, r, e);
}

/* KEEP_JOURNAL and KEEP_OPENINGS: from entry N on. */
static enum coffer_rc get_from(struct request *q, enum keep_type type, struct reply *r, struct err *e)
{
	static const char *const names[] = { "from", NULL };
	CLEANUP(party_token_clear) struct party_token t = { 0 };
	CLEANUP(wr_close) struct wr req = wr_open(REQ_MAX), from = wr_open(20);
	struct keep_journal_req m = { 0 };
	bool has;

	TRY(query_known(q->query, names, e));
	TRY(query_value(q->query, "from", &from, e));
	if (from.n > 0 && !span_u64(wr_span(&from), &m.from))
		return err_set(e, COFFER_E_INPUT, "query: from is no number");
	TRY(asker(q, true, &t, &has, e));
	m.auth = t.auth;
	keep_journal_req_write(&req, &m);
	return pass_json(q, type, &req, r, e);
}

static enum coffer_rc get_status(struct request *q, struct reply *r, struct err *e)
{
	CLEANUP(wr_close) struct wr req = wr_open(16);

	return pass_json(q, KEEP_STATUS, &req, r, e);
}

/* The newest head as the log alone signs it: no witness is waited for. */
static enum coffer_rc get_head(struct request *q, struct reply *r, struct err *e)
{
	CLEANUP(wr_close) struct wr req = wr_open(16);

	wr_str(&req, "head");
	TRY(pass_json(q, KEEP_LEDGER, &req, r, e));
	r->type = "text/plain; charset=utf-8";
	return COFFER_OK;
}

/* And what it answers on the shelf, if that has a place for it. */
static enum coffer_rc pass_public(struct request *q, enum keep_type t, const struct wr *req, struct reply *r, struct err *e)
{
	const uint64_t changes = shelf_changes(&q->net->shelf);
	struct shelf_page p;

	TRY(pass_json(q, t, req, r, e));
	if (place_of(q, &p))
		shelf_put(&q->net->shelf, p, wr_span(&r->body), changes, clock_monotonic_ms());
	return COFFER_OK;
}

static enum coffer_rc get_parties(struct request *q, struct reply *r, struct err *e)
{
	static const char *const names[] = { "from", NULL };
	CLEANUP(wr_close) struct wr req = wr_open(16), from = wr_open(20);
	uint64_t n = 0;

	TRY(query_known(q->query, names, e));
	TRY(query_value(q->query, "from", &from, e));
	if (from.n > 0 && !span_u64(wr_span(&from), &n))
		return err_set(e, COFFER_E_INPUT, "query: from is no number");
	wr_be64(&req, n);
	return pass_public(q, KEEP_PARTIES, &req, r, e);
}

static enum coffer_rc get_lent(struct request *q, struct reply *r, struct err *e)
{
	static const char *const names[] = { "statement", NULL };
	CLEANUP(wr_close) struct wr req = wr_open(32), hex = wr_open(64);
	uint8_t id[32];

	TRY(query_known(q->query, names, e));
	TRY(query_value(q->query, "statement", &hex, e));
	if (hex.n != 2 * sizeof(id) || !hex_fixed(wr_span(&hex), id, sizeof(id)))
		return err_set(e, COFFER_E_INPUT, "query: statement is no id of 64 hex digits");
	wr_put(&req, SPAN(id));
	return pass_public(q, KEEP_LENT, &req, r, e);
}

/* ---- the service's own evidence ---- */

static enum coffer_rc get_description(struct request *q, struct reply *r, struct err *e)
{
	CLEANUP(wr_close) struct wr said = { 0 };

	TRY(attested_ask(&q->net->attest, NULL, &said, e));
	reply_json(r, wr_span(&said));
	return COFFER_OK;
}

static enum coffer_rc post_evidence(struct request *q, struct reply *r, struct err *e)
{
	CLEANUP(self_question_clear) struct self_question asked = { 0 };
	CLEANUP(wr_close) struct wr said = { 0 };

	TRY(self_question_read(wr_span(&q->body), &asked, e));
	TRY(attested_ask(&q->net->attest, &asked, &said, e));
	reply_json(r, wr_span(&said));
	return COFFER_OK;
}

static enum coffer_rc get(struct request *q, struct span path, struct reply *r, struct err *e)
{
	if (span_eq_str(path, "genesis"))
		return get_newest(q, SHELF_GENESIS, r, e);
	if (span_eq_str(path, "service"))
		return get_newest(q, SHELF_SERVICE, r, e);
	if (span_eq_str(path, "service/delegations"))
		return get_lent(q, r, e);
	if (span_eq_str(path, "service/evidence"))
		return get_description(q, r, e);
	if (span_eq_str(path, "statements"))
		return get_statements(q, r, e);
	if (span_eq_str(path, "assets"))
		return get_assets(q, r, e);
	if (span_eq_str(path, "journal"))
		return get_from(q, KEEP_JOURNAL, r, e);
	if (span_eq_str(path, "ledger"))
		return get_from(q, KEEP_OPENINGS, r, e);
	if (span_eq_str(path, "parties"))
		return get_parties(q, r, e);
	if (span_eq_str(path, "head"))
		return get_head(q, r, e);
	if (span_eq_str(path, "status"))
		return get_status(q, r, e);
	if (span_eq_str(path, "decisions"))
		return of_decision(q, KEEP_DECISION, (struct span){ 0 }, r, e);
	if (path.n > strlen("decisions/") && span_starts(path, "decisions/"))
		return of_decision(q, KEEP_DECISION, span_skip(path, strlen("decisions/")), r, e);
	if (path.n > strlen("receipts/") && span_starts(path, "receipts/"))
		return of_decision(q, KEEP_RECEIPT, span_skip(path, strlen("receipts/")), r, e);
	return err_set(e, COFFER_E_NOTFOUND, "there is no such endpoint");
}

static enum coffer_rc post_had(struct request *q, struct span id, struct reply *r, struct err *e)
{
	if (q->body.n > 0)
		return err_set(e, COFFER_E_INPUT, "receipts: a body where none belongs");
	return id.n > 0 ? of_decision(q, KEEP_HAD, id, r, e) : err_set(e, COFFER_E_NOTFOUND, "a decision is named by 32 hex digits");
}

/* For who brought none: of a token that was there the reason says what is wrong. */
static const char *fix_of(const struct request *q, const struct err *e)
{
	if (web_bearer(q).n == 0 && e->rc == COFFER_E_DENIED && strcmp(e->check, "token") == 0)
		return TOKEN_HINT;
	return "";
}

void coffer_jwks(struct request *q, struct reply *r)
{
	CLEANUP(wr_close) struct wr req = wr_open(16);
	struct err e = { 0 };

	if (pass_json(q, KEEP_JWKS, &req, r, &e) != COFFER_OK)
		reply_error(r, &e, fix_of(q, &e));
}

/* A file of the public ledger, as C2SP tlog-tiles names and fills it. */
static enum coffer_rc get_ledger(struct request *q, struct reply *r, struct err *e)
{
	CLEANUP(answer_clear) struct answer a = { 0 };
	CLEANUP(wr_close) struct wr req = wr_open(WEB_TARGET_MAX);
	struct span name = span_skip(q->path, strlen("/ledger/"));

	if (q->query.n > 0)
		return err_set(e, COFFER_E_INPUT, "query: a file of the ledger takes none");
	if (name.n == 0 || name.n >= KEEP_LEDGER_NAME_MAX)
		return err_set(e, COFFER_E_NOTFOUND, "the ledger has no such file");
	if (!q->waited && span_eq_str(name, "checkpoint")) {
		q->wait.once = true; /* what has been signed is handed out, be it old */
		q->waits = true;
		return COFFER_OK;
	}
	wr_put(&req, name);
	TRY(keeper_ask(&q->net->keep, KEEP_LEDGER, &req, &a, e));
	reply_json(r, wr_span(&a.body));
	r->type = span_eq_str(name, "checkpoint") ? "text/plain; charset=utf-8" : "application/octet-stream";
	return COFFER_OK;
}

void coffer_ledger(struct request *q, struct reply *r)
{
	struct err e = { 0 };

	if (!web_method(q, "GET"))
		reply_plain(r, 405, "method", "this endpoint does not know the method");
	else if (get_ledger(q, r, &e) != COFFER_OK)
		reply_error(r, &e, "");
}

void coffer_serve(struct request *q, struct reply *r)
{
	struct span path = span_skip(q->path, strlen("/coffer/v0/"));
	struct err e = { 0 };
	enum coffer_rc rc;

	if (web_method(q, "GET")) {
		rc = get(q, path, r, &e);
	} else if (web_method(q, "POST") && span_eq_str(path, "statements")) {
		rc = post_statement(q, r, &e);
	} else if (web_method(q, "POST") && span_eq_str(path, "freshness")) {
		rc = post_freshness(q, r, &e);
	} else if (web_method(q, "POST") && span_starts(path, "receipts/")) {
		rc = post_had(q, span_skip(path, strlen("receipts/")), r, &e);
	} else if (web_method(q, "POST") && span_eq_str(path, "service/evidence")) {
		rc = post_evidence(q, r, &e);
	} else {
		reply_plain(r, 405, "method", "this endpoint does not know the method");
		return;
	}
	if (rc != COFFER_OK)
		reply_error(r, &e, fix_of(q, &e));
}
