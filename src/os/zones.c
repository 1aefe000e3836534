#include "os/zones.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"

#define NAMES_MAX  1024u
#define NAME_BYTES 64u
#define FILE_MAX   65536u
#define BYTES_MAX  (8u << 20)
#define DEPTH_MAX  4 /* of folders; "America/Argentina/Salta" needs 3 */

static void dir_close(DIR *d)
{
	(void)closedir(d);
}
DEFINE_CLEANUP(DIR *, dir_close)

struct zones zones_open(const char *folder)
{
	return (struct zones){ .folder = folder };
}

static void file_clear(struct zones_file *f)
{
	free(f->name);
	free(f->p);
}

static void forget(struct zones *z)
{
	for (size_t i = 0; i < z->n && !z->map; i++)
		file_clear(&z->file[i]);
	if (z->map)
		(void)munmap(z->map, z->map_n);
	free(z->file);
	*z = (struct zones){ .folder = z->folder };
}

void zones_close(struct zones *z)
{
	forget(z);
	z->folder = NULL;
}

/* The place of a name, or the one where it belongs. */
static size_t place(const struct zones *z, const char *name, bool *here)
{
	size_t low = 0, high = z->n;

	*here = false;
	while (low < high && !*here) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(z->file[mid].name, name);

		*here = order == 0;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return high;
}

/* Takes over f's name and bytes. */
static bool insert(struct zones *z, struct zones_file *f, size_t *at)
{
	struct zones_file *grown = reallocarray(z->file, z->n + 1, sizeof(*grown));
	bool here;

	if (!grown)
		return false;
	z->file = grown;
	*at = place(z, f->name, &here);
	memmove(grown + *at + 1, grown + *at, (z->n - *at) * sizeof(*grown));
	grown[*at] = (struct zones_file){ MOVE(f->name), MOVE(f->p), f->n };
	z->n++;
	z->bytes += f->n;
	return true;
}

/* COFFER_E_INPUT: not a time zone of ours. */
static enum coffer_rc add(struct zones *z, int dir_fd, const char *name, size_t *at, struct err *e)
{
	CLEANUP(file_clear) struct zones_file f = { 0 };
	CLEANUP(wr_close) struct wr w = { 0 };

	if (strlen(name) > NAME_BYTES || file_read_below(dir_fd, name, FILE_MAX, &w, e) != COFFER_OK ||
	    !span_starts(wr_span(&w), "TZif"))
		return err_set(e, COFFER_E_INPUT, "no time zone");
	if (z->n == NAMES_MAX || w.n > BYTES_MAX - z->bytes)
		return err_set(e, COFFER_E_LIMIT, "time zones: more than %u names or %u bytes", NAMES_MAX, BYTES_MAX);
	f.name = strdup(name);
	f.p = wr_take(&w, &f.n);
	return f.name && f.p && insert(z, &f, at) ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

static bool left_out(const char *name)
{
	return strncmp(name, "posix/", 6) == 0 || strncmp(name, "right/", 6) == 0;
}

static enum coffer_rc walk(struct zones *z, int root, const char *below, unsigned depth, struct err *e);

static enum coffer_rc entry(struct zones *z, int root, const char *name, unsigned depth, struct err *e)
{
	CLEANUP(freep) char *inside = NULL;
	enum coffer_rc rc;
	struct stat st;
	size_t at;

	if (fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return COFFER_OK;
	if (S_ISDIR(st.st_mode)) {
		inside = str_fmt("%s/", name);
		if (!inside)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		return left_out(inside) || depth == DEPTH_MAX ? COFFER_OK : walk(z, root, inside, depth + 1, e);
	}
	rc = add(z, root, name, &at, e);
	return rc == COFFER_E_INPUT ? COFFER_OK : rc;
}

/* All that is below the folder `below`, which is empty or ends in a slash. */
static enum coffer_rc walk(struct zones *z, int root, const char *below, unsigned depth, struct err *e)
{
	CLEANUP(closep) int fd = openat(root, *below ? below : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(dir_closep) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *f;

	if (!d)
		return COFFER_OK;
	fd = -1;
	while ((f = readdir(d)) != NULL) {
		CLEANUP(freep) char *name = f->d_name[0] == '.' ? NULL : str_fmt("%s%s", below, f->d_name);

		if (name)
			TRY(entry(z, root, name, depth, e));
	}
	return COFFER_OK;
}

static int open_folder(const struct zones *z)
{
	return z->folder ? open(z->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

/* Names and files, one after another. */
static enum coffer_rc put_all(const struct zones *z, int to, struct err *e)
{
	for (size_t i = 0; i < z->n; i++) {
		const struct zones_file *f = &z->file[i];

		if (!file_put(to, (struct span){ (const uint8_t *)f->name, strlen(f->name) + 1 }) ||
		    !file_put(to, (struct span){ (const uint8_t *)f->p, f->n }))
			return err_set(e, COFFER_E_SYSTEM, "time zones: %s", strerror(errno));
	}
	return COFFER_OK;
}

/* Out of the heap: pages of a file that nobody has open and that are never written are not copied when a process forks. */
static enum coffer_rc pack(struct zones *z, struct err *e)
{
	CLEANUP(closep) int to = memfd_create("zones", MFD_CLOEXEC);
	char *at;

	for (size_t i = 0; i < z->n; i++)
		z->map_n += strlen(z->file[i].name) + 1 + z->file[i].n;
	if (z->map_n == 0)
		return COFFER_OK;
	if (to < 0)
		return err_set(e, COFFER_E_SYSTEM, "time zones: %s", strerror(errno));
	TRY(put_all(z, to, e));
	at = mmap(NULL, z->map_n, PROT_READ, MAP_PRIVATE, to, 0);
	if (at == MAP_FAILED)
		return err_set(e, COFFER_E_SYSTEM, "time zones: %s", strerror(errno));
	z->map = at;
	for (size_t i = 0; i < z->n; i++) {
		struct zones_file *f = &z->file[i];

		file_clear(f);
		f->name = at;
		f->p = at + strlen(at) + 1;
		at = f->p + f->n;
	}
	return COFFER_OK;
}

enum coffer_rc zones_load(struct zones *z, struct err *e)
{
	CLEANUP(closep) int root = open_folder(z);
	enum coffer_rc rc = COFFER_OK;

	forget(z); /* what was asked for before may have been read from another state of the folder */
	if (root >= 0)
		rc = walk(z, root, "", 0, e);
	if (rc == COFFER_OK)
		rc = pack(z, e);
	if (rc != COFFER_OK)
		forget(z);
	z->folder = NULL;
	return rc;
}

bool zones_find(void *zones, struct span name, struct span *file)
{
	CLEANUP(freep) char *text = span_dup(name);
	CLEANUP(closep) int root = -1;
	struct zones *z = zones;
	struct err e = { 0 };
	bool here = false;
	size_t at = 0;

	if (!text || left_out(text))
		return false;
	at = place(z, text, &here);
	if (!here) {
		root = open_folder(z);
		if (root < 0 || add(z, root, text, &at, &e) != COFFER_OK)
			return false;
	}
	*file = (struct span){ (const uint8_t *)z->file[at].p, z->file[at].n };
	return true;
}
