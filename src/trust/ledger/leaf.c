#include "trust/ledger/leaf.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"

#define MARK "CLF1"
#define OPENING_MARK "CLO1"
#define MARK_LEN 4
#define COMMIT_USE "coffer leaf v1"

static uint64_t get64(struct rd *r)
{
	uint64_t high = rd_be32(r);

	return high << 32 | rd_be32(r);
}

bool leaf_read(struct span s, struct leaf *out)
{
	struct rd r = rd_open(s);
	struct leaf l = { 0 };
	bool marked = span_eq_str(rd_span(&r, MARK_LEN), MARK);

	l.time = get64(&r);
	l.index = get64(&r);
	rd_copy(&r, l.commitment, sizeof(l.commitment));
	if (!rd_done(&r) || !marked)
		return false;
	*out = l;
	return true;
}

static void put64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * (7 - i)));
}

void leaf_write(const struct leaf *l, uint8_t out[static LEAF_LEN])
{
	memcpy(out, MARK, MARK_LEN);
	put64(out + MARK_LEN, l->time);
	put64(out + MARK_LEN + 8, l->index);
	memcpy(out + MARK_LEN + 16, l->commitment, sizeof(l->commitment));
}

void leaf_commit(const uint8_t salt[static LEAF_SALT], struct span record, uint8_t out[static 32])
{
	struct hash_stream *h = hash_open(HASH_SHA256);
	uint8_t d[HASH_MAX];

	hash_add(h, (struct span){ (const uint8_t *)COMMIT_USE, sizeof(COMMIT_USE) }); /* with its NUL */
	hash_add(h, (struct span){ salt, LEAF_SALT });
	hash_add(h, record);
	hash_end(h, d);
	memcpy(out, d, 32);
}

bool leaf_opening_read(struct span s, struct leaf_opening *out)
{
	struct rd r = rd_open(s);
	struct leaf_opening o = { 0 };
	bool marked = span_eq_str(rd_span(&r, MARK_LEN), OPENING_MARK);

	rd_copy(&r, o.salt, sizeof(o.salt));
	if (!marked || !rd_ok(&r))
		return false;
	o.record = span_skip(s, MARK_LEN + LEAF_SALT);
	if (o.record.n == 0 || o.record.n > LEAF_RECORD_MAX)
		return false;
	*out = o;
	return true;
}

void leaf_opening_write(const struct leaf_opening *o, struct wr *w)
{
	wr_str(w, OPENING_MARK);
	wr_put(w, SPAN(o->salt));
	wr_put(w, o->record);
}
