#include "trust/amend.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cert_parse.h"
#include "crypto/hash.h"
#include "trust/genesis_root.h"
#include "trust/witnesses.h"

#define WHERE "genesis-amendment"
#define CHECK "amendment"

/* A fork needs as many witnesses for each of two histories: more than half of them cannot be found twice. */
static bool splits(const struct genesis *g)
{
	return 2 * g->cosignatures <= g->n_witnesses;
}

static enum coffer_rc check_no_weaker(const struct genesis *was, const struct genesis *is, struct err *e)
{
	if (is->cosignatures < was->cosignatures)
		return err_deny(e, CHECK, "it asks for %llu cosignatures where %llu are asked for: an amendment asks for no fewer",
		    (unsigned long long)is->cosignatures, (unsigned long long)was->cosignatures);
	if (was->n_witnesses > 0 && !splits(was) && splits(is))
		return err_deny(e, CHECK, "%llu of %zu witnesses: two histories could find that many each, which before they could not",
		    (unsigned long long)is->cosignatures, is->n_witnesses);
	return COFFER_OK;
}

/* ---- vendor roots ---- */

static bool same_root(const struct genesis_root *a, const struct genesis_root *b)
{
	return strcmp(a->vendor, b->vendor) == 0 && a->anchors == b->anchors && span_eq((struct span){ a->der, a->der_n }, (struct span){ b->der, b->der_n });
}

static bool names_root(const struct genesis *g, const struct genesis_root *r)
{
	for (size_t i = 0; i < g->n_roots; i++)
		if (same_root(&g->root[i], r))
			return true;
	return false;
}

bool roots_ever_add(struct genesis *all, const struct genesis *g)
{
	for (size_t i = 0; i < g->n_roots; i++) {
		if (names_root(all, &g->root[i]))
			continue;
		if (all->n_roots == GENESIS_ROOTS_MAX)
			return false;
		all->root[all->n_roots++] = g->root[i];
	}
	return true;
}

/* A service that cannot read a root that it logged would not start again. */
static enum coffer_rc check_root(const struct genesis_root *r, struct err *e)
{
	static const char *const vendors[] = { "amd", "intel", "tpm" };
	CLEANUP(vkey_freep) struct vkey *k = NULL;
	struct cert_fields c;
	bool known = false;

	for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++)
		known = known || strcmp(r->vendor, vendors[i]) == 0;
	if (!known)
		return err_deny(e, CHECK, "%s: vendor roots are of amd, intel and tpm", r->vendor);
	if (cert_parse((struct span){ r->der, r->der_n }, &c, e) != COFFER_OK || der_key(c.d.spki, &k, e) != COFFER_OK)
		return err_deny(e, CHECK, "the certificate of the vendor root \"%s\" cannot be read: %s", r->name, e->msg);
	return COFFER_OK;
}

/* Those that are there were read before. */
static enum coffer_rc check_roots(const struct genesis *was, const struct genesis *is, size_t anchors, struct err *e)
{
	for (size_t i = anchors; i < is->n_roots; i++) {
		if (is->root[i].anchors)
			return err_deny(e, CHECK, "the anchors of CCA platforms stay as they were founded");
		if (!names_root(was, &is->root[i]))
			TRY(check_root(&is->root[i], e));
	}
	return COFFER_OK;
}

static enum coffer_rc read_roots(const struct statement *s, const struct genesis *was, struct genesis *room, struct err *e)
{
	size_t anchors = 0;

	if (!json_get(s->body, "vendor-roots"))
		return COFFER_OK;
	memset(room->root, 0, sizeof(room->root));
	for (size_t i = 0; i < was->n_roots; i++)
		if (was->root[i].anchors)
			room->root[anchors++] = was->root[i];
	room->n_roots = anchors;
	TRY(genesis_roots_read(s->body, (struct form_range){ 0, GENESIS_ROOTS_MAX - anchors }, room, e));
	return check_roots(was, room, anchors, e);
}

enum coffer_rc amendment_read(const struct statement *s, const struct genesis *was, struct genesis *out, struct err *e)
{
	static const char *const names[] = { "witnesses", "cosignatures", "policies", "vendor-roots", NULL };
	CLEANUP(freep) struct genesis *room = calloc(1, sizeof(*room));

	if (!room)
		return err_set(e, COFFER_E_SYSTEM, WHERE ": out of memory");
	if (s->kind != ST_AMENDMENT)
		return err_set(e, COFFER_E_INPUT, WHERE ": the statement's kind is %s", statement_kind_name(s->kind));
	if (!span_eq_str(s->subject[0].name, was->origin))
		return err_set(e, COFFER_E_INPUT, WHERE ": the subject is not the genesis' origin");
	TRY(json_closed(s->body, names, WHERE, e));
	*room = *was;
	memset(room->witness, 0, sizeof(room->witness));
	room->n_witnesses = 0;
	if (witnesses_read(s->body, room, e) != COFFER_OK)
		return err_wrap(e, WHERE);
	TRY(check_no_weaker(was, room, e));
	TRY(read_roots(s, was, room, e));
	if (json_get(s->body, "policies"))
		TRY(shipped_read(s->body, WHERE, &room->policies, e));
	*out = *room;
	return COFFER_OK;
}

const char *platform_vendor(const char *platform)
{
	static const struct { const char *platform, *vendor; } known[] = {
		{ "snp", "amd" }, { "az-snp-vtpm", "amd" }, { "tdx", "intel" }, { "sgx", "intel" }, { "az-tdx-vtpm", "intel" }, { "tpm", "tpm" }, { "swtpm", "tpm" },
		{ "cca", "arm" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].platform, platform) == 0)
			return known[i].vendor;
	return "";
}

bool genesis_names_root(const struct genesis *g, const char *platform, const uint8_t key[static 32])
{
	const char *vendor = platform_vendor(platform);

	for (size_t i = 0; i < g->n_roots; i++) {
		CLEANUP(vkey_freep) struct vkey *k = NULL;
		struct cert_fields c;
		struct err ignore;
		uint8_t is[32];

		if (g->root[i].anchors || strcmp(g->root[i].vendor, vendor) != 0 || cert_parse((struct span){ g->root[i].der, g->root[i].der_n }, &c, &ignore) != COFFER_OK ||
		    der_key(c.d.spki, &k, &ignore) != COFFER_OK)
			continue;
		sha256(vkey_der(k), is);
		if (span_eq(SPAN(is), (struct span){ key, 32 }))
			return true;
	}
	return false;
}

static bool same_key(const struct note_key *a, const struct note_key *b)
{
	return a->alg == b->alg && strcmp(a->name, b->name) == 0 && span_eq(SPAN(a->pub), SPAN(b->pub));
}

bool witnesses_ever_add(struct witnesses_ever *all, const struct genesis *g)
{
	for (size_t i = 0; i < g->n_witnesses; i++) {
		size_t at = 0;

		while (at < all->n && !same_key(&all->w[at].key, &g->witness[i].key))
			at++;
		if (at == WITNESSES_EVER_MAX)
			return false;
		all->w[at] = g->witness[i];
		all->n += at == all->n;
	}
	return true;
}
