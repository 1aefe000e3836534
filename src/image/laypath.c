#include "image/laypath.h"

#include "base/str.h"

#define MARK ".wh."
#define MARK_N (sizeof(MARK) - 1)

static enum coffer_rc add_component(struct laypath *p, struct span c, struct err *e)
{
	if (c.n == 2 && c.p[0] == '.' && c.p[1] == '.')
		return err_deny(e, "unpack", "a name in the archive climbs with \"..\"");
	if (c.n > 255)
		return err_set(e, COFFER_E_LIMIT, "a name component in the archive is %zu bytes long, limit 255", c.n);
	if (p->depth == LAYPATH_DEPTH)
		return err_set(e, COFFER_E_LIMIT, "a name in the archive is more than %d folders deep", LAYPATH_DEPTH);
	/* only the last component may carry a mark: what is here already is a folder now */
	if (p->depth > 0 && span_starts((struct span){ (const uint8_t *)p->text + p->base, p->n - p->base }, MARK))
		return err_deny(e, "unpack", "a whiteout name is used as a folder");

	if (p->depth > 0)
		p->text[p->n++] = '/';
	p->base = p->n;
	memcpy(p->text + p->n, c.p, c.n);
	p->n += c.n;
	p->text[p->n] = '\0';
	p->depth++;
	return COFFER_OK;
}

static enum coffer_rc split(struct span raw, struct laypath *out, struct err *e)
{
	out->kind = LAYPATH_PLAIN; /* field by field: clearing 4 KiB for every entry would show */
	out->depth = out->n = out->base = 0;
	out->text[0] = '\0';
	if (raw.n > TAR_NAME_MAX)
		return err_set(e, COFFER_E_LIMIT, "a name in the archive is %zu bytes long, limit %d", raw.n, TAR_NAME_MAX);
	if (span_find(raw, 0) != raw.n)
		return err_deny(e, "unpack", "a name in the archive holds a NUL byte");

	while (raw.n > 0) {
		struct span c = { raw.p, span_find(raw, '/') };

		if (c.n > 0 && !(c.n == 1 && c.p[0] == '.'))
			TRY(add_component(out, c, e));
		raw = span_skip(raw, c.n + 1);
	}
	return COFFER_OK;
}

static enum coffer_rc take_mark(struct laypath *p, struct err *e)
{
	struct span base = { (const uint8_t *)p->text + p->base, p->n - p->base };

	if (span_eq_str(base, MARK MARK ".opq")) {
		p->kind = LAYPATH_OPAQUE;
		p->depth--;
		p->n = p->base > 0 ? p->base - 1 : 0;
		p->text[p->n] = '\0';
		while (p->base > 0 && (p->base > p->n || p->text[p->base - 1] != '/'))
			p->base--;
		return COFFER_OK;
	}
	if (span_starts(base, MARK MARK)) {
		p->kind = LAYPATH_META;
		return COFFER_OK;
	}
	base = span_skip(base, MARK_N);
	if (base.n == 0 || span_eq_str(base, ".") || span_eq_str(base, ".."))
		return err_deny(e, "unpack", "a whiteout names nothing");

	p->kind = LAYPATH_WHITEOUT;
	memmove(p->text + p->base, base.p, base.n);
	p->n -= MARK_N;
	p->text[p->n] = '\0';
	return COFFER_OK;
}

static bool is_marked(const struct laypath *p)
{
	return p->depth > 0 && span_starts((struct span){ (const uint8_t *)p->text + p->base, p->n - p->base }, MARK);
}

enum coffer_rc laypath_parse(struct span raw, struct laypath *out, struct err *e)
{
	TRY(split(raw, out, e));
	return is_marked(out) ? take_mark(out, e) : COFFER_OK;
}

enum coffer_rc laypath_parse_target(struct span raw, struct laypath *out, struct err *e)
{
	TRY(split(raw, out, e));
	if (is_marked(out))
		return err_deny(e, "unpack", "a hard link names a whiteout");
	if (out->depth == 0)
		return err_deny(e, "unpack", "a hard link names the root of the layer");
	return COFFER_OK;
}
