#include "client/service.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "proto/rcar_json.h"

struct service_conn {
	struct http   *http;
	struct genesis genesis;
	struct service service;
	uint8_t        id[32];
	struct dsse    statement; /* the service's */
	struct parties parties;   /* once they were asked for */
	bool           stands;    /* the service's statement, by what these are now */
	bool           checked;   /* from here on every connection must show tls */
	uint8_t        tls[32];
	bool           told;      /* tls is not the statement's */
	int64_t        now;
};

static enum coffer_rc check_peer(void *arg, const uint8_t spki[static 32], struct err *e)
{
	const struct service_conn *c = arg;

	if (!c->checked)
		return COFFER_OK; /* service_open compares once it knows with what; public statements alone cross before */
	if (!ct_eq((struct span){ spki, 32 }, SPAN(c->tls)))
		return err_deny(e, "tls", "the server shows another TLS key than %s", c->told ? "the one given" :
		    "its service statement names; where its operator changed it, who designates the service says so: 'coffer service sign --new-tls'");
	return COFFER_OK;
}

void service_close(struct service_conn *c)
{
	if (!c)
		return;
	http_free(c->http);
	parties_clear(&c->parties);
	dsse_clear(&c->statement);
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

static enum coffer_rc parties_page(void *arg, uint64_t from, struct wr *out, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	const struct service_conn *c = arg;
	char path[64];

	(void)snprintf(path, sizeof(path), "/coffer/v0/parties?from=%llu", (unsigned long long)from);
	TRY(http_do(c->http, &(struct http_req){ .method = "GET", .path = path }, PARTIES_PAGE_MAX, &res, e));
	if (res.status != 200)
		return err_set(e, COFFER_E_UPSTREAM, "%s: the trust service answers %d", path, res.status);
	*out = res.body;
	res.body = (struct wr){ 0 };
	return COFFER_OK;
}

static enum coffer_rc learn_parties(struct service_conn *c, struct err *e)
{
	CLEANUP(parties_clear) struct parties p = { 0 };
	const struct parties_source pages = { parties_page, c, PARTIES_STATEMENTS_MAX };

	TRY(parties_open(&c->genesis, &p, e));
	TRY(parties_follow(&p, c->genesis.id, &pages, e));
	c->parties = p;
	p = (struct parties){ 0 };
	return COFFER_OK;
}

/* 404: it says that nobody lets the issuer. */
static enum coffer_rc learn_links(struct service_conn *c, struct designation_links *out, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	char path[128], id[HEX32_LEN];

	hex32(c->id, id);
	(void)snprintf(path, sizeof(path), "/coffer/v0/service/delegations?statement=%s", id);
	TRY(http_do(c->http, &(struct http_req){ .method = "GET", .path = path }, DESIGNATION_TEXT_MAX, &res, e));
	if (res.status != 200)
		return err_set(e, res.status == 404 ? COFFER_E_NOTFOUND : COFFER_E_UPSTREAM, "/coffer/v0/service/delegations: the trust service answers %d", res.status);
	return designation_read(wr_span(&res.body), &c->genesis, &c->parties, out, e);
}

/* By what the parties are now: a founder's word, whatever keys it has now, or that of whom a founder lets. */
static enum coffer_rc check_by_parties(struct service_conn *c, const struct dsse *env, struct service *out, struct err *e)
{
	CLEANUP(freep) struct designation_links *links = NULL;
	enum coffer_rc rc;
	struct err first;

	if (chain_service_by(env, &c->genesis, &c->parties, c->now, out, e) == COFFER_OK)
		return COFFER_OK;
	first = *e;
	links = calloc(1, sizeof(*links));
	if (!links)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	rc = learn_links(c, links, e);
	if (rc == COFFER_OK && links->n > 0) {
		TRY(chain_service_lent(env, &c->genesis, &c->parties, links, c->now, out, e));
		*e = (struct err){ 0 };
		return COFFER_OK;
	}
	if (rc == COFFER_E_DENIED)
		return rc;
	*e = first;
	return first.rc;
}

/* By a key that the genesis names; where that one has been replaced since, or another designates the service, by what the parties are now. */
static enum coffer_rc learn_service(struct service_conn *c, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };

	TRY(fetch(c, "/coffer/v0/service", &env, e));
	dsse_id(&env, c->id);
	if (chain_service(&env, &c->genesis, NULL, 0, c->now, &c->service, e) != COFFER_OK) {
		struct err first = *e;

		if (learn_parties(c, e) != COFFER_OK) {
			*e = first;
			return first.rc;
		}
		TRY(check_by_parties(c, &env, &c->service, e));
		c->stands = true;
		*e = (struct err){ 0 }; /* the genesis alone did not say whose word it is; the parties do */
	}
	c->statement = env;
	env = (struct dsse){ 0 };
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
	c->told = o->tls != NULL;
	memcpy(c->tls, o->tls ? o->tls : c->service.tls, sizeof(c->tls));
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
	struct http_req h = { .method = q->method, .path = q->path, .body = q->body, .once = q->bearer };

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

bool service_unanswered(const struct service_conn *c)
{
	return http_unanswered(c->http);
}

/* ---- parties ---- */

/* Asked for once a connection. Whoever designated the service may have lost the key it did so with: then they are not given, whoever asks again. */
static enum coffer_rc need_parties(struct service_conn *c, struct err *e)
{
	struct service again;

	if (!c->parties.life)
		TRY(learn_parties(c, e));
	if (!c->stands)
		TRY(check_by_parties(c, &c->statement, &again, e));
	c->stands = true;
	return COFFER_OK;
}

enum coffer_rc service_parties(struct service_conn *c, const struct parties **out, struct err *e)
{
	TRY(need_parties(c, e));
	*out = &c->parties;
	return COFFER_OK;
}

enum coffer_rc service_party(struct service_conn *c, const char *id, struct party *out, struct err *e)
{
	const struct party *p;

	TRY(need_parties(c, e));
	p = parties_party(&c->parties, span_of(id), c->now);
	if (!p)
		return err_set(e, COFFER_E_NOTFOUND, "the party %s is not known to this genesis", id);
	*out = *p;
	return COFFER_OK;
}

enum coffer_rc service_vouches(struct service_conn *c, const char *id, const struct dsse *env, int64_t issued, bool *yes, struct err *e)
{
	const struct party_life *l;

	TRY(need_parties(c, e));
	l = parties_life(&c->parties, span_of(id));
	if (!l)
		return err_set(e, COFFER_E_NOTFOUND, "the party %s is not known to this genesis", id);
	*yes = life_vouches(l, env, issued, c->now);
	return COFFER_OK;
}
