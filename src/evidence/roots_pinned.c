/* The pinned keys, one by one. No certificate is read here: `keep` links this. */
#include <stdatomic.h>
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
#define N_VENDORS (sizeof(vendors) / sizeof(vendors[0]))

/* Read already; never freed. Whoever forks a judge reads them first, so that no child does it again. */
static _Atomic(struct vkey *) kept[N_VENDORS][FIXED_ROOTS_MAX];

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

/* Two threads may read the same key at once: the first to be done is kept. */
static enum coffer_rc keep_key(const struct pinned *p, _Atomic(struct vkey *) *place, const struct vkey **out, struct err *e)
{
	CLEANUP(vkey_freep) struct vkey *k = NULL;
	struct vkey *there = atomic_load(place);

	if (!there) {
		TRY(pinned_key(p, &k, e));
		if (atomic_compare_exchange_strong(place, &there, k))
			there = MOVE(k);
	}
	*out = there;
	return COFFER_OK;
}

static size_t count(const struct pinned *p)
{
	size_t n = 0;

	while (p[n].cn)
		n++;
	return n;
}

enum coffer_rc ev_pinned(const char *vendor, size_t i, const char **name, const struct vkey **out, struct err *e)
{
	*name = NULL;
	for (size_t v = 0; v < N_VENDORS; v++) {
		const struct pinned *keys = vendors[v].keys;

		if (strcmp(vendors[v].vendor, vendor) != 0)
			continue;
		if (i >= count(keys))
			return COFFER_OK;
		if (i >= FIXED_ROOTS_MAX)
			return err_set(e, COFFER_E_BUG, "too many pinned keys");
		TRY(keep_key(&keys[i], &kept[v][i], out, e));
		*name = keys[i].cn;
		return COFFER_OK;
	}
	return COFFER_OK;
}
