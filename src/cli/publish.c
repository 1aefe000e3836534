#include "cli/publish.h"

#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "cli/away.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "os/file.h"

#define REPLY_MAX (8u << 20)

void draft_subject_digest(struct draft *d, struct span name, const uint8_t sha256_[static 32])
{
	if (d->n_subjects == ST_SUBJECTS_MAX)
		return; /* statement_write refuses the wrong count; callers bound theirs */
	d->subject[d->n_subjects].name = name;
	memcpy(d->subject[d->n_subjects++].sha256, sha256_, 32);
}

void draft_subject_name(struct draft *d, struct span name)
{
	uint8_t h[32];

	sha256(name, h);
	draft_subject_digest(d, name, h);
}

void query_encode(struct wr *w, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
		    c == '_' || c == '~')
			wr_u8(w, c);
		else
			wr_fmt(w, "%%%02X", c);
	}
}

enum coffer_rc expires_opt(const struct cli *c, const char *name, int64_t *out, struct err *e)
{
	const char *s = cli_opt(c, name);

	if (s && !clock_parse(span_of(s), out))
		return cli_bad(e, "--%s %s: not a time like 2027-01-31T00:00:00Z", name, s);
	return COFFER_OK;
}

/* The issuer of a fetched statement must have signed it: what the service hands out is not believed. */
enum coffer_rc statement_check_issuer(struct service_conn *conn, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct party p;

	if (s->kind == ST_GENESIS && span_eq(SPAN(s->id), SPAN(service_genesis(conn)->id)))
		return COFFER_OK; /* checked when the connection was made */
	TRY(service_party(conn, s->issuer, &p, e));
	if (!party_signed(&p, env))
		return err_deny(e, "statement",
		    "a %s statement said to be %s's is not signed by it; the trust service shows forged statements",
		    statement_kind_name(s->kind), s->issuer);
	return COFFER_OK;
}

static enum coffer_rc each(struct service_conn *conn, const struct json *list, statement_cb cb, void *arg, struct err *e)
{
	for (size_t i = 0; i < json_len(list); i++) {
		CLEANUP(dsse_clear) struct dsse env = { 0 };
		CLEANUP(statement_clear) struct statement s = { 0 };

		TRY(dsse_parse_json(json_at(list, i), &env, e));
		TRY(statement_parse(wr_span(&env.payload), &s, e));
		TRY(statement_check_issuer(conn, &env, &s, e));
		TRY(cb(arg, &env, &s, e));
	}
	return COFFER_OK;
}

enum coffer_rc statements_query(const struct cli *c, const struct home *h, const struct privkey *key, struct service_conn *conn,
    const char *query, statement_cb cb, void *arg, struct err *e)
{
	static const char *const names[] = { "statements", NULL };
	CLEANUP(freep) char *path = str_fmt("/coffer/v0/statements?%s", query);
	CLEANUP(wr_close) struct wr token = wr_open(8u << 10);
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(freep) char *bearer = NULL;
	struct service_req q = { .method = "GET" };
	const struct json *list;

	(void)c;
	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (key) {
		TRY(home_token(h, key, "GET", path, (struct span){ 0 }, &token, e));
		bearer = token.n ? wr_take(&token, NULL) : NULL;
	}
	q.path = path;
	q.bearer = bearer;
	TRY(service_call(conn, &q, REPLY_MAX, &res, e));
	if (json_parse(wr_span(&res.body), REPLY_MAX, &doc, e) != COFFER_OK)
		return err_wrap(e, "reply of the trust service");
	TRY(json_closed(json_root(doc), names, "reply", e));
	TRY(json_need_arr(json_root(doc), "statements", "reply", &list, e));
	return each(conn, list, cb, arg, e);
}

/* Serials count per subject: its names, for content statements its digest too. */
struct newest { const struct draft *d; bool any; uint64_t serial; uint8_t id[32]; };

static bool same_subject(const struct draft *d, const struct statement *s)
{
	if ((d->kind == ST_WORKLOAD || d->kind == ST_IMAGE_RELEASE) &&
	    !span_eq(SPAN(d->subject[0].sha256), SPAN(s->subject[0].sha256)))
		return false;
	if (d->n_subjects != s->n_subjects)
		return false;
	for (size_t i = 0; i < d->n_subjects; i++)
		if (!span_eq(d->subject[i].name, s->subject[i].name) ||
		    (d->kind == ST_BOOT_IMAGE && !span_eq(SPAN(d->subject[i].sha256), SPAN(s->subject[i].sha256))))
			return false;
	return true;
}

static enum coffer_rc take_newest(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct newest *n = arg;

	(void)env, (void)e;
	if (same_subject(n->d, s) && (!n->any || s->serial > n->serial)) {
		n->any = true;
		n->serial = s->serial;
		memcpy(n->id, s->id, 32);
	}
	return COFFER_OK;
}

/* --after: the user says which one is the newest. A wrong one costs nothing but a refusal: the service counts too. */
static enum coffer_rc named_newest(const char *path, const struct draft *d, struct newest *out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };

	TRY(file_read(path, DSSE_ENVELOPE_MAX, &text, e));
	if (dsse_parse(wr_span(&text), &env, e) != COFFER_OK || statement_parse(wr_span(&env.payload), &s, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	if (s.kind != d->kind || !same_subject(d, &s))
		return err_set(e, COFFER_E_INPUT, "%s: a statement about something else", path);
	return take_newest(out, &env, &s, e);
}

static enum coffer_rc find_newest(const struct home *h, const struct privkey *key, struct service_conn *conn,
    const struct draft *d, struct newest *out, struct err *e)
{
	CLEANUP(wr_close) struct wr q = wr_open(64u << 10);
	CLEANUP(freep) char *query = NULL;

	if (cli_opt(h->cli, "after"))
		return named_newest(cli_opt(h->cli, "after"), d, out, e);
	wr_fmt(&q, "kind=%s&issuer=%s&all=1&subject=", statement_kind_name(d->kind), h->party);
	query_encode(&q, d->subject[0].name);
	query = wr_take(&q, NULL);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return statements_query(NULL, h, key, conn, query, take_newest, out, e);
}

enum coffer_rc draft_make(const struct home *h, const struct privkey *key, struct service_conn *conn, const struct draft *d,
    struct dsse *out, uint64_t *serial, struct err *e)
{
	CLEANUP(wr_close) struct wr payload = wr_open(DSSE_PAYLOAD_MAX);
	CLEANUP(json_freep) struct json_doc *body = NULL;
	struct statement s = { .kind = d->kind, .has_ledger = true, .issued = clock_now(), .n_subjects = d->n_subjects };
	struct newest last = { .d = d };

	TRY(find_newest(h, key, conn, d, &last, e));
	(void)snprintf(s.issuer, sizeof(s.issuer), "%s", h->party);
	memcpy(s.ledger, h->genesis, 32);
	memcpy(s.subject, d->subject, sizeof(s.subject));
	s.expires = d->expires ? d->expires : s.issued + INT64_C(365) * 86400;
	s.serial = last.serial + 1;
	memcpy(s.previous, last.id, 32);
	TRY(json_parse(d->body, DSSE_PAYLOAD_MAX, &body, e));
	s.body = json_root(body);
	TRY(statement_write(&s, &payload, e));
	*serial = s.serial;
	return dsse_new(wr_span(&payload), out, e);
}

enum coffer_rc draft_sign(const struct home *h, const struct privkey *key, struct service_conn *conn, const struct draft *d,
    struct dsse *out, uint64_t *serial, struct err *e)
{
	TRY(draft_make(h, key, conn, d, out, serial, e));
	return dsse_sign(out, key, e);
}

enum coffer_rc envelope_write(const char *path, const struct dsse *env, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(DSSE_ENVELOPE_MAX);
	struct json_wr j = jw_open(&w, true);

	dsse_write(env, &j);
	wr_str(&w, "\n");
	TRY(wr_done(&w, path, e));
	return file_write(path, wr_span(&w), 0644, e);
}

enum coffer_rc envelope_post(struct service_conn *conn, const struct dsse *env, struct logged *out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(DSSE_ENVELOPE_MAX);
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct json_wr j = jw_open(&text, false);
	struct service_req q = { .method = "POST", .path = "/coffer/v0/statements" };
	uint8_t id[32];
	struct span s;

	dsse_write(env, &j);
	TRY(wr_done(&text, "statement", e));
	q.body = wr_span(&text);
	TRY(service_call(conn, &q, 64u << 10, &res, e));
	TRY(json_parse(wr_span(&res.body), 64u << 10, &doc, e));
	TRY(json_need_str(json_root(doc), "id", "reply", &s, e));
	TRY(json_need_u64(json_root(doc), "seq", "reply", &out->seq, e));
	dsse_id(env, id);
	if (!hex_fixed(s, out->id, 32) || !span_eq(SPAN(id), SPAN(out->id)))
		return err_deny(e, "statement", "the trust service answered for another statement than the one sent");
	return COFFER_OK;
}

enum coffer_rc draft_publish(const struct home *h, const struct privkey *key, struct service_conn *conn, const struct draft *d,
    struct logged *out, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	uint64_t serial = 0;

	TRY(draft_sign(h, key, conn, d, &env, &serial, e));
	TRY(envelope_post(conn, &env, out, e));
	out->serial = serial;
	return COFFER_OK;
}

enum coffer_rc draft_out(const struct home *h, const struct privkey *key, struct service_conn *conn, const struct draft *d,
    struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct logged l = { 0 };
	uint64_t serial = 0;

	if (to_sign_wanted(h)) {
		TRY(draft_make(h, key, conn, d, &env, &serial, e));
		return to_sign_out(h, key, &env, e);
	}
	TRY(draft_publish(h, key, conn, d, &l, e));
	logged_print(h->cli, statement_kind_name(d->kind), &l);
	return COFFER_OK;
}

void asset_newest_clear(struct asset_newest *a)
{
	wr_close(&a->policy);
	*a = (struct asset_newest){ 0 };
}

static enum coffer_rc take_newest_asset(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct asset_newest *a = arg;
	struct asset_body b;

	(void)env;
	if (s->serial <= a->serial)
		return COFFER_OK;
	TRY(asset_read(s, &b, e));
	asset_newest_clear(a);
	a->serial = s->serial;
	a->version = b.version;
	memcpy(a->digest, s->subject[0].sha256, sizeof(a->digest));
	memcpy(a->type, b.type, sizeof(a->type));
	memcpy(a->of, b.of, sizeof(a->of));
	a->n_of = b.n_of;
	a->k = b.k;
	a->policy = wr_open(ASSET_POLICY_MAX);
	wr_put(&a->policy, b.policy);
	return wr_done(&a->policy, "policy", e);
}

enum coffer_rc asset_newest(const struct home *h, const struct privkey *key, struct service_conn *conn,
    const struct asset_path *p, struct asset_newest *out, struct err *e)
{
	CLEANUP(wr_close) struct wr q = wr_open(4096);
	CLEANUP(freep) char *query = NULL;

	wr_fmt(&q, "kind=asset&issuer=%s&all=1&subject=", h->party);
	query_encode(&q, span_of(p->text));
	query = wr_take(&q, NULL);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return statements_query(NULL, h, key, conn, query, take_newest_asset, out, e);
}

void logged_print(const struct cli *c, const char *what, const struct logged *l)
{
	char id[HEX32_LEN];

	hex32(l->id, id);
	if (c->json)
		(void)printf("{\"id\":\"%s\",\"seq\":%llu,\"serial\":%llu}\n", id, (unsigned long long)l->seq,
		    (unsigned long long)l->serial);
	else
		(void)printf("%s %s logged as entry %llu (serial %llu)\n", what, id, (unsigned long long)l->seq,
		    (unsigned long long)l->serial);
}
