/* The scratch disk of a machine: images' files and empty volumes lie on it, encrypted, so that they need not fit into memory.
 *
 * Whoever launches the machine gives it the disk and may do with it what it likes. Each boot takes it as blank: a new key, never stored and never
 * outside this kernel; a new file system. AES-256-GCM for each 4096 bytes with an IV drawn anew at every write (dm-crypt); tags and IVs are not
 * on the disk but in this machine's memory (dm-integrity, tags alone, on os/memdisk.h), so that bytes that are changed, moved or put back to an
 * older state are an I/O error, and nothing that the disk says of itself is ever read. What stays with the host: to refuse reads and writes, to
 * see where and when something is written, and to keep the ciphertext. Not checked: anything of the disk's content.
 *
 * A machine without such a disk keeps all in memory: a host can always give less. One that cannot be set up ends the machine.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "os/memdisk.h"

#define SCRATCH_SERIAL "coffer-scratch"
#define SCRATCH_MIN    (64ull << 20)
#define SCRATCH_MAX    (1ull << 40) /* of a larger disk this much is used */

struct scratch {
	uint64_t bytes;	     /* 0: this machine has none */
	char	 device[32]; /* holds the file system */
	struct memdisk tags;
};
void scratch_clear(struct scratch *s); /* CLEANUP-ready; {.tags.fd = -1} is empty. The kernel's devices stay until the machine ends. */

/* What of a disk that says it has so many bytes is used. A disk that has less than it says fails when it is written. COFFER_E_DENIED (check "disk"):
 * too small. */
enum coffer_rc scratch_size(uint64_t said, uint64_t *use, struct err *e) NODISCARD;
/* Finds it, by its serial, and makes a file system on it. COFFER_E_DENIED (check "disk"), COFFER_E_SYSTEM. */
enum coffer_rc scratch_open(struct scratch *out, struct err *e) NODISCARD;
/* In this process's mount namespace. COFFER_E_SYSTEM. */
enum coffer_rc scratch_mount(const char *device, const char *at, struct err *e) NODISCARD;
