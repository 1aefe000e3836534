/* replace, strings.replace_n, split. */
#include "fmt/utf8.h"
#include "policy/builtin/string_int.h"

struct val bi_string_replace(struct call *c)
{
	struct text t = { .c = c };
	struct span s, old, new;
	size_t last = 0, at;

	if (!bi_str(c, 0, &s) || !bi_str(c, 1, &old) || !bi_str(c, 2, &new))
		return VAL_UNDEF;
	at = string_find(s, 0, old);
	if (at > s.n)
		return c->arg[0];
	for (; at <= s.n && heap_steps(c->h, 1); at = string_find(s, old.n ? last : utf8_next(s, last), old)) {
		text_put(&t, (struct span){ s.p + last, at - last });
		text_put(&t, new);
		last = at + old.n;
	}
	text_put(&t, span_skip(s, last));
	return text_val(&t);
}

/* What strings.replace_n looks for, the smallest key first. */
struct pairs {
	struct span *old, *new;
	size_t       n;
	uint64_t     first[4]; /* bytes that a key begins with */
	bool         empty;    /* one of the keys is empty */
};

static bool get_pairs(struct call *c, struct pairs *p)
{
	struct val o = c->arg[0];

	if (val_type(o) != VT_OBJECT) {
		(void)bi_type(c, 0, "object");
		return false;
	}
	*p = (struct pairs){ .n = val_len(o) };
	if (!heap_steps(c->h, p->n))
		return false;
	p->old = heap_array(c->h, p->n, sizeof(*p->old));
	p->new = heap_array(c->h, p->n, sizeof(*p->new));
	for (size_t i = 0; p->old && p->new && i < p->n; i++) {
		bool key = val_type(val_key(o, i)) == VT_STRING;

		if (!key || val_type(val_at(o, i)) != VT_STRING) {
			(void)bi_operand(c, 0, "non-string %s found in pattern object", key ? "value" : "key");
			return false;
		}
		p->old[i] = val_span(val_key(o, i));
		p->new[i] = val_span(val_at(o, i));
		if (p->old[i].n)
			p->first[p->old[i].p[0] / 64] |= (uint64_t)1 << p->old[i].p[0] % 64;
		p->empty |= p->old[i].n == 0;
	}
	return p->old && p->new;
}

/* The first key that stands at the front of s; p->n if none does. */
static size_t pair_at(const struct pairs *p, struct span s, bool not_empty)
{
	bool begins = s.n && (p->first[s.p[0] / 64] >> s.p[0] % 64 & 1);
	size_t i = 0;

	if (!begins && !p->empty)
		return p->n;
	for (; i < p->n; i++)
		if (p->old[i].n <= s.n && (p->old[i].n || !not_empty) && span_eq((struct span){ s.p, p->old[i].n }, p->old[i]))
			break;
	return i;
}

/* All keys at once, from left to right, nothing replaced twice: of several keys at one place the smallest wins. Places are bytes
 * here, also for an empty key, as in Go's Replacer. */
struct val bi_string_replace_n(struct call *c)
{
	struct text t = { .c = c };
	struct pairs p;
	struct span s;
	size_t last = 0;
	bool was_empty = false;

	if (!get_pairs(c, &p) || !bi_str(c, 1, &s))
		return VAL_UNDEF;
	for (size_t at = 0; at <= s.n && heap_steps(c->h, 1 + p.n / 8); ) {
		size_t i = pair_at(&p, span_skip(s, at), was_empty);

		was_empty = i < p.n && p.old[i].n == 0;
		if (i == p.n) {
			at++;
			continue;
		}
		text_put(&t, (struct span){ s.p + last, at - last });
		text_put(&t, p.new[i]);
		last = at = at + p.old[i].n;
	}
	text_put(&t, span_skip(s, last));
	return text_val(&t);
}

static void split_runes(struct vlist *parts, struct span s)
{
	size_t len;

	for (size_t at = 0; at < s.n && heap_steps(parts->h, 1); at += len) {
		(void)utf8_at(s, at, &len);
		vlist_add(parts, val_str_borrow(parts->h, (struct span){ s.p + at, len }));
	}
}

struct val bi_string_split(struct call *c)
{
	struct vlist parts = { .h = c->h };
	struct span s, delim;
	size_t last = 0;

	if (!bi_str(c, 0, &s) || !bi_str(c, 1, &delim))
		return VAL_UNDEF;
	if (delim.n == 0) {
		split_runes(&parts, s);
		return val_array(c->h, parts.p, parts.n);
	}
	for (size_t at; (at = string_find(s, last, delim)) <= s.n && heap_steps(c->h, 1); last = at + delim.n)
		vlist_add(&parts, val_str_borrow(c->h, (struct span){ s.p + last, at - last }));
	vlist_add(&parts, val_str_borrow(c->h, span_skip(s, last)));
	return val_array(c->h, parts.p, parts.n);
}
