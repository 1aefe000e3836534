#include "cli/publish.h"

#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "cli/away.h"
#include "cli/stood.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "os/file.h"

#define REPLY_MAX (8u << 20)
#define PAGES_MAX 4096

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
	if (s && strcmp(name, "expires") == 0 && *out <= clock_now())
		return cli_bad(e, "--%s %s: this time is past", name, s);
	return COFFER_OK;
}

/* What a party's recovery keys may say in its name. */
static bool said_by_quorum(const struct party_life *l, const struct dsse *env, const struct statement *s)
{
	return s->kind == ST_REVOCATION && life_quorum(l, env, clock_now());
}

/* issued: what the statement says of itself; INT64_MIN: any key counts that the party ever had, as in a history. A statement about
 * a party was checked where the parties were read. */
static enum coffer_rc check_said(struct service_conn *conn, const struct dsse *env, const struct statement *s, int64_t issued, struct err *e)
{
	const struct parties *all = NULL;
	const struct party_life *l;

	if (s->kind == ST_GENESIS && span_eq(SPAN(s->id), SPAN(service_genesis(conn)->id)))
		return COFFER_OK; /* checked when the connection was made */
	TRY(service_parties(conn, &all, e));
	if (s->kind == ST_AMENDMENT) /* checked where the parties were read */
		return parties_genesis_by(all, s->id) ? COFFER_OK : err_deny(e, "statement", "an amendment of the genesis that the trust service does not "
		    "show among what made the parties");
	l = parties_life(all, span_of(s->issuer));
	if (!l)
		return err_set(e, COFFER_E_NOTFOUND, "the party %s is not known to this genesis; 'coffer party show' lists those that are", s->issuer);
	if (!life_grants(s->kind))
		issued = INT64_MIN; /* what holds back stands, by a stolen key too */
	if ((s->kind != ST_PARTY || issued != INT64_MIN) && !life_vouches(l, env, issued, clock_now()) && !said_by_quorum(l, env, s))
		return err_deny(e, "statement",
		    "a %s statement said to be %s's is not signed by it; the trust service shows forged statements",
		    statement_kind_name(s->kind), s->issuer);
	return COFFER_OK;
}

/* The issuer of a fetched statement must have signed it: what the service hands out is not believed. */
enum coffer_rc statement_check_issuer(struct service_conn *conn, const struct dsse *env, const struct statement *s, struct err *e)
{
	return check_said(conn, env, s, s->issued, e);
}

struct each { struct service_conn *conn; bool history; statement_cb cb; void *arg; };

static enum coffer_rc each(const struct each *x, const struct json *list, struct err *e)
{
	for (size_t i = 0; i < json_len(list); i++) {
		CLEANUP(dsse_clear) struct dsse env = { 0 };
		CLEANUP(statement_clear) struct statement s = { 0 };

		TRY(dsse_parse_json(json_at(list, i), &env, e));
		TRY(statement_parse(wr_span(&env.payload), &s, e));
		TRY(check_said(x->conn, &env, &s, x->history ? INT64_MIN : s.issued, e));
		TRY(x->cb(x->arg, &env, &s, e));
	}
	return COFFER_OK;
}

/* One answer; *before is where the next one begins, 0 when there is none. */
static enum coffer_rc page(const struct asker *me, const char *query, const struct each *x, uint64_t *before, struct err *e)
{
	static const char *const names[] = { "statements", "next", NULL };
	CLEANUP(freep) char *path = *before ? str_fmt("/coffer/v0/statements?%s&before=%llu", query, (unsigned long long)*before)
	                                    : str_fmt("/coffer/v0/statements?%s", query);
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *list;
	uint64_t next = 0;

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(home_call(me, &(struct service_req){ .method = "GET", .path = path }, REPLY_MAX, &res, e));
	if (json_parse(wr_span(&res.body), REPLY_MAX, &doc, e) != COFFER_OK)
		return err_wrap(e, "reply of the trust service");
	TRY(json_closed(json_root(doc), names, "reply", e));
	TRY(json_need_arr(json_root(doc), "statements", "reply", &list, e));
	TRY(json_need_u64(json_root(doc), "next", "reply", &next, e));
	if (*before && next >= *before)
		return err_set(e, COFFER_E_UPSTREAM, "the trust service answers the same again and again");
	*before = next;
	return each(x, list, e);
}

enum coffer_rc statements_query(const struct cli *c, const struct home *h, const struct privkey *key, struct service_conn *conn,
    const char *query, statement_cb cb, void *arg, struct err *e)
{
	const struct asker me = { h, key, conn };
	const struct each x = { conn, strstr(query, "all=1") != NULL, cb, arg };
	uint64_t before = 0;

	(void)c;
	for (unsigned n = 0; n == 0 || before != 0; n++) {
		if (n == PAGES_MAX)
			return err_set(e, COFFER_E_LIMIT, "the trust service has more statements than %d answers hold; ask for less", PAGES_MAX);
		TRY(page(&me, query, &x, &before, e));
	}
	return COFFER_OK;
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

/* What it would have followed says the same, and stands: of what holds something back that is an answer (docs/protocol/statements.md, "How much"). */
static bool stands(const struct dsse *env, const uint8_t id[static 32])
{
	CLEANUP(statement_clear) struct statement st = { 0 };
	struct err e;

	return statement_parse(wr_span(&env->payload), &st, &e) == COFFER_OK && (st.kind == ST_REVOCATION || st.kind == ST_PAUSE) && st.serial > 1 &&
	       span_eq(SPAN(st.previous), (struct span){ id, 32 });
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
	if (!hex_fixed(s, out->id, 32))
		return err_set(e, COFFER_E_INPUT, "reply: member \"id\" is malformed");
	out->stood = stands(env, out->id);
	if (!out->stood && !span_eq(SPAN(id), SPAN(out->id)))
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
	out->serial = out->stood ? serial - 1 : serial;
	return out->stood ? stood_check(&(struct stood){ h, key, conn, out->id, out->seq }, &env, &out->checked, e) : COFFER_OK;
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

struct newest_asset { struct service_conn *conn; struct asset_newest *out; uint64_t serial, version; };

/* Serials count whoever signed; what is taken over is the owner's own word, not that of a thief with its key. */
static enum coffer_rc take_newest_asset(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct newest_asset *n = arg;
	struct asset_newest *a = n->out;
	struct asset_body b;
	struct err why = { 0 };

	TRY(asset_read(s, &b, e));
	n->serial = s->serial > n->serial ? s->serial : n->serial;
	n->version = b.version > n->version ? b.version : n->version;
	if (s->serial <= a->serial || statement_check_issuer(n->conn, env, s, &why) != COFFER_OK)
		return COFFER_OK;
	asset_newest_clear(a);
	a->serial = s->serial;
	memcpy(a->digest, s->subject[0].sha256, sizeof(a->digest));
	memcpy(a->type, b.type, sizeof(a->type));
	a->lease = b.lease;
	a->amended = b.amended;
	memcpy(a->amendment, b.amendment, sizeof(a->amendment));
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
	struct newest_asset n = { .conn = conn, .out = out };
	CLEANUP(freep) char *query = NULL;

	wr_fmt(&q, "kind=asset&issuer=%s&all=1&subject=", h->party);
	query_encode(&q, span_of(p->text));
	query = wr_take(&q, NULL);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(statements_query(NULL, h, key, conn, query, take_newest_asset, &n, e));
	if (n.serial > 0 && out->n_of == 0) { /* all of them void: as if it were new, but for its numbers */
		(void)snprintf(out->of[0], sizeof(out->of[0]), "%s", h->party);
		out->n_of = 1;
		out->k = 1;
		out->lease = lease_default();
	}
	out->serial = n.serial;
	out->version = n.version;
	return COFFER_OK;
}

void logged_print(const struct cli *c, const char *what, const struct logged *l)
{
	char id[HEX32_LEN];

	hex32(l->id, id);
	if (c->json)
		(void)printf("{\"id\":\"%s\",\"seq\":%llu,\"serial\":%llu}\n", id, (unsigned long long)l->seq,
		    (unsigned long long)l->serial);
	else
		(void)printf("%s %s %s entry %llu (serial %llu)\n", what, id, !l->stood ? "logged as" : l->checked ? "says the same and stands already:" : "says the same and stands already, by the trust service's word alone:", (unsigned long long)l->seq,
		    (unsigned long long)l->serial);
}
