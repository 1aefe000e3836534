#include "crypto/jwe.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/jwe_priv.h"
#include "crypto/oaep.h"
#include "fmt/enc.h"

/* The padding is chosen by the caller, never by the sender: the header must agree. */
static enum coffer_rc check_alg(struct span protected_b64, const char *want, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr text = wr_open(4096);
	struct span alg;

	if (!b64url_read(protected_b64, &text))
		return err_set(e, COFFER_E_INPUT, "JWE: protected is not base64url");
	TRY(json_parse(wr_span(&text), 4096, &doc, e));
	TRY(json_need_str(json_root(doc), "alg", "JWE header", &alg, e));
	if (!span_eq_str(alg, want))
		return err_set(e, COFFER_E_INPUT, "JWE header: alg is not %s", want);
	return COFFER_OK;
}

enum coffer_rc jwe_open_rsa(struct span k_pem, struct span pass, const struct jwe_parts *p, bool sha1,
    struct secret *plain, struct err *e)
{
	uint8_t cek[32];
	enum coffer_rc rc;

	if (p->has_epk)
		return err_set(e, COFFER_E_INPUT, "JWE: sealed to an elliptic-curve key, not to an RSA key");
	TRY(check_alg(p->protected_b64, sha1 ? "RSA-OAEP" : "RSA-OAEP-256", e));
	TRY(oaep_open(k_pem, pass, sha1, p->encrypted_key, cek, e));
	rc = jwe_content(cek, p->iv, p->protected_b64, p->ciphertext, p->tag, plain, e);
	explicit_bzero(cek, sizeof(cek));
	return rc;
}
