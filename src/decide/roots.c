#include "decide/roots.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cert_parse.h"
#include "crypto/hash.h"
#include "trust/amend.h"

static const char *const vendors[] = { "amd", "intel", "tpm", "arm" };
#define N_VENDORS (sizeof(vendors) / sizeof(vendors[0]))

struct vendor_roots {
	struct {
		struct fixed_root root[FIXED_ROOTS_MAX]; /* pinned keys borrowed, others owned */
		size_t            n;
		uint8_t           der[EVAL_ROOTS_MAX][GENESIS_ROOT_DER_MAX];
		size_t            der_n[EVAL_ROOTS_MAX];
		size_t            n_der;
	} of[N_VENDORS];
	struct genesis_root named[GENESIS_ROOTS_MAX]; /* where names of the genesis' roots live */
};

_Static_assert(GENESIS_ROOTS_MAX <= EVAL_ROOTS_MAX, "every root of a genesis reaches eval");

/* csv has none: what Hygon signs is no certificate. cca has anchors for eval, and none that keep reads itself: of both platforms two appraisals
 * agree. */
static size_t vendor_of(const char *platform)
{
	const char *name = platform_vendor(platform);
	size_t v = 0;

	while (v < N_VENDORS && strcmp(vendors[v], name) != 0)
		v++;
	return v;
}

static enum coffer_rc pinned(struct vendor_roots *r, size_t v, struct err *e)
{
	for (size_t i = 0; r->of[v].n < FIXED_ROOTS_MAX; i++) {
		const struct vkey *k = NULL;
		const char *name;

		TRY(ev_pinned(vendors[v], i, &name, &k, e));
		if (!name)
			return COFFER_OK;
		r->of[v].root[r->of[v].n++] = (struct fixed_root){ .name = name, .key = k, .pinned = true };
	}
	return err_set(e, COFFER_E_BUG, "too many pinned keys");
}

static enum coffer_rc named(struct vendor_roots *r, const struct genesis_root *g, struct err *e)
{
	struct cert_fields c;
	struct vkey *k = NULL;

	for (size_t v = 0; v < N_VENDORS; v++) {
		if (strcmp(vendors[v], g->vendor) != 0)
			continue;
		if (r->of[v].n == FIXED_ROOTS_MAX)
			return err_set(e, COFFER_E_LIMIT, "genesis: too many vendor roots");
		if (!g->anchors) {
			TRY(cert_parse((struct span){ g->der, g->der_n }, &c, e));
			TRY(der_key(c.d.spki, &k, e));
			r->of[v].root[r->of[v].n++] = (struct fixed_root){ .name = g->name, .key = k, .cert = { g->der, g->der_n } };
		}
		memcpy(r->of[v].der[r->of[v].n_der], g->der, g->der_n);
		r->of[v].der_n[r->of[v].n_der++] = g->der_n;
		return COFFER_OK;
	}
	return err_set(e, COFFER_E_INPUT, "genesis: this version knows no vendor %s", g->vendor);
}

static enum coffer_rc fill(const struct genesis *g, struct vendor_roots *r, struct err *e)
{
	for (size_t v = 0; v < N_VENDORS; v++)
		TRY(pinned(r, v, e));
	memcpy(r->named, g->root, sizeof(r->named));
	for (size_t i = 0; i < g->n_roots; i++)
		TRY(named(r, &r->named[i], e));
	return COFFER_OK;
}

enum coffer_rc vendor_roots_open(const struct genesis *g, struct vendor_roots **out, struct err *e)
{
	struct vendor_roots *r = calloc(1, sizeof(*r));
	enum coffer_rc rc;

	if (!r)
		return err_set(e, COFFER_E_SYSTEM, "vendor roots: out of memory");
	rc = fill(g, r, e);
	if (rc == COFFER_OK)
		*out = r;
	else
		vendor_roots_close(r);
	return rc;
}

void vendor_roots_close(struct vendor_roots *r)
{
	if (!r)
		return;
	for (size_t v = 0; v < N_VENDORS; v++)
		for (size_t i = 0; i < r->of[v].n; i++)
			if (!r->of[v].root[i].pinned)
				vkey_free((struct vkey *)(uintptr_t)r->of[v].root[i].key);
	free(r);
}

size_t vendor_roots_keys(const struct vendor_roots *r, const char *platform, struct fixed_root out[static FIXED_ROOTS_MAX])
{
	size_t v = vendor_of(platform);

	if (v == N_VENDORS)
		return 0;
	memcpy(out, r->of[v].root, r->of[v].n * sizeof(out[0]));
	return r->of[v].n;
}

size_t vendor_roots_certs(const struct vendor_roots *r, const char *platform, struct span out[static EVAL_ROOTS_MAX])
{
	size_t v = vendor_of(platform);

	if (v == N_VENDORS)
		return 0;
	for (size_t i = 0; i < r->of[v].n_der; i++)
		out[i] = (struct span){ r->of[v].der[i], r->of[v].der_n[i] };
	return r->of[v].n_der;
}

void vendor_root_key(const struct fixed_root *r, uint8_t out[static 32])
{
	memset(out, 0, 32);
	if (r && !r->pinned)
		sha256(vkey_der(r->key), out);
}
