/* The pinned keys, one by one. No certificate is read here: `keep` links this. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/fixed.h"
#include "evidence/pinned.h"
#include "fmt/enc.h"

static const struct {
	const char *vendor;
	const struct pinned *keys;
} vendors[] = { { "amd", roots_amd }, { "intel", roots_intel }, { "tpm", roots_google }, { "hygon", roots_hygon },
	{ "nvidia", roots_nvidia }, { "nvidia-rim", roots_nvidia_rim } };

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

enum coffer_rc ev_pinned(const char *vendor, size_t i, const char **name, struct vkey **out, struct err *e)
{
	*name = NULL;
	for (size_t v = 0; v < sizeof(vendors) / sizeof(vendors[0]); v++) {
		const struct pinned *p = vendors[v].keys;

		if (strcmp(vendors[v].vendor, vendor) != 0)
			continue;
		while (i > 0 && p->cn) {
			p++;
			i--;
		}
		if (!p->cn)
			return COFFER_OK;
		TRY(pinned_key(p, out, e));
		*name = p->cn;
		return COFFER_OK;
	}
	return COFFER_OK;
}
