/* What an image holds that its launcher has to know before it starts it. */
#include <fcntl.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/guest/image.h"
#include "cli/vm.h"
#include "fmt/cpio.h"
#include "fmt/inflate.h"

#define LOOK_MAX     (256u << 10) /* bytes of a ramdisk, packed and not: the list of modules is among the first files of it */
#define VSOCK_MODULE "/vmw_vsock_virtio_transport.ko"

static enum coffer_rc keep(void *arg, struct span piece, struct err *e)
{
	struct wr *w = arg;
	size_t room = LOOK_MAX - w->n;

	wr_put(w, (struct span){ piece.p, piece.n < room ? piece.n : room });
	return w->n < LOOK_MAX ? COFFER_OK : err_set(e, COFFER_E_LIMIT, "that is enough of it");
}

static struct span beginning(const char *image, uint8_t *buf)
{
	CLEANUP(freep) char *path = str_fmt("%s/initrd.img", image);
	CLEANUP(closep) int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd < 0 ? -1 : pread(fd, buf, LOOK_MAX, 0);

	return (struct span){ buf, n > 0 ? (size_t)n : 0 };
}

static bool lists(struct span modules, const char *module)
{
	while (modules.n > 0) {
		size_t n = span_find(modules, '\n');

		if (span_ends((struct span){ modules.p, n }, module))
			return true;
		modules = span_skip(modules, n + 1);
	}
	return false;
}

bool vm_image_before_vsock(const char *image)
{
	CLEANUP(freep) uint8_t *buf = malloc(LOOK_MAX);
	CLEANUP(inflate_freep) struct inflate *z = NULL;
	CLEANUP(wr_close) struct wr plain = wr_open(LOOK_MAX);
	struct span modules;
	struct err e;

	if (!buf || inflate_open(INFLATE_ZSTD, (uint64_t)2 * LOOK_MAX, keep, &plain, &z, &e) != COFFER_OK)
		return false;
	(void)!inflate_add(z, beginning(image, buf), &e); /* what came of it counts, and it is cut in any case */
	return cpio_find(wr_span(&plain), GUEST_MODULES, &modules, &e) == COFFER_OK && !lists(modules, VSOCK_MODULE);
}
