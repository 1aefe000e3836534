#include "cofferd/keep/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "os/file.h"

#define MAGIC_LEN 8
#define SIGNED_LEN (MAGIC_LEN + 8)
#define FILE_LEN (SIGNED_LEN + 32)

struct mark {
	int      fd;
	uint8_t  key[32];
	uint64_t entries;
};

static const uint8_t magic[MAGIC_LEN] = { 'C', 'O', 'F', 'F', 'E', 'R', 'M', '1' };

static void fill(const uint8_t key[static 32], uint64_t entries, uint8_t out[static FILE_LEN])
{
	memcpy(out, magic, sizeof(magic));
	for (unsigned i = 0; i < 8; i++)
		out[MAGIC_LEN + i] = (uint8_t)(entries >> (8 * (7 - i)));
	hmac_sha256((struct span){ key, 32 }, (struct span){ out, SIGNED_LEN }, out + SIGNED_LEN);
}

enum coffer_rc mark_write(const char *path, const uint8_t mac_key[static 32], uint64_t entries, struct err *e)
{
	uint8_t file[FILE_LEN];

	fill(mac_key, entries, file);
	return file_write(path, SPAN(file), 0600, e);
}

void mark_close(struct mark *m)
{
	if (!m)
		return;
	closep(&m->fd);
	explicit_bzero(m, sizeof(*m));
	free(m);
}
DEFINE_CLEANUP(struct mark *, mark_close)

uint64_t mark_entries(const struct mark *m)
{
	return m->entries;
}

static enum coffer_rc read_mark(struct mark *m, const char *path, struct err *e)
{
	uint8_t found[FILE_LEN + 1] = { 0 }, want[FILE_LEN];
	ssize_t n = pread(m->fd, found, sizeof(found), 0);

	if (n < 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
	for (unsigned i = 0; n == FILE_LEN && i < 8; i++)
		m->entries = m->entries << 8 | found[MAGIC_LEN + i];
	fill(m->key, m->entries, want);
	if (n != FILE_LEN || !ct_eq(SPAN(want), (struct span){ found, FILE_LEN }))
		return err_deny(e, "R12", "%s was not written by the service with these keys", path);
	return COFFER_OK;
}

enum coffer_rc mark_open(const char *path, const uint8_t mac_key[static 32], struct mark **out, struct err *e)
{
	CLEANUP(mark_closep) struct mark *m = calloc(1, sizeof(*m));

	if (!m)
		return err_set(e, COFFER_E_SYSTEM, "mark: out of memory");
	memcpy(m->key, mac_key, sizeof(m->key));
	m->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (m->fd < 0)
		return err_set(e, errno == ENOENT ? COFFER_E_NOTFOUND : COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
	TRY(read_mark(m, path, e));
	*out = MOVE(m);
	return COFFER_OK;
}

/* In place and in one piece: a file of this size is within one sector. */
enum coffer_rc mark_raise(struct mark *m, uint64_t entries, struct err *e)
{
	uint8_t file[FILE_LEN];

	fill(m->key, entries, file);
	if (pwrite(m->fd, file, sizeof(file), 0) != (ssize_t)sizeof(file))
		return err_set(e, COFFER_E_SYSTEM, "keep.mark: %s", strerror(errno));
	m->entries = entries;
	return COFFER_OK;
}
