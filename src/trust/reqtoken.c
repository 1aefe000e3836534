#include "trust/reqtoken.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "fmt/json.h"

#define WHERE "party token"
#define CHECK "token"

static enum coffer_rc malformed(struct err *e, const char *what)
{
	return err_set(e, COFFER_E_INPUT, WHERE ": %s", what);
}

/* Of the key that is asked to sign. */
static enum coffer_rc check_header(struct span text, const uint8_t keyid[static 32], struct err *e)
{
	static const char *const names[] = { "alg", "kid", "typ", NULL };
	CLEANUP(wr_close) struct wr w = wr_open(REQTOKEN_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	uint8_t kid[32];

	if (!b64url_read(text, &w) || !wr_ok(&w))
		return malformed(e, "the header is not base64url");
	TRY(json_parse(wr_span(&w), REQTOKEN_MAX, &doc, e));
	TRY(json_closed(json_root(doc), names, WHERE, e));
	if (!b64url_fixed(json_str(json_get(json_root(doc), "kid")), kid, sizeof(kid)) || !span_eq(SPAN(kid), (struct span){ keyid, 32 }) ||
	    !span_eq_str(json_str(json_get(json_root(doc), "typ")), "JWT"))
		return malformed(e, "the header is another key's, or no party token's");
	return COFFER_OK;
}

static bool put_plain(struct span s, char *out, size_t n)
{
	if (s.n == 0 || s.n >= n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

static enum coffer_rc check_bounds(const struct reqtoken *t, const uint8_t body[static 32], bool bound, struct err *e)
{
	uint8_t none[32];

	sha256((struct span){ 0 }, none);
	if (!bound)
		return err_deny(e, CHECK, "the token is bound to no service");
	if (t->exp <= t->iat || t->exp - t->iat > REQTOKEN_SECONDS)
		return err_deny(e, CHECK, "the token would be good for more than %d seconds", REQTOKEN_SECONDS);
	if ((strcmp(t->method, "GET") != 0 && strcmp(t->method, "DELETE") != 0) || !span_eq((struct span){ body, 32 }, SPAN(none)))
		return err_deny(e, CHECK, "on another machine tokens are signed for reading and deleting alone");
	return COFFER_OK;
}

static enum coffer_rc read_claims(const struct json *v, struct reqtoken *t, struct err *e)
{
	static const char *const names[] = { "iss", "iat", "exp", "method", "path", "body", "jti", "tls", NULL };
	struct span iss = json_str(json_get(v, "iss"));
	uint8_t body[32], jti[16];
	bool bound = json_get(v, "tls") != NULL;

	TRY(json_closed(v, names, WHERE, e));
	TRY(json_need_u64(v, "iat", WHERE, &t->iat, e));
	TRY(json_need_u64(v, "exp", WHERE, &t->exp, e));
	if (!party_ok(iss) || !hex_fixed(json_str(json_get(v, "body")), body, sizeof(body)) || !hex_fixed(json_str(json_get(v, "jti")), jti, sizeof(jti)) ||
	    (bound && !hex_fixed(json_str(json_get(v, "tls")), t->tls, sizeof(t->tls))) || t->exp > INT64_MAX)
		return malformed(e, "malformed iss, body, jti, tls or exp");
	if (!put_plain(json_str(json_get(v, "method")), t->method, sizeof(t->method)) || !put_plain(json_str(json_get(v, "path")), t->path, sizeof(t->path)) || t->path[0] != '/')
		return malformed(e, "malformed method or path");
	memcpy(t->iss, iss.p, iss.n);
	return check_bounds(t, body, bound, e);
}

enum coffer_rc reqtoken_read(struct span signing_input, const uint8_t keyid[static 32], struct reqtoken *out, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(REQTOKEN_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	size_t dot = span_find(signing_input, '.');
	struct reqtoken t = { .iat = 0 };

	if (signing_input.n > REQTOKEN_MAX || dot == signing_input.n)
		return malformed(e, "not a header and a payload");
	TRY(check_header((struct span){ signing_input.p, dot }, keyid, e));
	if (!b64url_read(span_skip(signing_input, dot + 1), &w) || !wr_ok(&w))
		return malformed(e, "the payload is not base64url");
	TRY(json_parse(wr_span(&w), REQTOKEN_MAX, &doc, e));
	TRY(read_claims(json_root(doc), &t, e));
	*out = t;
	return COFFER_OK;
}
