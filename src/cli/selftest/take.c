#include "cli/selftest/take.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/run_int.h"
#include "fmt/enc.h"
#include "os/spawn.h"

static enum coffer_rc read_all(int fd, struct wr *out, struct err *e)
{
	uint8_t buf[16384];
	ssize_t n;

	*out = wr_open(BUNDLE_MAX);
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, COFFER_E_SYSTEM, "coffer-probe: %s", strerror(errno));
		wr_put(out, (struct span){ buf, (size_t)n });
	}
	return wr_done(out, "coffer-probe's answer", e);
}

static enum coffer_rc ask(const char *program, const char *nonce, struct wr *answer, struct err *e)
{
	const char *const argv[] = { program, nonce, NULL };
	int fd[2], status = 0;
	pid_t pid = 0;
	enum coffer_rc rc;

	if (pipe2(fd, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "pipe: %s", strerror(errno));
	rc = spawn_start(&(struct spawn){ .argv = argv, .fds = (const int[]){ -1, fd[1], 2 }, .n_fds = 3, .die_with_parent = true }, &pid, e);
	(void)close(fd[1]);
	if (rc == COFFER_OK) {
		rc = read_all(fd[0], answer, e);
		(void)close(fd[0]); /* one that goes on writing ends */
		fd[0] = -1;
		TRY(spawn_wait(pid, &status, e));
	}
	closep(&fd[0]);
	if (rc == COFFER_OK && status != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s ended with %d", program, status);
	return rc;
}

/* Platforms whose quotes have less room cut it. */
static bool is_cut_of(struct span s, struct span data)
{
	return s.n >= 32 && s.n <= data.n && span_eq(s, (struct span){ data.p, s.n });
}

enum coffer_rc selftest_take(struct span data, struct bundle *b, struct err *e)
{
	const char *named = getenv("COFFER_PROBE");
	CLEANUP(wr_close) struct wr answer = { 0 }, hex = wr_open(2 * data.n + 1);
	char path[RUN_PATH_MAX];

	hex_write(&hex, data);
	wr_u8(&hex, 0);
	TRY(wr_done(&hex, "nonce", e));
	if (named)
		(void)snprintf(path, sizeof(path), "%s", named);
	else
		TRY(run_beside("coffer-probe", path, e));
	TRY(ask(path, (const char *)hex.p, &answer, e));
	TRY(bundle_read_probe(wr_span(&answer), b, e));
	for (size_t i = 0; i < b->n_items; i++)
		if (!is_cut_of(wr_span(&b->item[i].report_data), data)) {
			bundle_clear(b);
			return err_set(e, COFFER_E_INPUT, "coffer-probe answers with other report data than it was given");
		}
	return COFFER_OK;
}
