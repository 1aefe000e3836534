#include "os/keyring.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum coffer_rc keyring_add(const char *name, const struct secret *key, int32_t *id, struct err *e)
{
	long got = syscall(SYS_add_key, "logon", name, key->p, key->n, KEY_SPEC_THREAD_KEYRING);

	if (got < 0)
		return err_set(e, COFFER_E_SYSTEM, "keyring: %s: %s", name, strerror(errno));
	*id = (int32_t)got;
	return COFFER_OK;
}

enum coffer_rc keyring_revoke(int32_t id, struct err *e)
{
	if (syscall(SYS_keyctl, KEYCTL_REVOKE, id, 0, 0, 0) != 0 || syscall(SYS_keyctl, KEYCTL_UNLINK, id, KEY_SPEC_THREAD_KEYRING, 0, 0) != 0)
		return err_set(e, COFFER_E_SYSTEM, "keyring: %s", strerror(errno));
	return COFFER_OK;
}
