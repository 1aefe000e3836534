#include "trust/ledger/tile.h"

#include "base/own.h"
#include "base/str.h"
#include "tests/t.h"

static bool path_is(struct tile t, const char *want)
{
	char got[TILE_PATH_MAX];
	struct tile back = { 0 };

	tile_path(&t, got);
	if (strcmp(got, want) != 0 || !tile_path_read(span_of(want), &back)) {
		printf("# %s, wanted %s\n", got, want);
		return false;
	}
	return back.entries == t.entries && back.level == t.level && back.n == t.n && back.width == t.width;
}

static void path_is_that_of_the_specification(void)
{
	CHECK(path_is((struct tile){ false, 0, 1234067, 256 }, "tile/0/x001/x234/067")); /* the example of tlog-tiles */
	CHECK(path_is((struct tile){ false, 0, 0, 256 }, "tile/0/000"));
	CHECK(path_is((struct tile){ true, 0, 273, 112 }, "tile/entries/273.p/112"));
	CHECK(path_is((struct tile){ true, 0, 1000, 256 }, "tile/entries/x001/000"));
	CHECK(path_is((struct tile){ false, 63, 999, 1 }, "tile/63/999.p/1"));
	CHECK(path_is((struct tile){ false, 7, 1000000, 255 }, "tile/7/x001/x000/000.p/255"));
	CHECK(path_is((struct tile){ true, 0, TILE_N_MAX, 255 }, "tile/entries/x036/x028/x797/x018/x963/967.p/255"));
}

static void path_read_refuses_any_other_spelling(void)
{
	static const char *const bad[] = { "", "tile", "tile/", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile/00/000",
		"tile/64/000", "tile/-1/000", "tile/+1/000", "tile/x/000", "tile/entrie/000", "tile/0/0", "tile/0/00",
		    "tile/0/0000",
		"tile/0/x000/000", "tile/0/x001", "tile/0/x001/", "tile/0/x01/000", "tile/0/001/000", "tile/0/x001/x234/x067",
		"tile/0/X001/000", "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01",
		"tile/0/000.p/1/", "tile/0/000.p/1/2", "tile/0/000.p/ 1", "tile/0/x001.p/000", "tile/0/000.P/1", "tile/0/..",
		    "tile/../0/000",
		"tile/0//000", "tile/0/000 ", "tile/0/x036/x028/x797/x018/x963/968",
		    "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
		"tile/0/.p/1", "tile/0/x00a/000", "tile/entries/entries/000", "tile/0/x000/x001/000" };
	struct tile t = { .n = 99 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bool taken = tile_path_read(span_of(bad[i]), &t);

		if (taken)
			printf("# taken: %s\n", bad[i]);
		CHECK(!taken && t.n == 99);
	}
	static const char whole[] = "tile/0/x001/x234/067.p/25";
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		CLEANUP(freep) uint8_t *cut = malloc(n ? n : 1);
		struct tile got = { .n = 99 };

		if (!cut)
			abort();
		memcpy(cut, whole, n);
		bool taken = tile_path_read((struct span){ cut, n }, &got);
		CHECK(taken == (n == strlen("tile/0/x001/x234/067") || n == sizeof(whole) - 2) && (taken || got.n == 99));
	}
}

static void new_tiles_of_a_size_are_those_of_the_specification(void)
{
	struct tile_iter it = tile_new(0, 70000);
	size_t full[3] = { 0 }, entries = 0;
	unsigned width[3] = { 0 }, entry_width = 0;
	struct tile t;

	while (tile_next(&it, &t)) {
		CHECK(t.level < 3);
		if (t.entries && t.width == TILE_WIDTH)
			entries++;
		else if (t.entries)
			entry_width = t.width;
		else if (t.width == TILE_WIDTH)
			full[t.level % 3]++;
		else
			width[t.level % 3] = t.width;
	}
	CHECK(full[0] == 273 && width[0] == 112 && full[1] == 1 && width[1] == 17 && full[2] == 0 && width[2] == 1);
	CHECK(entries == 273 && entry_width == 112);
	it = tile_new(70000, 70000);
	CHECK(!tile_next(&it, &t));
	it = tile_new(255, 256);
	CHECK(tile_next(&it, &t) && path_is(t, "tile/entries/000"));
	CHECK(tile_next(&it, &t) && path_is(t, "tile/0/000"));
	CHECK(tile_next(&it, &t) && path_is(t, "tile/1/000.p/1"));
	CHECK(!tile_next(&it, &t));
	it = tile_new(256, 258);
	CHECK(tile_next(&it, &t) && path_is(t, "tile/entries/001.p/2"));
	CHECK(tile_next(&it, &t) && path_is(t, "tile/0/001.p/2"));
	CHECK(!tile_next(&it, &t));
}

/* ---- a tree kept only as tiles ---- */

#define LEAVES 66000 /* more than 256 tiles: three levels */

static struct mhash level0[LEAVES], level1[LEAVES / 256 + 1], level2[2];
static bool full_only; /* hand out the full tile in place of a partial one */
static size_t leaves_made;

static enum coffer_rc fetch(void *ctx, const struct tile *t, struct wr *out, struct err *e)
{
	const struct mhash *levels[3] = { level0, level1, level2 };
	const size_t have[3] = { leaves_made, leaves_made / 256, leaves_made / 65536 };
	const char *broken = ctx;
	size_t first = (size_t)t->n * TILE_WIDTH, width = t->width;

	if (t->level > 2 || first + width > have[t->level])
		return err_set(e, COFFER_E_NOTFOUND, "no such tile");
	if (full_only && first + TILE_WIDTH <= have[t->level])
		width = TILE_WIDTH;
	if (broken && !strcmp(broken, "short"))
		width--;
	for (size_t i = 0; i < width; i++)
		wr_put(out, SPAN(levels[t->level][first + i].b));
	return COFFER_OK;
}

static void grow(struct merkle_frontier *f, struct mhash *roots)
{
	struct mhash done[MERKLE_LEVELS];

	for (uint32_t i = 0; i < LEAVES; i++) {
		uint8_t b[4] = { (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };

		merkle_frontier_root(f, &roots[i]);
		merkle_leaf(SPAN(b), &level0[i]);
		size_t n = merkle_append(f, &level0[i], done);
		if (n > 8)
			level1[i / 256] = done[8];
		if (n > 16)
			level2[i / 65536] = done[16];
	}
	merkle_frontier_root(f, &roots[LEAVES]);
	leaves_made = LEAVES;
}

static void proofs_come_out_of_tiles(void)
{
	static struct mhash roots[LEAVES + 1];
	static const uint64_t sizes[] = { 1, 2, 255, 256, 257, 300, 512, 1000, 65535, 65536, 65537, LEAVES };
	struct merkle_frontier f = { 0 };
	struct err e;

	grow(&f, roots);
	for (size_t kk = 0; kk < 2 * sizeof(sizes) / sizeof(sizes[0]); kk++) { /* each without and with the tiles kept, also of smaller trees */
		static struct tile_cache cache;
		size_t k = kk / 2;
		struct tile_source ts = { fetch, NULL, sizes[k], kk % 2 ? &cache : NULL };
		struct merkle_source s = { tile_read, &ts };
		struct merkle_head head = { sizes[k], roots[sizes[k]] };
		struct mhash root;
		struct merkle_proof p;

		full_only = k % 2;
		CHECK(merkle_source_root(&s, sizes[k], &root, &e) == COFFER_OK && mhash_eq(&root, &head.root));
		for (uint64_t i = 0; i < sizes[k]; i += 1 + sizes[k] / 7)
			CHECK(merkle_prove(&s, i, sizes[k], &p, &e) == COFFER_OK && merkle_included(i, sizes[k], &level0[i], &p,
			    &head.root));
		for (size_t j = 0; j <= k; j++) {
			struct merkle_head old = { sizes[j], roots[sizes[j]] };

			CHECK(merkle_prove_consistent(&s, sizes[j], sizes[k], &p, &e) == COFFER_OK && merkle_consistent(&old,
			    &head, &p));
		}
	}
	full_only = false;
}

static void read_refuses_a_tile_of_another_length(void)
{
	char how[] = "short";
	struct tile_source ts = { fetch, how, 300, NULL };
	struct mhash h;
	struct err e;

	CHECK(tile_read(&ts, 0, 299, &h, &e) == COFFER_E_INPUT && tile_read(&ts, 3, 1, &h, &e) == COFFER_E_INPUT);
	ts.ctx = NULL;
	CHECK(tile_read(&ts, 0, 299, &h, &e) == COFFER_OK && tile_read(&ts, 0, 300, &h, &e) == COFFER_E_BUG);
	CHECK(tile_read(&ts, 2, 75, &h, &e) == COFFER_E_BUG && tile_read(&ts, 63, 0, &h, &e) == COFFER_E_BUG);
	ts.size = LEAVES + 1000; /* what the source has not */
	CHECK(tile_read(&ts, 0, LEAVES + 10, &h, &e) == COFFER_E_NOTFOUND);
}

static void hash_refuses_what_is_not_in_the_tile(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(TILE_BYTES);
	struct tile t = { .n = 1, .width = 10 }, entries = { .entries = true, .n = 1, .width = 10 };
	struct mhash h;
	struct err e;

	for (size_t i = 0; i < 10; i++)
		wr_put(&w, SPAN(level0[256 + i].b));
	CHECK(tile_hash(&t, wr_span(&w), (struct subtree){ 0, 256 + 9 }, &h, &e) == COFFER_OK && mhash_eq(&h, &level0[256 + 9]));
	CHECK(tile_hash(&t, wr_span(&w), (struct subtree){ 1, 128 + 4 }, &h, &e) == COFFER_OK);
	CHECK(tile_hash(&t, wr_span(&w), (struct subtree){ 0, 256 + 10 }, &h, &e) == COFFER_E_INPUT);
	CHECK(tile_hash(&t, wr_span(&w), (struct subtree){ 1, 128 + 5 }, &h, &e) == COFFER_E_INPUT);
	CHECK(tile_hash(&t, wr_span(&w), (struct subtree){ 0, 9 }, &h, &e) == COFFER_E_INPUT);
	CHECK(tile_hash(&t, wr_span(&w), (struct subtree){ 8, 1 }, &h, &e) == COFFER_E_INPUT);
	CHECK(tile_hash(&entries, wr_span(&w), (struct subtree){ 0, 256 }, &h, &e) == COFFER_E_INPUT);
	CHECK(tile_hash(&t, (struct span){ w.p, w.n - 1 }, (struct subtree){ 0, 256 }, &h, &e) == COFFER_E_INPUT);
}

static void entry_bundle_is_read_to_its_last_byte_only(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20), over = wr_open(16);
	CLEANUP(freep) uint8_t *big = calloc(1, TILE_ENTRY_MAX + 1);
	struct span got[TILE_WIDTH];
	struct err e;

	CHECK(tile_entry_add(&w, span_of("one"), &e) == COFFER_OK && tile_entry_add(&w, span_of(""), &e) == COFFER_OK);
	CHECK(tile_entry_add(&w, (struct span){ big, TILE_ENTRY_MAX + 1 }, &e) == COFFER_E_LIMIT);
	CHECK(tile_entry_add(&w, span_of("three"), &e) == COFFER_OK);
	CHECK(w.n == 14 && w.p[0] == 0 && w.p[1] == 3 && w.p[5] == 0 && w.p[6] == 0 && w.p[8] == 5);
	CHECK(tile_entries_read(wr_span(&w), 3, got) && span_eq_str(got[0], "one") && got[1].n == 0 && span_eq_str(got[2],
	    "three"));
	CHECK(!tile_entries_read(wr_span(&w), 2, got) && !tile_entries_read(wr_span(&w), 4, got));
	CHECK(!tile_entries_read(wr_span(&w), 0, got) && !tile_entries_read(wr_span(&w), TILE_WIDTH + 1, got));
	for (size_t n = 0; n < w.n; n++) {
		CLEANUP(freep) uint8_t *cut = malloc(n ? n : 1);

		if (!cut)
			abort();
		memcpy(cut, w.p, n);
		CHECK(!tile_entries_read((struct span){ cut, n }, 3, got));
	}
	CHECK(tile_entry_add(&w, (struct span){ big, TILE_ENTRY_MAX }, &e) == COFFER_OK);
	CHECK(tile_entries_read(wr_span(&w), 4, got) && got[3].n == TILE_ENTRY_MAX);
	CHECK(tile_entry_add(&over, span_of("longer than sixteen"), &e) != COFFER_OK);
}

int main(void)
{
	static const struct t_case cases[] = { T(path_is_that_of_the_specification), T(path_read_refuses_any_other_spelling),
		T(new_tiles_of_a_size_are_those_of_the_specification), T(proofs_come_out_of_tiles),
		T(read_refuses_a_tile_of_another_length), T(hash_refuses_what_is_not_in_the_tile),
		T(entry_bundle_is_read_to_its_last_byte_only) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
