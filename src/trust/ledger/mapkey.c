#include "trust/ledger/mapkey.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "crypto/hash.h"

#define INPUT_MAX 512

static void put_use(struct wr *w, const char *use)
{
	wr_str(w, use);
	wr_u8(w, 0);
}

static void hash_32(const char *use, const uint8_t in[static 32], struct mhash *out)
{
	CLEANUP(wr_close) struct wr w = wr_open(INPUT_MAX);

	put_use(&w, use);
	wr_put(&w, (struct span){ in, 32 });
	sha256(wr_span(&w), out->b);
}

void map_status_key(const uint8_t statement[static 32], struct mhash *out)
{
	hash_32("coffer map statement", statement, out);
}

void map_status_value(enum map_status status, uint64_t index, struct mhash *out)
{
	CLEANUP(wr_close) struct wr w = wr_open(INPUT_MAX);

	put_use(&w, "coffer status v1");
	wr_u8(&w, (uint8_t)status);
	wr_be64(&w, index);
	sha256(wr_span(&w), out->b);
}

void map_asset_blind(const uint8_t tag_key[static 32], struct span path, uint8_t blind[static 32])
{
	CLEANUP(wr_close) struct wr w = wr_open(INPUT_MAX);

	put_use(&w, "coffer map asset v1");
	wr_put(&w, path);
	hmac_sha256((struct span){ tag_key, 32 }, wr_span(&w), blind);
}

void map_asset_key(const uint8_t blind[static 32], struct mhash *out)
{
	hash_32("coffer map asset", blind, out);
}

void map_asset_value(uint64_t version, const uint8_t content[static 32], struct mhash *out)
{
	CLEANUP(wr_close) struct wr w = wr_open(INPUT_MAX);

	put_use(&w, "coffer version v1");
	wr_be64(&w, version);
	wr_put(&w, (struct span){ content, 32 });
	sha256(wr_span(&w), out->b);
}

void map_uses_key(const uint8_t statement[static 32], struct mhash *out)
{
	hash_32("coffer map uses", statement, out);
}

void map_uses_value(const uint8_t salt[static 32], uint64_t count, struct mhash *out)
{
	CLEANUP(wr_close) struct wr w = wr_open(INPUT_MAX);

	put_use(&w, "coffer uses v1");
	wr_put(&w, (struct span){ salt, 32 });
	wr_be64(&w, count);
	sha256(wr_span(&w), out->b);
}

void map_said_key(enum map_said kind, struct span party, const uint8_t subject[static 32], struct mhash *out)
{
	CLEANUP(wr_close) struct wr w = wr_open(INPUT_MAX);

	put_use(&w, "coffer map said");
	wr_u8(&w, (uint8_t)kind);
	wr_blob32(&w, party);
	wr_put(&w, (struct span){ subject, 32 });
	sha256(wr_span(&w), out->b);
}

void map_said_next(struct mhash *value, const uint8_t statement[static 32], uint64_t index)
{
	CLEANUP(wr_close) struct wr w = wr_open(INPUT_MAX);

	put_use(&w, "coffer said v1");
	wr_put(&w, SPAN(value->b));
	wr_put(&w, (struct span){ statement, 32 });
	wr_be64(&w, index);
	sha256(wr_span(&w), value->b);
}
