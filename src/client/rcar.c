#include "client/rcar.h"

#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "client/heads.h"
#include "client/release.h"
#include "crypto/hash.h"
#include "crypto/jwe.h"
#include "fmt/enc.h"
#include "proto/rcar_json.h"

#define REPLY_MAX (4u << 20)
#define TOKEN_MAX (1u << 20)
#define ATTEST_MAX (4u << 20)
#define REQUEST_MAX (128u << 10)

struct rcar {
	struct service_conn *conn; /* borrowed */
	struct privkey      *tee, *request;
	uint8_t              session[RELEASE_SESSION_LEN];
	char                 cookie[96]; /* the whole header line */
	char                *token;
	uint64_t             counter;
};

void rcar_free(struct rcar *r)
{
	if (!r)
		return;
	privkey_free(r->tee);
	privkey_free(r->request);
	free(r->token);
	explicit_bzero(r, sizeof(*r));
	free(r);
}

const char *rcar_token(const struct rcar *r)
{
	return r->token;
}

const struct privkey *rcar_request_key(const struct rcar *r)
{
	return r->request;
}

/* ---- what the evidence is bound to: our two keys, the genesis, the purpose ---- */

#define MEMBERS 9
struct own_key {
	char               x[44], y[44], request[88], genesis[HEX32_LEN];
	struct keep_member member[MEMBERS];
	size_t             n;
};

static bool to_text(struct span raw, char *dst, size_t cap)
{
	CLEANUP(wr_close) struct wr w = wr_open(cap - 1);

	b64url_write(&w, raw);
	if (!wr_ok(&w) || w.n == 0)
		return false;
	memcpy(dst, w.p, w.n);
	dst[w.n] = '\0';
	return true;
}

static bool own_key_fill(const struct rcar *r, const char *bindings, struct own_key *o)
{
	const struct pubkey *t = privkey_public(r->tee), *q = privkey_public(r->request);
	uint8_t xy[64];

	memcpy(xy, q->x, 32);
	memcpy(xy + 32, q->y, 32);
	if (!to_text(SPAN(t->x), o->x, sizeof(o->x)) || !to_text(SPAN(t->y), o->y, sizeof(o->y)) ||
	    !to_text(SPAN(xy), o->request, sizeof(o->request)))
		return false;
	hex32(service_genesis(r->conn)->id, o->genesis);
	{
		const struct keep_member m[MEMBERS] = { /* sorted by name */
			{ span_of("alg"), span_of("ECDH-ES+A256KW") },
			{ span_of("coffer-bindings"), span_of(bindings ? bindings : "") },
			{ span_of("coffer-genesis"), span_of(o->genesis) },
			{ span_of("coffer-purpose"), span_of("attest") },
			{ span_of("coffer-request-key"), span_of(o->request) },
			{ span_of("crv"), span_of("P-256") },
			{ span_of("kty"), span_of("EC") },
			{ span_of("x"), span_of(o->x) },
			{ span_of("y"), span_of(o->y) },
		};

		for (size_t i = 0; i < MEMBERS; i++)
			if (m[i].value.n > 0) /* without bindings: no such member */
				o->member[o->n++] = m[i];
	}
	return true;
}

/* ---- the exchange ---- */

/* A credential is asked for where it can count: on tpm always, on swtpm where the founders name its maker, whom no vendor's pinned
 * key does. Who was given one has to open it. */
static bool wants_credential(const struct rcar *r, const struct attester *a)
{
	const struct genesis *g = service_genesis(r->conn);

	if (!a->ask || strcmp(a->tee, "swtpm") != 0)
		return a->ask != NULL;
	for (size_t i = 0; i < g->n_roots; i++)
		if (strcmp(g->root[i].vendor, "tpm") == 0)
			return true;
	return false;
}

static enum coffer_rc write_request(const struct attester *a, bool credential, struct wr *body, struct err *e)
{
	CLEANUP(rcar_tpm_clear) struct rcar_tpm t = { 0 };

	if (credential) {
		TRY(a->ask(a->arg, &t, e));
		rcar_tpm_request_write(body, a->tee, &t);
	} else {
		rcar_request_write(body, a->tee, NULL, NULL);
	}
	return wr_done(body, "request", e);
}

static enum coffer_rc open_credential(const struct attester *a, struct span challenge, struct err *e)
{
	CLEANUP(rcar_tpm_answer_clear) struct rcar_tpm_answer answer = { 0 };

	TRY(rcar_tpm_answer_read(challenge, &answer, e));
	return a->open(a->arg, &answer, e);
}

static enum coffer_rc challenge(struct rcar *r, const struct attester *a, struct rcar_challenge *out, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(wr_close) struct wr body = wr_open(REQUEST_MAX);
	struct service_req q = { .method = "POST", .path = "/kbs/v0/auth" };
	bool credential = wants_credential(r, a);
	char hex[2 * RELEASE_SESSION_LEN + 1];

	TRY(write_request(a, credential, &body, e));
	q.body = wr_span(&body);
	TRY(service_call(r->conn, &q, RCAR_ERROR_MAX, &res, e));
	TRY(rcar_challenge_parse(wr_span(&res.body), out, e));
	if (!release_session(http_header(&res, "Set-Cookie"), r->session))
		return err_set(e, COFFER_E_UPSTREAM, "the trust service gives no session");
	for (size_t i = 0; i < RELEASE_SESSION_LEN; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", r->session[i]);
	(void)snprintf(r->cookie, sizeof(r->cookie), "Cookie: " RCAR_COOKIE "=%s\r\n", hex);
	return credential ? open_credential(a, wr_span(&res.body), e) : COFFER_OK;
}

static enum coffer_rc read_token(struct span body, char **out, struct err *e)
{
	static const char *const names[] = { "token", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct span token;

	TRY(json_parse(body, TOKEN_MAX, &doc, e));
	TRY(json_closed(json_root(doc), names, "token reply", e));
	TRY(json_need_str(json_root(doc), "token", "token reply", &token, e));
	*out = span_dup(token);
	return *out ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

static enum coffer_rc answer(struct rcar *r, const struct attester *a, const struct rcar_challenge *ch, struct span initdata,
			     struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(wr_close) struct wr evidence = wr_open(REPLY_MAX), body = wr_open(ATTEST_MAX);
	struct service_req q = { .method = "POST", .path = "/kbs/v0/attest", .headers = r->cookie };
	uint8_t report_data[HASH_MAX], reg[32];
	struct own_key own = { 0 };
	struct rcar_binding b = { .member = own.member, .nonce = span_of(ch->nonce) };

	if (!own_key_fill(r, a->bindings, &own))
		return err_set(e, COFFER_E_BUG, "a key has no text form");
	b.n_members = own.n;
	TRY(rcar_report_data(&b, ch->hash, report_data, e));
	sha256(initdata, reg);
	TRY(a->evidence(a->arg, (struct span){ report_data, hash_len(ch->hash) }, reg, &evidence, e));
	rcar_attestation_write(&body, &b, initdata, wr_span(&evidence));
	TRY(wr_done(&body, "attestation", e));
	q.body = wr_span(&body);
	TRY(service_call(r->conn, &q, TOKEN_MAX, &res, e));
	return read_token(wr_span(&res.body), &r->token, e);
}

enum coffer_rc rcar_attest(struct service_conn *c, const struct attester *a, struct span initdata, struct rcar **out,
			   struct err *e)
{
	CLEANUP(rcar_freep) struct rcar *r = calloc(1, sizeof(*r));
	struct rcar_challenge ch;

	if (!r)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	r->conn = c;
	TRY(privkey_new(KEY_P256, &r->tee, e));
	TRY(privkey_new(KEY_P256, &r->request, e));
	TRY(challenge(r, a, &ch, e));
	TRY(answer(r, a, &ch, initdata, e));
	*out = MOVE(r);
	return COFFER_OK;
}

/* ---- one asset ---- */

void rcar_asset_clear(struct rcar_asset *a)
{
	secret_free(&a->content);
	*a = (struct rcar_asset){ 0 };
}

struct wanted { const struct asset_path *path; uint64_t version; };

static enum coffer_rc ask(struct rcar *r, const struct release_ask *a, struct http_res *res, struct err *e)
{
	CLEANUP(wr_close) struct wr request = { 0 }, to_sign = { 0 }, head = wr_open(4096);
	CLEANUP(freep) char *path = str_fmt("/kbs/v0/resource/%.*s", (int)a->path.n, (const char *)a->path.p);
	struct service_req q = { .method = "GET", .path = path };
	uint8_t sig[SIG_LEN];

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(release_ask_write(a, &request, &to_sign, e));
	TRY(key_sign(r->request, wr_span(&to_sign), sig, e));
	wr_str(&head, r->cookie);
	wr_str(&head, "Coffer-Request: ");
	b64url_write(&head, wr_span(&request));
	wr_str(&head, "\r\nCoffer-Signature: ");
	b64url_write(&head, SPAN(sig));
	wr_str(&head, "\r\n");
	wr_u8(&head, 0);
	TRY(wr_done(&head, "asset request", e));
	q.headers = (const char *)head.p;
	return service_call(r->conn, &q, REPLY_MAX, res, e);
}

static enum coffer_rc check_reply(const struct rcar *r, const struct wanted *w, const struct http_res *res,
				  struct release_entry *entry, struct err *e)
{
	struct release_reply rep = { .body = wr_span(&res->body),
		.signature = http_header(res, "Coffer-Reply"),
		.path = span_of(asset_path_tail(w->path)) };

	TRY(release_entry_parse(http_header(res, "Coffer-Entry"), &rep.entry, e));
	pubkey_thumbprint(privkey_public(r->tee), rep.attested);
	TRY(release_reply_check(&rep, &service_keys(r->conn)->reply, e));
	if (w->version != 0 && rep.entry.version != w->version)
		return err_deny(e, "reply", "the service sent version %llu, not %llu", (unsigned long long)rep.entry.version,
				(unsigned long long)w->version);
	*entry = rep.entry;
	return COFFER_OK;
}

/* The owner said that this path, in this version, under this genesis, is this content. */
static enum coffer_rc check_statement(struct rcar *r, const struct wanted *w, const struct release_content *c,
				      struct rcar_asset *got, struct err *e)
{
	CLEANUP(statement_clear) struct statement st = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct asset_body body;
	uint8_t digest[32];
	bool said = false;

	TRY(dsse_parse(c->envelope, &env, e));
	TRY(statement_parse(wr_span(&env.payload), &st, e));
	if (st.kind != ST_ASSET || asset_read(&st, &body, e) != COFFER_OK)
		return err_deny(e, "reply", "the release carries no asset statement");
	if (!asset_path_eq(&body.path, w->path) || body.version != w->version ||
	    !span_eq_str(span_of(st.issuer), w->path->owner))
		return err_deny(e, "reply", "the asset statement is for another path, version or owner");
	if (!st.has_ledger || !span_eq(SPAN(st.ledger), SPAN(service_genesis(r->conn)->id)))
		return err_deny(e, "reply", "the asset statement belongs to another genesis");
	TRY(service_vouches(r->conn, w->path->owner, &env, st.issued, &said, e));
	if (!said)
		return err_deny(e, "reply", "the asset statement is not signed by %s", w->path->owner);
	sha256(c->salted, digest);
	if (!span_eq(SPAN(digest), SPAN(st.subject[0].sha256)))
		return err_deny(e, "reply", "the content is not what %s sealed", w->path->owner);
	memcpy(got->statement, st.id, 32);
	got->lease = body.lease;
	return COFFER_OK;
}

static enum coffer_rc open_reply(const struct rcar *r, struct span body, struct secret *plain, struct err *e)
{
	CLEANUP(jwe_parts_clear) struct jwe_parts parts = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;

	TRY(json_parse(body, REPLY_MAX, &doc, e));
	TRY(jwe_parse(json_root(doc), &parts, e));
	return jwe_open(r->tee, &parts, plain, e);
}

enum coffer_rc rcar_get(struct rcar *r, const struct asset_path *path, uint64_t version, struct span container,
    enum purpose purpose, struct rcar_asset *out, struct err *e)
{
	CLEANUP(secret_free) struct secret plain = { 0 };
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(rcar_asset_clear) struct rcar_asset got = { 0 };
	const struct release_ask a = { .path = span_of(asset_path_tail(path)), .version = version, .counter = ++r->counter,
	    .container = container, .purpose = purpose, .session = r->session };
	struct wanted w = { path, version };
	struct release_entry entry = { 0 };
	struct release_content c;

	TRY(ask(r, &a, &res, e));
	TRY(check_reply(r, &w, &res, &entry, e));
	w.version = entry.version;
	TRY(open_reply(r, wr_span(&res.body), &plain, e));
	TRY(release_content_parse((struct span){ plain.p, plain.n }, &c, e));
	TRY(check_statement(r, &w, &c, &got, e));
	got.version = entry.version;
	got.seq = entry.seq;
	if (c.content.n > 0) { /* an empty asset stays a zero secret */
		TRY(secret_new(c.content.n, &got.content, e));
		memcpy(got.content.p, c.content.p, c.content.n);
	}
	*out = got;
	got = (struct rcar_asset){ 0 };
	return COFFER_OK;
}

/* ---- whether it may be kept ---- */

/* The ledger of an answer continues the one seen before. Tiles are read where it grew. */
static enum coffer_rc check_ledger(const struct rcar *r, const struct fresh_seen *seen, const struct fresh_answer *a, struct err *e)
{
	struct seen_head old = { .head.size = seen->size, .what = "this guest saw" };
	struct merkle_head now = { .size = a->size };

	if (seen->size == 0)
		return COFFER_OK;
	memcpy(old.head.root.b, seen->root, sizeof(old.head.root.b));
	memcpy(now.root.b, a->root, sizeof(now.root.b));
	return heads_continue(r->conn, &old, &now, e);
}

enum coffer_rc rcar_fresh(struct rcar *r, struct fresh_ask *ask, struct fresh_seen *seen, struct fresh_answer *out, struct err *e)
{
	CLEANUP(wr_close) struct wr body = wr_open(FRESH_REQUEST_MAX + SIG_LEN), to_sign = wr_open(FRESH_REQUEST_MAX + 64);
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	struct service_req q = { .method = "POST", .path = "/coffer/v0/freshness", .headers = r->cookie,
		.content_type = "application/octet-stream" };
	struct fresh_expect x = { .ask = ask, .reply = &service_keys(r->conn)->reply, .seen = seen };
	uint8_t sig[SIG_LEN];
	size_t n;

	random_bytes(ask->nonce, sizeof(ask->nonce));
	ask->counter = ++r->counter;
	fresh_ask_write(ask, &body);
	n = body.n;
	fresh_ask_to_sign(wr_span(&body), r->session, &to_sign);
	TRY(wr_done(&to_sign, "freshness", e));
	TRY(key_sign(r->request, wr_span(&to_sign), sig, e));
	wr_put(&body, SPAN(sig));
	TRY(wr_done(&body, "freshness", e));
	q.body = wr_span(&body);
	TRY(service_call(r->conn, &q, FRESH_ANSWER_MAX + SIG_LEN, &res, e));
	x.ask_bytes = (struct span){ body.p, n };
	pubkey_thumbprint(privkey_public(r->tee), x.session_key);
	TRY(fresh_check(wr_span(&res.body), &x, out, e));
	TRY(check_ledger(r, seen, out, e));
	seen->size = out->size;
	memcpy(seen->root, out->root, sizeof(seen->root));
	return COFFER_OK;
}
