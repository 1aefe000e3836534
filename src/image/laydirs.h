/* The folders of a layer being written: open descriptors of the present path, from the root down.
 *
 * Archives walk a tree depth first, so the next entry's folder is nearly always at hand or one step
 * away. Each step opens one component of its parent without following a link, so no path leaves the root.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "image/laypath.h"

struct laydirs {
	int root_fd; /* borrowed */
	size_t depth;
	struct {
		int fd;
		size_t end; /* length of text up to and with this component */
	} level[LAYPATH_DEPTH];
	char text[TAR_NAME_MAX + 1];
	uint64_t *entries; /* budget, one for each folder made here; borrowed */
};

void laydirs_init(struct laydirs *d, int root_fd, uint64_t *entries);
void laydirs_clear(struct laydirs *d); /* CLEANUP-ready; closes all but the root */

/* *fd: the folder `path` (plain components joined by '/', "" = the root), borrowed until the next call. Missing folders
 * are made: root's, 0755. COFFER_E_DENIED check "unpack" when something else than a folder is in the way. */
enum coffer_rc laydirs_enter(struct laydirs *d, struct span path, int *fd, struct err *e) NODISCARD;

/* As laydirs_enter, but whatever else stands at the last component gives way. */
enum coffer_rc laydirs_enter_last(struct laydirs *d, struct span path, int *fd, struct err *e) NODISCARD;

/* Opens a folder that must be there, without following links or making anything. errno style: -1 when it is not.
 * Caller closes. */
int laydirs_open(const struct laydirs *d, const char *path, int flags);

/* trusted.overlay.opaque=y */
enum coffer_rc laydirs_set_opaque(int fd, struct err *e) NODISCARD;
