#include "crypto/jwe.h"

#include "base/own.h"
#include "base/str.h"
#include "crypto/jwe_priv.h"
#include "crypto/jwk.h"
#include "fmt/enc.h"

#define HEADER_MAX 4096

void jwe_parts_clear(struct jwe_parts *p)
{
	wr_close(&p->own);
	*p = (struct jwe_parts){ 0 };
}

/* Members that change what the other bytes mean, and that this profile does not have:
 * to skip one would be to open something else than what was sealed. */
static enum coffer_rc no_extensions(const struct json *h, struct err *e)
{
	static const char *const refused[] = { "crit", "zip", "b64" };

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (json_get(h, refused[i]))
			return err_set(e, COFFER_E_INPUT, "JWE header: member \"%s\" is not supported", refused[i]);
	}
	if (json_str(json_get(h, "apu")).n || json_str(json_get(h, "apv")).n)
		return err_set(e, COFFER_E_INPUT, "JWE header: party information (apu, apv) is not supported");
	return COFFER_OK;
}

static enum coffer_rc read_header(const struct json *h, struct jwe_parts *p, struct err *e)
{
	const struct json *epk;
	struct span alg, enc;

	TRY(json_need_str(h, "alg", "JWE header", &alg, e));
	TRY(json_need_str(h, "enc", "JWE header", &enc, e));
	TRY(no_extensions(h, e));
	if (!span_eq_str(enc, "A256GCM"))
		return err_set(e, COFFER_E_INPUT, "JWE header: enc is not A256GCM");
	if (span_eq_str(alg, "RSA-OAEP-256") || span_eq_str(alg, "RSA-OAEP")) /* the latter: see jwe_open_rsa's sha1 */
		return COFFER_OK;
	if (!span_eq_str(alg, JWE_EC_ALG))
		return err_set(e, COFFER_E_INPUT, "JWE header: unknown alg");
	TRY(json_need_obj(h, "epk", "JWE header", &epk, e));
	TRY(jwk_read(epk, "JWE header: epk", &p->epk, e));
	if (p->epk.kind != KEY_P256)
		return err_set(e, COFFER_E_INPUT, "JWE header: epk is not on P-256");
	p->has_epk = true;
	return COFFER_OK;
}

static enum coffer_rc parse_protected(const struct json *v, struct jwe_parts *p, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr text = wr_open(HEADER_MAX);

	TRY(json_need_str(v, "protected", "JWE", &p->protected_b64, e));
	if (!b64url_read(p->protected_b64, &text))
		return err_set(e, COFFER_E_INPUT, "JWE: protected is not base64url of at most %d bytes", HEADER_MAX);
	TRY(json_parse(wr_span(&text), HEADER_MAX, &doc, e));
	return read_header(json_root(doc), p, e);
}

static enum coffer_rc fixed(const struct json *v, const char *name, uint8_t *out, size_t n, struct err *e)
{
	struct span s;

	TRY(json_need_str(v, name, "JWE", &s, e));
	if (!b64url_fixed(s, out, n))
		return err_set(e, COFFER_E_INPUT, "JWE: %s is not %zu bytes in base64url", name, n);
	return COFFER_OK;
}

enum coffer_rc jwe_parse(const struct json *v, struct jwe_parts *out, struct err *e)
{
	static const char *const members[] = { "protected", "encrypted_key", "iv", "ciphertext", "tag", NULL };
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	struct span key, ct;
	size_t key_n;

	TRY(json_closed(v, members, "JWE", e));
	TRY(parse_protected(v, &p, e));
	TRY(fixed(v, "iv", p.iv, sizeof(p.iv), e));
	TRY(fixed(v, "tag", p.tag, sizeof(p.tag), e));
	TRY(json_need_str(v, "encrypted_key", "JWE", &key, e));
	TRY(json_need_str(v, "ciphertext", "JWE", &ct, e));
	p.own = wr_open(key.n + ct.n); /* decoded is shorter */
	if (!b64url_read(key, &p.own))
		return err_set(e, COFFER_E_INPUT, "JWE: encrypted_key is not base64url");
	key_n = p.own.n;
	if (!b64url_read(ct, &p.own))
		return err_set(e, COFFER_E_INPUT, "JWE: ciphertext is not base64url");
	TRY(wr_done(&p.own, "JWE", e));
	p.encrypted_key = (struct span){ p.own.p, key_n };
	p.ciphertext = span_skip(wr_span(&p.own), key_n);
	*out = p;
	p = (struct jwe_parts){ 0 };
	return COFFER_OK;
}

enum coffer_rc jwe_open(const struct privkey *k, const struct jwe_parts *p, struct secret *plain, struct err *e)
{
	if (!p->has_epk)
		return err_set(e, COFFER_E_INPUT, "JWE: sealed to an RSA key, not to this one");
	return jwe_open_raw(k, &p->epk, p->encrypted_key, p->iv, p->protected_b64, p->ciphertext, p->tag, plain, e);
}
