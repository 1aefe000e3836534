/* Which files of packages an image has: what is asked for, and what that needs. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/guest/tree.h"
#include "fmt/elf.h"

#define LIBRARIES   "usr/lib/x86_64-linux-gnu/"
#define LINKS_MAX   8
#define NEED_MAX    128 /* libraries of one image */
#define MODULES_MAX 64

/* ---- copying ---- */

static enum coffer_rc copy(const struct guest_pick *p, const struct guest_file *f, struct err *e)
{
	struct guest_file c = { .mode = f->mode, .package = f->package, .data = wr_open(f->data.n ? f->data.n : 1) };

	if (tree_find(p->to, span_of(f->path)))
		return COFFER_OK;
	wr_put(&c.data, wr_span(&f->data));
	if (!wr_ok(&c.data))
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return tree_add(p->to, f->path, &c, e);
}

/* Where a link leads, in the image's own paths (heap). */
static char *target_of(const struct guest_file *f)
{
	struct span to = wr_span(&f->data), dir = span_of(f->path);

	if (to.n > 0 && to.p[0] == '/') {
		to = span_skip(to, 1);
		if (span_starts(to, "lib/") || span_starts(to, "lib64/") || span_starts(to, "bin/"))
			return str_fmt("usr/%.*s", (int)to.n, (const char *)to.p);
		return span_dup(to);
	}
	while (dir.n > 0 && dir.p[dir.n - 1] != '/')
		dir.n--;
	return str_fmt("%.*s%.*s", (int)dir.n, (const char *)dir.p, (int)to.n, (const char *)to.p);
}

/* Copies an entry and, where it is a link, what it leads to: *out is the file at the end. */
static enum coffer_rc follow(const struct guest_pick *p, const char *path, const struct guest_file **out, struct err *e)
{
	const struct guest_file *f = tree_find(p->from, span_of(path));

	for (int i = 0; i < LINKS_MAX; i++) {
		CLEANUP(freep) char *next = NULL;

		if (!f)
			return err_set(e, COFFER_E_NOTFOUND, "no package has %s", path);
		TRY(copy(p, f, e));
		if (!S_ISLNK(f->mode)) {
			*out = f;
			return COFFER_OK;
		}
		next = target_of(f);
		if (!next)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		f = tree_find(p->from, span_of(next));
	}
	return err_set(e, COFFER_E_INPUT, "%s: more than %d links", path, LINKS_MAX);
}

/* ---- libraries ---- */

struct queue { /* of files whose needs are to be met */
	struct { struct span elf; const char *name; } item[NEED_MAX];
	size_t n;
};

static enum coffer_rc push(struct queue *q, struct span elf, const char *name, struct err *e)
{
	if (q->n == NEED_MAX)
		return err_set(e, COFFER_E_LIMIT, "guest image: more than %d programs and libraries", NEED_MAX);
	q->item[q->n].elf = elf;
	q->item[q->n++].name = name;
	return COFFER_OK;
}

static enum coffer_rc need(const struct guest_pick *p, struct queue *q, struct span soname, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt(LIBRARIES "%.*s", (int)soname.n, (const char *)soname.p);
	const struct guest_file *f = NULL;

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (span_find(soname, '/') < soname.n)
		return err_set(e, COFFER_E_INPUT, "a library by path: %s", path);
	if (tree_find(p->to, span_of(path)))
		return COFFER_OK;
	TRY(follow(p, path, &f, e));
	return push(q, wr_span(&f->data), f->path, e);
}

static enum coffer_rc meet(const struct guest_pick *p, struct queue *q, struct err *e)
{
	for (size_t i = 0; i < q->n; i++) {
		struct elf_needed needed;

		if (elf_needed(q->item[i].elf, &needed, e) != COFFER_OK)
			return err_wrap(e, "%s", q->item[i].name);
		for (size_t k = 0; k < needed.n; k++)
			if (need(p, q, needed.name[k], e) != COFFER_OK)
				return err_wrap(e, "%s needs it", q->item[i].name);
	}
	return COFFER_OK;
}

enum coffer_rc pick_needed(const struct guest_pick *p, struct span elf, const char *name, struct err *e)
{
	CLEANUP(freep) struct queue *q = calloc(1, sizeof(*q));

	if (!q)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(push(q, elf, name, e));
	return meet(p, q, e);
}

enum coffer_rc pick_program(const struct guest_pick *p, const char *path, struct err *e)
{
	const struct guest_file *f = NULL;

	TRY(follow(p, path, &f, e));
	return pick_needed(p, wr_span(&f->data), f->path, e);
}

/* ---- modules ---- */

/* Names of modules differ from those of their files in '-' and '_'. */
static bool same_module(struct span file, struct span name)
{
	if (file.n != name.n)
		return false;
	for (size_t i = 0; i < file.n; i++) {
		uint8_t a = file.p[i] == '-' ? '_' : file.p[i], b = name.p[i] == '-' ? '_' : name.p[i];

		if (a != b)
			return false;
	}
	return true;
}

static const struct guest_file *find_module(const struct guest_tree *t, struct span name)
{
	for (size_t i = 0; i < t->n; i++) {
		const char *base = strrchr(t->f[i].path, '/');
		struct span s = span_of(base ? base + 1 : t->f[i].path);

		if (span_starts(span_of(t->f[i].path), "usr/lib/modules/") && span_ends(s, ".ko") &&
		    same_module((struct span){ s.p, s.n - 3 }, name))
			return &t->f[i];
	}
	return NULL;
}

struct stack { /* modules that wait for those they depend on */
	const struct guest_file *f[MODULES_MAX];
	struct span left[MODULES_MAX]; /* of their dependencies, by comma */
	size_t n;
};

static enum coffer_rc enter(const struct guest_pick *p, struct stack *s, struct span name, struct err *e)
{
	const struct guest_file *f = find_module(p->from, name);

	if (!f)
		return err_set(e, COFFER_E_NOTFOUND, "the kernel has no module %.*s", (int)name.n, (const char *)name.p);
	if (tree_find(p->to, span_of(f->path)))
		return COFFER_OK;
	if (s->n == MODULES_MAX)
		return err_set(e, COFFER_E_LIMIT, "modules depend on one another, or on more than %d", MODULES_MAX);
	TRY(elf_modinfo(wr_span(&f->data), "depends", &s->left[s->n], e));
	s->f[s->n++] = f;
	return COFFER_OK;
}

static enum coffer_rc pick_module(const struct guest_pick *p, struct span name, struct wr *order, struct err *e)
{
	struct stack s = { .n = 0 };

	TRY(enter(p, &s, name, e));
	while (s.n > 0) {
		struct span *left = &s.left[s.n - 1], next = { left->p, span_find(*left, ',') };

		if (left->n > 0) {
			*left = span_skip(*left, next.n + 1);
			TRY(enter(p, &s, next, e));
			continue;
		}
		s.n--;
		if (tree_find(p->to, span_of(s.f[s.n]->path)))
			continue;
		TRY(copy(p, s.f[s.n], e));
		wr_fmt(order, "/%s\n", s.f[s.n]->path);
	}
	return COFFER_OK;
}

enum coffer_rc pick_modules(const struct guest_pick *p, const char *const *names, struct wr *order, struct err *e)
{
	for (; *names; names++)
		TRY(pick_module(p, span_of(*names), order, e));
	return wr_done(order, "list of modules", e);
}
