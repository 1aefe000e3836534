#include "proto/mux.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int open_null(void *arg, struct span name)
{
	(void)arg;
	if (name.n == 0 || name.n > MUX_NAME_MAX)
		abort();
	return name.p[0] == 'n' ? -1 : open("/dev/null", O_RDWR | O_CLOEXEC);
}

/* A launcher's bytes, in two pieces. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct mux_side side = { .guest = true, .open = open_null };
	struct pollfd polls[MUX_POLL_MAX];
	struct mux *m = NULL;
	struct err e = { 0 };
	size_t half = n / 2;

	if (mux_new(-1, &side, false, &m, &e) != COFFER_OK)
		abort();
	if (mux_take(m, (struct span){ p, half }, &e) == COFFER_OK && mux_take(m, (struct span){ p + half, n - half }, &e) == COFFER_OK &&
	    mux_poll(m, polls) > MUX_POLL_MAX)
		abort();
	mux_free(m);
	return 0;
}
