/* The built-in attestation policies, platform by platform: with every reference value they affirm, without any single one of them
 * they do not, and each claim that deviates gives the tier of its member. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/appraise.h"
#include "evidence/csv.h"
#include "tests/ccakit.h"
#include "tests/csvkit.h"
#include "tests/nvkit.h"
#include "tests/rimkit.h"
#include "tests/t.h"

#define REFS_EACH_MAX 16
#define BAD_MAX       24

struct bad { const char *from, *to, *member; int64_t value; }; /* a text of the claims replaced; what the member becomes */
struct platform {
	const char *name, *key, *device_class;
	char     *(*make)(void); /* the claims, by the driver itself; NULL: they are written here */
	const char *claims;
	const char *ref[REFS_EACH_MAX]; /* "name": value */
	struct bad  bad[BAD_MAX];
};

/* ---- claims, as drivers write them ---- */

#define A1	    "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define A2	    "a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2"
#define CCA_RIM	    "Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pg=="
#define CCA_ID	    "GhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGho="
#define CCA_SW	    "AwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define CSV_MEASURE "3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e"

static char *claims_of(const struct ev_out *o)
{
	CHECK(o->verdict == VERDICT_VALID && o->claims.n > 0);
	return span_dup(wr_span(&o->claims));
}

static char *cca_claims(void)
{
	CLEANUP(ev_out_clear) struct ev_out out = { 0 };
	CLEANUP(wr_close) struct wr token = wr_open(1u << 16);
	struct ev_in in = { .now = -1 };
	struct ccakit k = { 0 };
	struct err e = { 0 };

	ccakit_open(&k, true);
	ccakit_token(&k, &token);
	in.evidence = wr_span(&token);
	in.col = &k.col;
	CHECK(tee_driver_find(span_of("cca"))->appraise(&in, &out, &e) == COFFER_OK);
	ccakit_close(&k);
	return claims_of(&out);
}

static char *csv_claims(void)
{
	CLEANUP(ev_out_clear) struct ev_out out = { 0 };
	struct ev_in in = { .now = -1 };
	struct csvkit k;
	struct err e = { 0 };

	csvkit_open(&k);
	csvkit_json(&k);
	in.evidence = wr_span(&k.json);
	in.col = &k.col;
	CHECK(csv_appraise(&in, &k.roots, &out, &e) == COFFER_OK);
	csvkit_close(&k);
	return claims_of(&out);
}

struct devices { struct nvkit k; struct wr list; struct json_wr j; };

static void devices_open(struct devices *d)
{
	*d = (struct devices){ .list = wr_open(1u << 20) };
	nvkit_open(&d->k);
	d->j = jw_open(&d->list, false);
	jw_obj(&d->j);
	jw_name(&d->j, "device_evidence_list");
	jw_arr(&d->j);
}

static void device(struct devices *d, struct nvkit_how how)
{
	static const uint8_t nonce[32] = { 1 };
	CLEANUP(wr_close) struct wr report = wr_open(8192), pem = wr_open(16384);

	nvkit_device(&d->k, &how, SPAN(nonce), &report, &pem);
	nvkit_item(&d->j, how.ls10 ? "LS10" : "HOPPER", wr_span(&report), wr_span(&pem));
}

static char *devices_claims(struct devices *d)
{
	CLEANUP(ev_out_clear) struct ev_out out = { 0 };
	struct ev_in in = { .col = &d->k.col, .now = NVKIT_NOW };
	struct err e = { 0 };

	jw_arr_end(&d->j);
	jw_obj_end(&d->j);
	in.evidence = wr_span(&d->list);
	CHECK(tee_driver_find(span_of("nvidia"))->appraise(&in, &out, &e) == COFFER_OK);
	nvkit_close(&d->k);
	wr_close(&d->list);
	return claims_of(&out);
}

static char *gpu_claims(void)
{
	struct devices d;

	devices_open(&d);
	device(&d, (struct nvkit_how){ 0 });
	return devices_claims(&d);
}

static char *switch_claims(void)
{
	struct devices d;

	devices_open(&d);
	device(&d, (struct nvkit_how){ .ls10 = true, .id = 1 });
	return devices_claims(&d);
}

static char *machine_claims(void)
{
	struct devices d;

	devices_open(&d);
	for (size_t i = 0; i < 8; i++)
		device(&d, (struct nvkit_how){ .n_switches = 4, .protected_pcie = true });
	for (uint8_t i = 1; i <= 4; i++)
		device(&d, (struct nvkit_how){ .ls10 = true, .id = i });
	return devices_claims(&d);
}

/* A GPU with the manifests of its VBIOS and of its driver among the collateral. */
static char *manifest_claims(void)
{
	static const char *const version[] = { NVKIT_VBIOS, NVKIT_DRIVER };
	struct rimkit m[2];
	struct devices d;
	char *claims;

	devices_open(&d);
	d.k.col.manifests = rim_manifest;
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(freep) char *c = str_fmt("<Meta colloquialVersion=\"%s\" edition=\"GPU\" t:PlatformManufacturerStr=\"A\"/><Payload>"
			"<Resource type=\"Measurement\" index=\"%zu\" active=\"True\" n:Hash0=\"%s\"/></Payload>", version[i], i, i ? A2 : A1);

		rimkit_open(&m[i], &(struct rimkit_how){ .contents = c });
		evkit_add(&d.k.col.roots, &m[i].root_der);
		d.k.col.other[d.k.col.n_other++] = wr_span(&m[i].xml);
	}
	device(&d, (struct nvkit_how){ 0 });
	claims = devices_claims(&d);
	for (size_t i = 0; i < 2; i++)
		rimkit_close(&m[i]);
	return claims;
}

#define AZ_TD "{\"quote\":{\"body\":{\"mr_td\":\"aa\",\"td_attributes\":\"0000001000000000\",\"xfam\":\"e7\"}},\"tcb_status\":\"UpToDate\",\"collateral_expiration_status\":\"0\"," \
	"\"td_attributes\":{\"debug\":false},\"tpm\":{\"pcr11\":\"11\"}}"

static struct platform all[] = {
	{ "snp", "snp", "cpu", NULL,
	    "{\"measurement\":\"aa\",\"reported_tcb_bootloader\":3,\"reported_tcb_microcode\":115,\"reported_tcb_snp\":8,\"reported_tcb_tee\":0,"
	    "\"committed_tcb_bootloader\":3,\"committed_tcb_microcode\":115,\"committed_tcb_snp\":8,\"committed_tcb_tee\":0,"
	    "\"launch_tcb_bootloader\":3,\"launch_tcb_microcode\":115,\"launch_tcb_snp\":8,\"launch_tcb_tee\":0,"
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
		{ "launch_tcb_bootloader\":3", "launch_tcb_bootloader\":2", "hardware", 97 },
		{ "launch_tcb_microcode\":115", "launch_tcb_microcode\":99", "hardware", 97 },
		{ "launch_tcb_snp\":8", "launch_tcb_snp\":7", "hardware", 97 },
		{ "\"launch_tcb_tee\":0,", "", "hardware", 97 },
		{ "policy_debug_allowed\":false", "policy_debug_allowed\":true", "configuration", 96 },
		{ "policy_migrate_ma\":false", "policy_migrate_ma\":true", "configuration", 96 },
		{ "platform_smt_enabled\":true", "platform_smt_enabled\":false", "configuration", 36 },
		{ "platform_tsme_enabled\":false", "platform_tsme_enabled\":true", "configuration", 36 },
		{ "policy_abi_major\":0", "policy_abi_major\":1", "configuration", 36 },
		{ "policy_abi_minor\":31", "policy_abi_minor\":30", "configuration", 36 },
		{ "policy_single_socket\":false", "policy_single_socket\":true", "configuration", 36 },
		{ "policy_smt_allowed\":true", "policy_smt_allowed\":false", "configuration", 36 } } },
	{ "az-snp-vtpm", "az-snp-vtpm", "cpu", NULL,
	    "{\"measurement\":\"qg==\",\"reported_tcb_bootloader\":\"3\",\"reported_tcb_microcode\":\"115\",\"reported_tcb_snp\":\"8\","
	    "\"reported_tcb_tee\":\"0\",\"committed_tcb_bootloader\":\"3\",\"committed_tcb_microcode\":\"115\",\"committed_tcb_snp\":\"8\",\"committed_tcb_tee\":\"0\","
	    "\"launch_tcb_bootloader\":\"3\",\"launch_tcb_microcode\":\"115\",\"launch_tcb_snp\":\"8\",\"launch_tcb_tee\":\"0\",\"policy_debug_allowed\":\"false\",\"policy_migrate_ma\":\"false\",\"platform_smt_enabled\":\"true\","
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
		{ "committed_tcb_microcode\":\"115\"", "committed_tcb_microcode\":\"114\"", "hardware", 97 },
		{ "launch_tcb_snp\":\"8\"", "launch_tcb_snp\":\"7\"", "hardware", 97 },
		{ "launch_tcb_bootloader\":\"3\"", "launch_tcb_bootloader\":\"9x\"", "hardware", 97 },
		{ "debug_allowed\":\"false\"", "debug_allowed\":\"true\"", "configuration", 96 },
		{ "migrate_ma\":\"false\"", "migrate_ma\":\"true\"", "configuration", 96 },
		{ "smt_enabled\":\"true\"", "smt_enabled\":\"false\"", "configuration", 36 },
		{ "tsme_enabled\":\"false\"", "tsme_enabled\":\"true\"", "configuration", 36 },
		{ "abi_major\":\"0\"", "abi_major\":\"1\"", "configuration", 36 },
		{ "abi_minor\":\"31\"", "abi_minor\":\"3\"", "configuration", 36 },
		{ "single_socket\":\"false\"", "single_socket\":\"true\"", "configuration", 36 },
		{ "smt_allowed\":\"true\"", "smt_allowed\":\"false\"", "configuration", 36 } } },
	{ "tdx", "tdx", "cpu", NULL,
	    "{\"quote\":{\"body\":{\"mr_td\":\"aa\",\"rtmr_1\":\"01\",\"rtmr_2\":\"02\",\"td_attributes\":\"0000001000000000\",\"xfam\":\"e7\"}},\"tcb_status\":\"UpToDate\","
	    "\"collateral_expiration_status\":\"0\",\"td_attributes\":{\"debug\":false}}",
	    { "\"rtmr_1\":\"01\"", "\"rtmr_2\":[\"02\"]", "\"mr_td\":\"aa\"", "\"xfam\":\"e7\"" },
	    { { "\"rtmr_1\":\"01\"", "\"rtmr_1\":\"11\"", "executables", 33 }, { "\"rtmr_2\":\"02\"", "\"rtmr_2\":\"11\"", "executables", 33 },
		{ "\"mr_td\":\"aa\"", "\"mr_td\":\"ab\"", "hardware", 97 }, { "UpToDate", "OutOfDate", "hardware", 32 },
		{ "UpToDate", "SWHardeningNeeded", "hardware", 32 }, { "expiration_status\":\"0\"", "expiration_status\":\"1\"", "hardware", 97 },
		{ "\"debug\":false", "\"debug\":true", "configuration", 96 }, { "\"0000001000000000\"", "\"1000001000000000\"", "configuration", 96 },
		{ "\"0000001000000000\"", "\"0000003000000000\"", "configuration", 96 }, { "\"0000001000000000\"", "\"\"", "configuration", 96 },
		{ "\"td_attributes\":\"0000001000000000\",", "", "configuration", 96 }, { "\"xfam\":\"e7\"", "\"xfam\":\"ff\"", "configuration", 36 } } },
	{ "az-tdx-vtpm", "az-tdx-vtpm", "cpu", NULL, AZ_TD, { "\"tdx_pcr11\":\"11\"", "\"mr_td\":\"aa\"", "\"xfam\":[\"e7\"]" },
	    { { "\"pcr11\":\"11\"", "\"pcr11\":\"12\"", "executables", 33 }, { "\"mr_td\":\"aa\"", "\"mr_td\":\"ab\"", "hardware", 97 },
		{ "UpToDate", "OutOfDate", "hardware", 32 }, { "expiration_status\":\"0\"", "expiration_status\":\"1\"", "hardware", 97 },
		{ "\"debug\":false", "\"debug\":true", "configuration", 96 }, { "\"0000001000000000\"", "\"1000001000000000\"", "configuration", 96 },
		{ "\"0000001000000000\"", "\"0000003000000000\"", "configuration", 96 }, { "\"0000001000000000\"", "\"\"", "configuration", 96 },
		{ "\"td_attributes\":\"0000001000000000\",", "", "configuration", 96 }, { "\"xfam\":\"e7\"", "\"xfam\":\"ff\"", "configuration", 36 } } },
	{ "sgx", "sgx", "cpu", NULL,
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
	{ "tpm", "tpm", "cpu", NULL, "{\"ak_public\":\"QUs=\",\"pcr07\":\"07\",\"pcr11\":\"11\"}",
	    { "\"tpm_pcr11\":\"11\"", "\"trusted_aks\":[\"QUs=\"]", "\"tpm_pcr07\":\"07\"" },
	    { { "\"pcr11\":\"11\"", "\"pcr11\":\"12\"", "executables", 33 }, { "QUs=", "QUt=", "hardware", 97 },
		{ "\"pcr07\":\"07\"", "\"pcr07\":\"08\"", "configuration", 36 } } },
	{ "swtpm", "tpm", "cpu", NULL, "{\"ak_public\":\"QUs=\",\"pcr07\":\"07\",\"pcr11\":\"11\"}",
	    { "\"tpm_pcr11\":\"11\"", "\"trusted_aks\":[\"QUs=\"]", "\"tpm_pcr07\":\"07\"", "\"swtpm_accepted\":true" },
	    { { "\"pcr11\":\"11\"", "\"pcr11\":\"12\"", "executables", 33 } } },
	{ "cca", "cca", "cpu", cca_claims, NULL,
	    { "\"cca_realm_initial_measurement\":\"" CCA_RIM "\"", "\"cca_platform_implementation_id\":\"" CCA_ID "\"",
		"\"cca_platform_config\":\"z8/Pzw==\"", "\"cca_platform_sw_components\":[\"" CCA_SW "\",\"other\"]" },
	    { { CCA_RIM, "cm1=", "executables", 33 }, { CCA_ID, "aXQ=", "hardware", 97 },
		{ "\"measurement-value\":\"" CCA_SW, "\"measurement-value\":\"bTM=", "hardware", 97 },
		{ "[{\"measurement-type\":\"BL\","
		  "\"measurement-value\":\"" CCA_SW "\",\"signer-id\":\"" CCA_SW "\",\"version\":\"1.2.3\"}]", "[]",
		    "hardware", 97 },
		{ "12291", "16384", "configuration", 96 }, { "12291", "\"12291\"", "configuration", 96 },
		{ "z8/Pzw==", "Y2Z=", "configuration", 36 } } },
	{ "csv", "csv", "cpu", csv_claims, NULL,
	    { "\"csv_measure\":\"" CSV_MEASURE "\"", "\"csv_version\":\"1\"", "\"csv_serial_number\":[\"KPA0001\"]",
		"\"csv_vm_version\":\"00000000000000000000000000000000\"" },
	    { { "\"" CSV_MEASURE, "\"ab", "executables", 33 }, { "\"version\":\"1\"", "\"version\":\"2\"", "hardware", 97 },
		{ "KPA0001", "KPA0002", "hardware", 97 }, { "\"nodbg\":1", "\"nodbg\":0", "configuration", 96 },
		{ "\"nodbg\":1,", "", "configuration", 96 }, { "\"vm_version\":\"00", "\"vm_version\":\"01", "configuration", 36 } } },
	{ "sample", "sample", "cpu", NULL, "{\"svn\":\"1\"}", { "\"sample_accepted\":true", "\"svn\":[\"1\"]" }, { { "\"1\"", "\"2\"", "executables", 33 } } },
	{ "nvidia", "nvidia", "gpu", gpu_claims, NULL,
	    { "\"nvidia_gpu_measurements\":[\"1:" A1 "\",\"2:" A2 "\"]", "\"nvidia_gpu_arch\":\"Hopper\"",
		"\"allowed_vbios_versions\":[\"" NVKIT_VBIOS "\"]", "\"allowed_driver_versions\":[\"" NVKIT_DRIVER "\"]" },
	    { { A2, "bc", "executables", 33 }, { "{\"1\":\"" A1 "\",\"2\":\"" A2 "\"}", "{}", "executables", 33 },
		{ "Hopper", "LS10", "hardware", 97 }, { NVKIT_VBIOS, "95", "configuration", 36 },
		{ NVKIT_DRIVER, "1", "configuration", 36 } } },
	{ "nvidia", "nvidia", "gpu", manifest_claims, NULL,
	    { "\"nvidia_gpu_arch\":\"Hopper\"", "\"allowed_vbios_versions\":[\"" NVKIT_VBIOS "\"]",
		"\"allowed_driver_versions\":[\"" NVKIT_DRIVER "\"]" },
	    { { "\"vbios\":true", "\"vbios\":false", "executables", 33 }, { "\"driver\":true", "\"driver\":false", "executables", 33 },
		{ "rim_match", "x", "executables", 33 }, { NVKIT_VBIOS, "95", "configuration", 36 } } },
	{ "nvidia", "nvidia", "switch", switch_claims, NULL,
	    { "\"nvidia_switch_measurements\":[\"1:" A1 "\",\"2:" A2 "\"]", "\"nvidia_switch_arch\":\"LS10\"",
		"\"allowed_switch_bios_versions\":[\"96.10.00.00.01\"]" },
	    { { A1, "bc", "executables", 33 }, { "LS10", "LS9", "hardware", 97 }, { "96.10.00.00.01", "95", "configuration", 36 } } },
	{ "nvidia", "nvidia", "ppcie", machine_claims, NULL, { "\"ppcie_accepted\":true" },
	    { { "Hopper", "LS10", "hardware", 97 }, { "LS10", "LS9", "hardware", 97 },
		{ "\"ppcie_complete\":true", "\"ppcie_complete\":false", "configuration", 36 } } },
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

/* Wherever it is; NULL: nowhere. */
static char *replaced(const char *s, const char *from, const char *to)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 20);
	const char *at = strstr(s, from);

	if (!at)
		return NULL;
	for (; at; s = at + strlen(from), at = strstr(s, from)) {
		wr_put(&w, (struct span){ (const uint8_t *)s, (size_t)(at - s) });
		wr_str(&w, to);
	}
	wr_str(&w, s);
	return span_dup(wr_span(&w));
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

static const struct platform *of_class(const char *device_class)
{
	for (size_t i = 0; i < N_ALL; i++)
		if (strcmp(all[i].device_class, device_class) == 0)
			return &all[i];
	abort();
}

static void every_device_of_the_evidence_is_judged(void)
{
	CLEANUP(freep) char *machine = machine_claims(), *two = NULL, *one_bad = NULL;
	const struct platform *gpu = of_class("gpu");
	struct devices d;
	struct result r;
	char *at;

	r = run(gpu, machine, REFS_EACH_MAX, "hardware"); /* a switch is no GPU that somebody wanted */
	CHECK(r.rc == COFFER_OK && r.status != EAR_AFFIRMING && r.member == 97);
	devices_open(&d);
	device(&d, (struct nvkit_how){ 0 });
	device(&d, (struct nvkit_how){ 0 });
	two = devices_claims(&d);
	r = run(gpu, two, REFS_EACH_MAX, "executables");
	CHECK(r.rc == COFFER_OK && r.status == EAR_AFFIRMING && r.member == 3);
	one_bad = str_fmt("%s", two);
	at = one_bad ? strstr(one_bad, A2) : NULL;
	at = at ? strstr(at + 1, A2) : NULL; /* of the second */
	CHECK(at != NULL);
	if (at)
		at[0] = 'b';
	r = run(gpu, one_bad, REFS_EACH_MAX, "executables");
	CHECK(r.rc == COFFER_OK && r.status != EAR_AFFIRMING && r.member == 33);
}

int main(void)
{
	static const struct t_case cases[] = { T(every_platform_affirms_with_all_its_reference_values),
		T(no_platform_affirms_without_any_one_of_them), T(each_claim_that_deviates_gives_the_tier_of_its_member),
		T(no_platform_affirms_without_claims), T(every_device_of_the_evidence_is_judged) };
	char *made[N_ALL] = { NULL };
	int rc;

	if (!rim_set_up())
		return 1;
	for (size_t i = 0; i < N_ALL; i++)
		if (all[i].make)
			all[i].claims = made[i] = all[i].make();
	rc = t_main(cases, sizeof(cases) / sizeof(cases[0]));
	for (size_t i = 0; i < N_ALL; i++)
		free(made[i]);
	return rc;
}
