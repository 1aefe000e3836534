#include "agent/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "agent/vm_disk.h"
#include "base/own.h"
#include "base/secret.h"
#include "fmt/ext4.h"
#include "os/dm.h"
#include "os/keyring.h"

#define SECTOR	  512u
#define BLOCK	  4096u
#define KEY_LEN	  32u
#define KEY_NAME  "coffer:scratch"
#define TAG_LEN	  28u	       /* IV and tag of AES-GCM */
#define TAGS_MORE (16ull << 20) /* superblock, the shortest of journals, a buffer's rounding: address space, not memory */
#define IN_TAGS	  "coffer-tags"

void scratch_clear(struct scratch *s)
{
	closep(&s->tags.fd);
}

enum coffer_rc scratch_size(uint64_t said, uint64_t *use, struct err *e)
{
	if (said < SCRATCH_MIN)
		return err_deny(e, "disk", "the scratch disk says it has %llu bytes: at least %llu", (unsigned long long)said, SCRATCH_MIN);
	*use = (said < SCRATCH_MAX ? said : SCRATCH_MAX) / BLOCK * BLOCK;
	return COFFER_OK;
}

static enum coffer_rc failed(const char *what, struct err *e)
{
	return err_set(e, COFFER_E_SYSTEM, "scratch disk: %s: %s", what, strerror(errno));
}

/* ---- the disk, its tags in memory, the encryption above both ---- */

struct layers { uint32_t major, minor; uint64_t bytes; struct dm_made tagged, plain; }; /* first the disk itself */

static enum coffer_rc open_disk(const char *name, struct layers *l, struct err *e)
{
	char path[VM_DISK_NAME + sizeof("/dev/")];
	CLEANUP(closep) int fd = -1;
	uint64_t said = 0;
	struct stat st;

	(void)snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || ioctl(fd, BLKGETSIZE64, &said) != 0)
		return failed(path, e);
	l->major = major(st.st_rdev);
	l->minor = minor(st.st_rdev);
	return scratch_size(said, &l->bytes, e);
}

/* "D": no journal of data, which would only tell how to recover after a crash. The tags' disk is blank, so the target formats it. */
static enum coffer_rc make_tagged(const struct memdisk *tags, struct layers *l, struct err *e)
{
	char params[DM_PARAMS_MAX];
	const struct dm_device d = { .name = IN_TAGS, .type = "integrity", .params = params, .sectors = l->bytes / SECTOR };

	(void)snprintf(params, sizeof(params), "%u:%u 0 %u D 3 block_size:%u meta_device:%u:%u journal_sectors:128", l->major, l->minor, TAG_LEN, BLOCK,
	    tags->major, tags->minor);
	return dm_make(&d, &l->tagged, e);
}

static enum coffer_rc make_plain(struct layers *l, struct err *e)
{
	char params[DM_PARAMS_MAX];
	const struct dm_device d = { .name = SCRATCH_SERIAL, .type = "crypt", .params = params, .sectors = l->bytes / SECTOR };

	(void)snprintf(params, sizeof(params), "capi:gcm(aes)-random :%u:logon:" KEY_NAME " 0 %u:%u 0 2 integrity:%u:aead sector_size:%u", KEY_LEN,
	    l->tagged.major, l->tagged.minor, TAG_LEN, BLOCK);
	return dm_make(&d, &l->plain, e);
}

static enum coffer_rc draw(void *p, size_t n, struct err *e)
{
	return getrandom(p, n, 0) == (ssize_t)n ? COFFER_OK : failed("random numbers", e);
}

/* The key is in a keyring for as long as its target is being made. */
static enum coffer_rc encrypt(struct layers *l, struct err *e)
{
	CLEANUP(secret_free) struct secret key = { 0 };
	enum coffer_rc made, gone;
	struct err unused = { 0 };
	int32_t id = 0;

	TRY(secret_new(KEY_LEN, &key, e));
	TRY(draw(key.p, key.n, e));
	TRY(keyring_add(KEY_NAME, &key, &id, e));
	secret_free(&key);
	made = make_plain(l, e);
	gone = keyring_revoke(id, made == COFFER_OK ? e : &unused);
	return made != COFFER_OK ? made : gone;
}

/* ---- the file system ---- */

static enum coffer_rc put_block(void *arg, uint64_t at, struct span block, struct err *e)
{
	return pwrite(*(const int *)arg, block.p, block.n, (off_t)at) == (ssize_t)block.n ? COFFER_OK : failed("new file system", e);
}

static enum coffer_rc format(const char *device, uint64_t bytes, struct err *e)
{
	CLEANUP(closep) int fd = open(device, O_RDWR | O_CLOEXEC);
	const struct ext4_out out = { put_block, &fd };
	struct ext4_new o = { .bytes = bytes, .time = (uint32_t)time(NULL) };

	if (fd < 0)
		return failed(device, e);
	TRY(draw(o.uuid, sizeof(o.uuid), e));
	TRY(draw(o.hash_seed, sizeof(o.hash_seed), e));
	TRY(ext4_format(&o, &out, e));
	return fsync(fd) == 0 ? COFFER_OK : failed("new file system", e);
}

enum coffer_rc scratch_open(struct scratch *out, struct err *e)
{
	CLEANUP(scratch_clear) struct scratch s = { .tags.fd = -1 };
	struct layers l = { 0 };
	char name[VM_DISK_NAME];
	enum coffer_rc rc = vm_disk_find(VM_SYS_BLOCK, SCRATCH_SERIAL, name, e);

	*out = (struct scratch){ .tags.fd = -1 };
	if (rc == COFFER_E_NOTFOUND)
		return COFFER_OK;
	TRY(rc);
	TRY(open_disk(name, &l, e));
	TRY(memdisk_open(l.bytes / BLOCK * TAG_LEN + TAGS_MORE, &s.tags, e));
	TRY(make_tagged(&s.tags, &l, e));
	TRY(encrypt(&l, e));
	(void)snprintf(s.device, sizeof(s.device), "/dev/dm-%u", l.plain.minor);
	TRY(format(s.device, l.bytes, e));
	s.bytes = l.bytes;
	*out = s;
	s.tags.fd = -1;
	return COFFER_OK;
}

/* Inode tables that were never written have no tag, so nobody may read ahead into them or fill them up behind everyone's back. */
enum coffer_rc scratch_mount(const char *device, const char *at, struct err *e)
{
	if (mkdir(at, 0700) != 0 || mount(device, at, "ext4", MS_NOSUID | MS_NODEV, "noinit_itable,inode_readahead_blks=0,errors=remount-ro") != 0)
		return failed(at, e);
	return COFFER_OK;
}
