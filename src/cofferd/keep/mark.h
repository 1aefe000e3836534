/* How far this service has written its journal, kept beside the database so that an older copy of it is noticed.
 *
 * keep.mark, mode 0600: "COFFERM1" || number of entries (8, big-endian) || HMAC-SHA256 of both under the journal's key.
 * It is raised after each commit and not synced: after a power cut it may lag behind the database, never lead it.
 * Whoever puts back the whole folder from one old copy is not noticed here.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct mark; /* opaque */

/* Writes a new file, or sets an old one to entries, which may be fewer. */
enum coffer_rc mark_write(const char *path, const uint8_t mac_key[static 32], uint64_t entries, struct err *e) NODISCARD;

/* COFFER_E_NOTFOUND when absent; COFFER_E_DENIED (check "R12") when it was not made with this key. */
enum coffer_rc mark_open(const char *path, const uint8_t mac_key[static 32], struct mark **out, struct err *e) NODISCARD;
void           mark_close(struct mark *m);
uint64_t       mark_entries(const struct mark *m);

enum coffer_rc mark_raise(struct mark *m, uint64_t entries, struct err *e) NODISCARD;
