#include "fmt/tzif_int.h"

#include "base/str.h"

#define TYPE_BYTES 6u

struct counts { /* of a block, RFC 8536 section 3.1 */
	uint32_t ut, std, leap, times, types, chars;
};

static bool word_byte(uint8_t b)
{
	return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') || b == '+' || b == '-';
}

bool tzif_name_ok(struct span name)
{
	if (name.n == 0 || name.n > TZIF_NAME_MAX || name.p[0] == '/')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (!word_byte(name.p[i]) && name.p[i] != '/' && name.p[i] != '_')
			return false;
	}
	return true;
}

bool tzif_abbreviation_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!word_byte(s.p[i]))
			return false;
	return s.n > 0 && s.n < 16;
}

static bool header(struct rd *r, uint8_t *version, struct counts *c)
{
	struct span magic = rd_span(r, 4);

	*version = rd_u8(r);
	(void)rd_span(r, 15);
	c->ut = rd_be32(r);
	c->std = rd_be32(r);
	c->leap = rd_be32(r);
	c->times = rd_be32(r);
	c->types = rd_be32(r);
	c->chars = rd_be32(r);
	return rd_ok(r) && span_eq_str(magic, "TZif") && (*version == 0 || (*version >= '2' && *version <= '4'));
}

static void skip_block(struct rd *r, const struct counts *c)
{
	uint64_t n = c->times * (uint64_t)5 + c->types * (uint64_t)TYPE_BYTES + c->chars + c->leap * (uint64_t)8 + c->std + c->ut;

	(void)rd_span(r, n);
}

static const char *block(struct rd *r, const struct counts *c, size_t width, struct tzif *z)
{
	if (c->leap != 0)
		return "its times count leap seconds";
	if (c->types == 0 || c->chars == 0 || (c->ut != 0 && c->ut != c->types) || (c->std != 0 && c->std != c->types))
		return "counts that do not fit";
	z->width = width;
	z->n = c->times;
	z->n_types = c->types;
	z->times = rd_span(r, c->times * width);
	z->index = rd_span(r, c->times);
	z->types = rd_span(r, c->types * (size_t)TYPE_BYTES);
	z->names = rd_span(r, c->chars);
	(void)rd_span(r, (size_t)c->std + c->ut);
	return rd_ok(r) ? NULL : "cut off";
}

static int64_t time_at(const struct tzif *z, size_t i)
{
	struct rd r = rd_open(span_skip(z->times, i * z->width));
	uint64_t high;

	if (z->width == 4)
		return (int32_t)rd_be32(&r);
	high = rd_be32(&r);
	return (int64_t)(high << 32 | rd_be32(&r));
}

/* False when the type breaks a rule. */
static bool type_at(const struct tzif *z, size_t i, struct tzif_local *out)
{
	struct rd r = rd_open(span_skip(z->types, i * TYPE_BYTES));
	uint8_t dst;

	out->offset = (int32_t)rd_be32(&r);
	dst = rd_u8(&r);
	out->dst = dst == 1;
	out->name = span_skip(z->names, rd_u8(&r));
	return dst <= 1 && out->offset >= TZIF_OFFSET_MIN && out->offset <= TZIF_OFFSET_MAX;
}

/* The name ends at a NUL within the names. */
static bool type_name(struct tzif_local *t)
{
	size_t n = span_find(t->name, 0);

	if (n == t->name.n)
		return false;
	t->name.n = n;
	return tzif_abbreviation_ok(t->name);
}

static const char *check(const struct tzif *z)
{
	struct tzif_local t;

	for (size_t i = 0; i < z->n_types; i++)
		if (!type_at(z, i, &t) || !type_name(&t))
			return "a type of local time out of range";
	for (size_t i = 0; i < z->n; i++)
		if (z->index.p[i] >= z->n_types || (i > 0 && time_at(z, i) <= time_at(z, i - 1)))
			return "changes out of order";
	return NULL;
}

static const char *footer(struct rd *r, struct tzif_rule *out)
{
	uint8_t first = rd_u8(r);
	struct span text = { r->p, r->n };

	text.n = span_find(text, '\n');
	(void)rd_span(r, text.n);
	if (first != '\n' || rd_u8(r) != '\n' || !rd_done(r))
		return "a footer that is none";
	return tzif_rule_parse(text, out) ? NULL : "a rule that cannot be read";
}

static const char *parse(struct rd *r, struct tzif *z)
{
	struct counts c;
	uint8_t version, again;
	const char *why;

	if (!header(r, &version, &c))
		return "no header";
	if (version == 0) {
		why = block(r, &c, 4, z);
		return why ? why : rd_done(r) ? check(z) : "bytes behind the end";
	}
	skip_block(r, &c);
	if (!header(r, &again, &c) || again != version)
		return "no second header";
	why = block(r, &c, 8, z);
	why = why ? why : check(z);
	return why ? why : footer(r, &z->rule);
}

enum coffer_rc tzif_parse(struct span file, struct tzif *out, struct err *e)
{
	struct rd r = rd_open(file);
	struct tzif z = { 0 };
	const char *why;

	if (file.n > TZIF_MAX)
		return err_set(e, COFFER_E_LIMIT, "time zone: larger than %u bytes", TZIF_MAX);
	why = parse(&r, &z);
	if (why)
		return err_set(e, COFFER_E_INPUT, "time zone: %s, near byte %zu", why, r.off);
	*out = z;
	return COFFER_OK;
}

struct tzif_local tzif_at(const struct tzif *z, int64_t sec)
{
	struct tzif_local t = { 0 };
	size_t low = 0, high = z->n; /* changes below low are past, those from high on are to come */

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (time_at(z, mid) <= sec)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == z->n && z->rule.here)
		return tzif_rule_at(&z->rule, sec);
	(void)type_at(z, low > 0 ? z->index.p[low - 1] : 0, &t);
	(void)type_name(&t);
	return t;
}

int32_t tzif_offset_of(const struct tzif *z, int64_t local)
{
	int64_t guess;

	if (__builtin_sub_overflow(local, (int64_t)tzif_at(z, local).offset, &guess))
		guess = local;
	return tzif_at(z, guess).offset;
}
