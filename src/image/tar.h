/* Streaming reader of layer archives: ustar, pax (path, linkpath, size, uid, gid, mtime,
 * SCHILY.xattr.*) and GNU long names. Bytes in, entries out; touches no file.
 *
 * Read as the Go container tools read: links, devices and folders have no data whatever their size field
 * says; unknown pax records are skipped. Refused: sparse files, multi-volume pieces, a global pax header that
 * sets anything read here, bytes behind the end marker. The marker itself and the padding before it may be missing:
 * widely used tools write such layers, and the diff_id tells a whole layer from a cut one.
 * Names are byte strings without NUL; whether they stay below a root is laypath.h's business.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define TAR_NAME_MAX 4096          /* bytes of a path or link target */
#define TAR_EXT_MAX ((size_t)1 << 20) /* bytes of one pax or long-name header */
#define TAR_EXT_RUN 8              /* extension headers before one entry */
#define TAR_XATTRS 64              /* of one entry */
#define TAR_XATTR_NAME_MAX 255
#define TAR_XATTR_VALUE_MAX 65536

enum tar_type { TAR_FILE, TAR_HARDLINK, TAR_SYMLINK, TAR_CHAR, TAR_BLOCK, TAR_DIR, TAR_FIFO };

struct tar_xattr {
	struct span name;
	struct span value;
};
struct tar_entry { /* borrowed, spans too: until close() of a TAR_FILE, until entry() returns for all others */
	enum tar_type type;
	struct span path; /* 1..TAR_NAME_MAX bytes, as written */
	struct span link; /* hard and symbolic links: 1..TAR_NAME_MAX bytes; else empty */
	uint32_t mode;    /* 07777 bits */
	uint32_t uid, gid; /* never 2^32-1, which chown(2) takes for "leave" */
	uint64_t size;    /* bytes that follow by data(); 0 unless TAR_FILE */
	int64_t mtime;    /* seconds since 1970 */
	uint32_t mtime_ns;
	uint32_t major, minor; /* TAR_CHAR, TAR_BLOCK */
	size_t n_xattrs;
	struct tar_xattr xattrs[TAR_XATTRS];
};

/* An error of a callback ends the reading and is returned by tar_add. */
struct tar_sink {
	enum coffer_rc (*entry)(void *arg, const struct tar_entry *t, struct err *e);
	enum coffer_rc (*data)(void *arg, struct span piece, struct err *e); /* TAR_FILE only */
	enum coffer_rc (*close)(void *arg, struct err *e);                  /* after the last byte of each TAR_FILE */
	void *arg;
};

struct tar;
enum coffer_rc tar_open(const struct tar_sink *s, struct tar **out, struct err *e) NODISCARD; /* copies *s */
void tar_free(struct tar *t);
static inline void tar_freep(struct tar **t) { tar_free(*t); *t = NULL; }

/* Pieces of any size. COFFER_E_INPUT (malformed), COFFER_E_LIMIT (a bound above). After an error the reader is dead. */
enum coffer_rc tar_add(struct tar *t, struct span in, struct err *e) NODISCARD;

/* COFFER_E_INPUT when an entry or extension is half-read. */
enum coffer_rc tar_end(struct tar *t, struct err *e) NODISCARD;
