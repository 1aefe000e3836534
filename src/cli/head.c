#include "cli/head.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/own.h"
#include "base/str.h"
#include "client/heads.h"
#include "fmt/enc.h"
#include "os/file.h"

enum coffer_rc head_path(const struct home *h, const char *what, char *out, size_t n, struct err *e)
{
	char name[HEX32_LEN + 32], hex[HEX32_LEN];

	hex32(h->genesis, hex);
	(void)snprintf(name, sizeof(name), "ledger-%.16s.%s", hex, what);
	return home_file(h, name, out, n, e);
}

/* What 'coffer ledger' followed to and what every command saw are kept apart: of one of them the other, where it is there; else "". */
static enum coffer_rc to_remove(const struct home *h, const char *file, char *out, size_t n, struct err *e)
{
	static const char *const what[] = { "checkpoint", "head" };
	bool ours = false;
	char path[600];

	out[0] = 0;
	for (size_t i = 0; i < 2; i++) {
		TRY(head_path(h, what[i], path, sizeof(path), e));
		if (strcmp(file, path) == 0)
			ours = true;
		else if (file_exists(path))
			(void)snprintf(out, n, "%s", path);
	}
	if (!ours)
		out[0] = 0;
	return COFFER_OK;
}

enum coffer_rc head_evidence(const struct home *h, enum coffer_rc rc, struct span note, const char *file, struct err *e)
{
	char path[600], why[sizeof(e->msg)];

	if (rc != COFFER_E_DENIED)
		return rc;
	(void)snprintf(why, sizeof(why), "%s", e->msg);
	if (strcmp(e->check, "ledger-rollback") == 0) {
		TRY(to_remove(h, file, path, sizeof(path), e));
		return err_deny(e, "ledger-rollback", "%s; ask its operator why. %s%s%s %s what was seen: who accepts the loss removes %s", why, file, path[0] ? " and " : "", path,
		    path[0] ? "show" : "shows", path[0] ? "both" : "it");
	}
	if (strcmp(e->check, "ledger-fork") != 0)
		return rc;
	TRY(head_path(h, "forked", path, sizeof(path), e));
	TRY(file_write(path, note, 0644, e));
	return err_deny(e, "ledger-fork", "%s; %s and %s are the evidence", why, path, file);
}

/* ---- what is kept ---- */

enum { CHECKPOINT, HEAD, FILES }; /* HEAD is written */
struct kept_file { char path[600]; bool there; struct wr note; };
struct kept { struct kept_file f[FILES]; };

static void kept_clear(struct kept *k)
{
	for (size_t i = 0; i < FILES; i++)
		wr_close(&k->f[i].note);
}

static enum coffer_rc read_kept(const struct home *h, struct kept *k, struct err *e)
{
	static const char *const what[FILES] = { "checkpoint", "head" };

	kept_clear(k);
	for (size_t i = 0; i < FILES; i++) {
		TRY(head_path(h, what[i], k->f[i].path, sizeof(k->f[i].path), e));
		k->f[i].there = file_exists(k->f[i].path);
		if (k->f[i].there)
			TRY(file_read(k->f[i].path, NOTE_MAX, &k->f[i].note, e));
	}
	return COFFER_OK;
}

/* *size: of what is kept; untouched where nothing is. */
static enum coffer_rc continues(struct service_conn *c, const struct kept_file *k, const struct merkle_head *now, uint64_t *size, struct err *e)
{
	struct seen_head old = { .what = HEAD_OURS };

	if (!k->there)
		return COFFER_OK;
	if (heads_open(c, wr_span(&k->note), &old.head, e) != COFFER_OK)
		return err_wrap(e, "%s", k->path);
	*size = old.head.size;
	return heads_continue(c, &old, now, e);
}

/* ---- one look ---- */

struct look { struct kept kept; struct wr note; struct merkle_head now; uint64_t size; };

static void look_clear(struct look *l)
{
	kept_clear(&l->kept);
	wr_close(&l->note);
}

/* What is kept is read before the service is asked: another command may keep a newer head meanwhile, which is no rollback. */
static enum coffer_rc look(const struct home *h, struct service_conn *c, struct look *l, struct err *e)
{
	l->size = 0;
	TRY(read_kept(h, &l->kept, e));
	wr_close(&l->note);
	l->note = wr_open(NOTE_MAX);
	TRY(heads_newest(c, &l->note, &l->now, e));
	for (size_t i = 0; i < FILES; i++)
		TRY(head_evidence(h, continues(c, &l->kept.f[i], &l->now, &l->size, e), wr_span(&l->note), l->kept.f[i].path, e));
	return COFFER_OK;
}

/* ---- one of several commands at a time ---- */

static enum coffer_rc lock(const struct home *h, int *out, struct err *e)
{
	char path[600];
	CLEANUP(closep) int fd = -1;

	TRY(head_path(h, "lock", path, sizeof(path), e));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || flock(fd, LOCK_EX) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
	*out = MOVE_FD(fd);
	return COFFER_OK;
}

static bool same(const struct kept_file *a, const struct kept_file *b)
{
	return a->there == b->there && (!a->there || span_eq(wr_span(&a->note), wr_span(&b->note)));
}

/* Under the lock. *moved: another command has kept a head since, which this one may be older than, or not continue. */
static enum coffer_rc keep(const struct home *h, const struct look *l, bool *moved, struct err *e)
{
	CLEANUP(kept_clear) struct kept is = { 0 };

	TRY(read_kept(h, &is, e));
	*moved = !same(&is.f[HEAD], &l->kept.f[HEAD]);
	return *moved || l->size >= l->now.size ? COFFER_OK : file_write(is.f[HEAD].path, wr_span(&l->note), 0644, e);
}

/* Where one came between, once more, and nobody else keeps one as long as that takes. */
enum coffer_rc head_look(const struct home *h, struct service_conn *c, struct err *e)
{
	CLEANUP(look_clear) struct look l = { .size = 0 };
	CLEANUP(closep) int held = -1;
	struct err cannot = { 0 };
	bool moved = false;

	TRY(look(h, c, &l, e));
	if (l.size < l.now.size && lock(h, &held, &cannot) == COFFER_OK && keep(h, &l, &moved, &cannot) == COFFER_OK && moved) {
		TRY(look(h, c, &l, e));
		(void)!keep(h, &l, &moved, &cannot);
	}
	if (cannot.rc != COFFER_OK)
		(void)fprintf(stderr, "warning: the ledger's head is not kept, and an older one would not be noticed: %s\n", cannot.msg);
	return COFFER_OK;
}
