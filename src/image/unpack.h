/* Writes one layer archive into a folder, as overlayfs wants to see it.
 *
 * Nothing is ever written through a symbolic link: each folder is opened from its parent, one component at a time
 * without following, so no archive reaches anything outside the root. Names, depth, bytes and entries are bounded.
 *
 *   .wh.NAME        character device 0:0, mode 0, unless the same layer also brings NAME; a folder NAME is made opaque
 *   .wh..wh..opq    trusted.overlay.opaque=y on its folder, which is made if it comes later in the archive
 *   file, fifo, device   owner, then mode (chown clears set-id bits), then attributes, then time
 *   hard link       target from the layer's root, absolute or not; owner and mode stay those of the file
 *   folder          time set at the end
 *   attributes      user.* (dropped where the file system has none) and security.capability (an error there). trusted.*
 *                   is refused, it would steer overlayfs; system.* too: leaving out an access list can widen access.
 *                   Others (security.selinux, ...) belong to the machine the image was built on and are dropped.
 *   device          only where the budget says so. Else left out, as if the layer had removed its name: in a guest a node would open the
 *                   machine's own device (its TPM, its disks) to the container, and what that needs of /dev it gets from the runtime.
 *                   0:0 is refused: only a whiteout may look like one
 *
 * An entry replaces what an earlier entry of the same name made. Must run with the rights to chown, mknod and set
 * trusted.* attributes. COFFER_E_DENIED check "unpack" for what breaks a rule, COFFER_E_LIMIT, COFFER_E_INPUT (tar.h),
 * COFFER_E_SYSTEM (disk full and the like). What was written stays: the caller removes the folder.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"

struct unpack_budget { /* what is left for all layers of one image; unpack subtracts */
	uint64_t bytes;   /* file contents, names and attributes */
	uint64_t entries; /* implied folders included */
	bool devices;     /* nodes of devices are made */
};

struct unpack;
/* root_fd: an empty folder opened for reading, borrowed; so is *b. Changes the root's mode and owner when the archive says so. */
enum coffer_rc unpack_open(int root_fd, struct unpack_budget *b, struct unpack **out, struct err *e) NODISCARD;
void unpack_free(struct unpack *u);
static inline void unpack_freep(struct unpack **u) { unpack_free(*u); *u = NULL; }

enum coffer_rc unpack_add(struct unpack *u, struct span in, struct err *e) NODISCARD; /* archive bytes, pieces of any size */
enum coffer_rc unpack_end(struct unpack *u, struct err *e) NODISCARD; /* whole archive seen; sets the folders' times */

/* The layer hides everything below it (an opaque mark on the root itself, which overlayfs would not honour). */
bool unpack_root_opaque(const struct unpack *u);
