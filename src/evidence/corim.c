#include "evidence/corim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

enum { TAG_CORIM = 500, TAG_UNSIGNED = 501, TAG_SIGNED = 502, TAG_COMID = 506, TAG_BYTES = 560, TAG_UUID = 37, TAG_SIGN1 = 18 };
enum { CORIM_TAGS = 1, COMID_TRIPLES = 4, TRIPLES_REFERENCE = 0, ENV_CLASS = 0, CLASS_VENDOR = 1, CLASS_MODEL = 2 };
enum { MEAS_KEY = 0, MEAS_VALUES = 1, VAL_DIGESTS = 2, VAL_RAW = 4, VAL_SERIAL = 8, VAL_NAME = 11 };

void corim_clear(struct corim *c)
{
	free(c->v);
	*c = (struct corim){ 0 };
}

static enum coffer_rc wrong(struct err *e, const char *what)
{
	return err_set(e, COFFER_E_INPUT, "corim: %s", what);
}

/* ---- names ---- */

static enum coffer_rc name_add(struct corim_value *v, struct span part, struct err *e)
{
	size_t n = strlen(v->name);

	for (size_t i = 0; i < part.n; i++)
		if (part.p[i] == '/' || part.p[i] < 0x20 || part.p[i] == 0x7f)
			return wrong(e, "a part of a name with a slash or a control character");
	if (part.n == 0 || n + 1 + part.n >= sizeof(v->name))
		return wrong(e, "a part of a name that is empty, or a name too long");
	if (n > 0)
		v->name[n++] = '/';
	memcpy(v->name + n, part.p, part.n);
	v->name[n + part.n] = '\0';
	return COFFER_OK;
}

/* A text member, where there is one. */
static enum coffer_rc name_member(struct corim_value *v, const struct cbor *map, int64_t key, struct err *e)
{
	struct cbor m;

	if (!cbor_get(map, key, &m))
		return COFFER_OK;
	return m.type == CBOR_TEXT ? name_add(v, m.body, e) : wrong(e, "a name that is no text");
}

static enum coffer_rc name_uuid(struct corim_value *v, struct span id, struct err *e)
{
	char text[37];
	size_t at = 0;

	if (id.n != 16)
		return wrong(e, "a UUID that has not 16 bytes");
	for (size_t i = 0; i < id.n; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[at++] = '-';
		(void)snprintf(text + at, sizeof(text) - at, "%02x", id.p[i]);
		at += 2;
	}
	return name_add(v, span_of(text), e);
}

/* The element that was measured; kinds that have no text are passed over. */
static enum coffer_rc name_element(struct corim_value *v, const struct cbor *measurement, struct err *e)
{
	char number[32];
	struct cbor key, id;

	if (!cbor_get(measurement, MEAS_KEY, &key))
		return COFFER_OK;
	if (key.type == CBOR_TEXT)
		return name_add(v, key.body, e);
	if (cbor_untag(&key, TAG_UUID, &id) && id.type == CBOR_BYTES)
		return name_uuid(v, id.body, e);
	if (key.type != CBOR_UINT)
		return COFFER_OK;
	(void)snprintf(number, sizeof(number), "claim%llu", (unsigned long long)key.u);
	return name_add(v, span_of(number), e);
}

/* ---- values ---- */

static enum coffer_rc keep(
    struct corim *c, const struct corim_value *base, const char *kind, struct corim_value **out, struct err *e)
{
	struct corim_value *more;

	if (c->n == CORIM_VALUES_MAX)
		return err_set(e, COFFER_E_LIMIT, "corim: more than %d values", CORIM_VALUES_MAX);
	if ((c->n & (c->n - 1)) == 0) { /* twice as many at each power of two */
		more = realloc(c->v, (c->n ? 2 * c->n : 1) * sizeof(*more));
		if (!more)
			return err_set(e, COFFER_E_SYSTEM, "corim: out of memory");
		c->v = more;
	}
	c->v[c->n] = *base;
	*out = &c->v[c->n++];
	return name_add(*out, span_of(kind), e);
}

/* IANA's named information hash algorithms that have one length. */
static bool digest_fits(const struct cbor *alg, size_t n)
{
	static const struct {
		uint64_t id;
		size_t n;
	} known[] = { { 1, 32 }, { 7, 48 }, { 8, 64 } };

	for (size_t i = 0; alg->type == CBOR_UINT && i < sizeof(known) / sizeof(known[0]); i++)
		if (alg->u == known[i].id)
			return n == known[i].n;
	return (alg->type == CBOR_UINT || alg->type == CBOR_TEXT) && n > 0 && n <= 64;
}

static enum coffer_rc read_digests(struct corim *c, const struct corim_value *base, const struct cbor *list, struct err *e)
{
	struct cbor_iter it = cbor_items(list);
	struct cbor one, alg, val;
	struct corim_value *v;

	if (list->type != CBOR_ARRAY || list->u == 0 || list->u > CORIM_DIGESTS_MAX)
		return wrong(e, "digests that are no list of 1 to 8");
	TRY(keep(c, base, "digests", &v, e));
	while (cbor_next(&it, &one)) {
		if (one.type != CBOR_ARRAY || one.u != 2 || !cbor_at(&one, 0, &alg) || !cbor_at(&one, 1, &val) ||
		    val.type != CBOR_BYTES || !digest_fits(&alg, val.body.n))
			return wrong(e, "a digest that is no pair of algorithm and bytes of its length");
		v->bytes[v->n++] = val.body;
	}
	return COFFER_OK;
}

static enum coffer_rc read_measurement(struct corim *c, const struct corim_value *env, const struct cbor *m, struct err *e)
{
	struct corim_value base = *env, *v;
	struct cbor vals, one, bytes;

	if (!cbor_get(m, MEAS_VALUES, &vals) || vals.type != CBOR_MAP)
		return wrong(e, "a measurement without values");
	TRY(name_element(&base, m, e));
	TRY(name_member(&base, &vals, VAL_NAME, e));
	TRY(name_member(&base, &vals, VAL_SERIAL, e));
	if (cbor_get(&vals, VAL_DIGESTS, &one))
		TRY(read_digests(c, &base, &one, e));
	if (cbor_get(&vals, VAL_RAW, &one) && cbor_untag(&one, TAG_BYTES, &bytes) && bytes.type == CBOR_BYTES) {
		TRY(keep(c, &base, "raw_bytes", &v, e));
		v->bytes[v->n++] = bytes.body;
	}
	return COFFER_OK;
}

/* ---- from the outside in ---- */

static enum coffer_rc read_triple(struct corim *c, const struct cbor *triple, struct err *e)
{
	struct corim_value base = { 0 };
	struct cbor env, class, list, one;
	struct cbor_iter it;

	if (triple->type != CBOR_ARRAY || triple->u != 2 || !cbor_at(triple, 0, &env) || !cbor_at(triple, 1, &list) ||
	    env.type != CBOR_MAP || list.type != CBOR_ARRAY)
		return wrong(e, "a reference triple that is no pair of environment and measurements");
	if (cbor_get(&env, ENV_CLASS, &class)) {
		TRY(name_member(&base, &class, CLASS_VENDOR, e));
		TRY(name_member(&base, &class, CLASS_MODEL, e));
	}
	it = cbor_items(&list);
	while (cbor_next(&it, &one))
		TRY(read_measurement(c, &base, &one, e));
	return COFFER_OK;
}

static enum coffer_rc read_comid(struct corim *c, struct span in, struct err *e)
{
	struct cbor map, triples, list, one;
	struct cbor_iter it;

	TRY(cbor_open(in, CORIM_MAX, &map, e));
	if (!cbor_get(&map, COMID_TRIPLES, &triples) || triples.type != CBOR_MAP)
		return wrong(e, "a CoMID without triples");
	if (!cbor_get(&triples, TRIPLES_REFERENCE, &list))
		return COFFER_OK;
	if (list.type != CBOR_ARRAY)
		return wrong(e, "reference triples that are no list");
	it = cbor_items(&list);
	while (cbor_next(&it, &one))
		TRY(read_triple(c, &one, e));
	return COFFER_OK;
}

static enum coffer_rc read_unsigned(struct corim *c, struct span in, struct err *e)
{
	struct cbor whole, map, list, one, bytes;
	struct cbor_iter it;

	TRY(cbor_open(in, CORIM_MAX, &whole, e));
	while (cbor_untag(&whole, TAG_CORIM, &one))
		whole = one;
	if (!cbor_untag(&whole, TAG_UNSIGNED, &map) || !cbor_get(&map, CORIM_TAGS, &list) || list.type != CBOR_ARRAY)
		return wrong(e, "neither a signed CoRIM nor an unsigned one with tags");
	it = cbor_items(&list);
	while (cbor_next(&it, &one))
		if (cbor_untag(&one, TAG_COMID, &bytes) && bytes.type == CBOR_BYTES)
			TRY(read_comid(c, bytes.body, e));
	return COFFER_OK;
}

/* Without the tags that some writers put around both kinds. */
static enum coffer_rc open_outer(struct span in, struct cbor *out, struct err *e)
{
	struct cbor inner;

	TRY(cbor_open(in, CORIM_MAX, out, e));
	while (cbor_untag(out, TAG_CORIM, &inner) || cbor_untag(out, TAG_SIGNED, &inner))
		*out = inner;
	return COFFER_OK;
}

enum coffer_rc corim_read(struct span in, const struct vkey *key, struct corim *out, struct err *e)
{
	CLEANUP(corim_clear) struct corim c = { 0 };
	struct cose_sign1 m;
	struct cbor outer;

	TRY(open_outer(in, &outer, e));
	if (outer.type == CBOR_TAG && outer.u == TAG_SIGN1) {
		TRY(cose_sign1_parse(outer.raw, &m, e));
		if (key && !cose_sign1_verify(&m, key))
			return err_deny(e, "corim", "corim: the signature is not by the key that was given");
		c.proof = key ? CORIM_VERIFIED : CORIM_UNVERIFIED;
		TRY(read_unsigned(&c, m.payload, e));
	} else {
		if (key)
			return err_deny(e, "corim", "corim: it is not signed, and a key was given");
		TRY(read_unsigned(&c, outer.raw, e));
	}
	*out = c;
	c = (struct corim){ 0 };
	return COFFER_OK;
}

/* ---- JSON ---- */

static bool named_before(const struct corim *c, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(c->v[k].name, c->v[i].name) == 0)
			return true;
	return false;
}

static void write_values(struct json_wr *out, const struct corim_value *v)
{
	for (size_t i = 0; i < v->n; i++)
		jw_hex(out, v->bytes[i]);
}

enum coffer_rc corim_reference_values(struct span in, struct json_wr *out, struct err *e)
{
	CLEANUP(corim_clear) struct corim c = { 0 };

	TRY(corim_read(in, NULL, &c, e));
	jw_obj(out);
	for (size_t i = 0; i < c.n; i++) {
		if (named_before(&c, i))
			continue;
		jw_name(out, c.v[i].name);
		jw_arr(out);
		for (size_t k = i; k < c.n; k++)
			if (strcmp(c.v[k].name, c.v[i].name) == 0)
				write_values(out, &c.v[k]);
		jw_arr_end(out);
	}
	jw_obj_end(out);
	return wr_done(out->w, "reference values", e);
}
