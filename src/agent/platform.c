#include "agent/platform.h"

#include <string.h>

static bool is(const char *want, const char *found)
{
	return strcmp(want, "auto") == 0 || strcmp(want, found) == 0;
}

static enum coffer_rc found(const struct platform *p, const char *want, struct err *e)
{
	const char *tee = p->tsm.tee == TSM_TEE_SNP ? "snp" : p->tsm.tee == TSM_TEE_TDX ? "tdx" : "tpm";

	if (!is(want, tee))
		return err_deny(e, "platform", "this machine's evidence is of platform %s, not of %s", tee, want);
	return COFFER_OK;
}

enum coffer_rc platform_open(struct platform *p, const char *want, struct err *e)
{
	struct tsm_link link = tsm_files_link(&p->files, p->root);
	enum coffer_rc rc = attest_tsm_open(&p->tsm, &link, e);

	if (rc == COFFER_E_NOTFOUND && !is(want, "tpm"))
		return err_set(e, rc, "this kernel makes no reports of the processor (%s): it takes SEV-SNP or TDX, a kernel from 6.7 on, and its module loaded", p->root);
	if (rc == COFFER_E_NOTFOUND) {
		rc = attest_tpm_open(&p->tpm, e);
		if (rc == COFFER_E_NOTFOUND)
			(void)err_wrap(e, "no reports of the processor (%s) either", p->root);
	}
	return rc == COFFER_OK ? found(p, want, e) : rc;
}

void platform_close(struct platform *p)
{
	attest_tpm_close(&p->tpm);
}

enum coffer_rc platform_init(const struct platform *p, struct span initdata, struct err *e)
{
	return p->tsm.tee != TSM_TEE_NONE ? attest_tsm_init(&p->tsm, initdata, e) : attest_tpm_init(&p->tpm, initdata, e);
}

struct attester platform_attester(struct platform *p)
{
	return p->tsm.tee != TSM_TEE_NONE ? attest_tsm_attester(&p->tsm) : attest_tpm_attester(&p->tpm);
}
