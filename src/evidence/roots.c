/* The pinned keys as anchors. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/driver.h"
#include "fmt/enc.h"

static const struct {
	const char *vendor;
	const struct pinned *keys;
} vendors[] = { { "amd", roots_amd }, { "intel", roots_intel }, { "tpm", roots_google }, { "nvidia", roots_nvidia },
	{ "nvidia-rim", roots_nvidia_rim } };

static enum coffer_rc pinned_key(const struct pinned *p, struct vkey **out, struct err *e)
{
	static const uint8_t exponent[] = { 1, 0, 1 };
	CLEANUP(wr_close) struct wr n = wr_open(1024);
	CLEANUP(vkey_freep) struct vkey *k = NULL;
	uint8_t want[32], got[32];

	if (!hex_read(span_of(p->n), &n) || !wr_ok(&n))
		return err_set(e, COFFER_E_BUG, "pinned key %s is no hex", p->cn);
	TRY(p->kind == VKEY_RSA ? vkey_rsa(wr_span(&n), SPAN(exponent), &k, e) : vkey_ec(p->kind, wr_span(&n), &k, e));
	sha256(vkey_der(k), got);
	if (!hex_fixed(span_of(p->spki_sha256), want, sizeof(want)) || !span_eq(SPAN(want), SPAN(got)))
		return err_set(e, COFFER_E_BUG, "pinned key %s has not its fingerprint", p->cn);
	*out = MOVE(k);
	return COFFER_OK;
}

static enum coffer_rc copy_certs(const struct cert_list *from, struct cert_list *to, struct err *e)
{
	for (size_t i = 0; i < from->n; i++)
		TRY(certs_read(cert_bytes(from->c[i]), to, e));
	return COFFER_OK;
}

enum coffer_rc ev_roots(const char *vendor, const struct collateral *col, struct anchors *out, struct err *e)
{
	for (size_t v = 0; v < sizeof(vendors) / sizeof(vendors[0]); v++) {
		for (const struct pinned *p = vendors[v].keys; p->cn && strcmp(vendors[v].vendor, vendor) == 0; p++) {
			struct vkey *k = NULL;

			TRY(pinned_key(p, &k, e));
			TRY(anchors_add(out, p->cn, k, e));
		}
	}
	return col ? copy_certs(&col->roots, &out->certs, e) : COFFER_OK;
}
