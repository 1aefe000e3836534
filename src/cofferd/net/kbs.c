/* The KBS protocol 0.4.0 over HTTP: what upstream clients speak. docs/protocol/service.md. */
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/net/forms.h"
#include "cofferd/net/kbs_attest.h"
#include "cofferd/net/web.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "proto/rcar_tpm.h"
#include "trust/name.h"

#define REQ_MAX (4u << 20)
#define WAIT_CHECK "R12"
#define SEAL_HINT "this service never sees a secret: seal it with `coffer asset seal` and send that, or use `coffer asset put`"

/* Codes of the exchange itself; 401 is what makes a guest attest again, whatever went wrong. */
static void refuse(struct reply *r, const char *name, const struct err *e, const struct answer *a)
{
	bool waited = e->rc == COFFER_E_DENIED && strcmp(e->check, WAIT_CHECK) == 0; /* to attest again would mend nothing */

	reply_kbs_err(r, waited ? 503 : e->rc == COFFER_E_NOTFOUND ? 404 : 401, name, e, a);
}

/* ---- auth ---- */

static void auth_request(const struct rcar_tpm *t, enum tee_kind tee, struct wr *w)
{
	struct keep_auth_req m = { .tee = (uint8_t)tee };

	m.tpm.ek_cert = wr_span(&t->ek_cert);
	m.tpm.ak_public = wr_span(&t->ak_public);
	m.tpm.n_chain = t->n_chain;
	for (size_t i = 0; i < t->n_chain; i++)
		m.tpm.chain[i] = wr_span(&t->chain[i]);
	keep_auth_req_write(w, &m);
}

static void write_challenge(const struct keep_auth_rep *rep, struct wr *w)
{
	const struct rcar_credential c = { rep->credential, rep->secret };

	if (c.credential.n > 0)
		rcar_tpm_challenge_write(w, rep->nonce, &c);
	else
		rcar_challenge_write(w, rep->nonce);
}

static enum coffer_rc auth(struct request *q, struct reply *r, struct answer *a, struct err *e)
{
	CLEANUP(rcar_request_clear) struct rcar_request in = { 0 };
	CLEANUP(rcar_tpm_clear) struct rcar_tpm tpm = { 0 };
	CLEANUP(wr_close) struct wr req = wr_open(REQ_MAX), body = wr_open(REQ_MAX);
	struct keep_auth_rep rep;
	enum tee_kind tee;

	TRY(rcar_request_parse(wr_span(&q->body), &in, e));
	if (!tee_by_name(in.tee, &tee))
		return err_deny(e, "R3", "this service appraises no evidence of that platform");
	TRY(rcar_tpm_read(in.extra, tee, &tpm, e));
	auth_request(&tpm, tee, &req);
	TRY(keeper_ask(&q->net->keep, KEEP_AUTH, &req, a, e));
	TRY(keep_auth_rep_read(wr_span(&a->body), &rep, e));
	write_challenge(&rep, &body);
	reply_json(r, wr_span(&body));
	kbs_session_write(r, rep.session);
	return COFFER_OK;
}

static void serve_auth(struct request *q, struct reply *r)
{
	CLEANUP(answer_clear) struct answer a = { 0 };
	struct err e = { 0 };

	if (auth(q, r, &a, &e) != COFFER_OK)
		refuse(r, "AttestationError", &e, &a);
}

/* ---- attest ---- */

static void serve_attest(struct request *q, struct reply *r)
{
	CLEANUP(answer_clear) struct answer a = { 0 };
	struct err e = { 0 };

	if (kbs_attest(q, r, &a, &e) != COFFER_OK)
		reply_kbs_err(r, 401, "AttestationError", &e, &a);
}

/* ---- GET resource ---- */

struct release {
	struct keep_resource_req m;
	struct jws_parts         token; /* spans of m borrow it */
	struct wr                request;
};

static void release_clear(struct release *l)
{
	jws_parts_clear(&l->token);
	wr_close(&l->request);
}

static enum coffer_rc read_signed_request(const struct request *q, struct release *l, struct err *e)
{
	struct span h = web_header(q, "Coffer-Request"), s = web_header(q, "Coffer-Signature");

	if (!h.p && !s.p)
		return COFFER_OK;
	TRY(signed_request_parse(h, s, &l->request, l->m.request_sig, e));
	l->m.has_request = true;
	l->m.request = wr_span(&l->request);
	return COFFER_OK;
}

static enum coffer_rc use_token(struct span bearer, struct release *l, struct err *e)
{
	jws_parts_clear(&l->token);
	TRY(jws_split(bearer, WEB_TOKEN_MAX, &l->token, e));
	l->m.by_token = true;
	l->m.token_signing_input = l->token.signing_input;
	l->m.token_payload = l->token.payload;
	memcpy(l->m.token_sig, l->token.sig, SIG_LEN);
	return COFFER_OK;
}

static enum coffer_rc ask_release(struct request *q, const struct release *l, struct answer *a, struct err *e)
{
	CLEANUP(wr_close) struct wr req = wr_open(REQ_MAX);

	answer_clear(a);
	keep_resource_req_write(&req, &l->m);
	return keeper_ask(&q->net->keep, KEEP_RESOURCE, &req, a, e);
}

/* keep has the reply, and lets go of it when the ledger's witnesses have signed its entry. */
static enum coffer_rc hold(struct request *q, const struct keep_resource_rep *rep)
{
	memcpy(q->ticket, rep->ticket, sizeof(q->ticket));
	q->waits = true;
	return COFFER_OK;
}

static enum coffer_rc collect(struct request *q, struct answer *a, struct err *e)
{
	CLEANUP(wr_close) struct wr req = wr_open(64);
	char why[240];
	enum coffer_rc rc;

	answer_clear(a);
	wr_put(&req, SPAN(q->ticket));
	rc = keeper_ask(&q->net->keep, KEEP_COLLECT, &req, a, e);
	if (rc == COFFER_E_NOTFOUND)
		(void)err_deny(e, WAIT_CHECK, "unavailable: what was decided may no longer hold, for something was revoked or approved meanwhile; ask again");
	if (rc != COFFER_E_LIMIT)
		return rc == COFFER_E_NOTFOUND ? e->rc : rc;
	clerk_reason(q->net->witnesses, why, sizeof(why));
	return err_deny(e, WAIT_CHECK, "unavailable: the release is in the ledger, and too few of its witnesses signed that within %d s%s%s; "
	    "whoever runs them can mend it; ask again", CLERK_WAIT_MS / 1000, why[0] ? "; " : "", why);
}

static enum coffer_rc release_reply(struct request *q, const struct answer *a, struct reply *r, struct err *e)
{
	CLEANUP(wr_close) struct wr sig = wr_open(256);
	struct keep_resource_rep rep;
	char entry[HEX32_LEN];

	TRY(keep_resource_rep_read(wr_span(&a->body), &rep, e));
	if (rep.held)
		return hold(q, &rep);
	reply_json(r, rep.body);
	b64url_write(&sig, SPAN(rep.reply_sig));
	TRY(wr_done(&sig, "reply signature", e));
	hex32(rep.entry, entry);
	(void)snprintf(r->coffer_reply, sizeof(r->coffer_reply), "%.*s", (int)sig.n, (const char *)sig.p);
	(void)snprintf(r->coffer_entry, sizeof(r->coffer_entry), "%llu.%s.%llu", (unsigned long long)rep.seq, entry,
		       (unsigned long long)rep.version);
	return COFFER_OK;
}

/* A guest may send its cookie and its token; the session counts while it lives. */
static enum coffer_rc get_resource(struct request *q, struct span path, struct reply *r, struct answer *a, struct err *e)
{
	CLEANUP(release_clear) struct release l = { 0 };
	struct span bearer = web_bearer(q);
	enum coffer_rc rc = COFFER_E_DENIED;
	bool cookie = kbs_session_cookie(q, l.m.session);

	if (q->waited) {
		TRY(collect(q, a, e));
		return release_reply(q, a, r, e);
	}
	if (!cookie && bearer.n == 0)
		return err_deny(e, "session", "neither an attested session nor a token");
	l.m.path = path;
	TRY(read_signed_request(q, &l, e));
	if (cookie)
		rc = ask_release(q, &l, a, e);
	if (bearer.n > 0 && (!cookie || (rc == COFFER_E_DENIED && strcmp(e->check, "session") == 0))) {
		if (use_token(bearer, &l, e) != COFFER_OK)
			return err_deny(e, "token", "the bearer token has not the form of one");
		rc = ask_release(q, &l, a, e);
	}
	if (rc != COFFER_OK)
		return rc;
	return release_reply(q, a, r, e);
}

static const char *resource_error(const struct err *e)
{
	if (e->rc != COFFER_E_DENIED)
		return "PluginInternalError";
	if (strcmp(e->check, WAIT_CHECK) == 0)
		return "PluginInternalError";
	if (strcmp(e->check, "session") == 0)
		return "TokenNotFound";
	return strcmp(e->check, "token") == 0 ? "TokenVerifierError" : "PolicyDeny";
}

static void serve_get(struct request *q, struct span path, struct reply *r)
{
	CLEANUP(answer_clear) struct answer a = { 0 };
	struct err e = { 0 };

	if (get_resource(q, path, r, &a, &e) != COFFER_OK)
		refuse(r, resource_error(&e), &e, &a);
}

/* ---- POST and DELETE resource ---- */

static enum coffer_rc party_auth(const struct request *q, struct party_token *t, struct err *e)
{
	struct span bearer = web_bearer(q);

	if (bearer.n == 0)
		return err_deny(e, "token", "an owner changes its assets with its own token: `coffer asset put`, `coffer token`");
	if (party_token_split(bearer, t, e) != COFFER_OK)
		return err_deny(e, "token", "this is no party token; `coffer token` makes one");
	t->auth.method = span_of(q->method);
	t->auth.path = span_of(q->target);
	sha256(wr_span(&q->body), t->auth.body_sha256);
	return COFFER_OK;
}

static enum coffer_rc put_resource(struct request *q, struct span path, struct answer *a, struct err *e)
{
	CLEANUP(party_token_clear) struct party_token t = { 0 };
	CLEANUP(sealed_asset_clear) struct sealed_asset s = { 0 };
	CLEANUP(wr_close) struct wr req = wr_open(REQ_MAX);
	struct keep_put_req m = { 0 };

	if (sealed_asset_parse(wr_span(&q->body), &s, e) != COFFER_OK)
		return err_deny(e, "seal", SEAL_HINT);
	TRY(party_auth(q, &t, e));
	m.auth = t.auth;
	m.path = path;
	m.statement = s.statement; /* lent: s frees it */
	m.has_content = s.has_content;
	m.epk = s.sealed.epk;
	m.aad = s.sealed.protected_b64;
	m.encrypted_key = s.sealed.encrypted_key;
	m.ciphertext = s.sealed.ciphertext;
	memcpy(m.iv, s.sealed.iv, sizeof(m.iv));
	memcpy(m.tag, s.sealed.tag, sizeof(m.tag));
	keep_put_req_write(&req, &m);
	return keeper_ask(&q->net->keep, KEEP_PUT, &req, a, e);
}

static enum coffer_rc delete_resource(struct request *q, struct span path, struct answer *a, struct err *e)
{
	CLEANUP(party_token_clear) struct party_token t = { 0 };
	CLEANUP(wr_close) struct wr req = wr_open(REQ_MAX);

	TRY(party_auth(q, &t, e));
	keep_delete_req_write(&req, &(struct keep_delete_req){ .auth = t.auth, .path = path });
	return keeper_ask(&q->net->keep, KEEP_DELETE, &req, a, e);
}

static void serve_change(struct request *q, struct span path, struct reply *r)
{
	CLEANUP(answer_clear) struct answer a = { 0 };
	struct err e = { 0 };
	enum coffer_rc rc = web_method(q, "POST") ? put_resource(q, path, &a, &e) : delete_resource(q, path, &a, &e);

	if (rc == COFFER_OK)
		reply_json(r, (struct span){ 0 }); /* upstream's clients look at the status alone */
	else
		refuse(r, strcmp(e.check, "token") == 0 ? "AdminAuthAccess" : "PluginInternalError", &e, &a);
}

static void serve_resource(struct request *q, struct span path, struct reply *r)
{
	struct asset_path p;
	struct err e = { 0 };

	if (span_starts(path, "kbs:") || asset_path_parse(path, &p, &e) != COFFER_OK)
		reply_kbs(r, 404, "InvalidRequestPath", "a resource is named by three segments, party/type/tag");
	else if (q->query.n > 0)
		reply_kbs(r, 404, "InvalidRequestPath", "a resource has no query");
	else if (web_method(q, "GET"))
		serve_get(q, path, r);
	else if (web_method(q, "POST") || web_method(q, "DELETE"))
		serve_change(q, path, r);
	else
		reply_kbs(r, 404, "PluginNotFound", "resources know GET, POST and DELETE");
}

/* ---- the administrator that does not exist ---- */

static const struct { const char *name, *instead; } admin[] = {
	{ "attestation-policy", "what evidence an owner accepts is in its approval: `coffer approve`" },
	{ "resource-policy", "each owner rules over its own assets: `coffer asset policy`, `coffer approve`" },
	{ "reference-value", "they are in the provider's signed statements: `coffer boot-image publish`, `coffer tcb publish`" },
};

static bool serve_admin(struct span path, struct reply *r)
{
	for (size_t i = 0; i < sizeof(admin) / sizeof(admin[0]); i++) {
		size_t n = strlen(admin[i].name);

		if (!span_starts(path, admin[i].name) || (path.n > n && path.p[n] != '/'))
			continue;
		reply_kbs(r, 401, "AdminAuthAccess", "there is no administrator here; %s", admin[i].instead);
		return true;
	}
	return false;
}

void kbs_serve(struct request *q, struct reply *r)
{
	struct span path = span_skip(q->path, strlen("/kbs/v0/"));

	if (web_method(q, "POST") && span_eq_str(path, "auth"))
		serve_auth(q, r);
	else if (web_method(q, "POST") && span_eq_str(path, "attest"))
		serve_attest(q, r);
	else if (span_starts(path, "resource/"))
		serve_resource(q, span_skip(path, strlen("resource/")), r);
	else if (!serve_admin(path, r))
		reply_kbs(r, 404, "PluginNotFound", "there is no such endpoint or plugin");
}
