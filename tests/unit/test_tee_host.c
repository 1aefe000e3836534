/* What a host has for guests of a TEE, in a folder that plays /dev and /sys. */
#include "tests/t.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "os/tee_host.h"

#define SNP "/sys/module/kvm_amd/parameters/sev_snp"
#define TDX "/sys/module/kvm_intel/parameters/tdx"

static char root[] = "/tmp/test-tee-host-XXXXXX";

static void put(const char *path, const char *text)
{
	CLEANUP(freep) char *full = str_fmt("%s%s", root, path), *dir = str_fmt("%s%s", root, path);
	struct err e;

	*strrchr(dir, '/') = 0;
	CHECK(file_mkdirs(dir, 0700, &e) == COFFER_OK && file_write(full, span_of(text), 0600, &e) == COFFER_OK);
}

static void drop(const char *path)
{
	CLEANUP(freep) char *full = str_fmt("%s%s", root, path);

	CHECK(unlink(full) == 0);
}

static bool refused(enum tee_host t, const char *words)
{
	char why[512] = "";

	return !tee_host_offers(t, root, why, sizeof(why)) && strstr(why, words) && strstr(why, "its operator needs");
}

static bool offered(enum tee_host t)
{
	char why[512] = "unset";

	return tee_host_offers(t, root, why, sizeof(why)) && why[0] == 0;
}

static void snp_needs_the_kernel_s_switch_kvm_and_the_processor_s_device(void)
{
	CHECK(refused(TEE_HOST_SNP, SNP ": No such file"));
	put(SNP, "N\n");
	CHECK(refused(TEE_HOST_SNP, SNP " is off"));
	put(SNP, "");
	CHECK(refused(TEE_HOST_SNP, SNP " is off"));
	put(SNP, "Y\n");
	CHECK(refused(TEE_HOST_SNP, "/dev/kvm: No such file"));
	put("/dev/kvm", "");
	CHECK(refused(TEE_HOST_SNP, "/dev/sev: No such file"));
	put("/dev/sev", "");
	CHECK(offered(TEE_HOST_SNP) && refused(TEE_HOST_TDX, TDX));
	put(SNP, "1\n");
	CHECK(offered(TEE_HOST_SNP));
	drop("/dev/sev");
	CHECK(refused(TEE_HOST_SNP, "/dev/sev"));
}

static void tdx_needs_the_kernel_s_switch_and_kvm(void)
{
	CHECK(refused(TEE_HOST_TDX, TDX));
	put(TDX, "N\n");
	CHECK(refused(TEE_HOST_TDX, TDX " is off"));
	put(TDX, "Y\n");
	CHECK(offered(TEE_HOST_TDX));
	drop("/dev/kvm");
	CHECK(refused(TEE_HOST_TDX, "/dev/kvm"));
}

static void the_c_bit_is_one(void)
{
	CHECK(tee_host_c_bit() > 31 && tee_host_c_bit() < 64);
}

int main(void)
{
	static const struct t_case cases[] = { T(snp_needs_the_kernel_s_switch_kvm_and_the_processor_s_device), T(tdx_needs_the_kernel_s_switch_and_kvm), T(the_c_bit_is_one) };
	CLEANUP(freep) char *rm = NULL;
	int rc;

	if (!mkdtemp(root))
		return 1;
	rc = t_main(cases, sizeof(cases) / sizeof(cases[0]));
	rm = str_fmt("rm -rf %s", root);
	return rm && system(rm) == 0 ? rc : 1;
}
