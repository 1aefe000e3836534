/* What apt is asked: which versions there are, and to download them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/guest/packages.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "os/spawn.h"

#define APT_OUTPUT_MAX (1u << 20)

static struct span until(struct span s, uint8_t c)
{
	return (struct span){ s.p, span_find(s, c) };
}

/* The line that begins so, without the beginning; empty when there is none. */
static struct span line_of(struct span text, const char *begin)
{
	while (text.n > 0) {
		struct span line = until(text, '\n');

		if (span_starts(line, begin))
			return span_skip(line, strlen(begin));
		text = span_skip(text, line.n + 1);
	}
	return (struct span){ 0 };
}

/* Runs a program with standard output and error together. */
static enum coffer_rc ask(const char *const *argv, const char *cwd, char **text, struct err *e)
{
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
	static const int fds[3] = { -1, -1, -1 };
	struct spawn s = { .argv = argv, .env = env, .fds = fds, .n_fds = 3, .cwd = cwd, .die_with_parent = true };
	struct span why;
	int status = 0;

	TRY(spawn_run(&s, APT_OUTPUT_MAX, text, &status, e));
	if (status == 0)
		return COFFER_OK;
	why = line_of(span_of(*text), "E: ");
	if (why.n == 0)
		why = span_of(*text);
	return err_set(e, COFFER_E_NOTFOUND, "%s: %.*s", argv[0], (int)(why.n < 300 ? why.n : 300), (const char *)why.p);
}

/* 'URL' NAME_VERSION_ARCH.deb SIZE SHA256:HEX, as a line of a package list. */
static enum coffer_rc read_uri(struct span line, struct guest_packages *out, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct span file = span_skip(line, span_find(line, ' ') + 1), name, version, arch, hash = file, hex;
	struct guest_packages one;

	file = until(file, ' ');
	while (hash.n > 0 && !span_starts(hash, "SHA256:"))
		hash = span_skip(hash, 1);
	hex = until(span_skip(hash, 7), ' ');
	name = until(file, '_');
	version = until(span_skip(file, name.n + 1), '_');
	arch = until(span_skip(file, name.n + version.n + 2), '.');
	wr_fmt(&w, "%.*s ", (int)name.n, (const char *)name.p);
	for (size_t i = 0; i < version.n; i++) {
		bool colon = span_starts(span_skip(version, i), "%3a");

		wr_u8(&w, colon ? ':' : version.p[i]);
		i += colon ? 2 : 0;
	}
	wr_fmt(&w, " %.*s %.*s\n", (int)arch.n, (const char *)arch.p, (int)hex.n, (const char *)hex.p);
	TRY(wr_done(&w, "package", e));
	TRY(packages_parse(wr_span(&w), &one, e));
	if (out->n == GUEST_PACKAGES_MAX)
		return err_set(e, COFFER_E_LIMIT, "more than %d packages", GUEST_PACKAGES_MAX);
	out->p[out->n++] = one.p[0];
	return COFFER_OK;
}

/* The first package that one depends on. */
static enum coffer_rc depends_on(const char *name, char **out, struct err *e)
{
	const char *argv[] = { "/usr/bin/apt-cache", "show", "--no-all-versions", name, NULL };
	CLEANUP(freep) char *text = NULL;
	struct span s;

	TRY(ask(argv, NULL, &text, e));
	s = line_of(span_of(text), "Depends: ");
	s.n = span_find(s, ' ');
	*out = span_dup(s);
	if (!*out || !**out)
		return err_set(e, COFFER_E_NOTFOUND, "package %s: depends on none", name);
	return COFFER_OK;
}

/* What apt is asked for: a command line of it, of whose words it owns those from the fixed ones on. */
struct request { const char *argv[GUEST_PACKAGES_MAX + 5]; size_t fixed, n; };

static void request_clear(struct request *r)
{
	for (size_t i = r->fixed; i < r->n; i++)
		free((char *)(uintptr_t)r->argv[i]);
}

/* Takes the word. */
static enum coffer_rc request_add(struct request *r, char *word, struct err *e)
{
	if (!word)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (r->n - r->fixed == GUEST_PACKAGES_MAX) {
		free(word);
		return err_set(e, COFFER_E_LIMIT, "more than %d packages", GUEST_PACKAGES_MAX);
	}
	r->argv[r->n++] = word;
	return COFFER_OK;
}

static enum coffer_rc request_name(struct request *r, const char *name, struct err *e)
{
	size_t n = strlen(name);
	CLEANUP(freep) char *own = span_dup((struct span){ (const uint8_t *)name, n - (name[n - 1] == '@') }), *real = NULL;

	if (own && name[n - 1] == '@') {
		TRY(depends_on(own, &real, e));
		return request_add(r, MOVE(real), e);
	}
	return request_add(r, MOVE(own), e);
}

/* One question for all: apt reads its whole index for each. */
enum coffer_rc packages_resolve(const char *const *names, struct guest_packages *out, struct err *e)
{
	CLEANUP(request_clear) struct request r = { { "/usr/bin/apt-get", "--print-uris", "-qq", "download" }, 4, 4 };
	CLEANUP(wr_close) struct wr list = wr_open(GUEST_LOCK_MAX);
	CLEANUP(freep) char *text = NULL;
	struct guest_packages found = { .n = 0 };

	for (; *names; names++)
		TRY(request_name(&r, *names, e));
	if (ask(r.argv, "/", &text, e) != COFFER_OK)
		return err_wrap(e, "a package is not in apt's index (apt-get update brings it)");
	for (struct span s = span_of(text); s.n > 0; s = span_skip(s, until(s, '\n').n + 1))
		if (span_starts(s, "'"))
			TRY(read_uri(span_skip(until(s, '\n'), 1), &found, e));
	if (found.n != r.n - r.fixed)
		return err_set(e, COFFER_E_NOTFOUND, "apt knows %zu of %zu packages that an image is made of", found.n, r.n - r.fixed);
	packages_write(&found, &list); /* sorted, and none twice, by being read again */
	TRY(wr_done(&list, "package list", e));
	return packages_parse(wr_span(&list), out, e);
}

/* ---- files ---- */

static enum coffer_rc check(const struct guest_package *p, const char *path, struct err *e)
{
	CLEANUP(wr_close) struct wr file = { 0 };
	uint8_t digest[32];

	TRY(file_read(path, GUEST_PACKAGE_MAX, &file, e));
	sha256(wr_span(&file), digest);
	if (!span_eq(SPAN(digest), SPAN(p->sha256)))
		return err_deny(e, "digest", "%s is not the package that the list names; remove the file, or build from another list", path);
	return COFFER_OK;
}

/* Those that are not there, in one run too. */
static enum coffer_rc download(const struct guest_packages *p, const char *folder, struct err *e)
{
	CLEANUP(request_clear) struct request r = { { "/usr/bin/apt-get", "-qq", "download" }, 3, 3 };
	CLEANUP(freep) char *text = NULL;

	for (size_t i = 0; i < p->n; i++) {
		CLEANUP(freep) char *path = package_path(&p->p[i], folder);

		if (!path)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		if (!file_exists(path))
			TRY(request_add(&r, str_fmt("%s=%s", p->p[i].name, p->p[i].version), e));
	}
	if (r.n == r.fixed || ask(r.argv, folder, &text, e) == COFFER_OK)
		return COFFER_OK;
	e->rc = COFFER_E_UPSTREAM;
	return err_wrap(e, "packages cannot be downloaded; where a mirror has one no more, put the file into %s", folder);
}

enum coffer_rc packages_fetch(const struct guest_packages *p, const struct guest_folder *f, struct err *e)
{
	if (!f->offline) {
		TRY(file_mkdirs(f->path, 0755, e));
		TRY(download(p, f->path, e));
	}
	for (size_t i = 0; i < p->n; i++) {
		CLEANUP(freep) char *path = package_path(&p->p[i], f->path);

		if (!path)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		if (!file_exists(path) && f->offline)
			return err_set(e, COFFER_E_NOTFOUND, "%s: no such file; whoever made the image has it, or build without --packages", path);
		TRY(check(&p->p[i], path, e));
	}
	return COFFER_OK;
}
