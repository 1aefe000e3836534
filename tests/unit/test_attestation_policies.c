/* The built-in attestation policies, platform by platform: with every reference value they affirm, without any single one of them
 * they do not, and each claim that deviates gives the tier of its member. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/appraise.h"
#include "tests/t.h"

#define REFS_EACH_MAX 16
#define BAD_MAX       16

struct bad { const char *from, *to, *member; int64_t value; }; /* a text of the claims replaced; what the member becomes */
struct platform {
	const char *name, *key, *device_class, *claims;
	const char *ref[REFS_EACH_MAX]; /* "name": value */
	struct bad  bad[BAD_MAX];
};

#define AZ_TD "{\"quote\":{\"body\":{\"mr_td\":\"aa\",\"xfam\":\"e7\"}},\"tcb_status\":\"UpToDate\",\"collateral_expiration_status\":\"0\"," \
	"\"td_attributes\":{\"debug\":false},\"tpm\":{\"pcr11\":\"11\"}}"

static const struct platform all[] = {
	{ "snp", "snp", "cpu",
	    "{\"measurement\":\"aa\",\"reported_tcb_bootloader\":3,\"reported_tcb_microcode\":115,\"reported_tcb_snp\":8,\"reported_tcb_tee\":0,"
	    "\"committed_tcb_bootloader\":3,\"committed_tcb_microcode\":115,\"committed_tcb_snp\":8,\"committed_tcb_tee\":0,"
	    "\"policy_debug_allowed\":false,\"policy_migrate_ma\":false,\"platform_smt_enabled\":true,\"platform_tsme_enabled\":false,"
	    "\"policy_abi_major\":0,\"policy_abi_minor\":31,\"policy_single_socket\":false,\"policy_smt_allowed\":true}",
	    { "\"snp_launch_measurement\":[\"bb\",\"aa\"]", "\"snp_bootloader\":3", "\"snp_microcode\":[115]", "\"snp_snp_svn\":8",
		"\"snp_tee_svn\":0", "\"snp_smt_enabled\":[true]", "\"snp_tsme_enabled\":false", "\"snp_guest_abi_major\":0",
		"\"snp_guest_abi_minor\":31", "\"snp_single_socket\":false", "\"snp_smt_allowed\":true" },
	    { { "\"measurement\":\"aa\"", "\"measurement\":\"ab\"", "executables", 33 },
		{ "reported_tcb_bootloader\":3", "reported_tcb_bootloader\":2", "hardware", 97 },
		{ "reported_tcb_microcode\":115", "reported_tcb_microcode\":1", "hardware", 97 },
		{ "reported_tcb_snp\":8", "reported_tcb_snp\":7", "hardware", 97 },
		{ "reported_tcb_tee\":0", "reported_tcb_tee\":1", "hardware", 97 },
		{ "committed_tcb_bootloader\":3", "committed_tcb_bootloader\":2", "hardware", 97 },
		{ "committed_tcb_microcode\":115", "committed_tcb_microcode\":114", "hardware", 97 },
		{ "committed_tcb_snp\":8", "committed_tcb_snp\":7", "hardware", 97 },
		{ "policy_debug_allowed\":false", "policy_debug_allowed\":true", "configuration", 96 },
		{ "policy_migrate_ma\":false", "policy_migrate_ma\":true", "configuration", 96 },
		{ "platform_smt_enabled\":true", "platform_smt_enabled\":false", "configuration", 36 },
		{ "platform_tsme_enabled\":false", "platform_tsme_enabled\":true", "configuration", 36 },
		{ "policy_abi_major\":0", "policy_abi_major\":1", "configuration", 36 },
		{ "policy_abi_minor\":31", "policy_abi_minor\":30", "configuration", 36 },
		{ "policy_single_socket\":false", "policy_single_socket\":true", "configuration", 36 },
		{ "policy_smt_allowed\":true", "policy_smt_allowed\":false", "configuration", 36 } } },
	{ "az-snp-vtpm", "az-snp-vtpm", "cpu",
	    "{\"measurement\":\"qg==\",\"reported_tcb_bootloader\":\"3\",\"reported_tcb_microcode\":\"115\",\"reported_tcb_snp\":\"8\","
	    "\"reported_tcb_tee\":\"0\",\"policy_debug_allowed\":\"false\",\"policy_migrate_ma\":\"false\",\"platform_smt_enabled\":\"true\","
	    "\"platform_tsme_enabled\":\"false\",\"policy_abi_major\":\"0\",\"policy_abi_minor\":\"31\",\"policy_single_socket\":\"false\","
	    "\"policy_smt_allowed\":\"true\",\"tpm\":{\"pcr11\":\"11\"}}",
	    { "\"measurement\":\"qg==\"", "\"snp_pcr11\":[\"11\"]", "\"tcb_bootloader\":3", "\"tcb_microcode\":[\"115\"]", "\"tcb_snp\":8",
		"\"tcb_tee\":0", "\"smt_enabled\":true", "\"tsme_enabled\":\"false\"", "\"abi_major\":0", "\"abi_minor\":31",
		"\"single_socket\":false", "\"smt_allowed\":true" },
	    { { "qg==", "qw==", "executables", 33 }, { "\"pcr11\":\"11\"", "\"pcr11\":\"12\"", "executables", 33 },
		{ "reported_tcb_bootloader\":\"3\"", "reported_tcb_bootloader\":\"2\"", "hardware", 97 },
		{ "reported_tcb_microcode\":\"115\"", "reported_tcb_microcode\":\"2\"", "hardware", 97 },
		{ "reported_tcb_snp\":\"8\"", "reported_tcb_snp\":\"7\"", "hardware", 97 },
		{ "reported_tcb_tee\":\"0\"", "reported_tcb_tee\":\"7\"", "hardware", 97 },
		{ "debug_allowed\":\"false\"", "debug_allowed\":\"true\"", "configuration", 96 },
		{ "migrate_ma\":\"false\"", "migrate_ma\":\"true\"", "configuration", 96 },
		{ "smt_enabled\":\"true\"", "smt_enabled\":\"false\"", "configuration", 36 },
		{ "tsme_enabled\":\"false\"", "tsme_enabled\":\"true\"", "configuration", 36 },
		{ "abi_major\":\"0\"", "abi_major\":\"1\"", "configuration", 36 },
		{ "abi_minor\":\"31\"", "abi_minor\":\"3\"", "configuration", 36 },
		{ "single_socket\":\"false\"", "single_socket\":\"true\"", "configuration", 36 },
		{ "smt_allowed\":\"true\"", "smt_allowed\":\"false\"", "configuration", 36 } } },
	{ "tdx", "tdx", "cpu",
	    "{\"quote\":{\"body\":{\"mr_td\":\"aa\",\"rtmr_1\":\"01\",\"rtmr_2\":\"02\",\"xfam\":\"e7\"}},\"tcb_status\":\"UpToDate\","
	    "\"collateral_expiration_status\":\"0\",\"td_attributes\":{\"debug\":false}}",
	    { "\"rtmr_1\":\"01\"", "\"rtmr_2\":[\"02\"]", "\"mr_td\":\"aa\"", "\"xfam\":\"e7\"" },
	    { { "\"rtmr_1\":\"01\"", "\"rtmr_1\":\"11\"", "executables", 33 }, { "\"rtmr_2\":\"02\"", "\"rtmr_2\":\"11\"", "executables", 33 },
		{ "\"mr_td\":\"aa\"", "\"mr_td\":\"ab\"", "hardware", 97 }, { "UpToDate", "OutOfDate", "hardware", 32 },
		{ "UpToDate", "SWHardeningNeeded", "hardware", 32 }, { "expiration_status\":\"0\"", "expiration_status\":\"1\"", "hardware", 97 },
		{ "\"debug\":false", "\"debug\":true", "configuration", 96 }, { "\"xfam\":\"e7\"", "\"xfam\":\"ff\"", "configuration", 36 } } },
	{ "az-tdx-vtpm", "az-tdx-vtpm", "cpu", AZ_TD, { "\"tdx_pcr11\":\"11\"", "\"mr_td\":\"aa\"", "\"xfam\":[\"e7\"]" },
	    { { "\"pcr11\":\"11\"", "\"pcr11\":\"12\"", "executables", 33 }, { "\"mr_td\":\"aa\"", "\"mr_td\":\"ab\"", "hardware", 97 },
		{ "UpToDate", "OutOfDate", "hardware", 32 }, { "expiration_status\":\"0\"", "expiration_status\":\"1\"", "hardware", 97 },
		{ "\"debug\":false", "\"debug\":true", "configuration", 96 }, { "\"xfam\":\"e7\"", "\"xfam\":\"ff\"", "configuration", 36 } } },
	{ "sgx", "sgx", "cpu",
	    "{\"body\":{\"attributes.flags\":\"0500000000000000\",\"attributes.xfrm\":\"e7\",\"mr_enclave\":\"aa\",\"mr_signer\":\"bb\","
	    "\"isv_prod_id\":\"0000\",\"isv_svn\":\"0100\"},\"tcb_status\":\"UpToDate\",\"collateral_expiration_status\":\"0\"}",
	    { "\"sgx_mr_enclave\":\"aa\"", "\"sgx_mr_signer\":\"bb\"", "\"sgx_isv_prod_id\":\"0000\"", "\"sgx_isv_svn\":[\"0100\"]",
		"\"sgx_attributes_flags\":[\"0500000000000000\",\"0700000000000000\"]", "\"sgx_attributes_xfrm\":\"e7\"" },
	    { { "mr_enclave\":\"aa\"", "mr_enclave\":\"ab\"", "executables", 33 }, { "mr_signer\":\"bb\"", "mr_signer\":\"ab\"", "executables", 33 },
		{ "mr_signer\":\"bb\"", "mr_signer\":\"ab\"", "hardware", 97 }, { "isv_prod_id\":\"0000", "isv_prod_id\":\"0001", "executables", 33 },
		{ "isv_svn\":\"0100", "isv_svn\":\"0000", "executables", 33 }, { "UpToDate", "ConfigurationNeeded", "hardware", 32 },
		{ "expiration_status\":\"0\"", "expiration_status\":\"1\"", "hardware", 97 },
		{ "flags\":\"05", "flags\":\"07", "configuration", 96 }, { "flags\":\"05", "flags\":\"04", "configuration", 36 },
		{ "xfrm\":\"e7", "xfrm\":\"03", "configuration", 36 } } },
	{ "tpm", "tpm", "cpu", "{\"ak_public\":\"QUs=\",\"pcr07\":\"07\",\"pcr11\":\"11\"}",
	    { "\"tpm_pcr11\":\"11\"", "\"trusted_aks\":[\"QUs=\"]", "\"tpm_pcr07\":\"07\"" },
	    { { "\"pcr11\":\"11\"", "\"pcr11\":\"12\"", "executables", 33 }, { "QUs=", "QUt=", "hardware", 97 },
		{ "\"pcr07\":\"07\"", "\"pcr07\":\"08\"", "configuration", 36 } } },
	{ "swtpm", "tpm", "cpu", "{\"ak_public\":\"QUs=\",\"pcr07\":\"07\",\"pcr11\":\"11\"}",
	    { "\"tpm_pcr11\":\"11\"", "\"trusted_aks\":[\"QUs=\"]", "\"tpm_pcr07\":\"07\"", "\"swtpm_accepted\":true" },
	    { { "\"pcr11\":\"11\"", "\"pcr11\":\"12\"", "executables", 33 } } },
	{ "cca", "cca", "cpu",
	    "{\"realm\":{\"cca-realm-initial-measurement\":\"cm0=\"},\"platform\":{\"cca-platform-implementation-id\":\"aWQ=\","
	    "\"cca-platform-lifecycle\":12288,\"cca-platform-config\":\"Y2Y=\",\"cca-platform-sw-components\":[{\"measurement-value\":\"bTE=\"},"
	    "{\"measurement-value\":\"bTI=\"}]}}",
	    { "\"cca_realm_initial_measurement\":\"cm0=\"", "\"cca_platform_implementation_id\":\"aWQ=\"", "\"cca_platform_config\":\"Y2Y=\"",
		"\"cca_platform_sw_components\":[\"bTE=\",\"bTI=\"]" },
	    { { "cm0=", "cm1=", "executables", 33 }, { "aWQ=", "aXQ=", "hardware", 97 }, { "bTI=", "bTM=", "hardware", 97 },
		{ "[{\"measurement-value\":\"bTE=\"},{\"measurement-value\":\"bTI=\"}]", "[]", "hardware", 97 },
		{ "12288", "16384", "configuration", 96 }, { "12288", "\"12288\"", "configuration", 96 }, { "Y2Y=", "Y2Z=", "configuration", 36 } } },
	{ "csv", "csv", "cpu", "{\"version\":\"1\",\"serial_number\":\"S1\",\"measure\":\"aa\",\"vm_version\":\"vv\",\"policy\":{\"nodbg\":true}}",
	    { "\"csv_measure\":\"aa\"", "\"csv_version\":\"1\"", "\"csv_serial_number\":[\"S1\"]", "\"csv_vm_version\":\"vv\"" },
	    { { "\"measure\":\"aa\"", "\"measure\":\"ab\"", "executables", 33 }, { "version\":\"1\"", "version\":\"2\"", "hardware", 97 },
		{ "S1", "S2", "hardware", 97 }, { "\"nodbg\":true", "\"nodbg\":false", "configuration", 96 }, { "{\"nodbg\":true}", "{}", "configuration", 96 },
		{ "\"vv\"", "\"vw\"", "configuration", 36 } } },
	{ "sample", "sample", "cpu", "{\"svn\":\"1\"}", { "\"sample_accepted\":true", "\"svn\":[\"1\"]" }, { { "\"1\"", "\"2\"", "executables", 33 } } },
	{ "nvidia", "nvidia", "gpu", "{\"arch\":\"HOPPER\",\"config\":{\"vbios_version\":\"96\",\"driver_version\":\"550\"},\"measurements\":{\"1\":\"aa\",\"2\":\"bb\"}}",
	    { "\"nvidia_gpu_measurements\":[\"1:aa\",\"2:bb\"]", "\"nvidia_gpu_arch\":\"HOPPER\"", "\"allowed_vbios_versions\":[\"96\"]",
		"\"allowed_driver_versions\":[\"550\"]" },
	    { { "\"bb\"", "\"bc\"", "executables", 33 }, { "{\"1\":\"aa\",\"2\":\"bb\"}", "{}", "executables", 33 },
		{ "HOPPER", "AMPERE", "hardware", 97 }, { "\"96\"", "\"95\"", "configuration", 36 }, { "\"550\"", "\"1\"", "configuration", 36 } } },
	{ "nvidia", "nvidia", "switch", "{\"arch\":\"LS10\",\"config\":{\"vbios_version\":\"96\"},\"measurements\":{\"1\":\"aa\"}}",
	    { "\"nvidia_switch_measurements\":[\"1:aa\"]", "\"nvidia_switch_arch\":\"LS10\"", "\"allowed_switch_bios_versions\":[\"96\"]" },
	    { { "\"aa\"", "\"bc\"", "executables", 33 }, { "LS10", "LS9", "hardware", 97 }, { "\"96\"", "\"95\"", "configuration", 36 } } },
	{ "nvidia", "nvidia", "ppcie", "{\"gpus\":8,\"switches\":4,\"complete\":true}", { "\"ppcie_accepted\":true" },
	    { { "8", "7", "hardware", 97 }, { "\"switches\":4", "\"switches\":3", "hardware", 97 }, { "true", "false", "configuration", 36 } } },
};
#define N_ALL (sizeof(all) / sizeof(all[0]))

struct result { enum coffer_rc rc; enum ear_tier status; int64_t member; };

static int64_t member_of(const struct appraise_out *o, const char *name)
{
	CLEANUP(json_freep) struct json_doc *d = NULL;
	const struct json *sub;
	struct err e = { 0 };
	int64_t v = -1000;

	if (json_parse(wr_span(&o->ear), APPRAISE_EAR_MAX, &d, &e) != COFFER_OK)
		return v;
	sub = json_at(json_get(json_root(d), "submods"), 0);
	return name && json_i64(json_get(json_get(sub, "ear.trustworthiness-vector"), name), &v) ? v : -1000;
}

/* without: the number of a reference value left out; REFS_EACH_MAX: none. */
static struct result run(const struct platform *p, const char *claims, size_t without, const char *member)
{
	const struct tee_driver driver = { p->name, p->key, p->device_class, NULL, NULL, NULL };
	const struct appraise_device dev = { &driver, VERDICT_VALID, span_of(claims) };
	CLEANUP(appraise_clear) struct appraise_out out = { 0 };
	CLEANUP(refs_freep) struct refs *refs = NULL;
	CLEANUP(wr_close) struct wr text = wr_open(1 << 16);
	struct err e = { 0 };
	struct appraise_in in = { .device = &dev, .n_devices = 1, .defaults = true, .now = 1800000000, .build = "test" };
	struct result r = { 0 };
	bool first = true;

	wr_str(&text, "{");
	for (size_t i = 0; i < REFS_EACH_MAX && p->ref[i]; i++)
		if (i != without) {
			wr_fmt(&text, "%s%s", first ? "" : ",", p->ref[i]);
			first = false;
		}
	wr_str(&text, "}");
	CHECK(refs_parse(wr_span(&text), &refs, &e) == COFFER_OK);
	in.refs = refs;
	r.rc = appraise(&in, &out, &e);
	r.status = out.status;
	r.member = member_of(&out, member);
	return r;
}

static char *replaced(const char *s, const char *from, const char *to)
{
	const char *at = strstr(s, from);

	return at ? str_fmt("%.*s%s%s", (int)(at - s), s, to, at + strlen(from)) : NULL;
}

static void every_platform_affirms_with_all_its_reference_values(void)
{
	for (size_t i = 0; i < N_ALL; i++) {
		struct result r = run(&all[i], all[i].claims, REFS_EACH_MAX, "hardware");
		bool ok = r.rc == COFFER_OK && r.status == EAR_AFFIRMING && r.member == 2;

		if (!ok)
			printf("# %s %s: rc %d, status %d\n", all[i].name, all[i].device_class, (int)r.rc, (int)r.status);
		CHECK(ok);
	}
}

static void no_platform_affirms_without_any_one_of_them(void)
{
	for (size_t i = 0; i < N_ALL; i++)
		for (size_t k = 0; k < REFS_EACH_MAX && all[i].ref[k]; k++) {
			struct result r = run(&all[i], all[i].claims, k, NULL);
			bool ok = r.rc == COFFER_OK && r.status != EAR_AFFIRMING;

			if (!ok)
				printf("# %s without %s: rc %d, status %d\n", all[i].name, all[i].ref[k], (int)r.rc, (int)r.status);
			CHECK(ok);
		}
}

static void each_claim_that_deviates_gives_the_tier_of_its_member(void)
{
	for (size_t i = 0; i < N_ALL; i++)
		for (size_t k = 0; k < BAD_MAX && all[i].bad[k].from; k++) {
			const struct bad *b = &all[i].bad[k];
			CLEANUP(freep) char *claims = replaced(all[i].claims, b->from, b->to);
			struct result r = { 0 };
			bool ok;

			CHECK(claims != NULL);
			if (claims)
				r = run(&all[i], claims, REFS_EACH_MAX, b->member);
			ok = r.rc == COFFER_OK && r.status != EAR_AFFIRMING && r.member == b->value;
			if (!ok)
				printf("# %s %s: %s is %d, status %d\n", all[i].name, b->to, b->member, (int)r.member, (int)r.status);
			CHECK(ok);
		}
}

static void no_platform_affirms_without_claims(void)
{
	for (size_t i = 0; i < N_ALL; i++) {
		struct result r = run(&all[i], "{}", REFS_EACH_MAX, NULL);

		if (strcmp(all[i].name, "sample") != 0)
			CHECK(r.rc == COFFER_OK && r.status != EAR_AFFIRMING);
	}
}

int main(void)
{
	static const struct t_case cases[] = { T(every_platform_affirms_with_all_its_reference_values),
		T(no_platform_affirms_without_any_one_of_them), T(each_claim_that_deviates_gives_the_tier_of_its_member),
		T(no_platform_affirms_without_claims) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
