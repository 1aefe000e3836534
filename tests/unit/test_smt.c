#include "trust/ledger/smt.h"

#include "crypto/hash.h"
#include "tests/unit/ledger_fix.h"

/* A store in memory, looked up from the end; room for what the tests put. */
#define NODES 200000
#define SLOTS (1u << 19)
static struct { struct mhash hash; uint8_t rec[SMT_RECORD]; } nodes[NODES];
static uint32_t slot[SLOTS]; /* index + 1 */
static size_t n_nodes, puts_left = SIZE_MAX;

static uint32_t *slot_of(const struct mhash *h)
{
	uint32_t at = ((uint32_t)h->b[0] | (uint32_t)h->b[1] << 8 | (uint32_t)h->b[2] << 16) % SLOTS;

	while (slot[at] && !mhash_eq(&nodes[slot[at] - 1].hash, h))
		at = (at + 1) % SLOTS;
	return &slot[at];
}

static enum coffer_rc get(void *ctx, const struct mhash *hash, uint8_t out[static SMT_RECORD], struct err *e)
{
	uint32_t i = *slot_of(hash);

	(void)ctx;
	if (!i)
		return err_set(e, COFFER_E_NOTFOUND, "no such node");
	memcpy(out, nodes[i - 1].rec, SMT_RECORD);
	return COFFER_OK;
}

static enum coffer_rc put(void *ctx, const struct mhash *hash, const uint8_t rec[static SMT_RECORD], struct err *e)
{
	uint32_t *i = slot_of(hash);

	(void)ctx;
	if (puts_left-- == 0)
		return err_set(e, COFFER_E_SYSTEM, "store full");
	if (*i)
		return COFFER_OK;
	if (n_nodes == NODES)
		abort();
	nodes[n_nodes].hash = *hash;
	memcpy(nodes[n_nodes].rec, rec, SMT_RECORD);
	*i = (uint32_t)++n_nodes;
	return COFFER_OK;
}

static const struct smt_store store = { get, put, NULL };

static struct mhash h32(uint32_t i, char what)
{
	uint8_t b[5] = { (uint8_t)what, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
	struct mhash h;

	sha256(SPAN(b), h.b);
	return h;
}

static struct mhash hex(const char *s)
{
	struct mhash h = { 0 };

	CHECK(hex_fixed(span_of(s), h.b, 32));
	return h;
}

/* Root by the words of the header, over keys sorted; depth is bounded by the keys' common prefix. */
static void slow_root(const struct mhash *const *keys, const struct mhash *const *values, size_t n, unsigned depth,
    struct mhash *out)
{
	uint8_t in[19 + 64];
	size_t k = 0;
	struct mhash l, r;

	if (n == 0) {
		*out = (struct mhash){ 0 };
		return;
	}
	memcpy(in, n == 1 ? "coffer map leaf v1" : "coffer map node v1", 19);
	if (n == 1) {
		memcpy(in + 19, keys[0]->b, 32);
		memcpy(in + 51, values[0]->b, 32);
	} else {
		while (k < n && !(keys[k]->b[depth / 8] >> (7 - depth % 8) & 1))
			k++;
		slow_root(keys, values, k, depth + 1, &l);
		slow_root(keys + k, values + k, n - k, depth + 1, &r);
		memcpy(in + 19, l.b, 32);
		memcpy(in + 51, r.b, 32);
	}
	sha256(SPAN(in), out->b);
}

static int by_key(const void *a, const void *b)
{
	const struct mhash *const *x = a, *const *y = b;

	return memcmp((*x)->b, (*y)->b, 32); /* public: test keys */
}

static bool set(struct mhash *root, struct mhash key, struct mhash value)
{
	struct err e;

	return smt_set(&store, root, &key, &value, &e) == COFFER_OK;
}

/* Proves, writes, reads back, verifies. */
static bool ask(const struct mhash *root, const struct mhash *key, struct smt_answer *a)
{
	CLEANUP(wr_close) struct wr w = wr_open(SMT_PROOF_MAX);
	struct smt_proof p, q;
	struct err e;

	if (smt_prove(&store, root, key, &p, &e) != COFFER_OK)
		return false;
	smt_proof_write(&p, &w);
	return wr_ok(&w) && smt_proof_read(wr_span(&w), &q) && smt_verify(root, key, &q, a);
}

static void root_is_that_of_the_definition_for_every_size(void)
{
	enum { MANY = 300 };
	static struct mhash key[MANY], value[MANY], keep[MANY + 1];
	struct mhash root = { 0 };

	for (uint32_t n = 0; n <= MANY; n++) {
		const struct mhash *keys[MANY], *values[MANY];
		struct mhash want;
		struct smt_answer a = { 0 };

		for (uint32_t i = 0; i < n; i++)
			keys[i] = &key[i];
		qsort(keys, n, sizeof(keys[0]), by_key);
		for (uint32_t i = 0; i < n; i++)
			values[i] = &value[keys[i] - key];
		slow_root(keys, values, n, 0, &want);
		CHECK(mhash_eq(&root, &want));
		for (uint32_t i = 0; i < n; i++)
			CHECK(ask(&root, &key[i], &a) && a.present && mhash_eq(&a.value, &value[i]));
		for (uint32_t i = 0; i < 5; i++) {
			struct mhash absent = h32(i, 'a');

			CHECK(ask(&root, &absent, &a) && !a.present);
		}
		keep[n] = root;
		if (n < MANY) {
			key[n] = h32(n, 'k');
			value[n] = h32(n, 'v');
			CHECK(set(&root, key[n], value[n]));
		}
	}
	for (uint32_t n = 1; n <= MANY; n += 37) { /* every root there was still answers */
		struct smt_answer a;

		CHECK(ask(&keep[n], &key[n - 1], &a) && a.present);
		CHECK(ask(&keep[n - 1], &key[n - 1], &a) && !a.present);
	}
}

static void root_depends_on_the_content_alone(void)
{
	struct mhash a = { 0 }, b = { 0 };

	for (uint32_t i = 0; i < 100; i++) {
		CHECK(set(&a, h32(i, 'k'), h32(i, 'v')));
		CHECK(set(&b, h32(99 - i, 'k'), h32(i, 'x'))); /* replaced below */
	}
	CHECK(!mhash_eq(&a, &b));
	for (uint32_t i = 0; i < 100; i++)
		CHECK(set(&b, h32(i, 'k'), h32(i, 'v')));
	CHECK(mhash_eq(&a, &b));
}

/* Values worked out with another program from the definition in the header. */
static void known_values(void)
{
	struct mhash root = { 0 }, zero = { 0 }, one = { 0 }, top = { 0 }, v = { 0 };

	v.b[31] = 7;
	one.b[31] = 1;
	top.b[0] = 0x80;
	CHECK(set(&root, zero, v));
	struct mhash want1 = hex("e1becd41bed33e49f229a0146e99d200dc14d64ae6991af2dab7981bc88c3037");
	CHECK(mhash_eq(&root, &want1));
	CHECK(set(&root, top, v));
	struct mhash want2 = hex("827e2b826524e14fc2e9069fb894bc680111ca4a1bf961490b22ca1fd6760945");
	CHECK(mhash_eq(&root, &want2));
	CHECK(set(&root, one, v)); /* parts from zero at the last bit: 256 deep */
	struct mhash want3 = hex("847eb6e0f851af2000a1c803f68d85248fa91326161b2a3aab788fafa01aa5c2");
	CHECK(mhash_eq(&root, &want3));
	struct smt_proof p;
	struct err e;
	CHECK(smt_prove(&store, &root, &one, &p, &e) == COFFER_OK && p.end == SMT_LEAF && p.depth == 256);
}

/* Every bit of the written proof, one byte more and every cut: none may give an answer other than the true one. */
static void no_changed_proof_verifies(void)
{
	struct mhash root = { 0 };
	size_t read = 0;
	struct err e;

	for (uint32_t i = 0; i < 64; i++)
		CHECK(set(&root, h32(i, 'k'), h32(i, 'v')));
	for (uint32_t k = 0; k < 40; k++) {
		CLEANUP(wr_close) struct wr w = wr_open(SMT_PROOF_MAX + 1);
		struct mhash key = h32(k < 20 ? k : k - 20, k < 20 ? 'k' : 'a');
		struct smt_answer a = { .present = true, .value = root };
		struct smt_proof p, q = { .depth = 999 };

		CHECK(smt_prove(&store, &root, &key, &p, &e) == COFFER_OK);
		smt_proof_write(&p, &w);
		for (size_t i = 0; i < w.n * 8; i++) {
			w.p[i / 8] ^= (uint8_t)(1 << i % 8);
			if (smt_proof_read(wr_span(&w), &q)) {
				read++;
				CHECK(!smt_verify(&root, &key, &q, &a));
			}
			w.p[i / 8] ^= (uint8_t)(1 << i % 8);
		}
		q.depth = 999;
		for (size_t n = 0; n < w.n; n++) {
			CLEANUP(freep) uint8_t *cut = lfix_exact((struct span){ w.p, n });

			CHECK(!smt_proof_read((struct span){ cut, n }, &q) && q.depth == 999);
		}
		struct mhash other = h32(k + 1, 'q');
		CHECK(!smt_verify(&other, &key, &p, &a)); /* under another root */
		other = key;
		other.b[0] ^= 0x80; /* for a key on the other side of the root */
		CHECK(!smt_verify(&root, &other, &p, &a) && mhash_eq(&a.value, &root));
		wr_u8(&w, 0);
		CHECK(!smt_proof_read(wr_span(&w), &q));
	}
	CHECK(read > 0);
}

static void read_refuses_other_encodings(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(SMT_PROOF_MAX + 64);
	struct smt_proof q;
	uint8_t b[3 + 1 + 64] = { SMT_EMPTY, 0, 2, 0x40 };

	memset(b + 4, 1, 32);
	CHECK(smt_proof_read((struct span){ b, 36 }, &q) && q.depth == 2);
	b[3] = 0x60; /* a bit beyond the depth */
	CHECK(!smt_proof_read((struct span){ b, 36 }, &q));
	memset(b + 36, 2, 32);
	CHECK(!smt_proof_read((struct span){ b, 68 }, &q));
	b[3] = 0x80; /* the last sibling empty: two empty halves are no node */
	CHECK(!smt_proof_read((struct span){ b, 36 }, &q));
	b[3] = 0x40;
	memset(b + 4, 0, 32); /* a sibling that says it is there and is empty */
	CHECK(!smt_proof_read((struct span){ b, 36 }, &q));
	uint8_t two[3 + 1 + 64] = { SMT_EMPTY, 0, 2, 0xc0 };
	memset(two + 36, 1, 32);
	CHECK(!smt_proof_read(SPAN(two), &q)); /* the same above the last */
	two[4] = 1;
	CHECK(smt_proof_read(SPAN(two), &q));
	b[0] = 3;
	memset(b + 4, 1, 32);
	CHECK(!smt_proof_read((struct span){ b, 36 }, &q));
	uint8_t none[3] = { SMT_EMPTY, 0, 0 };
	CHECK(smt_proof_read(SPAN(none), &q) && q.depth == 0);
	struct smt_proof deep = { .end = SMT_EMPTY, .depth = 257 };
	smt_proof_write(&deep, &w);
	CHECK(!wr_ok(&w));
	uint8_t deep_bytes[3 + 33 + 257 * 32] = { SMT_EMPTY, 1, 1 };
	memset(deep_bytes + 3, 0xff, sizeof(deep_bytes) - 3);
	CHECK(!smt_proof_read(SPAN(deep_bytes), &q));
}

/* The leaf of another key proves absence only for keys whose path it stands on, and never of itself. */
static void other_leaf_must_stand_on_the_path(void)
{
	struct mhash key = { { 0x00 } }, far = { { 0x80 } }, v = { { 9 } }, root = { 0 }, sib = { { 5 } };
	struct smt_proof p = { .end = SMT_OTHER, .depth = 1, .sibling = { sib }, .other = far, .value = v };
	uint8_t in[19 + 64];
	struct smt_answer a;
	struct mhash leaf;

	memcpy(in, "coffer map leaf v1", 19);
	memcpy(in + 19, far.b, 32);
	memcpy(in + 51, v.b, 32);
	sha256(SPAN(in), leaf.b);
	memcpy(in, "coffer map node v1", 19);
	memcpy(in + 19, leaf.b, 32); /* a leaf of the right half, put into the left */
	memcpy(in + 51, sib.b, 32);
	sha256(SPAN(in), root.b);
	CHECK(!smt_verify(&root, &key, &p, &a));

	CHECK(set(&(struct mhash){ 0 }, key, v));
	struct mhash alone = { 0 };
	CHECK(set(&alone, key, v));
	struct smt_proof self = { .end = SMT_OTHER, .other = key, .value = v };
	CHECK(!smt_verify(&alone, &key, &self, &a));
	CHECK(smt_verify(&alone, &far, &self, &a) && !a.present);
}

static void damaged_store_is_refused(void)
{
	struct mhash root = { 0 }, before, key = h32(1000, 'k'), value = h32(1000, 'v');
	struct smt_proof p = { .depth = 999 };
	struct err e;

	for (uint32_t i = 1000; i < 1020; i++)
		CHECK(set(&root, h32(i, 'k'), h32(i, 'v')));
	size_t at = *slot_of(&root) - 1;
	for (size_t i = 0; i < SMT_RECORD; i++) {
		nodes[at].rec[i] ^= 2;
		CHECK(smt_prove(&store, &root, &key, &p, &e) == COFFER_E_DENIED && !strcmp(e.check, "map-node") && p.depth ==
		    999);
		CHECK(smt_set(&store, &root, &key, &value, &e) == COFFER_E_DENIED);
		nodes[at].rec[i] ^= 2;
	}
	struct mhash nowhere = h32(1, 'n');
	CHECK(smt_prove(&store, &nowhere, &key, &p, &e) == COFFER_E_NOTFOUND);
	before = root;
	puts_left = 2;
	CHECK(smt_set(&store, &root, &key, &before, &e) == COFFER_E_SYSTEM && mhash_eq(&root, &before));
	puts_left = SIZE_MAX;
}

/* Stores a node by its hash, as a store that lies from the start would hold it. */
static struct mhash plant(uint8_t kind, const struct mhash *a, const struct mhash *b)
{
	uint8_t in[19 + 64], rec[SMT_RECORD];
	struct mhash h;
	struct err e;

	memcpy(in, kind ? "coffer map node v1" : "coffer map leaf v1", 19);
	memcpy(in + 19, a->b, 32);
	memcpy(in + 51, b->b, 32);
	sha256(SPAN(in), h.b);
	rec[0] = kind;
	memcpy(rec + 1, in + 19, 64);
	CHECK(put(NULL, &h, rec, &e) == COFFER_OK);
	return h;
}

static void map_of_another_shape_is_refused(void)
{
	struct mhash low = { { 0 } }, high = { { 0x80 } }, v = { { 9 } }, sib = { { 5 } };
	struct mhash leaf = plant(0, &high, &v), misplaced = plant(1, &leaf, &sib), deep = plant(0, &low, &v);
	struct smt_proof p = { .depth = 999 };
	struct err e;

	CHECK(smt_set(&store, &misplaced, &low, &v, &e) == COFFER_E_DENIED && !strcmp(e.check, "map-node"));
	for (size_t i = 0; i < 256; i++)
		deep = plant(1, &deep, &sib);
	CHECK(smt_prove(&store, &deep, &low, &p, &e) == COFFER_OK && p.depth == 256);
	deep = plant(1, &deep, &sib); /* one step more than a key has bits */
	p.depth = 999;
	CHECK(smt_prove(&store, &deep, &low, &p, &e) == COFFER_E_DENIED && !strcmp(e.check, "map-node") && p.depth == 999);
}

int main(void)
{
	static const struct t_case cases[] = { T(root_is_that_of_the_definition_for_every_size),
	    T(root_depends_on_the_content_alone),
		T(known_values), T(no_changed_proof_verifies), T(read_refuses_other_encodings),
		    T(other_leaf_must_stand_on_the_path),
		T(damaged_store_is_refused), T(map_of_another_shape_is_refused) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
