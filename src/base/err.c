#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void err_cut(char *text, size_t room, size_t n)
{
	if (n >= room && room >= sizeof(ERR_CUT))
		memcpy(text + room - sizeof(ERR_CUT), ERR_CUT, sizeof(ERR_CUT));
}

__attribute__((format(printf, 2, 0))) static void say(struct err *e, const char *fmt, va_list ap)
{
	int n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);

	err_cut(e->msg, sizeof(e->msg), n > 0 ? (size_t)n : 0);
}

enum coffer_rc (err_set)(struct err *e, enum coffer_rc rc, const char *fmt, ...)
{
	va_list ap;

	e->rc = rc;
	e->check[0] = 0;
	va_start(ap, fmt);
	say(e, fmt, ap);
	va_end(ap);
	return rc;
}

enum coffer_rc (err_deny)(struct err *e, const char *check, const char *fmt, ...)
{
	va_list ap;

	e->rc = COFFER_E_DENIED;
	(void)snprintf(e->check, sizeof(e->check), "%s", check);
	va_start(ap, fmt);
	say(e, fmt, ap);
	va_end(ap);
	return e->rc;
}

enum coffer_rc err_wrap(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->msg)];
	va_list ap;
	size_t n;

	memcpy(old, e->msg, sizeof(old));
	va_start(ap, fmt);
	say(e, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	if (strncmp(old, e->msg, n) == 0 && old[n] == ':') { /* said already, by who knew it further in */
		memcpy(e->msg, old, sizeof(old));
		return e->rc;
	}
	(void)snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", old);
	err_cut(e->msg, sizeof(e->msg), n + 2 + strlen(old));
	return e->rc;
}
