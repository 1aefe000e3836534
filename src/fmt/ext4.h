/* An empty ext4 file system, for a disk that lives as long as one boot.
 *
 * Written is only what the kernel reads before it wrote it: superblock, group descriptors, and the first group's bitmaps, inodes and two
 * folders (/ and /lost+found), the last group's block bitmap. The other groups are marked as never used, their bitmaps and inode tables as not
 * there yet (uninit_bg), so that most disks cost eight blocks. No journal and no copies of the superblock (sparse_super2): nothing is recovered after a crash.
 * Spec: kernel documentation, filesystems/ext4. Reading one is the kernel's.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define EXT4_BLOCK     4096u
#define EXT4_BYTES_MIN (16ull << 20)
#define EXT4_BYTES_MAX (1ull << 40)

struct ext4_new {
	uint64_t bytes;	  /* of the disk; what is left over at its end is not used */
	uint8_t	 uuid[16], hash_seed[16];
	uint32_t time;	  /* of all dates, seconds since 1970 */
};
/* `block` is one whole block, `at` its byte offset. Each block once, from low to high. */
struct ext4_out {
	enum coffer_rc (*write)(void *arg, uint64_t at, struct span block, struct err *e);
	void *arg;
};
/* COFFER_E_LIMIT: smaller than EXT4_BYTES_MIN or larger than EXT4_BYTES_MAX; else what write says. */
enum coffer_rc ext4_format(const struct ext4_new *o, const struct ext4_out *out, struct err *e) NODISCARD;
