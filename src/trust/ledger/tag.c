#include "trust/ledger/tag.h"

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "crypto/hash.h"

enum coffer_rc tag_owner_key(const struct privkey *mine, const struct pubkey *theirs, const uint8_t genesis[static 32], struct secret *out,
    struct err *e)
{
	CLEANUP(secret_free) struct secret z = { 0 };

	TRY(secret_new(32, &z, e));
	TRY(key_ecdh(mine, theirs, z.p, e));
	TRY(secret_new(TAG_LEN, out, e));
	hkdf_sha256((struct span){ z.p, z.n }, (struct span){ genesis, 32 }, span_of("coffer tag owner v1"), out->p, out->n);
	return COFFER_OK;
}

/* HMAC(key, label || 0 || what) */
static void derive(struct span key, const char *label, struct span what, uint8_t out[static 32])
{
	struct hash_stream *h = hmac_open(key);
	uint8_t all[HASH_MAX];

	hash_add(h, span_of(label));
	hash_add(h, (struct span){ (const uint8_t *)"", 1 });
	hash_add(h, what);
	hash_end(h, all);
	for (size_t i = 0; i < 32; i++)
		out[i] = all[i];
}

void tag_asset_key(const struct secret *owner, struct span path, uint8_t out[static TAG_LEN])
{
	derive((struct span){ owner->p, owner->n }, "coffer tag key v1", path, out);
}

void tag_of(const uint8_t asset_key[static TAG_LEN], uint64_t i, uint8_t out[static TAG_LEN])
{
	CLEANUP(wr_close) struct wr w = wr_open(8);

	wr_be64(&w, i);
	derive((struct span){ asset_key, TAG_LEN }, "coffer tag v1", wr_span(&w), out);
}
