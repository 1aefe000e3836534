#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/machine.h"
#include "cli/self.h"
#include "trust/machine_match.h"

#define CHECK_NAME "service-firmware"

/* Chip, threads and migration; then the firmware's components. */
static enum coffer_rc meets(const char *file, const struct tcb_minimum *t, const struct hw_facts *f, struct err *e)
{
	struct machine_diff d;
	size_t at = 0;

	if (tcb_platform_fault(t, f, &at, &d))
		return err_deny(e, CHECK_NAME, "the service's machine, by %s: %s", file, d.text);
	at = 0;
	if (tcb_firmware_fault(t, f, &at, &d))
		return err_deny(e, CHECK_NAME, "the service's machine, by %s: %s", file, d.text);
	return COFFER_OK;
}

static enum coffer_rc young(const char *file, const struct tcb_minimum *t, const struct hw_facts *f, int64_t now, struct err *e)
{
	if (t->max_age == 0 || (f->collateral > 0 && now - f->collateral <= t->max_age))
		return COFFER_OK;
	return err_deny(e, CHECK_NAME, "the vendor's documents that the service's evidence was judged by are older than %s allows (%lld hours): "
	    "'coffer collateral get' brings newer ones, for --collateral", file, (long long)t->max_age / 3600);
}

/* One draft, where it is about this platform. */
static enum coffer_rc by_file(const char *file, const struct hw_facts *f, int64_t now, bool *applies, struct err *e)
{
	CLEANUP(machine_file_clear) struct machine_file m = { .kind = ST_TCB };
	CLEANUP(freep) struct tcb_minimum *t = calloc(1, sizeof(*t));
	struct statement s = { .kind = ST_TCB };

	if (!t)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(machine_read(file, &m, e));
	s.body = json_root(m.body);
	TRY(tcb_read(&s, t, e));
	*applies = strcmp(t->platform, f->platform) == 0;
	if (!*applies)
		return COFFER_OK;
	TRY(meets(file, t, f, e));
	return young(file, t, f, now, e);
}

enum coffer_rc self_firmware(const struct cli *c, const struct hw_facts *f, int64_t now, struct err *e)
{
	bool numbered = strcmp(f->platform, "snp") == 0 || strcmp(f->platform, "tdx") == 0, any = false;
	const char *file;

	for (size_t i = 0; (file = cli_opt_at(c, "tcb", i)); i++) {
		bool applies = false;

		TRY(by_file(file, f, now, &applies, e));
		any = any || applies;
	}
	if (numbered && !any)
		return err_deny(e, CHECK_NAME, "no minimum stated: which firmware do you want at least under a service on %s? --tcb FILE says it, a draft as "
		    "'coffer tcb publish' takes", f->platform);
	return COFFER_OK;
}
