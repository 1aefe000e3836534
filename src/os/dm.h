/* Device-mapper, as far as a disk is put together from it once: a device of one target, made, loaded, resumed.
 * Spec: linux/dm-ioctl.h (interface 4.0); the targets' parameters in the kernel's admin-guide/device-mapper.
 */
#pragma once
#include <stdint.h>

#include "base/err.h"

#define DM_NAME_MAX   64
#define DM_PARAMS_MAX 512

struct dm_device {
	const char *name;    /* a device of this name must not be there yet */
	const char *type;    /* of target */
	const char *params;  /* never a key: name one in a keyring (os/keyring.h) */
	uint64_t    sectors; /* of 512 bytes */
};
struct dm_made { uint32_t major, minor; }; /* /dev/dm-<minor> */

/* On failure nothing of it is left. COFFER_E_SYSTEM: no device-mapper, no such target, parameters that it does not take (the kernel's log
 * says which); COFFER_E_LIMIT: too long. */
enum coffer_rc dm_make(const struct dm_device *d, struct dm_made *out, struct err *e) NODISCARD;
enum coffer_rc dm_remove(const char *name, struct err *e) NODISCARD;
