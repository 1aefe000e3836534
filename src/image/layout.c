#include "image/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "image/ref.h"
#include "os/file.h"

#define PIECE ((size_t)128 << 10)

static const char marker[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
static const char empty_index[] = "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"manifests\":[]}";

struct layout {
	char              *dir;
	struct image_index index;
};

void layout_free(struct layout *l)
{
	if (!l)
		return;
	image_index_clear(&l->index);
	free(l->dir);
	free(l);
}

static enum coffer_rc no_memory(struct err *e)
{
	return err_set(e, COFFER_E_SYSTEM, "image layout: out of memory");
}

static enum coffer_rc io_failed(const char *path, struct err *e)
{
	return err_set(e, errno == ENOENT ? COFFER_E_NOTFOUND : COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
}

static char *path_in(const struct layout *l, const char *name)
{
	return str_fmt("%s/%s", l->dir, name);
}

static char *blob_path(const struct layout *l, const uint8_t digest[static 32])
{
	char hex[HEX32_LEN];

	hex32(digest, hex);
	return str_fmt("%s/blobs/sha256/%s", l->dir, hex);
}

static enum coffer_rc check_marker(const struct layout *l, struct err *e)
{
	CLEANUP(freep) char *path = path_in(l, "oci-layout");
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr text = { 0 };
	struct span version;

	if (!path)
		return no_memory(e);
	TRY(file_read(path, 4096, &text, e));
	if (json_parse(wr_span(&text), 4096, &doc, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	TRY(json_need_str(json_root(doc), "imageLayoutVersion", "oci-layout", &version, e));
	if (!span_starts(version, "1.0."))
		return err_set(e, COFFER_E_INPUT, "%s: imageLayoutVersion is not 1.0", path);
	return COFFER_OK;
}

static enum coffer_rc read_index(struct layout *l, struct err *e)
{
	CLEANUP(freep) char *path = path_in(l, "index.json");
	CLEANUP(wr_close) struct wr text = { 0 };

	if (!path)
		return no_memory(e);
	TRY(file_read(path, MANIFEST_MAX, &text, e));
	if (image_index_parse(wr_span(&text), &l->index, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}

static struct layout *layout_new(const char *dir)
{
	CLEANUP(layout_freep) struct layout *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->dir = str_fmt("%s", dir);
	return l->dir ? MOVE(l) : NULL;
}

enum coffer_rc layout_open(const char *dir, struct layout **out, struct err *e)
{
	CLEANUP(layout_freep) struct layout *l = layout_new(dir);

	if (!l)
		return no_memory(e);
	TRY(check_marker(l, e));
	TRY(read_index(l, e));
	*out = MOVE(l);
	return COFFER_OK;
}

enum coffer_rc layout_create(const char *dir, struct layout **out, struct err *e)
{
	CLEANUP(freep) char *blobs = str_fmt("%s/blobs/sha256", dir);
	CLEANUP(freep) char *mark = str_fmt("%s/oci-layout", dir);
	CLEANUP(freep) char *index = str_fmt("%s/index.json", dir);

	if (!blobs || !mark || !index)
		return no_memory(e);
	TRY(file_mkdirs(blobs, 0755, e));
	if (!file_exists(index))
		TRY(file_write(index, span_of(empty_index), 0644, e));
	if (!file_exists(mark))
		TRY(file_write(mark, span_of(marker), 0644, e));
	return layout_open(dir, out, e);
}

const struct image_index *layout_index(const struct layout *l)
{
	return &l->index;
}

static bool is_signature_tag(struct span tag)
{
	return span_starts(tag, "sha256-") && span_ends(tag, ".sig");
}

enum coffer_rc layout_find(const struct layout *l, const char *tag, const struct descriptor **out, struct err *e)
{
	const struct descriptor *found = NULL;

	for (size_t i = 0; i < l->index.n; i++) {
		const struct descriptor *d = &l->index.entry[i].d;
		struct span name = descriptor_note(d, LAYOUT_NOTE_TAG);

		if (tag ? !span_eq_str(name, tag) : is_signature_tag(name))
			continue;
		if (found)
			return err_set(
			    e, COFFER_E_INPUT, "%s: several images%s%s; name one", l->dir, tag ? " tagged " : "", tag ? tag : "");
		found = d;
	}
	if (!found)
		return err_set(e, COFFER_E_NOTFOUND, "%s: no image%s%s", l->dir, tag ? " tagged " : "", tag ? tag : "");
	*out = found;
	return COFFER_OK;
}

bool layout_has(const struct layout *l, const uint8_t digest[static 32])
{
	CLEANUP(freep) char *path = blob_path(l, digest);

	return path && file_exists(path);
}

static enum coffer_rc open_blob(const struct layout *l, const struct descriptor *d, int *out, struct err *e)
{
	CLEANUP(freep) char *path = blob_path(l, d->digest);
	CLEANUP(closep) int fd = -1;
	struct stat st;

	if (!path)
		return no_memory(e);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0)
		return io_failed(path, e);
	if (!S_ISREG(st.st_mode))
		return err_set(e, COFFER_E_INPUT, "%s: not a regular file", path);
	if ((uint64_t)st.st_size != d->size)
		return err_deny(e, "digest", "%s: %llu bytes, the descriptor says %llu", path, (unsigned long long)st.st_size,
		    (unsigned long long)d->size);
	*out = MOVE_FD(fd);
	return COFFER_OK;
}

static enum coffer_rc check_digest(const struct layout *l, const struct descriptor *d, const uint8_t got[static 32],
    struct err *e)
{
	char text[REF_DIGEST_TEXT];

	ref_digest_text(d->digest, text);
	if (memcmp(got, d->digest, 32) != 0) /* public: digest of a stored blob */
		return err_deny(e, "digest", "%s: blob %s has other bytes", l->dir, text);
	return COFFER_OK;
}

static enum coffer_rc run_blob(int fd, struct hash_stream *h, layout_sink sink, void *arg, struct err *e)
{
	CLEANUP(freep) uint8_t *buf = malloc(PIECE);

	if (!buf)
		return no_memory(e);
	for (;;) {
		ssize_t n = read(fd, buf, PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, COFFER_E_SYSTEM, "image layout: read: %s", strerror(errno));
		if (n == 0)
			return COFFER_OK;
		hash_add(h, (struct span){ buf, (size_t)n });
		TRY(sink(arg, (struct span){ buf, (size_t)n }, e));
	}
}

enum coffer_rc layout_stream(const struct layout *l, const struct descriptor *d, layout_sink sink, void *arg, struct err *e)
{
	CLEANUP(closep) int fd = -1;
	CLEANUP(hash_freep) struct hash_stream *h = NULL;
	uint8_t got[HASH_MAX];

	TRY(open_blob(l, d, &fd, e));
	h = hash_open(HASH_SHA256);
	TRY(run_blob(fd, h, sink, arg, e));
	hash_end(MOVE(h), got);
	return check_digest(l, d, got, e);
}

static enum coffer_rc into_wr(void *arg, struct span piece, struct err *e)
{
	struct wr *w = arg;

	wr_put(w, piece);
	return wr_done(w, "blob", e);
}

enum coffer_rc layout_read(const struct layout *l, const struct descriptor *d, size_t max, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(max);

	if (d->size > max)
		return err_set(e, COFFER_E_LIMIT, "%s: a blob of %llu bytes, at most %zu are accepted here", l->dir,
		    (unsigned long long)d->size, max);
	TRY(layout_stream(l, d, into_wr, &w, e));
	wr_close(out);
	*out = w;
	w = (struct wr){ 0 };
	return COFFER_OK;
}

void layout_unmap(struct span *s)
{
	if (s->n > 0)
		(void)munmap((void *)(uintptr_t)s->p, s->n);
	*s = (struct span){ NULL, 0 };
}

enum coffer_rc layout_map(const struct layout *l, const struct descriptor *d, struct span *out, struct err *e)
{
	CLEANUP(closep) int fd = -1;
	CLEANUP(layout_unmap) struct span s = { NULL, 0 };
	uint8_t got[32];

	TRY(open_blob(l, d, &fd, e));
	if (d->size > 0) {
		void *p = mmap(NULL, (size_t)d->size, PROT_READ, MAP_PRIVATE, fd, 0);

		if (p == MAP_FAILED)
			return err_set(e, COFFER_E_SYSTEM, "%s: mmap: %s", l->dir, strerror(errno));
		s = (struct span){ p, (size_t)d->size };
	}
	sha256(s, got);
	TRY(check_digest(l, d, got, e));
	*out = s;
	s = (struct span){ NULL, 0 };
	return COFFER_OK;
}

struct layout_blob {
	struct layout      *l;
	char               *path; /* of the unfinished file */
	int                 fd;
	uint64_t            size;
	struct hash_stream *h;
};

void layout_blob_free(struct layout_blob *b)
{
	if (!b)
		return;
	if (b->fd >= 0) {
		(void)close(b->fd);
		(void)unlink(b->path);
	}
	hash_free(b->h);
	free(b->path);
	free(b);
}

enum coffer_rc layout_blob_new(struct layout *l, struct layout_blob **out, struct err *e)
{
	CLEANUP(layout_blob_freep) struct layout_blob *b = calloc(1, sizeof(*b));

	if (!b)
		return no_memory(e);
	b->fd = -1;
	b->l = l;
	b->path = path_in(l, "blobs/.part-XXXXXX");
	if (!b->path)
		return no_memory(e);
	b->fd = mkostemp(b->path, O_CLOEXEC);
	if (b->fd < 0)
		return io_failed(b->path, e);
	b->h = hash_open(HASH_SHA256);
	*out = MOVE(b);
	return COFFER_OK;
}

enum coffer_rc layout_blob_add(struct layout_blob *b, struct span piece, struct err *e)
{
	hash_add(b->h, piece);
	b->size += piece.n;
	while (piece.n > 0) {
		ssize_t n = write(b->fd, piece.p, piece.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, COFFER_E_SYSTEM, "%s: %s", b->path, strerror(errno));
		piece = span_skip(piece, (size_t)n);
	}
	return COFFER_OK;
}

static enum coffer_rc sync_folder(const struct layout *l, struct err *e)
{
	CLEANUP(freep) char *path = path_in(l, "blobs/sha256");
	CLEANUP(closep) int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0 || fsync(fd) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: blobs: %s", l->dir, strerror(errno));
	return COFFER_OK;
}

enum coffer_rc layout_blob_end(struct layout_blob *blob, uint8_t digest[static 32], uint64_t *size, struct err *e)
{
	CLEANUP(layout_blob_freep) struct layout_blob *b = blob;
	CLEANUP(freep) char *final = NULL;
	uint8_t got[HASH_MAX];

	hash_end(MOVE(b->h), got);
	final = blob_path(b->l, got);
	if (!final)
		return no_memory(e);
	if (fchmod(b->fd, 0644) != 0 || fsync(b->fd) != 0 || rename(b->path, final) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", final, strerror(errno));
	(void)close(b->fd);
	b->fd = -1; /* nothing left to unlink */
	memcpy(digest, got, 32);
	*size = b->size;
	return sync_folder(b->l, e);
}

enum coffer_rc layout_put(struct layout *l, struct span body, uint8_t digest[static 32], struct err *e)
{
	CLEANUP(layout_blob_freep) struct layout_blob *b = NULL;
	uint64_t size;

	TRY(layout_blob_new(l, &b, e));
	TRY(layout_blob_add(b, body, e));
	return layout_blob_end(MOVE(b), digest, &size, e);
}

static void write_entry(struct json_wr *j, const char *tag, const char *media_type, const uint8_t digest[static 32], size_t size)
{
	char text[REF_DIGEST_TEXT];

	ref_digest_text(digest, text);
	jw_obj(j);
	jw_m_text(j, "mediaType", media_type);
	jw_m_text(j, "digest", text);
	jw_m_u64(j, "size", size);
	if (tag) {
		jw_name(j, "annotations");
		jw_obj(j);
		jw_m_text(j, LAYOUT_NOTE_TAG, tag);
		jw_obj_end(j);
	}
	jw_obj_end(j);
}

/* Replaced by the new entry: one with its tag, or an untagged one of the same bytes. */
static bool replaced(const struct descriptor *d, const char *tag, const uint8_t digest[static 32])
{
	struct span name = descriptor_note(d, LAYOUT_NOTE_TAG);

	if (tag)
		return span_eq_str(name, tag);
	return name.n == 0 && memcmp(d->digest, digest, 32) == 0; /* public: digests */
}

enum coffer_rc layout_tag(struct layout *l, const char *tag, const char *media_type, struct span body, uint8_t digest[static 32],
    struct err *e)
{
	CLEANUP(freep) char *path = path_in(l, "index.json");
	CLEANUP(wr_close) struct wr w = wr_open(MANIFEST_MAX);
	struct json_wr j = jw_open(&w, false);
	struct image_index fresh;

	if (!path)
		return no_memory(e);
	TRY(layout_put(l, body, digest, e));
	jw_obj(&j);
	jw_m_u64(&j, "schemaVersion", 2);
	jw_m_text(&j, "mediaType", MEDIA_OCI_INDEX);
	jw_name(&j, "manifests");
	jw_arr(&j);
	for (size_t i = 0; i < l->index.n; i++)
		if (!replaced(&l->index.entry[i].d, tag, digest))
			jw_value(&j, l->index.entry[i].d.value);
	write_entry(&j, tag, media_type, digest, body.n);
	jw_arr_end(&j);
	jw_obj_end(&j);
	TRY(wr_done(&w, "index.json", e));
	TRY(image_index_parse(wr_span(&w), &fresh, e));
	image_index_clear(&l->index);
	l->index = fresh;
	return file_write(path, wr_span(&w), 0644, e);
}
