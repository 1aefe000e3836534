#include "trust/tosign.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "trust/reqtoken.h"

#define ASKS "coffer-to-sign-v1"
#define ANSWERS "coffer-signature-v1"
#define INPUT_MAX (DSSE_PAYLOAD_MAX + 256)

void to_sign_clear(struct to_sign *t)
{
	dsse_clear(&t->env);
	*t = (struct to_sign){ 0 };
}

void to_sign_input(const struct to_sign *t, struct wr *out)
{
	if (t->what == TO_SIGN_STATEMENT)
		dsse_pae(DSSE_TYPE, wr_span(&t->env.payload), out);
	else
		wr_put(out, wr_span(&t->env.payload));
}

static enum coffer_rc input_digest(const struct to_sign *t, uint8_t out[static 32], struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(INPUT_MAX);

	to_sign_input(t, &w);
	TRY(wr_done(&w, "what is to be signed", e));
	sha256(wr_span(&w), out);
	return COFFER_OK;
}

static void m_keyid(struct json_wr *j, const uint8_t keyid[static 32])
{
	CLEANUP(wr_close) struct wr w = wr_open(64);

	b64url_write(&w, (struct span){ keyid, 32 });
	jw_m_str(j, "keyid", wr_span(&w));
}

static void m_digest(struct json_wr *j, const uint8_t digest[static 32])
{
	char hex[HEX32_LEN];

	hex32(digest, hex);
	jw_m_text(j, "input", hex);
}

enum coffer_rc to_sign_write(const struct to_sign *t, const char *summary, struct wr *w, struct err *e)
{
	CLEANUP(wr_close) struct wr b64 = wr_open(DSSE_ENVELOPE_MAX);
	struct json_wr j = jw_open(w, true);
	uint8_t digest[32];

	TRY(input_digest(t, digest, e));
	jw_obj(&j);
	jw_m_text(&j, "form", ASKS);
	m_keyid(&j, t->keyid);
	m_digest(&j, digest);
	jw_m_text(&j, "summary", summary);
	if (t->what == TO_SIGN_STATEMENT) {
		jw_name(&j, "statement");
		dsse_write(&t->env, &j);
	} else if (t->what == TO_SIGN_TOKEN) {
		jw_m_str(&j, "token", wr_span(&t->env.payload));
	} else {
		b64_write(&b64, wr_span(&t->env.payload));
		TRY(wr_done(&b64, "payload", e));
		jw_m_str(&j, "image-payload", wr_span(&b64));
	}
	jw_obj_end(&j);
	wr_str(w, "\n");
	return wr_done(w, "file to sign", e);
}

static enum coffer_rc need_form(const struct json *v, const char *form, const char *where, struct err *e)
{
	struct span s;

	TRY(json_need_str(v, "form", where, &s, e));
	return span_eq_str(s, form) ? COFFER_OK : err_set(e, COFFER_E_INPUT, "%s: \"form\" is not %s", where, form);
}

static enum coffer_rc need_ids(const struct json *v, const char *where, uint8_t keyid[static 32], uint8_t input[static 32], struct err *e)
{
	struct span key, digest;

	TRY(json_need_str(v, "keyid", where, &key, e));
	TRY(json_need_str(v, "input", where, &digest, e));
	if (!b64url_fixed(key, keyid, 32))
		return err_set(e, COFFER_E_INPUT, "%s: \"keyid\" is no thumbprint", where);
	if (!hex_fixed(digest, input, 32))
		return err_set(e, COFFER_E_INPUT, "%s: \"input\" is no SHA-256 in hex", where);
	return COFFER_OK;
}

/* For that key; what it says whoever signs is shown. */
static enum coffer_rc read_token(const struct json *v, struct to_sign *t, struct err *e)
{
	struct reqtoken said;

	TRY(reqtoken_read(json_str(v), t->keyid, &said, e));
	t->what = TO_SIGN_TOKEN;
	t->env.payload = wr_open(REQTOKEN_MAX);
	wr_put(&t->env.payload, json_str(v));
	return wr_done(&t->env.payload, "token", e);
}

static enum coffer_rc read_payload(const struct json *v, struct to_sign *t, struct err *e)
{
	const struct json *statement = json_get(v, "statement"), *image = json_get(v, "image-payload"), *token = json_get(v, "token");

	if (!!statement + !!image + !!token != 1)
		return err_set(e, COFFER_E_INPUT, "file to sign: one of a statement, an image-payload and a token");
	if (token)
		return read_token(token, t, e);
	if (statement) {
		t->what = TO_SIGN_STATEMENT;
		return dsse_parse_json(statement, &t->env, e);
	}
	t->what = TO_SIGN_IMAGE;
	t->env.payload = wr_open(TO_SIGN_IMAGE_MAX);
	if (json_str(image).n == 0 || !b64_read(json_str(image), &t->env.payload) || !wr_ok(&t->env.payload))
		return err_set(e, COFFER_E_INPUT, "file to sign: \"image-payload\" is no base64, or too long");
	return COFFER_OK;
}

enum coffer_rc to_sign_parse(struct span text, struct to_sign *out, struct err *e)
{
	static const char *const names[] = { "form", "keyid", "input", "summary", "statement", "image-payload", "token", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(to_sign_clear) struct to_sign t = { 0 };
	uint8_t said[32], is[32];
	struct span summary;

	TRY(json_parse(text, TO_SIGN_MAX, &doc, e));
	TRY(json_closed(json_root(doc), names, "file to sign", e));
	TRY(need_form(json_root(doc), ASKS, "file to sign", e));
	TRY(json_need_str(json_root(doc), "summary", "file to sign", &summary, e));
	TRY(need_ids(json_root(doc), "file to sign", t.keyid, said, e));
	TRY(read_payload(json_root(doc), &t, e));
	TRY(input_digest(&t, is, e));
	if (!span_eq(SPAN(said), SPAN(is)))
		return err_deny(e, "to-sign", "the file says that other bytes are to be signed than it carries");
	*out = t;
	t = (struct to_sign){ 0 };
	return COFFER_OK;
}

enum coffer_rc detached_make(const struct to_sign *t, const struct privkey *k, struct detached *out, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(INPUT_MAX);

	to_sign_input(t, &w);
	TRY(wr_done(&w, "what is to be signed", e));
	pubkey_thumbprint(privkey_public(k), out->keyid);
	sha256(wr_span(&w), out->input);
	return key_sign(k, wr_span(&w), out->sig, e);
}

enum coffer_rc detached_write(const struct detached *d, struct wr *w, struct err *e)
{
	CLEANUP(wr_close) struct wr sig = wr_open(128);
	struct json_wr j = jw_open(w, true);

	b64_write(&sig, SPAN(d->sig));
	TRY(wr_done(&sig, "signature", e));
	jw_obj(&j);
	jw_m_text(&j, "form", ANSWERS);
	m_keyid(&j, d->keyid);
	m_digest(&j, d->input);
	jw_m_str(&j, "sig", wr_span(&sig));
	jw_obj_end(&j);
	wr_str(w, "\n");
	return wr_done(w, "signature", e);
}

enum coffer_rc detached_parse(struct span text, struct detached *out, struct err *e)
{
	static const char *const names[] = { "form", "keyid", "input", "sig", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct detached d;
	struct span sig;

	TRY(json_parse(text, 4096, &doc, e));
	TRY(json_closed(json_root(doc), names, "signature file", e));
	TRY(need_form(json_root(doc), ANSWERS, "signature file", e));
	TRY(need_ids(json_root(doc), "signature file", d.keyid, d.input, e));
	TRY(json_need_str(json_root(doc), "sig", "signature file", &sig, e));
	if (!b64_fixed(sig, d.sig, SIG_LEN))
		return err_set(e, COFFER_E_INPUT, "signature file: \"sig\" is not 64 bytes in base64");
	*out = d;
	return COFFER_OK;
}

enum coffer_rc detached_check(const struct detached *d, const struct to_sign *t, const struct pubkey *k, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(INPUT_MAX);
	uint8_t thumb[32], digest[32];

	pubkey_thumbprint(k, thumb);
	to_sign_input(t, &w);
	TRY(wr_done(&w, "what is to be signed", e));
	sha256(wr_span(&w), digest);
	if (!span_eq(SPAN(thumb), SPAN(t->keyid)))
		return err_deny(e, "signature", "another key was asked to sign this than yours");
	if (!span_eq(SPAN(d->keyid), SPAN(t->keyid)))
		return err_deny(e, "signature", "it was signed with another key than the one that was asked");
	if (!span_eq(SPAN(d->input), SPAN(digest)))
		return err_deny(e, "signature", "the signature is of something else");
	if (!key_verify(k, wr_span(&w), SPAN(d->sig)))
		return err_deny(e, "signature", "the signature does not verify");
	return COFFER_OK;
}

enum coffer_rc detached_add(const struct detached *d, struct to_sign *t, const struct pubkey *k, struct err *e)
{
	struct dsse_sig s;

	TRY(detached_check(d, t, k, e));
	memcpy(s.keyid, d->keyid, sizeof(s.keyid));
	memcpy(s.sig, d->sig, sizeof(s.sig));
	return dsse_add(&t->env, &s, e);
}
