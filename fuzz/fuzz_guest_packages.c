#include "cli/guest/packages.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct guest_packages list, again;
	struct wr out = wr_open(1u << 20);
	struct err e = { 0 };

	if (packages_parse((struct span){ p, n }, &list, &e) == COFFER_OK) {
		packages_write(&list, &out);
		if (!wr_ok(&out) || packages_parse(wr_span(&out), &again, &e) != COFFER_OK || again.n != list.n)
			abort(); /* what is read is written so that it reads the same */
		for (size_t i = 0; i < list.n; i++) {
			char *path = package_path(&list.p[i], "x");

			if (path && (strncmp(path, "x/", 2) != 0 || strchr(path + 2, '/')))
				abort(); /* never leads out of the folder */
			free(path);
		}
	}
	wr_close(&out);
	return 0;
}
