#include "crypto/jws.h"

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

void jws_parts_clear(struct jws_parts *p)
{
	wr_close(&p->own);
	*p = (struct jws_parts){ 0 };
}

const char *jws_alg(enum key_kind k)
{
	return k == KEY_P256 ? "ES256" : "EdDSA";
}

enum coffer_rc jws_split(struct span compact, size_t max_bytes, struct jws_parts *out, struct err *e)
{
	CLEANUP(jws_parts_clear) struct jws_parts p = { .own = wr_open(compact.n) };
	size_t dot1 = span_find(compact, '.'), dot2, head_n;
	struct span rest = span_skip(compact, dot1 + 1), sig;

	if (compact.n > max_bytes)
		return err_set(e, COFFER_E_LIMIT, "token: longer than %zu bytes", max_bytes);
	dot2 = span_find(rest, '.');
	if (dot1 == compact.n || dot2 == rest.n)
		return err_set(e, COFFER_E_INPUT, "token: not three parts joined by dots");
	sig = span_skip(rest, dot2 + 1);
	if (!b64url_read((struct span){ compact.p, dot1 }, &p.own))
		return err_set(e, COFFER_E_INPUT, "token: the header is not base64url");
	head_n = p.own.n;
	if (!b64url_read((struct span){ rest.p, dot2 }, &p.own))
		return err_set(e, COFFER_E_INPUT, "token: the payload is not base64url");
	if (!b64url_fixed(sig, p.sig, SIG_LEN)) /* refuses a fourth part as well */
		return err_set(e, COFFER_E_INPUT, "token: the signature is not %d bytes in base64url", SIG_LEN);
	TRY(wr_done(&p.own, "token", e));
	p.signing_input = (struct span){ compact.p, dot1 + 1 + dot2 };
	p.header = (struct span){ p.own.p, head_n };
	p.payload = span_skip(wr_span(&p.own), head_n);
	*out = p;
	p = (struct jws_parts){ 0 };
	return COFFER_OK;
}

enum coffer_rc jws_sign(const struct privkey *k, struct span header_json, struct span payload_json, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(out->max);
	uint8_t sig[SIG_LEN];

	b64url_write(&w, header_json);
	wr_u8(&w, '.');
	b64url_write(&w, payload_json);
	TRY(wr_done(&w, "token", e));
	TRY(key_sign(k, wr_span(&w), sig, e));
	wr_u8(&w, '.');
	b64url_write(&w, SPAN(sig));
	TRY(wr_done(&w, "token", e));
	wr_put(out, wr_span(&w));
	return wr_done(out, "token", e);
}
