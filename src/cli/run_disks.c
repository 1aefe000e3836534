/* The disks of a VM that `coffer run` makes, besides the initdata's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/run_int.h"
#include "os/file.h"
#include "proto/bindings_disk.h"

#define SCRATCH_USUAL (4ull << 30)
#define SCRATCH_MIN   (64ull << 20) /* as the guest has it: agent/scratch.h */
#define SCRATCH_MAX   (1ull << 40)

/* "4G", "512M", "none" (0). */
static bool size_of(const char *text, uint64_t *out)
{
	size_t n = strlen(text);
	uint64_t v = 0, unit = n == 0 ? 0 : text[n - 1] == 'M' ? 1ull << 20 : text[n - 1] == 'G' ? 1ull << 30 : 0;

	if (strcmp(text, "none") == 0) {
		*out = 0;
		return true;
	}
	if (unit == 0 || !span_u64((struct span){ (const uint8_t *)text, n - 1 }, &v) || v > SCRATCH_MAX / unit)
		return false;
	*out = v * unit;
	return *out >= SCRATCH_MIN;
}

enum coffer_rc run_scratch_size(const struct cli *c, uint64_t *bytes, struct err *e)
{
	const char *text = cli_opt(c, "scratch");

	*bytes = SCRATCH_USUAL;
	if (text && !cli_opt(c, "image"))
		return cli_bad(e, "--scratch is of a measured VM: it needs --image");
	if (text && !size_of(text, bytes))
		return cli_bad(e, "--scratch %s: 64M to 1024G, or none", text);
	return COFFER_OK;
}

enum coffer_rc run_scratch_file(const char *path, uint64_t bytes, struct err *e)
{
	CLEANUP(closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0)
		return err_set(e, COFFER_E_SYSTEM, "scratch disk: %s: %s", path, strerror(errno));
	return COFFER_OK;
}

enum coffer_rc run_bindings_file(const char *path, const struct guest_opts *o, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(BINDINGS_DISK_MAX), disk = wr_open(BINDINGS_DISK_MAX);
	struct bindings_disk b = { .n = 0 };
	size_t end[BINDINGS_MAX] = { 0 };

	for (size_t i = 0; i < o->n_bindings; i++) {
		CLEANUP(wr_close) struct wr one = wr_open(DSSE_ENVELOPE_MAX);

		TRY(file_read(o->binding[i], DSSE_ENVELOPE_MAX, &one, e));
		wr_put(&text, wr_span(&one));
		end[i] = text.n;
	}
	TRY(wr_done(&text, "bindings", e));
	for (; b.n < o->n_bindings; b.n++) {
		size_t from = b.n ? end[b.n - 1] : 0;

		b.envelope[b.n] = (struct span){ text.p + from, end[b.n] - from };
	}
	TRY(bindings_disk_write(&b, &disk, e));
	return file_write(path, wr_span(&disk), 0600, e);
}
