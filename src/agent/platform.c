#include "agent/platform.h"

#include <stdio.h>
#include <string.h>

static bool is(const char *want, const char *found)
{
	return strcmp(want, "auto") == 0 || strcmp(want, found) == 0;
}

static const char *name_of(const struct platform *p)
{
	if (p->tsm.tee != TSM_TEE_NONE)
		return p->tsm.tee == TSM_TEE_SNP ? "snp" : "tdx";
	if (p->az.type)
		return p->az.type == HCL_TDX ? "az-tdx-vtpm" : "az-snp-vtpm";
	return "tpm";
}

static enum coffer_rc found(const struct platform *p, const char *want, struct err *e)
{
	if (!is(want, name_of(p)))
		return err_deny(e, "platform", "this machine's evidence is of platform %s, not of %s", name_of(p), want);
	return COFFER_OK;
}

static bool of_a_tpm(const char *want)
{
	return is(want, "tpm") || is(want, "az-snp-vtpm") || is(want, "az-tdx-vtpm");
}

static void because(struct platform *p, const char *what, const struct err *e)
{
	size_t at = strlen(p->why);

	(void)snprintf(p->why + at, sizeof(p->why) - at, "%s%s: %s", at ? "; " : "", what, e->msg);
}

/* Whose TPM it is: a paravisor's in a cloud's confidential VM, or this machine's. */
static enum coffer_rc open_tpm(struct platform *p, struct err *e)
{
	enum coffer_rc rc = attest_tpm_open(&p->tpm, e);

	if (rc == COFFER_E_NOTFOUND)
		return err_wrap(e, "no reports of the processor (%s) either", p->root);
	if (rc != COFFER_OK)
		return rc;
	rc = attest_az_open(&p->az, &p->tpm, e);
	if (rc == COFFER_E_NOTFOUND) {
		because(p, "not az-snp-vtpm or az-tdx-vtpm", e);
		return COFFER_OK;
	}
	p->az.given = p->hardware;
	return rc;
}

enum coffer_rc platform_open(struct platform *p, const char *want, struct err *e)
{
	struct tsm_link link = tsm_files_link(&p->files, p->root);
	enum coffer_rc rc = attest_tsm_open(&p->tsm, &link, e);

	if (rc == COFFER_E_NOTFOUND && !of_a_tpm(want))
		return err_set(e, rc, "this kernel makes no reports of the processor (%s): it takes SEV-SNP or TDX, a kernel from 6.7 on, and its module loaded", p->root);
	if (rc == COFFER_E_NOTFOUND) {
		because(p, "not snp or tdx", e);
		rc = open_tpm(p, e);
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
	if (p->tsm.tee != TSM_TEE_NONE)
		return attest_tsm_attester(&p->tsm);
	return p->az.type ? attest_az_attester(&p->az) : attest_tpm_attester(&p->tpm);
}
