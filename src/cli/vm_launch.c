/* What an image's draft says of its launches. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/machine.h"
#include "cli/vm.h"
#include "fmt/json.h"
#include "os/file.h"

static void take(const struct json *regs, const char *name, char out[static 65])
{
	struct span s = json_str(json_get(regs, name));

	if (s.n == 64)
		memcpy(out, s.p, 64);
}

enum coffer_rc vm_predict(const char *image, uint32_t memory, struct vm_predicted *out, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/boot-image.json", image);
	CLEANUP(machine_file_clear) struct machine_file m = { .kind = ST_BOOT_IMAGE };
	struct vm_predicted p = { { 0 }, { 0 } };
	const struct json *launches;
	char shape[64];

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(machine_read(path, &m, e));
	(void)snprintf(shape, sizeof(shape), "qemu, %u MiB", memory);
	launches = json_get(json_root(m.body), "launches");
	for (size_t i = 0; i < json_len(launches); i++) {
		const struct json *l = json_at(launches, i), *regs = json_get(l, "registers");

		if (!span_eq_str(json_str(json_get(l, "shape")), shape))
			continue;
		take(regs, "pcr04", p.pcr04);
		take(regs, "pcr09", p.pcr09);
	}
	*out = p;
	return COFFER_OK;
}
