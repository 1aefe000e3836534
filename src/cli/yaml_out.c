#include "cli/yaml_out.h"

#include "base/str.h"

static void indent(struct wr *w, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		wr_str(w, "  ");
}

static bool plain_key(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i] | 0x20;

		if (!((c >= 'a' && c <= 'z') || (i > 0 && ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '.' || s.p[i] == '/' ||
							      s.p[i] == '-' || s.p[i] == '_'))))
			return false;
	}
	/* y, n, yes, no, on, off, true, false and null read as other things in some YAML */
	return s.n > 5;
}

/* One character of valid UTF-8. */
static uint32_t next_char(struct span *s)
{
	uint8_t c = s->p[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	uint32_t v = n == 1 ? c : c & (0x7fu >> n);

	for (size_t i = 1; i < n && i < s->n; i++)
		v = v << 6 | (s->p[i] & 0x3fu);
	*s = span_skip(*s, n);
	return v;
}

/* YAML forbids more characters in the raw than JSON does, so everything but printable ASCII is escaped. */
static void quoted(struct wr *w, struct span s)
{
	wr_str(w, "\"");
	while (s.n) {
		uint32_t c = next_char(&s);

		if (c == '"' || c == '\\')
			wr_fmt(w, "\\%c", (char)c);
		else if (c >= 0x20 && c < 0x7f)
			wr_u8(w, (uint8_t)c);
		else if (c < 0x10000)
			wr_fmt(w, "\\u%04x", c);
		else
			wr_fmt(w, "\\U%08x", c);
	}
	wr_str(w, "\"");
}

static void scalar(struct wr *w, const struct json *v)
{
	struct json_wr j = jw_open(w, false);

	if (json_type(v) == JSON_STRING)
		quoted(w, json_str(v));
	else
		jw_value(&j, v);
}

/* A literal block keeps a text exactly when every line is printable and it ends in one newline. */
static bool literal_fits(struct span s)
{
	if (s.n < 2 || s.p[s.n - 1] != '\n' || s.p[s.n - 2] == '\n' || s.p[0] == ' ' || s.p[0] == '\n')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\n' && (s.p[i] < 0x20 || s.p[i] > 0x7e))
			return false;
	return span_find(s, '\n') + 1 < s.n;
}

static void literal(struct wr *w, struct span s, unsigned depth)
{
	wr_str(w, "|\n");
	while (s.n) {
		size_t n = span_find(s, '\n') + 1;

		if (n > 1)
			indent(w, depth);
		wr_put(w, (struct span){ s.p, n });
		s = span_skip(s, n);
	}
}

static void node(struct wr *w, const struct json *v, unsigned depth, bool in_list);

static void key(struct wr *w, const struct json *v, size_t i)
{
	struct span name = json_name(v, i);

	if (plain_key(name))
		wr_put(w, name);
	else
		quoted(w, name);
	wr_str(w, ":");
}

/* The first line of a list item follows its dash; all others are indented. */
static void members(struct wr *w, const struct json *v, unsigned depth, bool in_list)
{
	for (size_t i = 0; i < json_len(v); i++) {
		if (i > 0 || !in_list)
			indent(w, depth);
		key(w, v, i);
		node(w, json_at(v, i), depth + 1, false);
	}
}

static void items(struct wr *w, const struct json *v, unsigned depth)
{
	for (size_t i = 0; i < json_len(v); i++) {
		indent(w, depth);
		wr_str(w, "-");
		node(w, json_at(v, i), depth + 1, true);
	}
}

static void node(struct wr *w, const struct json *v, unsigned depth, bool in_list)
{
	enum json_type t = json_type(v);

	if ((t == JSON_OBJECT || t == JSON_ARRAY) && json_len(v) > 0) {
		bool inline_map = in_list && t == JSON_OBJECT;

		wr_str(w, inline_map ? " " : "\n");
		if (t == JSON_OBJECT)
			members(w, v, depth, inline_map);
		else
			items(w, v, depth);
		return;
	}
	wr_str(w, " ");
	if (t == JSON_STRING && literal_fits(json_str(v))) {
		literal(w, json_str(v), depth);
		return;
	}
	scalar(w, v);
	wr_str(w, "\n");
}

void yaml_write(struct wr *w, const struct json *v)
{
	if (json_type(v) == JSON_OBJECT)
		members(w, v, 0, false);
	else
		node(w, v, 0, false);
}
