#include "trust/ledger/merkle.h"

#include <string.h>

#include "base/str.h"
#include "crypto/hash.h"

bool mhash_eq(const struct mhash *a, const struct mhash *b)
{
	return span_eq(SPAN(a->b), SPAN(b->b));
}

void merkle_empty(struct mhash *out)
{
	sha256((struct span){ 0 }, out->b);
}

void merkle_leaf(struct span entry, struct mhash *out)
{
	struct hash_stream *h = hash_open(HASH_SHA256);
	uint8_t d[HASH_MAX];

	hash_add(h, (struct span){ (const uint8_t *)"\0", 1 });
	hash_add(h, entry);
	hash_end(h, d);
	memcpy(out->b, d, sizeof(out->b));
}

void merkle_node(const struct mhash *left, const struct mhash *right, struct mhash *out)
{
	uint8_t in[65];

	in[0] = 1;
	memcpy(in + 1, left->b, 32);
	memcpy(in + 33, right->b, 32);
	sha256(SPAN(in), out->b);
}

void merkle_root(const struct mhash *leaves, size_t n, struct mhash *out)
{
	struct merkle_frontier f = { 0 };
	struct mhash done[MERKLE_LEVELS];

	for (size_t i = 0; i < n; i++)
		if (merkle_append(&f, &leaves[i], done) == 0)
			break;
	merkle_frontier_root(&f, out);
}

/* ---- checking ---- */

/* The steps of both algorithms are RFC 9162's, with its names: fn and sn are the path's node and the last node of the level. */
bool merkle_included(uint64_t index, uint64_t size, const struct mhash *leaf, const struct merkle_proof *p,
    const struct mhash *root)
{
	uint64_t fn = index, sn = size - 1;
	struct mhash r = *leaf;

	if (size > MERKLE_SIZE_MAX || index >= size || p->n > MERKLE_PROOF_MAX)
		return false;
	for (size_t i = 0; i < p->n; i++) {
		if (sn == 0)
			return false; /* longer than the tree is high */
		if ((fn & 1) || fn == sn) {
			merkle_node(&p->h[i], &r, &r);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			merkle_node(&r, &p->h[i], &r);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && mhash_eq(&r, root);
}

/* Section 2.1.4.2 from step 4 on, with `first` the node both trees share; p->h from `at` on. */
static bool walk(const struct merkle_head *a, const struct merkle_head *b, const struct merkle_proof *p, size_t at)
{
	uint64_t fn = a->size - 1, sn = b->size - 1;
	struct mhash fr = at ? p->h[0] : a->root, sr = fr;

	while (fn & 1) {
		fn >>= 1;
		sn >>= 1;
	}
	for (size_t i = at; i < p->n; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn) {
			merkle_node(&p->h[i], &fr, &fr);
			merkle_node(&p->h[i], &sr, &sr);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			merkle_node(&sr, &p->h[i], &sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && mhash_eq(&fr, &a->root) && mhash_eq(&sr, &b->root);
}

bool merkle_consistent(const struct merkle_head *a, const struct merkle_head *b, const struct merkle_proof *p)
{
	struct mhash none;

	if (a->size > b->size || b->size > MERKLE_SIZE_MAX || p->n > MERKLE_PROOF_MAX)
		return false;
	merkle_empty(&none);
	if (b->size == 0 && !mhash_eq(&b->root, &none))
		return false;
	if (a->size == 0)
		return p->n == 0 && mhash_eq(&a->root, &none);
	if (a->size == b->size)
		return p->n == 0 && mhash_eq(&a->root, &b->root);
	if (p->n == 0)
		return false;
	return walk(a, b, p, (a->size & (a->size - 1)) != 0); /* a power of two is itself the shared node */
}

/* ---- making ---- */

/* Root of leaves [lo, hi): folded from the smallest complete subtree, which is rightmost. lo is a multiple of the
 * least power of two that holds hi - lo, as in every split the RFC makes. */
static enum coffer_rc range(const struct merkle_source *s, uint64_t lo, uint64_t hi, struct mhash *out, struct err *e)
{
	uint64_t n = hi - lo;
	struct mhash acc = { 0 }, h;
	bool any = false;

	for (unsigned l = 0; l < MERKLE_LEVELS; l++) {
		uint64_t below = n & ((UINT64_C(2) << l) - 1); /* leaves of this subtree and of those right of it */

		if (!(n >> l & 1))
			continue;
		TRY(s->read(s->ctx, l, (hi - below) >> l, &h, e));
		if (any)
			merkle_node(&h, &acc, &acc);
		else
			acc = h;
		any = true;
	}
	*out = acc;
	return COFFER_OK;
}

/* The largest power of two below n; n > 1. */
static uint64_t split(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

static void reverse(struct merkle_proof *p)
{
	for (size_t i = 0; i < p->n / 2; i++) {
		struct mhash t = p->h[i];

		p->h[i] = p->h[p->n - 1 - i];
		p->h[p->n - 1 - i] = t;
	}
}

static enum coffer_rc size_ok(uint64_t size, struct err *e)
{
	if (size > MERKLE_SIZE_MAX)
		return err_set(e, COFFER_E_LIMIT, "tree: size over 2^63 - 1");
	return COFFER_OK;
}

static enum coffer_rc push(struct merkle_proof *p, const struct merkle_source *s, uint64_t lo, uint64_t hi, struct err *e)
{
	if (p->n == MERKLE_PROOF_MAX)
		return err_set(e, COFFER_E_BUG, "tree: proof over %d hashes", MERKLE_PROOF_MAX);
	TRY(range(s, lo, hi, &p->h[p->n], e));
	p->n++;
	return COFFER_OK;
}

enum coffer_rc merkle_prove(const struct merkle_source *s, uint64_t index, uint64_t size, struct merkle_proof *out, struct err *e)
{
	uint64_t lo = 0, hi = size;
	struct merkle_proof p = { 0 };

	TRY(size_ok(size, e));
	if (index >= size)
		return err_set(e, COFFER_E_NOTFOUND, "tree: no entry %llu in %llu", (unsigned long long)index,
		    (unsigned long long)size);
	while (hi - lo > 1) { /* RFC 6962 2.1.1, from the root downward */
		uint64_t mid = lo + split(hi - lo);

		if (index < mid) {
			TRY(push(&p, s, mid, hi, e));
			hi = mid;
		} else {
			TRY(push(&p, s, lo, mid, e));
			lo = mid;
		}
	}
	reverse(&p);
	*out = p;
	return COFFER_OK;
}

enum coffer_rc merkle_prove_consistent(const struct merkle_source *s, uint64_t a, uint64_t b, struct merkle_proof *out,
    struct err *e)
{
	uint64_t lo = 0, hi = b;
	struct merkle_proof p = { 0 };

	TRY(size_ok(b, e));
	if (a > b)
		return err_set(e, COFFER_E_NOTFOUND, "tree: size %llu is not reached at %llu", (unsigned long long)a,
		    (unsigned long long)b);
	while (a != 0 && a != hi) { /* RFC 6962 2.1.2, SUBPROOF from the root downward */
		uint64_t mid = lo + split(hi - lo);

		if (a <= mid) {
			TRY(push(&p, s, mid, hi, e));
			hi = mid;
		} else {
			TRY(push(&p, s, lo, mid, e));
			lo = mid;
		}
	}
	if (lo != 0)
		TRY(push(&p, s, lo, hi, e));
	reverse(&p);
	*out = p;
	return COFFER_OK;
}

enum coffer_rc merkle_source_root(const struct merkle_source *s, uint64_t size, struct mhash *out, struct err *e)
{
	TRY(size_ok(size, e));
	if (size == 0) {
		merkle_empty(out);
		return COFFER_OK;
	}
	return range(s, 0, size, out, e);
}

/* ---- the frontier ---- */

size_t merkle_append(struct merkle_frontier *f, const struct mhash *leaf, struct mhash done[static MERKLE_LEVELS])
{
	unsigned l = 0;

	if (f->size >= MERKLE_SIZE_MAX)
		return 0;
	done[0] = *leaf;
	for (; f->size >> l & 1; l++) /* as a carry runs through a counter */
		merkle_node(&f->top[l], &done[l], &done[l + 1]);
	f->top[l] = done[l];
	f->size++;
	return l + 1;
}

void merkle_frontier_root(const struct merkle_frontier *f, struct mhash *out)
{
	bool any = false;

	merkle_empty(out);
	for (unsigned l = 0; l < MERKLE_LEVELS; l++) {
		if (!(f->size >> l & 1))
			continue;
		if (any)
			merkle_node(&f->top[l], out, out);
		else
			*out = f->top[l];
		any = true;
	}
}

void merkle_frontier_write(const struct merkle_frontier *f, struct wr *w)
{
	wr_be64(w, f->size);
	for (unsigned l = MERKLE_LEVELS; l-- > 0;)
		if (f->size >> l & 1)
			wr_put(w, SPAN(f->top[l].b));
}

bool merkle_frontier_read(struct span s, struct merkle_frontier *out)
{
	struct rd r = rd_open(s);
	struct merkle_frontier f = { 0 };
	uint64_t hi = rd_be32(&r);

	f.size = hi << 32 | rd_be32(&r);
	if (f.size > MERKLE_SIZE_MAX)
		return false;
	for (unsigned l = MERKLE_LEVELS; l-- > 0;)
		if (f.size >> l & 1)
			rd_copy(&r, f.top[l].b, 32);
	if (!rd_done(&r))
		return false;
	*out = f;
	return true;
}
