#include "base/wait.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"

enum coffer_rc wait_fd(int fd, short events, int64_t deadline_ms, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do {
		int64_t left = deadline_ms - clock_monotonic_ms();

		if (left <= 0)
			return err_set(e, COFFER_E_UPSTREAM, "timed out");
		n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
	} while (n == 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		return err_set(e, COFFER_E_SYSTEM, "poll: %s", strerror(errno));
	return COFFER_OK;
}
