#include "trust/ledger/leaf.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"

#define OPENING_MARK "CLO1"
#define MARK_LEN 4
#define COMMIT_USE "coffer leaf v1"

static const char *const marks[] = { NULL, "CLF2", "CLF3", "CLF4", "CLF5" }; /* by rule */

static unsigned rule_of(struct span mark)
{
	unsigned rule = LEAF_RULE;

	while (rule > 0 && !span_eq_str(mark, marks[rule]))
		rule--;
	return rule;
}

static uint64_t get64(struct rd *r)
{
	uint64_t high = rd_be32(r);

	return high << 32 | rd_be32(r);
}

/* A power of two, ascending without a tag twice. */
static bool tags_ok(const struct leaf *l)
{
	if (l->n_tags == 0 || l->n_tags > LEAF_TAGS_MAX || (l->n_tags & (l->n_tags - 1)) != 0)
		return false;
	for (unsigned i = 1; i < l->n_tags; i++)
		if (memcmp(l->tag[i - 1], l->tag[i], 32) >= 0) /* public: tags are in every entry */
			return false;
	return true;
}

bool leaf_read(struct span s, struct leaf *out)
{
	struct rd r = rd_open(s);
	struct leaf l = { 0 };

	l.rule = rule_of(rd_span(&r, MARK_LEN));
	l.time = get64(&r);
	l.index = get64(&r);
	rd_copy(&r, l.commitment, sizeof(l.commitment));
	rd_copy(&r, l.map.b, sizeof(l.map.b));
	rd_copy(&r, l.map_before.b, sizeof(l.map_before.b));
	l.n_tags = rd_u8(&r);
	for (unsigned i = 0; i < l.n_tags && i < LEAF_TAGS_MAX; i++)
		rd_copy(&r, l.tag[i], sizeof(l.tag[i]));
	if (!rd_done(&r) || l.rule == 0 || !tags_ok(&l))
		return false;
	*out = l;
	return true;
}

static void put64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * (7 - i)));
}

size_t leaf_write(const struct leaf *l, uint8_t out[static LEAF_MAX])
{
	uint8_t *at = out + MARK_LEN + 16;

	if (!tags_ok(l) || l->rule == 0 || l->rule > LEAF_RULE)
		return 0;
	memcpy(out, marks[l->rule], MARK_LEN);
	put64(out + MARK_LEN, l->time);
	put64(out + MARK_LEN + 8, l->index);
	memcpy(at, l->commitment, 32);
	memcpy(at + 32, l->map.b, 32);
	memcpy(at + 64, l->map_before.b, 32);
	at[96] = (uint8_t)l->n_tags;
	memcpy(at + 97, l->tag, (size_t)32 * l->n_tags);
	return (size_t)(at - out) + 97 + (size_t)32 * l->n_tags;
}

static int tag_order(const void *a, const void *b)
{
	return memcmp(a, b, 32); /* public: tags are in every entry */
}

void leaf_pad_tags(struct leaf *l, unsigned n)
{
	for (; l->n_tags < n && l->n_tags < LEAF_TAGS_MAX; l->n_tags++)
		random_bytes(l->tag[l->n_tags], sizeof(l->tag[0]));
	qsort(l->tag, l->n_tags, sizeof(l->tag[0]), tag_order);
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
