#include "fmt/cbor.h"

#include "base/str.h"
#include "fmt/utf8.h"

enum { MAJOR_UINT, MAJOR_NINT, MAJOR_BYTES, MAJOR_TEXT, MAJOR_ARRAY, MAJOR_MAP, MAJOR_TAG, MAJOR_OTHER };
#define INDEFINITE 31
#define BREAK	   0xff

/* One pass over a text: how many items it may still have, and whether maps are searched for keys that come twice (once is
 * enough: views of a text that passed are read again without). */
struct pass {
	size_t items;
	bool keys;
	struct err *e;
};

struct head {
	uint8_t major, info;
	uint64_t u;
};

static enum coffer_rc bad(const struct rd *r, const struct pass *p, const char *what)
{
	return err_set(p->e, COFFER_E_INPUT, "cbor: byte %zu: %s", r->off, what);
}

static uint64_t rd_be(struct rd *r, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | rd_u8(r);
	return v;
}

/* Section 3, shortest form only (section 4.2.1); a float has its length by itself. */
static enum coffer_rc read_head(struct rd *r, struct head *h, const struct pass *p)
{
	uint8_t b = rd_u8(r);
	size_t n;

	h->major = b >> 5;
	h->info = b & 31;
	h->u = h->info;
	if (h->info < 24 || h->info == INDEFINITE)
		return rd_ok(r) ? COFFER_OK : bad(r, p, "the text is cut");
	if (h->info > 27)
		return bad(r, p, "a reserved head");
	n = (size_t)1 << (h->info - 24);
	h->u = rd_be(r, n);
	if (!rd_ok(r))
		return bad(r, p, "the text is cut");
	if (h->major == MAJOR_OTHER)
		return n > 1 || h->u >= 32 ? COFFER_OK : bad(r, p, "a simple value of two bytes below 32");
	if (n == 1 ? h->u < 24 : h->u >> (4 * n) == 0)
		return bad(r, p, "a number or length not in its shortest form");
	return COFFER_OK;
}

static enum coffer_rc read_item(struct rd *r, unsigned depth, struct pass *p, struct cbor *out);

static enum coffer_rc read_string(struct rd *r, const struct head *h, const struct pass *p, struct cbor *out)
{
	out->type = h->major == MAJOR_TEXT ? CBOR_TEXT : CBOR_BYTES;
	if (h->info == INDEFINITE)
		return bad(r, p, "a string in chunks");
	if (h->u > r->n)
		return bad(r, p, "a string longer than the text");
	out->body = rd_span(r, (size_t)h->u);
	if (out->type == CBOR_TEXT && !utf8_ok(out->body))
		return bad(r, p, "text that is not UTF-8");
	return COFFER_OK;
}

/* Keys are in one form each: equal keys are equal bytes. */
static enum coffer_rc check_key(const struct rd *r, const struct cbor *map, const struct cbor *key, const struct pass *p)
{
	struct rd seen = rd_open(map->body);
	struct pass again = { .items = CBOR_ITEMS_MAX, .e = p->e };
	struct cbor k, v;

	if (key->type > CBOR_TEXT)
		return bad(r, p, "a map key that is neither an integer nor a string");
	for (uint64_t i = 0; p->keys && i < map->u; i++) {
		TRY(read_item(&seen, 0, &again, &k));
		TRY(read_item(&seen, 0, &again, &v));
		if (span_eq(k.raw, key->raw))
			return bad(r, p, "a map key that comes twice");
	}
	return COFFER_OK;
}

static bool at_end(const struct rd *r, const struct head *h, const struct cbor *out)
{
	return h->info == INDEFINITE ? r->n > 0 && r->p[0] == BREAK : out->u == h->u;
}

static enum coffer_rc read_many(struct rd *r, unsigned depth, const struct head *h, struct pass *p, struct cbor *out)
{
	bool map = h->major == MAJOR_MAP;

	out->type = map ? CBOR_MAP : CBOR_ARRAY;
	out->body = (struct span){ r->p, 0 };
	out->u = 0;
	if (depth == CBOR_DEPTH_MAX)
		return err_set(p->e, COFFER_E_LIMIT, "cbor: byte %zu: deeper than %d", r->off, CBOR_DEPTH_MAX);
	while (!at_end(r, h, out)) {
		struct cbor v;

		if (map && out->u == CBOR_PAIRS_MAX)
			return err_set(
			    p->e, COFFER_E_LIMIT, "cbor: byte %zu: a map of more than %u pairs", r->off, CBOR_PAIRS_MAX);
		TRY(read_item(r, depth + 1, p, &v));
		if (map) {
			TRY(check_key(r, out, &v, p));
			TRY(read_item(r, depth + 1, p, &v));
		}
		out->body.n = (size_t)(r->p - out->body.p);
		out->u++;
	}
	if (h->info == INDEFINITE)
		(void)rd_u8(r);
	return COFFER_OK;
}

static enum coffer_rc read_tag(struct rd *r, unsigned depth, const struct head *h, struct pass *p, struct cbor *out)
{
	struct cbor inner;

	out->type = CBOR_TAG;
	if (h->info == INDEFINITE)
		return bad(r, p, "a tag without a number");
	if (depth == CBOR_DEPTH_MAX)
		return err_set(p->e, COFFER_E_LIMIT, "cbor: byte %zu: deeper than %d", r->off, CBOR_DEPTH_MAX);
	TRY(read_item(r, depth + 1, p, &inner));
	out->body = inner.raw;
	return COFFER_OK;
}

static enum coffer_rc read_other(const struct rd *r, const struct head *h, const struct pass *p, struct cbor *out)
{
	switch (h->info) {
	case 20:
	case 21:
		out->type = CBOR_BOOL;
		out->u = h->u - 20;
		return COFFER_OK;
	case 22:
		out->type = CBOR_NULL;
		return COFFER_OK;
	case 23:
		out->type = CBOR_UNDEFINED;
		return COFFER_OK;
	case 25:
	case 26:
	case 27:
		out->type = CBOR_FLOAT;
		return COFFER_OK;
	case INDEFINITE:
		return bad(r, p, "an end of nothing");
	default:
		out->type = CBOR_SIMPLE;
		return COFFER_OK;
	}
}

static enum coffer_rc read_body(struct rd *r, unsigned depth, const struct head *h, struct pass *p, struct cbor *out)
{
	switch (h->major) {
	case MAJOR_UINT:
	case MAJOR_NINT:
		out->type = h->major == MAJOR_UINT ? CBOR_UINT : CBOR_NINT;
		return h->info == INDEFINITE ? bad(r, p, "an integer without a value") : COFFER_OK;
	case MAJOR_BYTES:
	case MAJOR_TEXT:
		return read_string(r, h, p, out);
	case MAJOR_ARRAY:
	case MAJOR_MAP:
		return read_many(r, depth, h, p, out);
	case MAJOR_TAG:
		return read_tag(r, depth, h, p, out);
	default:
		return read_other(r, h, p, out);
	}
}

static enum coffer_rc read_item(
    struct rd *r, unsigned depth, struct pass *p, struct cbor *out) /* NOLINT(misc-no-recursion): CBOR_DEPTH_MAX */
{
	const uint8_t *start = r->p;
	struct head h;

	if (p->items == 0)
		return err_set(p->e, COFFER_E_LIMIT, "cbor: more than %u items", CBOR_ITEMS_MAX);
	p->items--;
	TRY(read_head(r, &h, p));
	*out = (struct cbor){ .u = h.u };
	TRY(read_body(r, depth, &h, p, out));
	out->raw = (struct span){ start, (size_t)(r->p - start) };
	return COFFER_OK;
}

enum coffer_rc cbor_open(struct span in, size_t max_bytes, struct cbor *out, struct err *e)
{
	struct pass p = { .items = CBOR_ITEMS_MAX, .keys = true, .e = e };
	struct rd r = rd_open(in);
	struct cbor v;

	if (in.n > max_bytes)
		return err_set(e, COFFER_E_LIMIT, "cbor: %zu bytes, at most %zu are read", in.n, max_bytes);
	TRY(read_item(&r, 0, &p, &v));
	if (!rd_done(&r))
		return bad(&r, &p, "something behind the value");
	*out = v;
	return COFFER_OK;
}

/* ---- views ---- */

struct cbor_iter cbor_items(const struct cbor *v)
{
	bool ok = v && v->type == CBOR_ARRAY;

	return (struct cbor_iter){ .r = rd_open(ok ? v->body : (struct span){ 0 }), .left = ok ? v->u : 0 };
}

struct cbor_iter cbor_pairs(const struct cbor *v)
{
	bool ok = v && v->type == CBOR_MAP;

	return (struct cbor_iter){ .r = rd_open(ok ? v->body : (struct span){ 0 }), .left = ok ? v->u : 0 };
}

static bool again(struct rd *r, struct cbor *out)
{
	struct err ignore = { 0 };
	struct pass p = { .items = CBOR_ITEMS_MAX, .e = &ignore };

	return read_item(r, 0, &p, out) == COFFER_OK;
}

bool cbor_next(struct cbor_iter *it, struct cbor *out)
{
	if (it->left == 0)
		return false;
	it->left--;
	return again(&it->r, out);
}

bool cbor_next_pair(struct cbor_iter *it, struct cbor *key, struct cbor *value)
{
	return cbor_next(it, key) && again(&it->r, value);
}

bool cbor_at(const struct cbor *v, size_t i, struct cbor *out)
{
	struct cbor_iter it = cbor_items(v);
	struct cbor one;

	while (cbor_next(&it, &one)) {
		if (i-- == 0) {
			*out = one;
			return true;
		}
	}
	return false;
}

bool cbor_int(const struct cbor *v, int64_t *out)
{
	if (!v || (v->type != CBOR_UINT && v->type != CBOR_NINT) || v->u > INT64_MAX)
		return false;
	*out = v->type == CBOR_UINT ? (int64_t)v->u : -1 - (int64_t)v->u;
	return true;
}

bool cbor_get(const struct cbor *v, int64_t key, struct cbor *out)
{
	struct cbor_iter it = cbor_pairs(v);
	struct cbor k, one;
	int64_t n;

	while (cbor_next_pair(&it, &k, &one)) {
		if (cbor_int(&k, &n) && n == key) {
			*out = one;
			return true;
		}
	}
	return false;
}

bool cbor_get_text(const struct cbor *v, const char *key, struct cbor *out)
{
	struct cbor_iter it = cbor_pairs(v);
	struct cbor k, one;

	while (cbor_next_pair(&it, &k, &one)) {
		if (k.type == CBOR_TEXT && span_eq_str(k.body, key)) {
			*out = one;
			return true;
		}
	}
	return false;
}

bool cbor_untag(const struct cbor *v, uint64_t tag, struct cbor *out)
{
	struct cbor inner;
	struct rd r;

	if (!v || v->type != CBOR_TAG || v->u != tag)
		return false;
	r = rd_open(v->body);
	if (!again(&r, &inner))
		return false;
	*out = inner;
	return true;
}
