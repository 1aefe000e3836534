#include "cli/guest/packages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

#define UPPER	   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define IN_VERSION UPPER ":~"

static bool all_of(struct span s, const char *more)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789+-.";

	for (size_t i = 0; i < s.n; i++)
		if (!memchr(plain, s.p[i], sizeof(plain) - 1) && !memchr(more, s.p[i], strlen(more)))
			return false;
	return true;
}

static bool copy_word(struct span s, char *out, size_t room)
{
	if (s.n >= room)
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = 0;
	return true;
}

/* What Debian names and versions are made of; nothing of it can leave a folder or begin an option. */
static bool take(struct span s, const char *more, char *out, size_t room)
{
	return s.n > 0 && memchr("abcdefghijklmnopqrstuvwxyz0123456789", s.p[0], 36) && all_of(s, more) && copy_word(s, out, room);
}

/* A file of a folder of libraries; those that start a program begin with a capital. */
static bool take_file(struct span s, char *out, size_t room)
{
	return s.n > 0 && !memchr("+-._", s.p[0], 4) && all_of(s, UPPER "_") && copy_word(s, out, room);
}

/* By name, since the list is the same whatever order it was asked in. */
static enum coffer_rc add(struct guest_packages *l, const struct guest_package *p, struct err *e)
{
	size_t i = l->n;

	if (l->n == GUEST_PACKAGES_MAX)
		return err_set(e, COFFER_E_LIMIT, "more than %d packages", GUEST_PACKAGES_MAX);
	while (i > 0 && strcmp(l->p[i - 1].name, p->name) > 0)
		i--;
	if (i > 0 && strcmp(l->p[i - 1].name, p->name) == 0)
		return err_set(e, COFFER_E_INPUT, "package %s twice", p->name);
	memmove(&l->p[i + 1], &l->p[i], (l->n - i) * sizeof(*p));
	l->p[i] = *p;
	l->n++;
	return COFFER_OK;
}

static struct span next_word(struct span *line)
{
	struct span w = { line->p, span_find(*line, ' ') };

	*line = span_skip(*line, w.n + 1);
	return w;
}

/* "name version architecture sha256" */
static bool read_words(struct span rest, struct guest_package *p)
{
	struct span name = next_word(&rest), version = next_word(&rest), arch = next_word(&rest), hex = next_word(&rest);

	return rest.n == 0 && take(name, "", p->name, sizeof(p->name)) && take(version, IN_VERSION, p->version, sizeof(p->version)) &&
	    take(arch, "", p->arch, sizeof(p->arch)) && (strcmp(p->arch, "amd64") == 0 || strcmp(p->arch, "all") == 0) &&
	    hex_fixed(hex, p->sha256, sizeof(p->sha256));
}

/* By its number: what a wrong file holds is nobody's to read in a log. */
static enum coffer_rc read_line(struct span line, size_t number, struct guest_packages *out, struct err *e)
{
	struct guest_package p = { 0 };

	if (!read_words(line, &p))
		return err_set(e, COFFER_E_INPUT, "package list: line %zu is not \"name version architecture sha256\"", number);
	return add(out, &p, e);
}

enum coffer_rc packages_parse(struct span text, struct guest_packages *out, struct err *e)
{
	struct guest_packages found = { .n = 0 };
	size_t number = 0;

	while (text.n > 0) {
		struct span line = { text.p, span_find(text, '\n') };

		text = span_skip(text, line.n + 1);
		number++;
		if (line.n > 0 && line.p[0] != '#')
			TRY(read_line(line, number, &found, e));
	}
	if (found.n == 0)
		return err_set(e, COFFER_E_INPUT, "package list: no package in it");
	*out = found;
	return COFFER_OK;
}

void packages_write(const struct guest_packages *p, struct wr *out)
{
	char hex[HEX32_LEN];

	wr_str(out, "# name version architecture sha256 of the .deb file\n");
	for (size_t i = 0; i < p->n; i++) {
		hex32(p->p[i].sha256, hex);
		wr_fmt(out, "%s %s %s %s\n", p->p[i].name, p->p[i].version, p->p[i].arch, hex);
	}
}

enum coffer_rc linked_parse(struct span text, struct guest_linked *out, struct err *e)
{
	struct guest_linked l = { .n = 0 };

	for (; text.n > 0; l.n++) {
		struct span line = { text.p, span_find(text, '\n') };

		if (l.n == GUEST_LINKED_MAX)
			return err_set(e, COFFER_E_LIMIT, "list of what is linked in: more than %d files", GUEST_LINKED_MAX);
		text = span_skip(text, line.n + 1);
		if (!take_file(next_word(&line), l.f[l.n].file, sizeof(l.f[l.n].file)) || !read_words(line, &l.f[l.n].from) ||
		    (l.n > 0 && strcmp(l.f[l.n - 1].file, l.f[l.n].file) >= 0))
			return err_set(e, COFFER_E_INPUT, "list of what is linked in: not \"file package version architecture sha256\", sorted by file");
	}
	if (l.n == 0)
		return err_set(e, COFFER_E_INPUT, "list of what is linked in: empty");
	*out = l;
	return COFFER_OK;
}

size_t linked_packages(const struct guest_linked *l, const struct guest_package *out[static GUEST_LINKED_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		size_t k = 0;

		while (k < n && strcmp(out[k]->name, l->f[i].from.name) != 0)
			k++;
		if (k == n)
			out[n++] = &l->f[i].from;
	}
	return n;
}

/* As apt names its files: a version's epoch is divided off by %3a. */
char *package_path(const struct guest_package *p, const char *folder)
{
	const char *colon = strchr(p->version, ':');

	if (colon)
		return str_fmt("%s/%s_%.*s%%3a%s_%s.deb", folder, p->name, (int)(colon - p->version), p->version, colon + 1, p->arch);
	return str_fmt("%s/%s_%s_%s.deb", folder, p->name, p->version, p->arch);
}
