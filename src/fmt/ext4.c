#include "fmt/ext4.h"

#include <string.h>

#define GROUP_BLOCKS 32768u /* a bitmap is one block */
#define GROUP_INODES 8192u
#define INODE_BYTES  256u
#define TABLE_BLOCKS (GROUP_INODES * INODE_BYTES / EXT4_BLOCK)
#define GROUP_FRAME  (2 + TABLE_BLOCKS) /* of a group: two bitmaps and the inode table */
#define GROUP_MIN    (GROUP_FRAME + 64) /* a shorter rest is left over */
#define DESC_BYTES   32u
#define DESCS	     (EXT4_BLOCK / DESC_BYTES)

#define INODE_ROOT  2u
#define INODE_FIRST 11u /* the first that is nobody's: /lost+found */
#define INODES_USED 11u
#define FOLDERS	    2u

#define COMPAT	  (0x0008u | 0x0020u | 0x0200u)			      /* ext_attr, dir_index, sparse_super2 */
#define INCOMPAT  (0x0002u | 0x0040u)				      /* filetype, extents */
#define RO_COMPAT (0x0002u | 0x0008u | 0x0010u | 0x0020u | 0x0040u) /* large_file, huge_file, gdt_csum, dir_nlink, extra_isize */

#define NO_INODES 0x0001u /* of a group: inode table and bitmap were never written */
#define NO_BLOCKS 0x0002u /* nor its block bitmap, as if all but the frame were free */

struct plan {
	const struct ext4_new *o;
	uint32_t groups, desc_blocks;
	uint64_t blocks;
	uint32_t used; /* blocks of the first group that are taken, from its start */
};
struct block { uint8_t b[EXT4_BLOCK]; };

static void put16(struct block *k, size_t at, uint32_t v)
{
	k->b[at] = (uint8_t)v;
	k->b[at + 1] = (uint8_t)(v >> 8);
}

static void put32(struct block *k, size_t at, uint64_t v)
{
	put16(k, at, (uint32_t)(v & 0xffff));
	put16(k, at + 2, (uint32_t)(v >> 16 & 0xffff));
}

/* CRC-16 with polynomial 0x8005, reflected. */
static uint16_t crc16(uint16_t crc, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		crc = (uint16_t)(crc ^ p[i]);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
	}
	return crc;
}

/* ---- where things are ---- */

static uint32_t bitmap_at(const struct plan *p) { return 1 + p->desc_blocks; } /* of the first group */
static uint32_t table_at(const struct plan *p) { return bitmap_at(p) + 2; }
static uint32_t root_at(const struct plan *p) { return table_at(p) + TABLE_BLOCKS; }
static uint32_t lost_at(const struct plan *p) { return root_at(p) + 1; }

static uint32_t group_size(const struct plan *p, uint32_t g)
{
	return g + 1 < p->groups ? GROUP_BLOCKS : (uint32_t)(p->blocks - (uint64_t)g * GROUP_BLOCKS);
}

static enum coffer_rc plan(const struct ext4_new *o, struct plan *p, struct err *e)
{
	uint64_t blocks = o->bytes / EXT4_BLOCK, rest = blocks % GROUP_BLOCKS;

	if (o->bytes < EXT4_BYTES_MIN || o->bytes > EXT4_BYTES_MAX)
		return err_set(e, COFFER_E_LIMIT, "a file system of %llu bytes: %llu to %llu", (unsigned long long)o->bytes, EXT4_BYTES_MIN, EXT4_BYTES_MAX);
	if (rest < GROUP_MIN && blocks > GROUP_BLOCKS)
		blocks -= rest;
	*p = (struct plan){ .o = o, .blocks = blocks, .groups = (uint32_t)((blocks + GROUP_BLOCKS - 1) / GROUP_BLOCKS) };
	p->desc_blocks = (p->groups + DESCS - 1) / DESCS;
	p->used = lost_at(p) + 1;
	return COFFER_OK;
}

/* ---- what they are ---- */

static void superblock(const struct plan *p, struct block *k)
{
	const size_t s = 1024; /* where it stands in its block */
	uint64_t free = p->blocks - p->used - (uint64_t)(p->groups - 1) * GROUP_FRAME;

	put32(k, s + 0x00, (uint64_t)p->groups * GROUP_INODES);
	put32(k, s + 0x04, p->blocks);
	put32(k, s + 0x0c, free);
	put32(k, s + 0x10, (uint64_t)p->groups * GROUP_INODES - INODES_USED);
	put32(k, s + 0x18, 2); /* 1024 << 2 bytes in a block */
	put32(k, s + 0x1c, 2);
	put32(k, s + 0x20, GROUP_BLOCKS);
	put32(k, s + 0x24, GROUP_BLOCKS);
	put32(k, s + 0x28, GROUP_INODES);
	put32(k, s + 0x30, p->o->time);
	put16(k, s + 0x36, 0xffff); /* mounts until a check: none */
	put16(k, s + 0x38, 0xef53);
	put16(k, s + 0x3a, 1); /* clean */
	put16(k, s + 0x3c, 2); /* on an error: read-only from then on */
	put32(k, s + 0x40, p->o->time);
	put32(k, s + 0x4c, 1); /* revision with the fields below */
	put32(k, s + 0x54, INODE_FIRST);
	put16(k, s + 0x58, INODE_BYTES);
	put32(k, s + 0x5c, COMPAT);
	put32(k, s + 0x60, INCOMPAT);
	put32(k, s + 0x64, RO_COMPAT);
	memcpy(k->b + s + 0x68, p->o->uuid, sizeof(p->o->uuid));
	memcpy(k->b + s + 0xec, p->o->hash_seed, sizeof(p->o->hash_seed));
	k->b[s + 0xfc] = 1; /* names in folders are hashed by half MD4 */
	put32(k, s + 0x100, 0x4 | 0x8); /* user attributes, ACLs */
	put32(k, s + 0x108, p->o->time);
	put16(k, s + 0x15c, 32);
	put16(k, s + 0x15e, 32);
	put32(k, s + 0x160, 1); /* those hashes take characters as signed */
}

static void descriptor(const struct plan *p, uint32_t g, struct block *k, size_t at)
{
	uint64_t start = g ? (uint64_t)g * GROUP_BLOCKS : bitmap_at(p);
	uint8_t number[4] = { (uint8_t)g, (uint8_t)(g >> 8), (uint8_t)(g >> 16), (uint8_t)(g >> 24) };
	uint16_t crc;

	put32(k, at, start);
	put32(k, at + 4, start + 1);
	put32(k, at + 8, start + 2);
	put16(k, at + 0x0c, group_size(p, g) - (g ? GROUP_FRAME : p->used));
	put16(k, at + 0x0e, GROUP_INODES - (g ? 0 : INODES_USED));
	put16(k, at + 0x10, g ? 0 : FOLDERS);
	put16(k, at + 0x12, !g ? 0 : g + 1 < p->groups ? NO_INODES | NO_BLOCKS : NO_INODES);
	put16(k, at + 0x1c, GROUP_INODES - (g ? 0 : INODES_USED)); /* the end of the inode table that was never written */
	crc = crc16(0xffff, p->o->uuid, sizeof(p->o->uuid));
	crc = crc16(crc, number, sizeof(number));
	crc = crc16(crc, k->b + at, 0x1e);
	put16(k, at + 0x1e, crc);
}

/* Bits from..to, lowest bit first. */
static void mark(struct block *k, uint32_t from, uint32_t to)
{
	for (; from < to; from++)
		k->b[from / 8] = (uint8_t)(k->b[from / 8] | 1u << from % 8);
}

static void folder_inode(const struct plan *p, uint32_t n, uint32_t mode, uint32_t links, uint32_t where, struct block *k)
{
	size_t at = (size_t)(n - 1) * INODE_BYTES;

	put16(k, at, mode);
	put32(k, at + 0x04, EXT4_BLOCK);
	for (size_t t = 0x08; t <= 0x10; t += 4)
		put32(k, at + t, p->o->time);
	put16(k, at + 0x1a, links);
	put32(k, at + 0x1c, EXT4_BLOCK / 512);
	put32(k, at + 0x20, 0x80000); /* by extents: one, of one block */
	put16(k, at + 0x28, 0xf30a);
	put16(k, at + 0x2a, 1);
	put16(k, at + 0x2c, 4);
	put16(k, at + 0x38, 1);
	put32(k, at + 0x3c, where);
	put16(k, at + 0x80, 32);
	put32(k, at + 0x90, p->o->time);
}

static size_t entry(struct block *k, size_t at, uint32_t inode, const char *name, size_t room)
{
	size_t n = strlen(name), len = room ? room : (8 + n + 3) & ~(size_t)3;

	put32(k, at, inode);
	put16(k, at + 4, (uint32_t)len);
	k->b[at + 6] = (uint8_t)n;
	k->b[at + 7] = 2; /* a folder */
	memcpy(k->b + at + 8, name, n);
	return at + len;
}

/* ---- written, from low to high ---- */

static enum coffer_rc put(const struct ext4_out *out, uint64_t block, struct block *k, struct err *e)
{
	enum coffer_rc rc = out->write(out->arg, block * EXT4_BLOCK, (struct span){ k->b, sizeof(k->b) }, e);

	memset(k, 0, sizeof(*k));
	return rc;
}

static enum coffer_rc put_descriptors(const struct plan *p, const struct ext4_out *out, struct block *k, struct err *e)
{
	for (uint32_t g = 0; g < p->groups; g++) {
		descriptor(p, g, k, (size_t)(g % DESCS) * DESC_BYTES);
		if (g % DESCS == DESCS - 1 || g + 1 == p->groups)
			TRY(put(out, 1 + g / DESCS, k, e));
	}
	return COFFER_OK;
}

static enum coffer_rc put_folders(const struct plan *p, const struct ext4_out *out, struct block *k, struct err *e)
{
	size_t at;

	folder_inode(p, INODE_ROOT, 040755, 3, root_at(p), k);
	folder_inode(p, INODE_FIRST, 040700, 2, lost_at(p), k);
	TRY(put(out, table_at(p), k, e));
	at = entry(k, 0, INODE_ROOT, ".", 0);
	at = entry(k, at, INODE_ROOT, "..", 0);
	(void)entry(k, at, INODE_FIRST, "lost+found", EXT4_BLOCK - at);
	TRY(put(out, root_at(p), k, e));
	at = entry(k, 0, INODE_FIRST, ".", 0);
	(void)entry(k, at, INODE_ROOT, "..", EXT4_BLOCK - at);
	return put(out, lost_at(p), k, e);
}

/* A last group is often shorter than its bitmap, which says so. */
static enum coffer_rc put_last(const struct plan *p, const struct ext4_out *out, struct block *k, struct err *e)
{
	mark(k, 0, GROUP_FRAME);
	mark(k, group_size(p, p->groups - 1), GROUP_BLOCKS);
	return put(out, (uint64_t)(p->groups - 1) * GROUP_BLOCKS, k, e);
}

enum coffer_rc ext4_format(const struct ext4_new *o, const struct ext4_out *out, struct err *e)
{
	struct block k = { { 0 } };
	struct plan p = { .o = o };

	TRY(plan(o, &p, e));
	superblock(&p, &k);
	TRY(put(out, 0, &k, e));
	TRY(put_descriptors(&p, out, &k, e));
	mark(&k, 0, p.used);
	mark(&k, group_size(&p, 0), GROUP_BLOCKS);
	TRY(put(out, bitmap_at(&p), &k, e));
	mark(&k, 0, INODES_USED);
	mark(&k, GROUP_INODES, 8 * EXT4_BLOCK);
	TRY(put(out, bitmap_at(&p) + 1, &k, e));
	TRY(put_folders(&p, out, &k, e));
	return p.groups > 1 ? put_last(&p, out, &k, e) : COFFER_OK;
}
