#include "crypto/jwk.h"

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

static enum coffer_rc coordinate(const struct json *v, const char *name, const char *where, uint8_t out[static 32], struct err *e)
{
	struct span s;

	TRY(json_need_str(v, name, where, &s, e));
	if (!b64url_fixed(s, out, 32))
		return err_set(e, COFFER_E_INPUT, "%s: member \"%s\" is not 32 bytes in base64url", where, name);
	return COFFER_OK;
}

enum coffer_rc jwk_read(const struct json *v, const char *where, struct pubkey *out, struct err *e)
{
	struct pubkey k = { 0 };
	struct span kty, crv;

	TRY(json_need_str(v, "kty", where, &kty, e));
	TRY(json_need_str(v, "crv", where, &crv, e));
	if (json_get(v, "d"))
		return err_set(e, COFFER_E_INPUT, "%s: this is a PRIVATE key (member \"d\"); give the public one", where);
	if (span_eq_str(kty, "EC") && span_eq_str(crv, "P-256"))
		k.kind = KEY_P256;
	else if (span_eq_str(kty, "OKP") && span_eq_str(crv, "Ed25519"))
		k.kind = KEY_ED25519;
	else
		return err_set(e, COFFER_E_INPUT, "%s: only EC P-256 and OKP Ed25519 keys are known", where);
	TRY(coordinate(v, "x", where, k.x, e));
	if (k.kind == KEY_P256)
		TRY(coordinate(v, "y", where, k.y, e));
	*out = k;
	return COFFER_OK;
}

static void member(struct json_wr *j, const char *name, const uint8_t c[static 32])
{
	CLEANUP(wr_close) struct wr w = wr_open(64);

	b64url_write(&w, (struct span){ c, 32 });
	if (!wr_ok(&w))
		j->w->bad = true; /* out of memory: the caller sees it in its own writer */
	jw_m_str(j, name, wr_span(&w));
}

void jwk_write(struct json_wr *j, const struct pubkey *k)
{
	bool ec = k->kind == KEY_P256;

	jw_obj(j);
	jw_m_text(j, "crv", ec ? "P-256" : "Ed25519");
	jw_m_text(j, "kty", ec ? "EC" : "OKP");
	member(j, "x", k->x);
	if (ec)
		member(j, "y", k->y);
	jw_obj_end(j);
}
