#include "cofferd/keep/partyauth.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/room.h"
#include "fmt/enc.h"

#define TOKEN_PAYLOAD_MAX 4096
#define TOKEN_SECONDS 300

bool jws_payload_is(struct span signing_input, struct span payload)
{
	CLEANUP(wr_close) struct wr w = wr_open(signing_input.n);
	size_t dot = span_find(signing_input, '.');

	b64url_write(&w, payload);
	return dot < signing_input.n && wr_ok(&w) && span_eq(span_skip(signing_input, dot + 1), wr_span(&w));
}

struct claims {
	struct span iss, method, path;
	uint64_t    iat, exp;
	uint8_t     body[32], jti[JTI_LEN], tls[32];
	bool        bound; /* to the service with that TLS key */
};

static enum coffer_rc read_claims(const struct json *v, struct claims *c, struct err *e)
{
	static const char *const names[] = { "iss", "iat", "exp", "method", "path", "body", "jti", "tls", NULL };
	struct span body, jti;

	TRY(json_closed(v, names, "token", e));
	TRY(json_need_str(v, "iss", "token", &c->iss, e));
	TRY(json_need_str(v, "method", "token", &c->method, e));
	TRY(json_need_str(v, "path", "token", &c->path, e));
	TRY(json_need_str(v, "body", "token", &body, e));
	TRY(json_need_str(v, "jti", "token", &jti, e));
	TRY(json_need_u64(v, "iat", "token", &c->iat, e));
	TRY(json_need_u64(v, "exp", "token", &c->exp, e));
	c->bound = json_get(v, "tls") != NULL;
	if (c->bound && !hex_fixed(json_str(json_get(v, "tls")), c->tls, sizeof(c->tls)))
		return err_set(e, COFFER_E_INPUT, "token: malformed tls");
	if (!hex_fixed(body, c->body, sizeof(c->body)) || !hex_fixed(jti, c->jti, sizeof(c->jti)) || c->exp > INT64_MAX)
		return err_set(e, COFFER_E_INPUT, "token: malformed body, jti or exp");
	return COFFER_OK;
}

static enum coffer_rc check_claims(const struct keep *k, const struct keep_party_auth *a, const struct claims *c, struct err *e)
{
	bool reads = span_eq_str(a->method, "GET") || span_eq_str(a->method, "DELETE");
	uint64_t now = (uint64_t)k->now, most = c->bound && reads ? TOKEN_BOUND_SECONDS : TOKEN_SECONDS;

	if (c->exp <= c->iat || c->exp - c->iat > most)
		return err_deny(e, "token", "a token is good for at most %u seconds", (unsigned)most);
	if (c->bound && !span_eq(SPAN(c->tls), SPAN(k->tls)))
		return err_deny(e, "token", "the token is for a service with another TLS key");
	if (now >= c->exp)
		return err_deny(e, "token", "the token has expired");
	if (c->iat > now + TOKEN_AHEAD)
		return err_deny(e, "token", "the token is issued in the future; check this machine's clock");
	if (!span_eq(c->method, a->method) || !span_eq(c->path, a->path))
		return err_deny(e, "token", "the token is for another method or path");
	if (!span_eq(SPAN(c->body), SPAN(a->body_sha256)))
		return err_deny(e, "token", "the token is for another body");
	return COFFER_OK;
}

static enum coffer_rc forget_expired(struct keep *k, struct err *e)
{
	CLEANUP(q_close) struct q old = q_open(k->store, "DELETE FROM jti WHERE expires<=?");

	q_i64(&old, k->now);
	return q_run(&old, e);
}

/* Remembered as the key's thumbprint and its own name. */
static enum coffer_rc use_once(struct keep *k, const char *party, const uint8_t kid[static 32], const struct claims *c, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store, "INSERT OR IGNORE INTO jti(id, expires) VALUES(?,?)");
	CLEANUP(tx_end) struct tx tx = { 0 };
	uint8_t id[JTI_ID_LEN];

	memcpy(id, kid, 32);
	memcpy(id + 32, c->jti, JTI_LEN);
	TRY(tx_begin(&k->journal, &tx, e));
	TRY(forget_expired(k, e));
	TRY(room_token(k, party, e));
	q_blob(&q, SPAN(id));
	q_i64(&q, (int64_t)c->exp);
	TRY(q_run(&q, e));
	if (q_changes(k->store) != 1)
		return err_deny(e, "token", "the token was used before; make a new one");
	return tx_commit(&tx, e);
}

/* Some party's, if not now. Whose keys are which anyone may read. */
static bool was_known(const struct keep *k, const uint8_t kid[static 32])
{
	const struct parties *p = &k->registry.parties;

	for (size_t i = 0; i < p->n; i++)
		if (life_had_thumb(&p->life[i], kid))
			return true;
	return false;
}

enum coffer_rc party_auth(struct keep *k, const struct keep_party_auth *a, const struct party **who, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct pubkey *key = NULL;
	const struct party *p = registry_key(&k->registry, a->kid, k->now, &key);
	struct claims c = { 0 };

	if (!p && was_known(k, a->kid))
		return err_deny(e, "token", "the key that signed this token is not in effect: it waits, was replaced or named compromised, or its party's"
				" statement has expired ('coffer party show' of another party tells)");
	if (!p || !key_verify(key, a->signing_input, SPAN(a->sig)) || !jws_payload_is(a->signing_input, a->payload))
		return err_deny(e, "token", "no known party signed this token: a newcomer is known once a party that is has introduced it ('coffer party request', then its 'coffer party admit')");
	TRY(json_parse(a->payload, TOKEN_PAYLOAD_MAX, &doc, e));
	TRY(read_claims(json_root(doc), &c, e));
	if (!span_eq_str(c.iss, p->id))
		return err_deny(e, "token", "the token's issuer is not the party whose key signed it");
	TRY(check_claims(k, a, &c, e));
	TRY(use_once(k, p->id, a->kid, &c, e));
	*who = p;
	return COFFER_OK;
}
