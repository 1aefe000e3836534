#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "agent/spec.h"
#include "base/own.h"
#include "base/str.h"
#include "trust/output.h"

enum coffer_rc output_place(const struct manifest *m, const struct man_container *c, const struct man_output *o, size_t *volume,
    struct span *rest, struct err *e)
{
	const struct man_volume *v = NULL;
	size_t deepest = 0;

	for (size_t i = 0; i < c->n_mounts; i++) {
		size_t n = mount_covers(c->mount[i].destination, o->path);

		if (n > deepest) {
			deepest = n;
			v = manifest_volume(m, c->mount[i].volume);
		}
	}
	if (!v || v->kind != VOL_EMPTY)
		return err_deny(e, "output", "output %.*s is in no empty volume of its container", (int)o->name.n, (const char *)o->name.p);
	*volume = (size_t)(v - m->volume);
	*rest = span_skip(o->path, deepest);
	return COFFER_OK;
}

static enum coffer_rc read_all(int fd, uint64_t max, struct wr *out, struct err *e)
{
	uint8_t piece[16384];
	uint64_t total = 0;

	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, COFFER_E_SYSTEM, "output: %s", strerror(errno));
		if (n == 0)
			return wr_done(out, "output", e);
		total += (uint64_t)n;
		if (total > max)
			return err_deny(e, "output", "the output is longer than %llu bytes", (unsigned long long)max);
		wr_put(out, (struct span){ piece, (size_t)n });
	}
}

enum coffer_rc output_read(int dir_fd, struct span rest, uint64_t max, struct wr *out, struct err *e)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	CLEANUP(freep) char *name = span_dup(rest);
	CLEANUP(closep) int fd = -1;
	struct stat st;

	if (!name)
		return err_deny(e, "output", "the output's path is no name");
	fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
	if (fd < 0)
		return err_deny(e, "output", "the output was not written: %s", strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_deny(e, "output", "the output is no regular file");
	if (st.st_nlink != 1)
		return err_deny(e, "output", "the output is a file of several names");
	return read_all(fd, max, out, e);
}

static enum coffer_rc make(struct agent *a, const struct man_container *c, const struct man_output *o, struct wr *sealed, struct err *e)
{
	CLEANUP(wr_close) struct wr data = wr_open(OUTPUT_DATA_MAX);
	CLEANUP(closep) int dir = -1;
	struct span rest = { NULL, 0 };
	size_t v = 0;

	TRY(output_place(&a->man, c, o, &v, &rest, e));
	dir = open(volume_path(a, v).s, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(e, COFFER_E_SYSTEM, "output: %s", strerror(errno));
	TRY(output_read(dir, rest, o->max_bytes < OUTPUT_DATA_MAX ? o->max_bytes : OUTPUT_DATA_MAX, &data, e));
	return output_seal(&(struct output_in){ .manifest = &a->man, .container = c, .output = o, .data = wr_span(&data),
	    .token = rcar_token(a->rcar), .request_key = rcar_request_key(a->rcar) }, sealed, e);
}

void output_make(struct agent *a, size_t i, size_t k)
{
	struct output_held *h = &a->ctr[i].output[k];
	const struct man_container *c = &a->man.container[i];

	wr_close(&h->sealed);
	*h = (struct output_held){ .sealed = wr_open(OUTPUT_SEALED_MAX) };
	h->failed = make(a, c, &c->output[k], &h->sealed, &h->why) != COFFER_OK;
	if (h->failed)
		wr_close(&h->sealed);
}
