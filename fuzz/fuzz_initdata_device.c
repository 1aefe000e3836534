#include <stdlib.h>

#include "agent/initdata.h"
#include "trust/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct wr w = wr_open(MAN_INITDATA_MAX);
	struct err e = { 0 };

	if (initdata_device_read((struct span){ p, n }, &w, &e) != COFFER_OK ? w.n != 0 || !e.msg[0] : n % 512 != 0 || n > INITDATA_DEVICE_MAX)
		abort();
	wr_close(&w);
	return 0;
}
