#include "trust/ledger/merkle.h"

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "tests/t.h"

#define N_MAX 300

/* All complete subtrees of N_MAX leaves, made the slow way: what the proofs are read from. */
static struct mhash tree[10][N_MAX];

static enum coffer_rc from_tree(void *ctx, unsigned level, uint64_t index, struct mhash *out, struct err *e)
{
	const uint64_t *size = ctx;

	if (level > 8 || (index + 1) << level > *size)
		return err_set(e, COFFER_E_BUG, "asked for a subtree outside the tree");
	*out = tree[level][index];
	return COFFER_OK;
}

static void fill(void)
{
	for (uint32_t i = 0; i < N_MAX; i++) {
		uint8_t b[4] = { (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };

		merkle_leaf(SPAN(b), &tree[0][i]);
	}
	for (unsigned l = 1; l < 10; l++)
		for (size_t i = 0; (i + 1) << l <= N_MAX; i++)
			merkle_node(&tree[l - 1][2 * i], &tree[l - 1][2 * i + 1], &tree[l][i]);
}

/* MTH by the words of RFC 6962 2.1; depth is at most 9 here. */
static void mth(size_t lo, size_t hi, struct mhash *out)
{
	struct mhash a, b;
	size_t k = 1;

	if (hi == lo) {
		merkle_empty(out);
		return;
	}
	if (hi - lo == 1) {
		*out = tree[0][lo];
		return;
	}
	while (2 * k < hi - lo)
		k *= 2;
	mth(lo, lo + k, &a);
	mth(lo + k, hi, &b);
	merkle_node(&a, &b, out);
}

static struct mhash hex(const char *s)
{
	struct mhash h = { 0 };

	CHECK(hex_fixed(span_of(s), h.b, 32));
	return h;
}

static const char *const ct_leaf[8] = { "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
	"606162636465666768696a6b6c6d6e6f" };
static const char *const ct_root[9] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static void ct_leaves(struct mhash leaves[static 8])
{
	for (size_t i = 0; i < 8; i++) {
		uint8_t b[16];
		size_t n = strlen(ct_leaf[i]) / 2;

		CHECK(n == 0 || hex_fixed(span_of(ct_leaf[i]), b, n));
		merkle_leaf((struct span){ b, n }, &leaves[i]);
	}
}

static void root_is_that_of_the_reference_tests(void)
{
	struct mhash leaves[8], root;

	ct_leaves(leaves);
	for (size_t n = 0; n <= 8; n++) {
		struct mhash want = hex(ct_root[n]);

		merkle_root(leaves, n, &root);
		CHECK(mhash_eq(&root, &want));
	}
}

static void published_proofs_hold(void)
{
	struct merkle_proof in0 = { 3, { hex("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"),
		hex("5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"),
		hex("6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4") } };
	struct merkle_proof in5 = { 3, { hex("bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"),
		hex("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"),
		hex("d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7") } };
	struct merkle_proof c68 = { 3, { hex("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"),
		hex("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"),
		hex("d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7") } };
	struct merkle_proof c25 = { 2, { hex("5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"),
		hex("bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b") } };
	struct merkle_head h1 = { 1, hex(ct_root[1]) }, h2 = { 2, hex(ct_root[2]) }, h5 = { 5, hex(ct_root[5]) },
		h6 = { 6, hex(ct_root[6]) }, h8 = { 8, hex(ct_root[8]) };
	struct mhash leaves[8];

	ct_leaves(leaves);
	CHECK(merkle_included(0, 8, &leaves[0], &in0, &h8.root));
	CHECK(merkle_included(5, 8, &leaves[5], &in5, &h8.root));
	CHECK(merkle_consistent(&h1, &h8, &in0));
	CHECK(merkle_consistent(&h6, &h8, &c68));
	CHECK(merkle_consistent(&h2, &h5, &c25));
	CHECK(!merkle_consistent(&h5, &h8, &c68) && !merkle_consistent(&h8, &h6, &c68));
}

/* Every single-bit change of every hash, one hash more, one less: none may pass. Which bit is drawn from the place. */
static bool inclusion_is_tight(uint64_t i, uint64_t n, const struct merkle_proof *p, const struct mhash *root)
{
	struct merkle_proof bad = *p;
	struct mhash leaf = tree[0][i], wrong = *root;

	for (size_t j = 0; j < p->n; j++) {
		size_t bit = (i * 31 + n * 7 + j) % 256;

		bad.h[j].b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (merkle_included(i, n, &leaf, &bad, root))
			return false;
		bad.h[j] = p->h[j];
	}
	bad.n = p->n + 1;
	bad.h[p->n] = *root;
	if (merkle_included(i, n, &leaf, &bad, root))
		return false;
	bad.n = p->n - 1;
	if (p->n > 0 && merkle_included(i, n, &leaf, &bad, root))
		return false;
	wrong.b[i % 32] ^= 1;
	leaf.b[n % 32] ^= 0x80;
	return !merkle_included(i, n, &leaf, p, root) && !merkle_included(i, n, &tree[0][i], p, &wrong) &&
	    !merkle_included(i + 1, n, &tree[0][i], p, root) && !merkle_included(i, i, &tree[0][i], p, root);
}

static void every_inclusion_proof_holds_and_no_changed_one_does(void)
{
	size_t failed = 0;
	struct err e;

	for (uint64_t n = 0; n <= N_MAX; n++) {
		struct merkle_source s = { from_tree, &n };
		struct mhash root, again;
		struct merkle_proof p;

		mth(0, n, &root);
		CHECK(merkle_source_root(&s, n, &again, &e) == COFFER_OK && mhash_eq(&root, &again));
		CHECK(merkle_prove(&s, n, n, &p, &e) == COFFER_E_NOTFOUND);
		for (uint64_t i = 0; i < n; i++) {
			if (merkle_prove(&s, i, n, &p, &e) != COFFER_OK || !merkle_included(i, n, &tree[0][i], &p, &root) ||
			    !inclusion_is_tight(i, n, &p, &root))
				failed++;
		}
	}
	CHECK(failed == 0);
}

static bool consistency_is_tight(const struct merkle_head *a, const struct merkle_head *b, const struct merkle_proof *p)
{
	struct merkle_proof bad = *p;
	struct merkle_head wa = *a, wb = *b;

	for (size_t j = 0; j < p->n; j++) {
		size_t bit = (a->size * 31 + b->size * 7 + j) % 256;

		bad.h[j].b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (merkle_consistent(a, b, &bad))
			return false;
		bad.h[j] = p->h[j];
	}
	bad.n = p->n + 1;
	bad.h[p->n] = b->root;
	if (merkle_consistent(a, b, &bad))
		return false;
	bad.n = p->n - 1;
	if (p->n > 0 && merkle_consistent(a, b, &bad))
		return false;
	wa.root.b[a->size % 32] ^= 4;
	wb.root.b[b->size % 32] ^= 4;
	return !merkle_consistent(&wa, b, p) && (a->size == 0 || !merkle_consistent(a, &wb, p));
}

static void every_consistency_proof_holds_and_no_changed_one_does(void)
{
	static struct merkle_head head[N_MAX + 1];
	size_t failed = 0;
	struct err e;

	for (size_t n = 0; n <= N_MAX; n++) {
		head[n].size = n;
		mth(0, n, &head[n].root);
	}
	for (uint64_t b = 0; b <= N_MAX; b++) {
		struct merkle_source s = { from_tree, &b };
		struct merkle_proof p;

		for (uint64_t a = 0; a <= b; a++)
			if (merkle_prove_consistent(&s, a, b, &p, &e) != COFFER_OK || !merkle_consistent(&head[a], &head[b],
			    &p) ||
			    !consistency_is_tight(&head[a], &head[b], &p))
				failed++;
		CHECK(merkle_prove_consistent(&s, b + 1, b, &p, &e) == COFFER_E_NOTFOUND);
	}
	CHECK(failed == 0);
	struct merkle_proof none = { 0 };
	struct merkle_head false_empty = { 0, head[1].root };
	CHECK(!merkle_consistent(&head[0], &false_empty, &none) && !merkle_consistent(&false_empty, &head[3], &none));
}

static void frontier_has_the_root_of_every_size_and_survives_writing(void)
{
	struct merkle_frontier f = { 0 }, back = { 0 };
	struct mhash done[MERKLE_LEVELS], root, want;

	for (size_t n = 0; n <= N_MAX; n++) {
		CLEANUP(wr_close) struct wr w = wr_open(8 + 32 * MERKLE_LEVELS);

		mth(0, n, &want);
		merkle_frontier_root(&f, &root);
		CHECK(mhash_eq(&root, &want));
		merkle_frontier_write(&f, &w);
		CHECK(wr_ok(&w) && merkle_frontier_read(wr_span(&w), &back) && back.size == n);
		merkle_frontier_root(&back, &root);
		CHECK(mhash_eq(&root, &want));
		if (n == N_MAX)
			break;
		size_t levels = merkle_append(&f, &tree[0][n], done);
		CHECK(levels > 0);
		for (unsigned l = 0; l < levels; l++)
			CHECK(mhash_eq(&done[l], &tree[l][n >> l]));
	}
}

static void frontier_read_refuses_every_other_length(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct merkle_frontier f = { 0 }, out = { .size = 77 };
	struct mhash done[MERKLE_LEVELS];

	for (size_t i = 0; i < 13; i++)
		CHECK(merkle_append(&f, &tree[0][i], done) > 0);
	merkle_frontier_write(&f, &w);
	for (size_t n = 0; n < w.n; n++) {
		CLEANUP(freep) uint8_t *cut = malloc(n ? n : 1);

		if (!cut)
			abort();
		memcpy(cut, w.p, n);
		CHECK(!merkle_frontier_read((struct span){ cut, n }, &out) && out.size == 77);
	}
	wr_u8(&w, 0);
	CHECK(!merkle_frontier_read(wr_span(&w), &out) && out.size == 77);
	uint8_t huge[8 + 32] = { 0x80 };
	CHECK(!merkle_frontier_read(SPAN(huge), &out) && !merkle_frontier_read((struct span){ huge, 8 }, &out));
}

static void sizes_over_the_limit_are_refused(void)
{
	struct merkle_source s = { from_tree, &(uint64_t){ 1 } };
	struct merkle_proof p = { .n = MERKLE_PROOF_MAX + 1 }, q;
	struct merkle_frontier full = { .size = MERKLE_SIZE_MAX };
	struct mhash done[MERKLE_LEVELS], root;
	struct merkle_head a = { 1, tree[0][0] }, b = { UINT64_MAX, tree[0][1] };
	struct err e;

	CHECK(merkle_append(&full, &tree[0][0], done) == 0 && full.size == MERKLE_SIZE_MAX);
	CHECK(merkle_prove(&s, 0, UINT64_MAX, &q, &e) == COFFER_E_LIMIT);
	CHECK(merkle_prove_consistent(&s, 0, UINT64_MAX, &q, &e) == COFFER_E_LIMIT);
	CHECK(merkle_source_root(&s, UINT64_MAX, &root, &e) == COFFER_E_LIMIT);
	CHECK(!merkle_included(0, 1, &tree[0][0], &p, &tree[0][0]));
	p.n = 0;
	CHECK(merkle_included(0, 1, &tree[0][0], &p, &tree[0][0]));
	CHECK(!merkle_included(0, 0, &tree[0][0], &p, &tree[0][0]) && !merkle_included(0, UINT64_MAX, &tree[0][0], &p,
	    &tree[0][0]));
	CHECK(!merkle_consistent(&a, &b, &p));
}

/* Hashes that fit, for a tree of another height than the size says: only the length tells. */
static void length_is_demanded_even_where_the_hashes_fit(void)
{
	struct merkle_source s = { from_tree, &(uint64_t){ 8 } };
	struct merkle_head a = { 3, { { 0 } } }, b = { 4, { { 0 } } };
	struct merkle_proof p, c = { 4, { tree[0][2], tree[0][3], tree[1][0], tree[0][9] } };
	struct mhash root3, root4;
	struct err e;

	CHECK(merkle_prove(&s, 5, 8, &p, &e) == COFFER_OK && merkle_included(5, 8, &tree[0][5], &p, &tree[3][0]));
	CHECK(!merkle_included(1, 4, &tree[0][5], &p, &tree[3][0])); /* leaf 5 of 8 as leaf 1 of 4 */
	CHECK(merkle_prove(&s, 0, 8, &p, &e) == COFFER_OK);
	p.n = 2;
	CHECK(!merkle_included(0, 8, &tree[0][0], &p, &tree[2][0])); /* the root of 4 for that of 8 */

	mth(0, 3, &root3);
	mth(0, 4, &root4);
	merkle_node(&tree[0][9], &root3, &a.root);
	merkle_node(&tree[0][9], &root4, &b.root);
	CHECK(!merkle_consistent(&a, &b, &c)); /* one step above the roots */
	c.n = 3;
	a.root = root3;
	b.root = root4;
	CHECK(merkle_consistent(&a, &b, &c));
	c.n = 2;
	a.root = tree[0][2];
	b.root = tree[1][1];
	CHECK(!merkle_consistent(&a, &b, &c)); /* one step below them */
}

/* A leaf can be no node and a node no leaf: the first byte hashed tells them apart. */
static void leaf_and_node_are_kept_apart(void)
{
	uint8_t both[64];
	struct mhash leaf, node;

	memcpy(both, tree[0][0].b, 32);
	memcpy(both + 32, tree[0][1].b, 32);
	merkle_leaf(SPAN(both), &leaf);
	merkle_node(&tree[0][0], &tree[0][1], &node);
	CHECK(!mhash_eq(&leaf, &node));
}

int main(void)
{
	static const struct t_case cases[] = { T(root_is_that_of_the_reference_tests), T(published_proofs_hold),
		T(every_inclusion_proof_holds_and_no_changed_one_does), T(every_consistency_proof_holds_and_no_changed_one_does),
		T(frontier_has_the_root_of_every_size_and_survives_writing), T(frontier_read_refuses_every_other_length),
		T(sizes_over_the_limit_are_refused),
		T(length_is_demanded_even_where_the_hashes_fit), T(leaf_and_node_are_kept_apart) };

	fill();
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
