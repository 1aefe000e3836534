#include "client/service.h"

#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "proto/rcar_json.h"

#define STATEMENTS_MAX (8u << 20) /* bytes of a list of party statements */
#define PARTIES_MAX 256

struct service_conn {
	struct http   *http;
	struct genesis genesis;
	struct service service;
	uint8_t        id[32];
	bool           checked; /* from here on every connection must show service.tls */
	int64_t        now;
};

static enum coffer_rc check_peer(void *arg, const uint8_t spki[static 32], struct err *e)
{
	const struct service_conn *c = arg;

	if (!c->checked)
		return COFFER_OK; /* service_open compares once it knows with what; public statements alone cross before */
	if (!ct_eq((struct span){ spki, 32 }, SPAN(c->service.tls)))
		return err_deny(e, "tls", "the server shows another TLS key than its service statement names");
	return COFFER_OK;
}

void service_close(struct service_conn *c)
{
	if (!c)
		return;
	http_free(c->http);
	free(c);
}

static enum coffer_rc fetch(struct service_conn *c, const char *path, struct dsse *out, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };

	TRY(http_do(c->http, &(struct http_req){ .method = "GET", .path = path }, DSSE_ENVELOPE_MAX, &res, e));
	if (res.status != 200)
		return err_set(
		    e, res.status == 404 ? COFFER_E_NOTFOUND : COFFER_E_UPSTREAM,
		    "%s: the server answers %d; it is no trust service, or has no service statement yet ('coffer service sign')",
		    path, res.status);
	if (dsse_parse(wr_span(&res.body), out, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}

static enum coffer_rc learn_genesis(struct service_conn *c, const uint8_t id[static 32], struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };

	TRY(fetch(c, "/coffer/v0/genesis", &env, e));
	return chain_genesis(&env, id, &c->genesis, e);
}

static enum coffer_rc learn_service(struct service_conn *c, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };

	TRY(fetch(c, "/coffer/v0/service", &env, e));
	TRY(chain_service(&env, &c->genesis, NULL, 0, c->now, &c->service, e));
	dsse_id(&env, c->id);
	return COFFER_OK;
}

enum coffer_rc service_open(const struct service_opts *o, struct service_conn **out, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *c = calloc(1, sizeof(*c));
	struct http_url url;
	uint8_t peer[32];

	if (!c)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(http_url_parse(o->url, &url, e));
	if (!url.tls)
		return err_set(e, COFFER_E_INPUT, "the trust service is spoken to over https:// alone");
	c->now = o->now;
	TRY(http_new(&(struct http_opts){.host = url.host,
					 .port = url.port,
					 .tls = true,
					 .check_peer = check_peer,
					 .check_arg = c,
					 .timeout_ms = o->timeout_ms},
		     &c->http, e));
	TRY(learn_genesis(c, o->genesis, e));
	TRY(learn_service(c, e));
	TRY(http_peer(c->http, peer, e));
	c->checked = true;
	TRY(check_peer(c, peer, e));
	*out = MOVE(c);
	return COFFER_OK;
}

const struct genesis *service_genesis(const struct service_conn *c)
{
	return &c->genesis;
}

const struct service *service_keys(const struct service_conn *c)
{
	return &c->service;
}

void service_timeout(struct service_conn *c, int64_t ms)
{
	http_timeout(c->http, ms);
}

const uint8_t *service_id(const struct service_conn *c)
{
	return c->id;
}

/* ---- one request ---- */

static enum coffer_rc code_of(int status)
{
	if (status == 401 || status == 403)
		return COFFER_E_DENIED;
	if (status == 404)
		return COFFER_E_NOTFOUND;
	if (status == 413 || status == 429)
		return COFFER_E_LIMIT;
	return status >= 400 && status < 500 ? COFFER_E_INPUT : COFFER_E_UPSTREAM;
}

static enum coffer_rc failed(const struct http_res *res, struct err *e)
{
	enum coffer_rc rc = code_of(res->status);
	struct rcar_error r;

	if (!rcar_error_parse(wr_span(&res->body), &r)) {
		(void)err_set(e, rc, "the trust service answers %d without a reason", res->status);
		if (rc == COFFER_E_DENIED)
			(void)snprintf(e->check, sizeof(e->check), "service");
		return rc;
	}
	(void)err_set(e, rc, "%s%s%s", r.reason, r.fix[0] ? "; " : "", r.fix);
	(void)snprintf(e->check, sizeof(e->check), "%.23s",
		       r.check[0] || rc != COFFER_E_DENIED ? r.check
		       : r.type[0]			   ? r.type
							   : "service");
	return rc;
}

static bool one_line(const char *s)
{
	for (; *s; s++)
		if (*s < 0x21 || *s > 0x7e)
			return false;
	return true;
}

enum coffer_rc service_call(struct service_conn *c, const struct service_req *q, size_t max_body, struct http_res *out,
			    struct err *e)
{
	CLEANUP(freep) char *headers = NULL;
	struct http_req h = { .method = q->method, .path = q->path, .body = q->body };

	if (q->bearer && !one_line(q->bearer))
		return err_set(e, COFFER_E_INPUT, "the token is not one word");
	if (q->body.n > 0)
		h.content_type = q->content_type ? q->content_type : "application/json";
	headers = str_fmt("%s%s%s%s", q->bearer ? "Authorization: Bearer " : "", q->bearer ? q->bearer : "",
			  q->bearer ? "\r\n" : "", q->headers ? q->headers : "");
	if (!headers)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	h.headers = headers;
	TRY(http_do(c->http, &h, max_body, out, e));
	return out->status >= 200 && out->status < 300 ? COFFER_OK : failed(out, e);
}

/* ---- parties ---- */

/* A candidate counts once it has signed for itself and somebody known has signed for it. */
struct candidate { struct party party; struct dsse env; bool known; };
struct candidates { struct candidate *c; size_t n; };

static void candidates_clear(struct candidates *s)
{
	for (size_t i = 0; i < s->n; i++)
		dsse_clear(&s->c[i].env);
	free(s->c);
	*s = (struct candidates){ 0 };
}

static bool in_window(const struct statement *st, int64_t now)
{
	return st->issued <= now && now < st->expires;
}

static enum coffer_rc read_candidate(const struct service_conn *c, const struct json *v, struct candidate *out, bool *fits,
				     struct err *e)
{
	CLEANUP(statement_clear) struct statement st = { 0 };

	TRY(dsse_parse_json(v, &out->env, e));
	TRY(statement_parse(wr_span(&out->env.payload), &st, e));
	*fits = st.kind == ST_PARTY && st.has_ledger && span_eq(SPAN(st.ledger), SPAN(c->genesis.id)) && in_window(&st, c->now);
	if (!*fits)
		return COFFER_OK;
	TRY(party_read(st.body, &out->party, e));
	*fits = strcmp(out->party.id, st.issuer) == 0 && party_signed(&out->party, &out->env) &&
		!genesis_party(&c->genesis, st.issuer);
	return COFFER_OK;
}

static enum coffer_rc read_candidates(const struct service_conn *c, const struct json *list, struct candidates *s, struct err *e)
{
	if (json_len(list) > PARTIES_MAX)
		return err_set(e, COFFER_E_LIMIT, "the service names %zu parties", json_len(list));
	s->c = calloc(json_len(list) + 1, sizeof(*s->c));
	if (!s->c)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	for (size_t i = 0; i < json_len(list); i++) {
		bool fits = false;

		s->n = i + 1;
		TRY(read_candidate(c, json_at(list, i), &s->c[i], &fits, e));
		if (!fits)
			s->c[i].party = (struct party){ 0 };
	}
	return COFFER_OK;
}

static bool introduced(const struct service_conn *c, const struct candidates *s, const struct candidate *who)
{
	for (size_t i = 0; i < c->genesis.n_parties; i++)
		if (party_signed(&c->genesis.party[i], &who->env))
			return true;
	for (size_t i = 0; i < s->n; i++)
		if (s->c[i].known && &s->c[i] != who && party_signed(&s->c[i].party, &who->env))
			return true;
	return false;
}

/* Whoever is introduced may introduce: until nobody new is found. */
static const struct party *find_known(const struct service_conn *c, struct candidates *s, const char *id)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < s->n; i++) {
			struct candidate *x = &s->c[i];

			if (x->known || x->party.id[0] == '\0' || !introduced(c, s, x))
				continue;
			x->known = more = true;
			if (strcmp(x->party.id, id) == 0)
				return &x->party;
		}
	}
	return NULL;
}

enum coffer_rc service_party(struct service_conn *c, const char *id, struct party *out, struct err *e)
{
	static const struct service_req q = { .method = "GET", .path = "/coffer/v0/statements?kind=party" };
	CLEANUP(candidates_clear) struct candidates all = { 0 };
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct party *p = genesis_party(&c->genesis, id);
	const struct json *list = NULL;

	if (!p) {
		TRY(service_call(c, &q, STATEMENTS_MAX, &res, e));
		TRY(json_parse(wr_span(&res.body), STATEMENTS_MAX, &doc, e));
		TRY(json_need_arr(json_root(doc), "statements", "parties", &list, e));
		TRY(read_candidates(c, list, &all, e));
		p = find_known(c, &all, id);
	}
	if (!p)
		return err_set(e, COFFER_E_NOTFOUND, "the party %s is not known to this genesis", id);
	*out = *p;
	return COFFER_OK;
}
