#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/guard.h"
#include "base/own.h"
#include "base/str.h"
#include "image/tree.h"
#include "os/file.h"
#include "trust/data_file.h"

static struct path sealed_path(const struct agent *a, size_t v)
{
	return path_fmt("%s/in/%zu.sealed", a->store, v);
}

/* What was sealed is opened in memory alone: there it can be overwritten, while a host keeps what a disk once held. */
static const char *base(const struct agent *a, size_t v)
{
	return a->man.volume[v].kind == VOL_SEALED ? a->state : a->store;
}

struct path volume_path(const struct agent *a, size_t v)
{
	return path_fmt("%s/volume/%zu", base(a, v), v);
}

enum coffer_rc volume_write(struct agent *a, size_t v, uint64_t at, struct span data, struct err *e)
{
	struct path p = sealed_path(a, v);
	CLEANUP(closep) int fd = -1;

	TRY(file_mkdirs(path_fmt("%s/in", a->store).s, 0700, e));
	fd = open(p.s, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(e, COFFER_E_SYSTEM, "CopyFile: %s", strerror(errno));
	while (data.n > 0) {
		ssize_t n = pwrite(fd, data.p, data.n, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, COFFER_E_SYSTEM, "CopyFile: %s", strerror(errno));
		data = span_skip(data, (size_t)n);
		at += (uint64_t)n;
	}
	return COFFER_OK;
}

static enum coffer_rc from_fd(void *arg, uint8_t *p, size_t cap, size_t *n, struct err *e)
{
	ssize_t got;

	do
		got = read(*(const int *)arg, p, cap);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set(e, COFFER_E_SYSTEM, "volume: %s", strerror(errno));
	*n = (size_t)got;
	return COFFER_OK;
}

static enum coffer_rc to_fd(void *arg, struct span s, struct err *e)
{
	while (s.n > 0) {
		ssize_t n = write(*(const int *)arg, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, COFFER_E_SYSTEM, "volume: %s", strerror(errno));
		s = span_skip(s, (size_t)n);
	}
	return COFFER_OK;
}

/* Asks for the newest key, so an older file, which another key opens, is refused: the host cannot roll data back. */
static enum coffer_rc open_sealed(struct agent *a, size_t v, const struct rcar_asset *key, struct err *e)
{
	struct path to = volume_path(a, v);
	CLEANUP(closep) int in = open(sealed_path(a, v).s, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	CLEANUP(closep) int out = -1;
	const struct data_io io = { .read = from_fd, .read_arg = &in, .write = to_fd, .write_arg = &out };
	const struct data_want want = { .asset = a->man.volume[v].asset, .version = key->version };
	struct data_header h;
	enum coffer_rc rc;

	if (key->content.n != DATA_KEY_LEN)
		return err_deny(e, "seal", "the key of volume %.*s is %zu bytes", (int)a->man.volume[v].name.n,
		    (const char *)a->man.volume[v].name.p, key->content.n);
	out = in < 0 ? -1 : open(to.s, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (out < 0)
		return err_set(e, COFFER_E_SYSTEM, "volume: %s", strerror(errno));
	rc = data_file_open(&want, key->content.p, &io, &h, e);
	if (rc == COFFER_OK && fchmod(out, 0444) != 0)
		rc = err_set(e, COFFER_E_SYSTEM, "volume: %s", strerror(errno));
	if (rc != COFFER_OK) {
		(void)!guard_wipe(out);
		(void)unlink(to.s);
		return rc;
	}
	a->volume_fd[v] = MOVE_FD(out);
	return COFFER_OK;
}

/* The service is asked for every container, so that it decides and writes down each; the file is opened once. */
static enum coffer_rc ready_sealed(struct agent *a, size_t i, size_t v, struct err *e)
{
	const struct man_container *c = &a->man.container[i];
	const struct man_volume *vol = &a->man.volume[v];
	CLEANUP(rcar_asset_clear) struct rcar_asset key = { .version = 0 };

	if (vol->slot.n > 0 && !vol->asset.text[0])
		return err_deny(e, "binding", "nothing fills slot %.*s of volume %.*s; whoever runs the pod can mend it with: coffer run POD.yaml --binding FILE",
		    (int)vol->slot.n, (const char *)vol->slot.p, (int)vol->name.n, (const char *)vol->name.p);
	if (!manifest_entitles(c, &vol->asset, PURPOSE_VOLUME))
		return err_deny(e, "gate", "the manifest does not entitle container %.*s to %s as a volume", (int)c->name.n,
		    (const char *)c->name.p, vol->asset.text);
	TRY(agent_get(a, i, &vol->asset, PURPOSE_VOLUME, &key, e));
	if (a->volume_open[v] && guard_wiped(v)) /* another's lease ended while the service was asked */
		volume_wipe(a, v);
	if (a->volume_open[v])
		return COFFER_OK;
	TRY(open_sealed(a, v, &key, e));
	a->volume_open[v] = true;
	leases_guard(a);
	return COFFER_OK;
}

/* A container that still has it mounted reads nothing more. The guard lets go of the descriptor before its number may be another's. */
static void close_plain(struct agent *a, size_t v)
{
	if (!guard_wipe(a->volume_fd[v]))
		(void)fprintf(stderr, "coffer-agent: a closed volume's file is not wholly overwritten: %s\n", strerror(errno));
	guard_file_clear(v);
	closep(&a->volume_fd[v]);
	a->volume_fd[v] = -1;
}

void volume_wipe(struct agent *a, size_t v)
{
	CLEANUP(closep) int dir = open(path_fmt("%s/volume", base(a, v)).s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err why = { 0 };

	if (a->man.volume[v].kind == VOL_SEALED)
		close_plain(a, v);
	if (dir < 0 || tree_remove(dir, path_fmt("%zu", v).s, &why) != COFFER_OK)
		(void)fprintf(stderr, "coffer-agent: a closed volume's files stay until the guest ends: %s\n", why.msg);
	a->volume_open[v] = false;
}

static enum coffer_rc ready_empty(struct agent *a, size_t v, struct err *e)
{
	struct path p = volume_path(a, v);

	if (a->volume_open[v])
		return COFFER_OK;
	if (mkdir(p.s, 0700) != 0 || chmod(p.s, 0777) != 0)
		return err_set(e, COFFER_E_SYSTEM, "volume: %s", strerror(errno));
	a->volume_open[v] = true;
	return COFFER_OK;
}

enum coffer_rc volume_ready(struct agent *a, size_t i, struct err *e)
{
	const struct man_container *c = &a->man.container[i];

	TRY(file_mkdirs(path_fmt("%s/volume", a->state).s, 0700, e));
	TRY(file_mkdirs(path_fmt("%s/volume", a->store).s, 0700, e));
	for (size_t k = 0; k < c->n_mounts; k++) {
		const struct man_volume *vol = manifest_volume(&a->man, c->mount[k].volume);
		size_t v;

		if (!vol)
			return err_set(e, COFFER_E_BUG, "a mount of no volume");
		v = (size_t)(vol - a->man.volume);
		if (vol->kind == VOL_SEALED)
			TRY(ready_sealed(a, i, v, e));
		else
			TRY(ready_empty(a, v, e));
	}
	return COFFER_OK;
}
