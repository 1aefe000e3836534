#include "base/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum coffer_rc secret_new(size_t n, struct secret *out, struct err *e)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct secret s = { 0 };
	size_t body;

	if (n == 0 || n > SECRET_MAX)
		return err_set(e, COFFER_E_LIMIT, "secret: size %zu out of range", n);
	body = (n + page - 1) / page * page;
	s.map_n = body + 2 * page;
	s.map = mmap(NULL, s.map_n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s.map == MAP_FAILED)
		return err_set(e, COFFER_E_SYSTEM, "secret: mmap: %s", strerror(errno));
	if (mprotect(s.map + page, body, PROT_READ | PROT_WRITE) != 0 ||
	    mlock(s.map + page, body) != 0 ||
	    madvise(s.map + page, body, MADV_DONTDUMP) != 0 ||
	    madvise(s.map + page, body, MADV_WIPEONFORK) != 0) {
		int saved = errno;

		(void)munmap(s.map, s.map_n);
		return err_set(e, COFFER_E_SYSTEM, "secret: cannot protect %zu bytes: %s",
		    n, strerror(saved));
	}
	s.n = n;
	s.p = s.map + page + body - n; /* overrun by one byte faults */
	*out = s;
	return COFFER_OK;
}

void secret_free(struct secret *s)
{
	if (s->map) {
		explicit_bzero(s->p, s->n);
		(void)munmap(s->map, s->map_n); /* munmap also unlocks */
	}
	*s = (struct secret){ 0 };
}

bool ct_eq(struct span a, struct span b)
{
	volatile uint8_t acc = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		acc |= (uint8_t)(a.p[i] ^ b.p[i]);
	return acc == 0;
}
