#include "cli/head.h"

#include <stdio.h>
#include <string.h>

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

enum coffer_rc head_evidence(const struct home *h, enum coffer_rc rc, struct span note, const char *file, struct err *e)
{
	char path[600], why[sizeof(e->msg)];

	if (rc != COFFER_E_DENIED)
		return rc;
	(void)snprintf(why, sizeof(why), "%s", e->msg);
	if (strcmp(e->check, "ledger-rollback") == 0)
		return err_deny(e, "ledger-rollback", "%s; ask its operator why. %s shows what was seen: who accepts the loss removes it", why, file);
	if (strcmp(e->check, "ledger-fork") != 0)
		return rc;
	TRY(head_path(h, "forked", path, sizeof(path), e));
	TRY(file_write(path, note, 0644, e));
	return err_deny(e, "ledger-fork", "%s; %s and %s are the evidence", why, path, file);
}

/* Compares with what one file keeps. *kept: its size; untouched where there is none. */
static enum coffer_rc continues(struct service_conn *c, const char *file, const struct merkle_head *now,
    uint64_t *kept, struct err *e)
{
	CLEANUP(wr_close) struct wr note = { 0 };
	struct seen_head old = { .what = HEAD_OURS };

	if (!file_exists(file))
		return COFFER_OK;
	TRY(file_read(file, NOTE_MAX, &note, e));
	if (heads_open(c, wr_span(&note), &old.head, e) != COFFER_OK)
		return err_wrap(e, "%s", file);
	*kept = old.head.size;
	return heads_continue(c, &old, now, e);
}

enum coffer_rc head_look(const struct home *h, struct service_conn *c, struct err *e)
{
	static const char *const files[] = { "checkpoint", "head" }; /* the last is written */
	CLEANUP(wr_close) struct wr note = wr_open(NOTE_MAX);
	struct err cannot = { 0 };
	struct merkle_head now;
	uint64_t kept = 0;
	char path[600];

	TRY(heads_newest(c, &note, &now, e));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		TRY(head_path(h, files[i], path, sizeof(path), e));
		TRY(head_evidence(h, continues(c, path, &now, &kept, e), wr_span(&note), path, e));
	}
	if (kept < now.size && file_write(path, wr_span(&note), 0644, &cannot) != COFFER_OK)
		(void)fprintf(stderr, "warning: the ledger's head is not kept, and an older one would not be noticed: %s\n", cannot.msg);
	return COFFER_OK;
}
