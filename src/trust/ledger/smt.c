#include "trust/ledger/smt.h"

#include <string.h>

#include "base/str.h"
#include "crypto/hash.h"

#define DOMAIN_LEN 19 /* with the NUL */
static const uint8_t domains[2][DOMAIN_LEN] = { "coffer map leaf v1", "coffer map node v1" };

enum record { RECORD_LEAF = 0, RECORD_NODE = 1 }; /* first byte of a stored node, then two hashes */

static const struct mhash empty;

static bool is_empty(const struct mhash *h)
{
	return mhash_eq(h, &empty);
}

static bool bit(const struct mhash *key, unsigned i)
{
	return key->b[i / 8] >> (7 - i % 8) & 1;
}

/* Index of the first bit in which two keys differ; SMT_DEPTH when they do not. */
static unsigned first_difference(const struct mhash *a, const struct mhash *b)
{
	unsigned i = 0;

	while (i < SMT_DEPTH && bit(a, i) == bit(b, i))
		i++;
	return i;
}

static void hash_of(enum record kind, const struct mhash *a, const struct mhash *b, struct mhash *out)
{
	uint8_t in[DOMAIN_LEN + 64];

	memcpy(in, domains[kind], DOMAIN_LEN);
	memcpy(in + DOMAIN_LEN, a->b, 32);
	memcpy(in + DOMAIN_LEN + 32, b->b, 32);
	sha256(SPAN(in), out->b);
}

/* The parent of h and its sibling at that depth of key's path. */
static void parent(const struct mhash *key, unsigned depth, const struct mhash *h, const struct mhash *sibling, struct mhash *out)
{
	if (bit(key, depth))
		hash_of(RECORD_NODE, sibling, h, out);
	else
		hash_of(RECORD_NODE, h, sibling, out);
}

/* ---- proofs ---- */

void smt_proof_write(const struct smt_proof *p, struct wr *w)
{
	uint8_t map[SMT_DEPTH / 8] = { 0 };

	if (p->depth > SMT_DEPTH) {
		w->bad = true;
		return;
	}
	for (unsigned i = 0; i < p->depth; i++)
		if (!is_empty(&p->sibling[i]))
			map[i / 8] |= (uint8_t)(0x80 >> i % 8);
	wr_u8(w, (uint8_t)p->end);
	wr_be16(w, (uint16_t)p->depth);
	wr_put(w, (struct span){ map, (p->depth + 7) / 8 });
	for (unsigned i = 0; i < p->depth; i++)
		if (!is_empty(&p->sibling[i]))
			wr_put(w, SPAN(p->sibling[i].b));
	if (p->end == SMT_OTHER)
		wr_put(w, SPAN(p->other.b));
	if (p->end != SMT_EMPTY)
		wr_put(w, SPAN(p->value.b));
}

/* What both reader and verifier demand of a proof's shape. */
static bool shape_ok(const struct smt_proof *p)
{
	if ((unsigned)p->end > SMT_OTHER || p->depth > SMT_DEPTH)
		return false;
	return p->depth == 0 || !is_empty(&p->sibling[p->depth - 1]);
}

bool smt_proof_read(struct span s, struct smt_proof *out)
{
	struct smt_proof p = { 0 };
	struct rd r = rd_open(s);
	uint8_t end = rd_u8(&r), map[SMT_DEPTH / 8] = { 0 };

	p.depth = rd_be16(&r);
	if (end > SMT_OTHER || p.depth > SMT_DEPTH)
		return false;
	p.end = (enum smt_end)end;
	rd_copy(&r, map, (p.depth + 7) / 8);
	for (unsigned i = 0; i < SMT_DEPTH && rd_ok(&r); i++) {
		if (!(map[i / 8] >> (7 - i % 8) & 1))
			continue;
		if (i >= p.depth)
			return false;
		rd_copy(&r, p.sibling[i].b, 32);
		if (is_empty(&p.sibling[i]))
			return false;
	}
	if (p.end == SMT_OTHER)
		rd_copy(&r, p.other.b, 32);
	if (p.end != SMT_EMPTY)
		rd_copy(&r, p.value.b, 32);
	if (!rd_done(&r) || !shape_ok(&p))
		return false;
	*out = p;
	return true;
}

bool smt_verify(const struct mhash *root, const struct mhash *key, const struct smt_proof *p, struct smt_answer *out)
{
	struct mhash h = empty;

	if (!shape_ok(p))
		return false;
	if (p->end == SMT_LEAF)
		hash_of(RECORD_LEAF, key, &p->value, &h);
	if (p->end == SMT_OTHER) {
		unsigned differ = first_difference(key, &p->other);

		if (differ == SMT_DEPTH || differ < p->depth) /* the key itself, or one that has no place on this path */
			return false;
		hash_of(RECORD_LEAF, &p->other, &p->value, &h);
	}
	for (unsigned i = p->depth; i-- > 0;)
		parent(key, i, &h, &p->sibling[i], &h);
	if (!mhash_eq(&h, root))
		return false;
	*out = (struct smt_answer){ .present = p->end == SMT_LEAF };
	if (out->present)
		out->value = p->value;
	return true;
}

/* ---- the map ---- */

struct node {
	enum record  kind;
	struct mhash a, b; /* leaf: key and value; node: left and right */
};

static enum coffer_rc load(const struct smt_store *s, const struct mhash *hash, struct node *out, struct err *e)
{
	uint8_t rec[SMT_RECORD];
	struct mhash again;

	TRY(s->get(s->ctx, hash, rec, e));
	if (rec[0] > RECORD_NODE)
		return err_deny(e, "map-node", "map: a stored node of unknown kind");
	out->kind = (enum record)rec[0];
	memcpy(out->a.b, rec + 1, 32);
	memcpy(out->b.b, rec + 33, 32);
	hash_of(out->kind, &out->a, &out->b, &again);
	if (!mhash_eq(&again, hash))
		return err_deny(e, "map-node", "map: a stored node is not the one its hash names");
	return COFFER_OK;
}

bool smt_record_hash(const uint8_t record[static SMT_RECORD], struct mhash *out)
{
	struct mhash a, b;

	if (record[0] > RECORD_NODE)
		return false;
	memcpy(a.b, record + 1, 32);
	memcpy(b.b, record + 33, 32);
	hash_of((enum record)record[0], &a, &b, out);
	return true;
}

static enum coffer_rc save(const struct smt_store *s, const struct node *n, struct mhash *hash, struct err *e)
{
	uint8_t rec[SMT_RECORD];

	rec[0] = (uint8_t)n->kind;
	memcpy(rec + 1, n->a.b, 32);
	memcpy(rec + 33, n->b.b, 32);
	hash_of(n->kind, &n->a, &n->b, hash);
	return s->put(s->ctx, hash, rec, e);
}

enum coffer_rc smt_prove(const struct smt_store *s, const struct mhash *root, const struct mhash *key, struct smt_proof *out,
    struct err *e)
{
	struct smt_proof p = { .end = SMT_EMPTY };
	struct mhash at = *root;

	while (!is_empty(&at)) {
		struct node n;

		TRY(load(s, &at, &n, e));
		if (n.kind == RECORD_LEAF) {
			p.end = mhash_eq(&n.a, key) ? SMT_LEAF : SMT_OTHER;
			if (p.end == SMT_OTHER)
				p.other = n.a;
			p.value = n.b;
			break;
		}
		if (p.depth == SMT_DEPTH)
			return err_deny(e, "map-node", "map: a path longer than a key");
		p.sibling[p.depth] = bit(key, p.depth) ? n.a : n.b;
		at = bit(key, p.depth) ? n.b : n.a;
		p.depth++;
	}
	*out = p;
	return COFFER_OK;
}

/* Puts the parent of *h and its sibling; *h becomes it. `right` says on which side *h is. */
static enum coffer_rc rise(const struct smt_store *s, bool right, const struct mhash *sibling, struct mhash *h, struct err *e)
{
	struct node n = { .kind = RECORD_NODE, .a = right ? *sibling : *h, .b = right ? *h : *sibling };

	return save(s, &n, h, e);
}

enum coffer_rc smt_set(const struct smt_store *s, struct mhash *root, const struct mhash *key, const struct mhash *value,
    struct err *e)
{
	struct node leaf = { .kind = RECORD_LEAF, .a = *key, .b = *value };
	struct smt_proof p;
	struct mhash h;

	TRY(smt_prove(s, root, key, &p, e));
	TRY(save(s, &leaf, &h, e));
	if (p.end == SMT_OTHER) { /* the other leaf goes down to where the keys part */
		unsigned part = first_difference(key, &p.other);
		struct mhash other;

		if (part < p.depth)
			return err_deny(e, "map-node", "map: a leaf stands where its key has no place");
		hash_of(RECORD_LEAF, &p.other, &p.value, &other);
		TRY(rise(s, bit(key, part), &other, &h, e));
		for (unsigned i = part; i-- > p.depth;)
			TRY(rise(s, bit(key, i), &empty, &h, e));
	}
	for (unsigned i = p.depth; i-- > 0;)
		TRY(rise(s, bit(key, i), &p.sibling[i], &h, e));
	*root = h;
	return COFFER_OK;
}
