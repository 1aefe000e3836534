#include "cofferd/net/forms.h"

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

#define PARTY_TOKEN_MAX (8u << 10)
#define SEALED_MAX (3u << 20)

void party_token_clear(struct party_token *t)
{
	jws_parts_clear(&t->parts);
	*t = (struct party_token){ 0 };
}

static enum coffer_rc read_header(struct span header, uint8_t kid[static 32], struct err *e)
{
	static const char *const names[] = { "alg", "kid", "typ", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct span alg, k, typ;

	TRY(json_parse(header, PARTY_TOKEN_MAX, &doc, e));
	TRY(json_closed(json_root(doc), names, "party token", e));
	TRY(json_need_str(json_root(doc), "alg", "party token", &alg, e));
	TRY(json_need_str(json_root(doc), "kid", "party token", &k, e));
	TRY(json_need_str(json_root(doc), "typ", "party token", &typ, e));
	if (!span_eq_str(typ, "JWT") || (!span_eq_str(alg, "EdDSA") && !span_eq_str(alg, "ES256")) || !b64url_fixed(k, kid, 32))
		return err_set(e, COFFER_E_INPUT, "party token: header is not one of ours");
	return COFFER_OK;
}

enum coffer_rc party_token_split(struct span compact, struct party_token *out, struct err *e)
{
	CLEANUP(party_token_clear) struct party_token t = { 0 };

	TRY(jws_split(compact, PARTY_TOKEN_MAX, &t.parts, e));
	TRY(read_header(t.parts.header, t.auth.kid, e));
	t.auth.signing_input = t.parts.signing_input;
	t.auth.payload = t.parts.payload;
	memcpy(t.auth.sig, t.parts.sig, SIG_LEN);
	*out = t;
	t = (struct party_token){ 0 };
	return COFFER_OK;
}

void sealed_asset_clear(struct sealed_asset *s)
{
	dsse_clear(&s->statement);
	jwe_parts_clear(&s->sealed);
	json_freep(&s->doc);
	*s = (struct sealed_asset){ 0 };
}

static enum coffer_rc parse_content(const struct json *root, struct sealed_asset *s, struct err *e)
{
	const struct json *sealed = NULL;

	s->has_content = json_get(root, "sealed") != NULL;
	if (!s->has_content)
		return COFFER_OK;
	TRY(json_need_obj(root, "sealed", "sealed asset", &sealed, e));
	TRY(jwe_parse(sealed, &s->sealed, e));
	if (!s->sealed.has_epk)
		return err_set(e, COFFER_E_INPUT, "sealed asset: not sealed by ECDH-ES+A256KW");
	return COFFER_OK;
}

enum coffer_rc sealed_asset_parse(struct span body, struct sealed_asset *out, struct err *e)
{
	static const char *const names[] = { "statement", "sealed", NULL };
	CLEANUP(sealed_asset_clear) struct sealed_asset s = { 0 };
	const struct json *root, *statement = NULL;

	TRY(json_parse(body, SEALED_MAX, &s.doc, e));
	root = json_root(s.doc);
	TRY(json_closed(root, names, "sealed asset", e));
	TRY(json_need_obj(root, "statement", "sealed asset", &statement, e));
	TRY(dsse_parse_json(statement, &s.statement, e));
	TRY(parse_content(root, &s, e));
	*out = s;
	s = (struct sealed_asset){ 0 };
	return COFFER_OK;
}

enum coffer_rc signed_request_parse(struct span request, struct span signature, struct wr *bytes, uint8_t sig[static SIG_LEN],
				    struct err *e)
{
	*bytes = wr_open(512);
	if (!b64url_read(request, bytes) || !wr_ok(bytes) || bytes->n == 0)
		return err_set(e, COFFER_E_INPUT, "Coffer-Request is not base64url of 1 to 512 bytes");
	if (!b64url_fixed(signature, sig, SIG_LEN))
		return err_set(e, COFFER_E_INPUT, "Coffer-Signature is not base64url of 64 bytes");
	return COFFER_OK;
}
