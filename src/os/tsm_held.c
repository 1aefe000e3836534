/* Apart from tsm.c: a guest's agent, which makes a request each time, links no sandbox of the service's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "os/sandbox.h"
#include "os/tsm.h"

void tsm_held_drop(struct tsm_held *h)
{
	closep(&h->dir);
	h->dir = -1;
	if (h->at[0])
		(void)rmdir(h->at);
	h->at[0] = 0;
}

/* A platform may have no auxblob; what else is missing is said by who asks. */
static enum coffer_rc give(int dir, struct err *e)
{
	static const char *const attributes[] = { "inblob", "outblob", "auxblob", "provider", "generation" };

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		if (faccessat(dir, attributes[i], F_OK, 0) == 0)
			TRY(sandbox_own_at_as_nobody(dir, attributes[i], e));
	return sandbox_own_as_nobody(dir, e);
}

enum coffer_rc tsm_held_take(const char *there, struct tsm_held *out, struct err *e)
{
	CLEANUP(closep) int dir = open(there, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0)
		return err_set(e, errno == ENOENT ? COFFER_E_NOTFOUND : COFFER_E_SYSTEM, "%s: %s", there, strerror(errno));
	TRY(give(dir, e));
	*out = (struct tsm_held){ .dir = dir };
	dir = -1;
	return COFFER_OK;
}

enum coffer_rc tsm_held_make(const char *root, struct tsm_held *out, struct err *e)
{
	struct tsm_held h = { .dir = -1 };
	struct tsm_files f = { .n = 0 };
	struct tsm_link l = tsm_files_link(&f, root);

	TRY(l.make(l.arg, e));
	if (tsm_held_take(f.at, &h, e) != COFFER_OK) {
		l.drop(l.arg);
		return e->rc;
	}
	(void)snprintf(h.at, sizeof(h.at), "%s", f.at);
	*out = h;
	return COFFER_OK;
}
