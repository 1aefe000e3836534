#include "trust/ledger/tile.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

#define HEIGHT 8 /* levels of the tree in one level of tiles */
#define LEVELS 8 /* of tiles, that a tree of MERKLE_SIZE_MAX has */

/* ---- paths ---- */

/* What is before the next '/', taken off s with the slash; `more` tells whether there was one. */
static struct span element(struct span *s, bool *more)
{
	size_t n = span_find(*s, '/');
	struct span el = { s->p, n };

	*more = n < s->n;
	*s = span_skip(*s, *more ? n + 1 : n);
	return el;
}

static bool digits3(struct span s, uint64_t *v)
{
	if (s.n != 3)
		return false;
	*v = 0;
	for (size_t i = 0; i < 3; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*v = *v * 10 + (uint64_t)(s.p[i] - '0');
	}
	return true;
}

/* N as x001/x234/067, with .p behind the last element of a partial tile. Leaves in s what follows it. */
static bool number(struct span *s, uint64_t *out, bool *partial)
{
	uint64_t n = 0, part;
	bool more, first = true;

	for (;;) {
		struct span el = element(s, &more);
		bool middle = el.n == 4 && el.p[0] == 'x';

		*partial = span_ends(el, ".p");
		if (middle)
			el = span_skip(el, 1);
		else if (*partial)
			el.n -= 2;
		if (!digits3(el, &part) || (first && middle && part == 0))
			return false;
		n = n * 1000 + part;
		if (n > TILE_N_MAX)
			return false;
		if (!middle) {
			*out = n;
			return more == *partial;
		}
		if (!more)
			return false;
		first = false;
	}
}

bool tile_path_read(struct span s, struct tile *out)
{
	struct tile t = { .width = TILE_WIDTH };
	bool more, partial;
	uint64_t v;

	if (!span_starts(s, "tile/"))
		return false;
	s = span_skip(s, 5);
	struct span level = element(&s, &more);
	if (span_eq_str(level, "entries"))
		t.entries = true;
	else if (!span_u64(level, &v) || v > TILE_LEVEL_MAX)
		return false;
	else
		t.level = (unsigned)v;
	if (!more || !number(&s, &t.n, &partial))
		return false;
	if (partial) {
		if (!span_u64(s, &v) || v == 0 || v >= TILE_WIDTH)
			return false;
		t.width = (unsigned)v;
	}
	*out = t;
	return true;
}

void tile_path(const struct tile *t, char out[static TILE_PATH_MAX])
{
	char n[40] = "", level[16] = "entries";
	uint64_t high = t->n / 1000;

	if (!t->entries)
		(void)snprintf(level, sizeof(level), "%u", t->level & 63);
	(void)snprintf(n, sizeof(n), "%03u", (unsigned)(t->n % 1000));
	for (; high > 0; high /= 1000) {
		char part[8], longer[sizeof(n)];

		(void)snprintf(part, sizeof(part), "x%03u", (unsigned)(high % 1000));
		(void)snprintf(longer, sizeof(longer), "%s/%s", part, n);
		memcpy(n, longer, sizeof(n));
	}
	if (t->width < TILE_WIDTH)
		(void)snprintf(out, TILE_PATH_MAX, "tile/%s/%s.p/%u", level, n, t->width);
	else
		(void)snprintf(out, TILE_PATH_MAX, "tile/%s/%s", level, n);
}

/* ---- hashes ---- */

/* Hashes at tile level l of a tree of that size. */
static uint64_t count_at(uint64_t size, unsigned l)
{
	return l < LEVELS ? size >> (HEIGHT * l) : 0;
}

static unsigned width_of(uint64_t count, uint64_t n)
{
	uint64_t left = count - n * TILE_WIDTH;

	return left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH;
}

bool tile_of(unsigned level, uint64_t index, uint64_t size, struct tile *out)
{
	unsigned l = level / HEIGHT, up = level % HEIGHT;
	struct tile t = { .level = l, .n = index >> (HEIGHT - up) };

	if (level >= MERKLE_LEVELS || size > MERKLE_SIZE_MAX || index >= size >> level)
		return false;
	t.width = width_of(count_at(size, l), t.n);
	*out = t;
	return true;
}

enum coffer_rc tile_hash(const struct tile *t, struct span content, struct subtree at, struct mhash *out, struct err *e)
{
	unsigned up = at.level % HEIGHT;
	size_t first = (size_t)(at.index & ((UINT64_C(1) << (HEIGHT - up)) - 1)) << up, n = (size_t)1 << up;
	struct mhash h[TILE_WIDTH / 2 + 1]; /* level 7 of a tile has 128 below it */

	if (t->entries || t->level != at.level / HEIGHT || t->n != at.index >> (HEIGHT - up) || first + n > t->width)
		return err_set(e, COFFER_E_INPUT, "tile: subtree %u/%llu is not in it", at.level, (unsigned long long)at.index);
	if (content.n != (size_t)t->width * 32)
		return err_set(e, COFFER_E_INPUT, "tile: %zu bytes, not %u hashes", content.n, t->width);
	for (size_t i = 0; i < n; i++)
		memcpy(h[i].b, content.p + (first + i) * 32, 32);
	for (; n > 1; n /= 2)
		for (size_t i = 0; i < n / 2; i++)
			merkle_node(&h[2 * i], &h[2 * i + 1], &h[i]);
	*out = h[0];
	return COFFER_OK;
}

_Static_assert(sizeof(((struct tile_cache *)0)->of) / sizeof(((struct tile_cache *)0)->of[0]) == LEVELS, "a place for each level");

/* Kept as asked for: after the tree grew, a tile that is wider now is another. */
static void keep(struct tile_cache *c, const struct tile *asked, struct span content)
{
	if (!c || content.n > sizeof(c->of[0].b))
		return;
	c->of[asked->level].t = *asked;
	c->of[asked->level].full = content.n == TILE_BYTES;
	memcpy(c->of[asked->level].b, content.p, content.n);
}

/* Empty: not kept. *t gets the width it was answered with. */
static struct span kept(const struct tile_cache *c, struct tile *t)
{
	const struct tile *k;

	if (!c)
		return (struct span){ 0 };
	k = &c->of[t->level].t;
	if (k->width == 0 || k->n != t->n || k->width != t->width)
		return (struct span){ 0 };
	if (c->of[t->level].full)
		t->width = TILE_WIDTH;
	return (struct span){ c->of[t->level].b, (size_t)32 * t->width };
}

enum coffer_rc tile_read(void *ctx, unsigned level, uint64_t index, struct mhash *out, struct err *e)
{
	const struct tile_source *s = ctx;
	struct span had;
	CLEANUP(wr_close) struct wr w = wr_open(TILE_BYTES);
	struct tile t;

	if (!tile_of(level, index, s->size, &t))
		return err_set(e, COFFER_E_BUG, "tile: subtree %u/%llu is not in the tree", level, (unsigned long long)index);
	had = kept(s->cache, &t);
	if (had.n > 0)
		return tile_hash(&t, had, (struct subtree){ level, index }, out, e);
	TRY(s->fetch(s->ctx, &t, &w, e));
	TRY(wr_done(&w, "tile", e));
	if (w.n == (size_t)32 * t.width || w.n == TILE_BYTES)
		keep(s->cache, &t, wr_span(&w));
	if (w.n == TILE_BYTES) /* the full tile in place of a partial one that is gone */
		t.width = TILE_WIDTH;
	return tile_hash(&t, wr_span(&w), (struct subtree){ level, index }, out, e);
}

/* ---- what a larger tree adds ---- */

struct tile_iter tile_new(uint64_t from, uint64_t to)
{
	return (struct tile_iter){ .from = from, .to = to > MERKLE_SIZE_MAX ? MERKLE_SIZE_MAX : to, .n = from / TILE_WIDTH };
}

bool tile_next(struct tile_iter *it, struct tile *out)
{
	while (it->level < LEVELS) {
		uint64_t from = count_at(it->from, it->level), to = count_at(it->to, it->level);

		if (from < to && it->n <= (to - 1) / TILE_WIDTH) {
			*out = (struct tile){ .entries = !it->hashes, .level = it->level, .n = it->n };
			out->width = width_of(to, it->n++);
			return true;
		}
		if (it->hashes)
			it->level++;
		it->hashes = true;
		it->n = count_at(it->from, it->level) / TILE_WIDTH;
	}
	return false;
}

/* ---- entries ---- */

enum coffer_rc tile_entry_add(struct wr *bundle, struct span entry, struct err *e)
{
	if (entry.n > TILE_ENTRY_MAX)
		return err_set(e, COFFER_E_LIMIT, "entry: %zu bytes, at most %d", entry.n, TILE_ENTRY_MAX);
	wr_be16(bundle, (uint16_t)entry.n);
	wr_put(bundle, entry);
	return wr_done(bundle, "entry bundle", e);
}

bool tile_entries_read(struct span bundle, unsigned width, struct span out[static TILE_WIDTH])
{
	struct rd r = rd_open(bundle);

	if (width == 0 || width > TILE_WIDTH)
		return false;
	for (unsigned i = 0; i < width; i++)
		out[i] = rd_span(&r, rd_be16(&r));
	return rd_done(&r);
}
