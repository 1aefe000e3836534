/* The sealed data file of docs/protocol/guest.md: an owner's file under a data key that only an entitled container gets.
 *
 * Streaming: one chunk of 64 KiB in memory, which is locked and wiped. The key of a chunk is never used twice because
 * every sealing draws a new salt; every sealing should have a new data key nevertheless (guest.md).
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "trust/name.h"

#define DATA_KEY_LEN 32
#define DATA_CHUNK 65536u          /* bytes of plain text in every chunk but the last */
#define DATA_TAG 16
#define DATA_NAME_MAX 255
#define DATA_HEADER_MAX 4096u      /* bytes of the header's JSON */
#define DATA_SIZE_MAX (UINT64_C(1) << 40)

struct data_header {
	struct asset_path asset;
	uint64_t          version;             /* of the asset that is the data key */
	uint64_t          size;                /* of the plain text, bytes */
	char              name[DATA_NAME_MAX + 1]; /* the owner's name for it; no control characters */
	uint8_t           salt[32];
};

/* *n = 0 at the end; fewer than cap bytes at any time. */
typedef enum coffer_rc (*data_read_fn)(void *arg, uint8_t *p, size_t cap, size_t *n, struct err *e);
typedef enum coffer_rc (*data_write_fn)(void *arg, struct span s, struct err *e);
struct data_io {
	data_read_fn  read;
	void         *read_arg;
	data_write_fn write;
	void         *write_arg;
};

/* h: asset, version, size and name are the caller's; the salt is drawn here and written back. COFFER_E_INPUT when the
 * input is not exactly h->size bytes (it changed meanwhile) or a member is out of range; what was written is then worthless. */
enum coffer_rc data_file_seal(struct data_header *h, const uint8_t key[static DATA_KEY_LEN], const struct data_io *io,
    struct err *e) NODISCARD;

/* What the caller demands: the file must say the same, so that one owner's file never passes for another's. */
struct data_want { struct asset_path asset; uint64_t version; };

/* Plain text is written chunk by chunk, each only after its tag has held. ANY failure means that what was written must
 * be thrown away: only COFFER_OK says that the file is whole. COFFER_E_DENIED (check "seal"): another asset or version
 * than wanted, a wrong key, and a file that was changed, cut, extended or reordered; COFFER_E_INPUT: no such file, or a
 * header that is not the one JCS spelling. */
enum coffer_rc data_file_open(const struct data_want *want, const uint8_t key[static DATA_KEY_LEN], const struct data_io *io,
    struct data_header *out, struct err *e) NODISCARD;

/* The header of a file whose first bytes are given (DATA_HEADER_MAX + 12 are always enough). Not authenticated: for display, and
 * to know which key to ask for. *used = bytes before the chunks. */
enum coffer_rc data_header_parse(struct span file, struct data_header *out, size_t *used, struct err *e) NODISCARD;

/* Bytes of the whole file for a plain text of h->size bytes. COFFER_E_INPUT as sealing would. */
enum coffer_rc data_file_size(const struct data_header *h, uint64_t *out, struct err *e) NODISCARD;

/* Ends of a data_io for files that are in memory: read_arg is a struct span (which is consumed), write_arg a struct wr. */
enum coffer_rc data_read_span(void *arg, uint8_t *p, size_t cap, size_t *n, struct err *e);
enum coffer_rc data_write_wr(void *arg, struct span s, struct err *e);
