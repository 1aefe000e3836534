#include "image/cryptjwe.h"

#include "base/own.h"
#include "base/str.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"
#include "crypto/jwe.h"
#include "crypto/jwk.h"
#include "crypto/oaep.h"
#include "crypto/pem.h"
#include "fmt/enc.h"

#define JWE_TEXT_MAX ((size_t)48 << 10)
#define HEADER_MAX 4096
#define CONTENT_MAX 4096

static const char rsa_header[] = "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}";

static void member_b64(struct wr *w, const char *name, struct span v)
{
	wr_fmt(w, ",\"%s\":\"", name);
	b64url_write(w, v);
	wr_str(w, "\"");
}

static enum coffer_rc seal_content(struct span pub_pem, struct wr *plain, struct span aad, struct wr *jwe, struct err *e)
{
	CLEANUP(wr_close) struct wr wrapped = wr_open(1024);
	uint8_t cek[32], iv[GCM_IV], tag[GCM_TAG];
	enum coffer_rc rc;

	random_bytes(cek, sizeof(cek));
	random_bytes(iv, sizeof(iv));
	rc = oaep_seal(pub_pem, true, cek, &wrapped, e);
	if (rc == COFFER_OK)
		rc = gcm_seal(cek, iv, aad, wr_span(plain), plain->p, tag, e);
	explicit_bzero(cek, sizeof(cek));
	TRY(rc);
	member_b64(jwe, "encrypted_key", wr_span(&wrapped));
	member_b64(jwe, "iv", SPAN(iv));
	member_b64(jwe, "ciphertext", wr_span(plain));
	member_b64(jwe, "tag", SPAN(tag));
	wr_str(jwe, "}");
	return wr_done(jwe, "JWE", e);
}

enum coffer_rc cryptjwe_seal(struct span pub_pem, const struct crypt_private *p, struct wr *note, struct err *e)
{
	CLEANUP(wr_close) struct wr plain = wr_open(CONTENT_MAX);
	CLEANUP(wr_close) struct wr aad = wr_open(HEADER_MAX);
	CLEANUP(wr_close) struct wr jwe = wr_open(JWE_TEXT_MAX);

	TRY(crypt_private_write(p, &plain, e));
	b64url_write(&aad, span_of(rsa_header));
	TRY(wr_done(&aad, "JWE header", e));
	wr_str(&jwe, "{\"protected\":\"");
	wr_put(&jwe, wr_span(&aad));
	wr_str(&jwe, "\"");
	TRY(seal_content(pub_pem, &plain, wr_span(&aad), &jwe, e));
	b64_write(note, wr_span(&jwe));
	return wr_done(note, "JWE", e);
}

struct sealed { /* what all recipients share */
	struct json_doc *header_doc;
	const struct json *header; /* protected; NULL when absent */
	struct span aad;
	uint8_t iv[GCM_IV], tag[GCM_TAG];
	struct wr ct;
};

static void sealed_clear(struct sealed *s)
{
	json_free(s->header_doc);
	wr_close(&s->ct);
}

static enum coffer_rc fixed(const struct json *v, const char *name, uint8_t *out, size_t n, struct err *e)
{
	struct span s;

	TRY(json_need_str(v, name, "JWE", &s, e));
	if (!b64url_fixed(s, out, n))
		return err_set(e, COFFER_E_INPUT, "JWE: %s is not %zu bytes in base64url", name, n);
	return COFFER_OK;
}

static enum coffer_rc read_sealed(const struct json *v, struct sealed *s, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(HEADER_MAX);
	struct span ct;

	TRY(json_need_str(v, "protected", "JWE", &s->aad, e));
	TRY(json_need_str(v, "ciphertext", "JWE", &ct, e));
	TRY(fixed(v, "iv", s->iv, sizeof(s->iv), e));
	TRY(fixed(v, "tag", s->tag, sizeof(s->tag), e));
	if (!b64url_read(s->aad, &text))
		return err_set(e, COFFER_E_INPUT, "JWE: protected is not base64url");
	if (json_get(v, "aad"))
		return err_set(e, COFFER_E_INPUT, "JWE: member \"aad\" is not supported");
	TRY(json_parse(wr_span(&text), HEADER_MAX, &s->header_doc, e));
	s->header = json_root(s->header_doc);
	s->ct = wr_open(CONTENT_MAX);
	if (!b64url_read(ct, &s->ct) || s->ct.n == 0)
		return err_set(e, COFFER_E_INPUT, "JWE: ciphertext is not base64url of 1 to %d bytes", CONTENT_MAX);
	return COFFER_OK;
}

/* A header parameter may stand in the protected header or in the recipient's own (RFC 7516, 7.2.1), not in both. */
static enum coffer_rc param(const struct sealed *s, const struct json *own, const char *name, const struct json **out,
    struct err *e)
{
	const struct json *a = json_get(s->header, name), *b = json_get(own, name);

	if (a && b)
		return err_set(e, COFFER_E_INPUT, "JWE: header parameter %s twice", name);
	*out = a ? a : b;
	return COFFER_OK;
}

static enum coffer_rc check_header(const struct sealed *s, const struct json *own, struct span *alg, struct err *e)
{
	static const char *const refused[] = { "crit", "zip", "b64", "apu", "apv" };
	const struct json *v;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		TRY(param(s, own, refused[i], &v, e));
		if (v)
			return err_set(e, COFFER_E_INPUT, "JWE: header parameter %s is not supported", refused[i]);
	}
	if (!span_eq_str(json_str(json_get(s->header, "enc")), "A256GCM"))
		return err_set(e, COFFER_E_INPUT, "JWE: enc is not A256GCM");
	TRY(param(s, own, "alg", &v, e));
	*alg = json_str(v);
	return COFFER_OK;
}

static enum coffer_rc open_rsa(const struct sealed *s, struct span key, bool sha1, struct span pem, struct span pass,
    struct secret *plain, struct err *e)
{
	CLEANUP(secret_free) struct secret cek = { 0 };
	CLEANUP(secret_free) struct secret text = { 0 };

	TRY(secret_new(32, &cek, e));
	TRY(secret_new(s->ct.n, &text, e));
	TRY(oaep_open(pem, pass, sha1, key, cek.p, e));
	TRY(gcm_open(cek.p, s->iv, s->aad, wr_span(&s->ct), s->tag, text.p, e));
	*plain = text;
	text = (struct secret){ 0 };
	return COFFER_OK;
}

struct opener {
	const struct sealed *s;
	struct span pem, pass;
};

static enum coffer_rc open_ec(const struct opener *o, const struct json *own, struct span key, struct secret *plain,
    struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	const struct json *epk;
	struct pubkey pub;

	TRY(param(o->s, own, "epk", &epk, e));
	TRY(jwk_read(epk, "JWE: epk", &pub, e));
	if (pub.kind != KEY_P256)
		return err_set(e, COFFER_E_INPUT, "JWE: epk is not on P-256");
	TRY(pem_read_private(o->pem, o->pass, &k, e));
	if (privkey_public(k)->kind != KEY_P256)
		return err_set(e, COFFER_E_INPUT, "private key: not on P-256");
	return jwe_open_raw(k, &pub, key, o->s->iv, o->s->aad, wr_span(&o->s->ct), o->s->tag, plain, e);
}

/* `r` is an element of recipients, or the flattened object itself. */
static enum coffer_rc open_recipient(const struct opener *o, const struct json *r, struct secret *plain, struct err *e)
{
	CLEANUP(wr_close) struct wr key = wr_open(1024);
	const struct json *own = json_get(r, "header");
	struct span alg, b64;

	TRY(check_header(o->s, own, &alg, e));
	TRY(json_need_str(r, "encrypted_key", "JWE", &b64, e));
	if (!b64url_read(b64, &key))
		return err_set(e, COFFER_E_INPUT, "JWE: encrypted_key is not base64url");
	if (span_eq_str(alg, "RSA-OAEP"))
		return open_rsa(o->s, wr_span(&key), true, o->pem, o->pass, plain, e);
	if (span_eq_str(alg, "RSA-OAEP-256"))
		return open_rsa(o->s, wr_span(&key), false, o->pem, o->pass, plain, e);
	if (span_eq_str(alg, "ECDH-ES+A256KW"))
		return open_ec(o, own, wr_span(&key), plain, e);
	return err_set(e, COFFER_E_INPUT, "JWE: unknown alg");
}

static enum coffer_rc open_text(struct span json, struct span pem, struct span pass, struct secret *plain, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(sealed_clear) struct sealed s = { 0 };
	const struct opener o = { &s, pem, pass };
	const struct json *list;

	TRY(json_parse(json, JWE_TEXT_MAX, &doc, e));
	TRY(read_sealed(json_root(doc), &s, e));
	if (!json_get(json_root(doc), "recipients"))
		return open_recipient(&o, json_root(doc), plain, e);
	TRY(json_need_arr(json_root(doc), "recipients", "JWE", &list, e));
	if (json_len(list) == 0 || json_len(list) > CRYPTJWE_RECIPIENTS_MAX)
		return err_set(e, COFFER_E_LIMIT, "JWE: %zu recipients", json_len(list));
	for (size_t i = 0; i < json_len(list); i++)
		if (open_recipient(&o, json_at(list, i), plain, e) == COFFER_OK)
			return COFFER_OK;
	return e->rc;
}

enum coffer_rc cryptjwe_open(struct span note, struct span pem, struct span pass, struct crypt_private *out, struct err *e)
{
	if (note.n > CRYPT_NOTE_MAX)
		return err_set(e, COFFER_E_LIMIT, "JWE: more than %zu bytes", CRYPT_NOTE_MAX);
	for (;;) {
		CLEANUP(wr_close) struct wr text = wr_open(JWE_TEXT_MAX);
		CLEANUP(secret_free) struct secret plain = { 0 };
		size_t n = span_find(note, ',');

		if (n == 0 || !b64_read((struct span){ note.p, n }, &text))
			return err_set(e, COFFER_E_INPUT, "JWE: the annotation is not base64");
		if (open_text(wr_span(&text), pem, pass, &plain, e) == COFFER_OK)
			return crypt_private_parse((struct span){ plain.p, plain.n }, out, e);
		if (n == note.n)
			break;
		note = span_skip(note, n + 1);
	}
	if (e->rc == COFFER_E_DENIED && strcmp(e->check, "seal") == 0)
		return err_deny(e, "decrypt", "the private key does not open the layer's JWE");
	return err_wrap(e, "layer key");
}
