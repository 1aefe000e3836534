#include "cli/guest/image.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/cpio.h"
#include "fmt/elf.h"
#include "fmt/inflate.h"
#include "fmt/pe_append.h"

#define RAMDISK_MAX (256u << 20)
#define ZSTD_LEVEL  9 /* higher ones take ten times as long for a tenth of the bytes */
#define LOADER	    "usr/lib64/ld-linux-x86-64.so.2"
#define CRUN	    "usr/bin/crun"
#define BUSYBOX	    "usr/bin/busybox"
#define STUB	    "usr/lib/systemd/boot/efi/linuxx64.efi.stub"
#define HARDENED    "panic=-1 oops=panic module.sig_enforce=1 lockdown=integrity"
/* What a kernel does again at each start to find out what a measured one cannot have wrong, or what its host could as well have feigned: its
 * ciphers' known answers, and one of the host's clocks and timers by another. Upstream's guests start with the same. */
#define UNDOUBTED   "cryptomgr.notests tsc=reliable no_timer_check"

#define LINKED	    ".coffer.linked" /* section of the agent */

/* The kernel; crun and what it needs; what the agent needs; the firmware that a machine starts with. Not more: a library that nothing asks for would not be picked. */
static const char *const packages[] = { "linux-image-cloud-amd64@", "libc6", "crun", "libcap2", "libgcrypt20", "libgpg-error0", "liblz4-1", "liblzma5",
	"libseccomp2", "libsystemd0", "libyajl2", "libzstd1", "libisal2", "libprotobuf-c1", "ovmf" };
/* Disks (initdata), the channel (a port or vsock), randomness, the layers of images; the scratch disk's encryption, tags and the memory they are in. */
static const char *const modules[] = { "virtio_pci", "virtio_blk", "virtio_console", "vmw_vsock_virtio_transport", "virtio_rng", "overlay", "aesni_intel", "dm_crypt", "dm_integrity", "loop",
	NULL };

void guest_package_names(const struct guest_recipe *r, const char *out[static GUEST_PACKAGES_MAX + 1])
{
	size_t n = sizeof(packages) / sizeof(packages[0]);

	memcpy(out, packages, sizeof(packages));
	if (r->openssl)
		out[n++] = "libssl3";
	if (r->debug)
		out[n++] = "busybox-static";
	if (r->uki)
		out[n++] = "systemd-boot-efi";
	out[n] = NULL;
}

enum coffer_rc guest_agent(struct guest_image *g, struct err *e)
{
	struct elf_needed needed;
	struct span list;

	TRY(elf_needed(wr_span(&g->agent), &needed, e));
	for (size_t i = 0; i < needed.n; i++)
		if (span_starts(needed.name[i], "libssl.so.") || span_starts(needed.name[i], "libcrypto.so."))
			g->recipe.openssl = true;
	TRY(elf_section(wr_span(&g->agent), LINKED, &list, e));
	return list.n > 0 ? linked_parse(list, &g->linked, e) : COFFER_OK;
}

const char *guest_cmdline(const struct guest_recipe *r)
{
	return r->debug ? "console=ttyS0 " HARDENED " " UNDOUBTED : "console=ttyS0 quiet " HARDENED " " UNDOUBTED;
}

const char *guest_name(const struct guest_recipe *r)
{
	return r->debug ? "coffer-guest-debug" : "coffer-guest";
}

void guest_image_clear(struct guest_image *g)
{
	tree_clear(&g->from);
	tree_clear(&g->tree);
	wr_close(&g->agent);
	wr_close(&g->kernel);
	wr_close(&g->initrd);
	wr_close(&g->uki);
	wr_close(&g->firmware);
}

/* ---- the tree ---- */

static enum coffer_rc put(struct guest_tree *t, const char *path, uint32_t mode, struct span content, struct err *e)
{
	struct guest_file f = { .mode = mode, .package = SIZE_MAX, .data = wr_open(content.n + 1) };

	wr_put(&f.data, content);
	if (!wr_ok(&f.data))
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return tree_add(t, path, &f, e);
}

/* Mount points, the links that Debian's merged folders are, and what a C library looks for. */
static enum coffer_rc put_frame(struct guest_tree *t, struct err *e)
{
	static const char *const folders[] = { "dev", "proc", "run", "sys", "tmp" };
	static const char *const links[][2] = { { "bin", "usr/bin" }, { "lib", "usr/lib" }, { "lib64", "usr/lib64" } };
	struct guest_file console = { .mode = S_IFCHR | 0600, .package = SIZE_MAX, .major = 5, .minor = 1 };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		TRY(put(t, folders[i], S_IFDIR | 0755, (struct span){ 0 }, e));
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		TRY(put(t, links[i][0], S_IFLNK | 0777, span_of(links[i][1]), e));
	TRY(tree_add(t, "dev/console", &console, e));
	return put(t, "etc/hosts", S_IFREG | 0644, span_of("127.0.0.1 localhost\n"), e);
}

static enum coffer_rc fill(struct guest_image *g, struct err *e)
{
	CLEANUP(wr_close) struct wr order = wr_open(1u << 16);
	struct guest_pick p = { &g->from, &g->tree };

	TRY(put_frame(&g->tree, e));
	TRY(put(&g->tree, "init", S_IFREG | 0755, wr_span(&g->agent), e));
	TRY(pick_needed(&p, wr_span(&g->agent), "the agent", e));
	TRY(pick_program(&p, LOADER, e));
	TRY(pick_program(&p, CRUN, e));
	if (g->recipe.debug) {
		TRY(pick_program(&p, BUSYBOX, e));
		TRY(put(&g->tree, GUEST_DEBUG_MARK, S_IFREG | 0644, span_of("a shell is on the console\n"), e));
	}
	TRY(pick_modules(&p, modules, &order, e));
	TRY(put(&g->tree, GUEST_MODULES, S_IFREG | 0644, wr_span(&order), e));
	return tree_folders(&g->tree, e);
}

/* ---- the files ---- */

static enum coffer_rc pack(struct guest_image *g, struct err *e)
{
	CLEANUP(freep) struct cpio_entry *entry = calloc(g->tree.n, sizeof(*entry));
	CLEANUP(wr_close) struct wr plain = wr_open(RAMDISK_MAX);

	if (!entry)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	for (size_t i = 0; i < g->tree.n; i++) {
		const struct guest_file *f = &g->tree.f[i];

		entry[i] = (struct cpio_entry){ span_of(f->path), f->mode, wr_span(&f->data), f->major, f->minor };
	}
	TRY(cpio_write(entry, g->tree.n, &plain, e));
	g->initrd = wr_open(RAMDISK_MAX);
	TRY(zstd_compress_at(wr_span(&plain), ZSTD_LEVEL, &g->initrd, e));
	return COFFER_OK;
}

static enum coffer_rc take_kernel(struct guest_image *g, struct err *e)
{
	const struct guest_file *found = NULL;

	for (size_t i = 0; i < g->from.n; i++) {
		if (strncmp(g->from.f[i].path, "boot/vmlinuz-", 13) != 0)
			continue;
		if (found)
			return err_set(e, COFFER_E_INPUT, "the packages have two kernels: %s and %s", found->path, g->from.f[i].path);
		found = &g->from.f[i];
	}
	if (!found)
		return err_set(e, COFFER_E_NOTFOUND, "no package has a kernel (boot/vmlinuz-...)");
	g->kernel = wr_open(RAMDISK_MAX);
	wr_put(&g->kernel, wr_span(&found->data));
	g->kernel_package = found->package;
	return wr_done(&g->kernel, "kernel", e);
}

static enum coffer_rc take_firmware(struct guest_image *g, struct err *e)
{
	const struct guest_file *f = tree_find(&g->from, span_of(GUEST_FIRMWARE));

	if (!f)
		return err_set(e, COFFER_E_NOTFOUND, "no package has " GUEST_FIRMWARE " (a list of packages that was made without ovmf? Without --lock apt's are taken)");
	g->firmware = wr_open(RAMDISK_MAX);
	wr_put(&g->firmware, wr_span(&f->data));
	g->firmware_package = f->package;
	return wr_done(&g->firmware, "firmware", e);
}

static enum coffer_rc make_uki(struct guest_image *g, struct err *e)
{
	const struct guest_file *stub = tree_find(&g->from, span_of(STUB));
	struct pe_new section[] = {
		{ ".osrel", span_of("ID=coffer-guest\nVERSION_ID=" COFFER_VERSION "\n") },
		{ ".cmdline", span_of(guest_cmdline(&g->recipe)) },
		{ ".initrd", wr_span(&g->initrd) },
		{ ".linux", wr_span(&g->kernel) },
	};

	if (!stub)
		return err_set(e, COFFER_E_NOTFOUND, "no package has " STUB);
	g->uki = wr_open(2 * (size_t)RAMDISK_MAX);
	return pe_append(wr_span(&stub->data), section, sizeof(section) / sizeof(section[0]), &g->uki, e);
}

enum coffer_rc guest_image_make(struct guest_image *g, const char *folder, struct err *e)
{
	for (size_t i = 0; i < g->packages.n; i++) {
		CLEANUP(freep) char *path = package_path(&g->packages.p[i], folder);

		if (!path)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		TRY(tree_read_deb(&g->from, path, i, e));
	}
	TRY(take_kernel(g, e));
	TRY(take_firmware(g, e));
	TRY(fill(g, e));
	TRY(pack(g, e));
	return g->recipe.uki ? make_uki(g, e) : COFFER_OK;
}
