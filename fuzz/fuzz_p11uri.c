/* A name that is taken names one key in one token by an absolute module, and all texts end inside their fields. */
#include <stdlib.h>
#include <string.h>

#include "crypto/p11uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct p11uri u;
	struct err e;

	if (p11uri_parse((struct span){ p, n }, &u, &e) != COFFER_OK)
		return 0;
	if (u.module[0] != '/' || (!u.object[0] && u.id_n == 0) || (!u.token[0] && !u.serial[0]) || u.id_n > sizeof(u.id))
		abort();
	if (!memchr(u.token, 0, sizeof(u.token)) || !memchr(u.serial, 0, sizeof(u.serial)) || !memchr(u.object, 0, sizeof(u.object)) ||
	    !memchr(u.module, 0, sizeof(u.module)) || !memchr(u.pin_file, 0, sizeof(u.pin_file)) || (u.pin_file[0] && u.pin_fd >= 0))
		abort();
	return 0;
}
