/* Values in Rego's own notation, strings quoted as Go's strconv.Quote does. */
#include "fmt/utf8.h"
#include "policy/value/node.h"
#include "policy/value/num.h"
#include "policy/value/valtext.h"

static void put_parts(struct wr *w, struct val v, char open, char close)
{
	wr_u8(w, (uint8_t)open);
	for (size_t i = 0; i < val_len(v) && wr_ok(w); i++) {
		if (i)
			wr_str(w, ", ");
		if (val_type(v) == VT_OBJECT) {
			val_put_rego(w, val_key(v, i), true);
			wr_str(w, ": ");
		}
		val_put_rego(w, val_at(v, i), true);
	}
	wr_u8(w, (uint8_t)close);
}

void val_put_rego(struct wr *w, struct val v, bool quote_top)
{
	switch (val_type(v)) {
	case VT_UNDEF:
		wr_str(w, "<undefined>");
		break;
	case VT_NULL:
		wr_str(w, "null");
		break;
	case VT_BOOL:
		wr_str(w, val_true(v) ? "true" : "false");
		break;
	case VT_NUMBER:
		num_put(w, v);
		break;
	case VT_STRING:
		if (quote_top)
			go_quote(w, val_span(v), false);
		else
			wr_put(w, val_span(v));
		break;
	case VT_ARRAY:
		put_parts(w, v, '[', ']');
		break;
	case VT_OBJECT:
		put_parts(w, v, '{', '}');
		break;
	case VT_SET:
		if (val_len(v) == 0)
			wr_str(w, "set()");
		else
			put_parts(w, v, '{', '}');
		break;
	}
}

/* ---- Go's quoting ---- */

static uint32_t code_point(struct span s, size_t n)
{
	static const uint8_t mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = s.p[0] & mask[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s.p[i] & 0x3f);
	return c;
}

/* What Go escapes beyond ASCII: controls, separators, format characters, private use and non-characters. Unassigned code points
 * are printed: that would need a table of them all. */
static bool printable(uint32_t c)
{
	static const struct { uint32_t from, to; } not[] = {
		{ 0x7f, 0xa0 }, { 0xad, 0xad }, { 0x600, 0x605 }, { 0x61c, 0x61c }, { 0x6dd, 0x6dd }, { 0x70f, 0x70f }, { 0x1680, 0x1680 },
		{ 0x180e, 0x180e }, { 0x2000, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x206f }, { 0x3000, 0x3000 }, { 0xe000, 0xf8ff },
		{ 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0xe0000, 0x10ffff },
	};

	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		if (c >= not[i].from && c <= not[i].to)
			return false;
	return c >= 0x20;
}

static void put_char(struct wr *w, struct span s, size_t n, bool ascii)
{
	static const char name[] = "\a\b\f\n\r\t\v\"\\", letter[] = "abfnrtv\"\\";
	uint32_t c = code_point(s, n);
	const char *at = c && c < 0x80 ? strchr(name, (int)c) : NULL;

	if (at)
		wr_fmt(w, "\\%c", letter[at - name]);
	else if (printable(c) && (c < 0x80 || !ascii))
		wr_put(w, (struct span){ s.p, n });
	else if (c < 0x80)
		wr_fmt(w, "\\x%02x", c);
	else
		wr_fmt(w, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
}

void go_quote(struct wr *w, struct span s, bool ascii)
{
	wr_u8(w, '"');
	while (s.n && wr_ok(w)) {
		size_t n = utf8_seq(s);

		if (n)
			put_char(w, s, n, ascii);
		else
			wr_fmt(w, "\\x%02x", s.p[0]);
		s = span_skip(s, n ? n : 1);
	}
	wr_u8(w, '"');
}
