/* A machine against what parties demand of one: each way to differ, one at a time. */
#include "base/str.h"
#include "trust/machine_match.h"

#include "tests/t.h"

static struct tcb_minimum minimum(void)
{
	struct tcb_minimum t = { .platform = "snp", .n_least = 2 };

	t.least[0] = (struct tcb_least){ .product = "milan", .svn = { { "bootloader", 4 }, { "snp", 22 } }, .n_svns = 2 };
	t.least[1] = (struct tcb_least){ .product = "", .svn = { { "microcode", 9 } }, .n_svns = 1 };
	return t;
}

static struct hw_facts machine(void)
{
	struct hw_facts f = { .platform = "snp", .product = "milan", .chip = { 0xab, 0x01 }, .chip_n = 2 };
	static const uint8_t v[48] = { 0x61 }, w[48] = { 0x62 };

	CHECK(facts_add_svn(&f, "bootloader", 4, 4) && facts_add_svn(&f, "snp", 22, 23));
	CHECK(facts_add_reg(&f, "measurement", SPAN(v)) && facts_add_reg(&f, "other", SPAN(w)));
	return f;
}

static struct machine_diff d;

static bool says(const char *field, const char *wanted, const char *found, const char *text)
{
	bool same = strcmp(d.field, field) == 0 && strcmp(d.wanted, wanted) == 0 && strcmp(d.found, found) == 0 &&
		    strcmp(d.text, text) == 0;

	if (!same)
		printf("# %s | %s | %s | %s\n", d.field, d.wanted, d.found, d.text);
	return same;
}

static void platform_accepts_the_name_and_debug_only_by_name(void)
{
	CHECK(platform_accepts(span_of("snp"), "snp", false) && platform_accepts(span_of("snp+debug"), "snp", false));
	CHECK(platform_accepts(span_of("snp+debug"), "snp", true) && !platform_accepts(span_of("snp"), "snp", true));
	CHECK(!platform_accepts(span_of("snp+x"), "snp", false) && !platform_accepts(span_of("sn"), "snp", false));
	CHECK(!platform_accepts(span_of("tdx+debug"), "snp", true) && !platform_accepts(span_of(""), "snp", false));
}

static bool platform_fault(const struct tcb_minimum *t, const struct hw_facts *hw)
{
	size_t at = 0;

	return tcb_platform_fault(t, hw, &at, &d);
}

static void chip_is_one_of_those_listed(void)
{
	struct tcb_minimum t = minimum();
	struct hw_facts f = machine();

	CHECK(!platform_fault(&t, &f));
	t.chip[t.n_chips++] = span_of("ab01");
	CHECK(!platform_fault(&t, &f));
	f.chip[1] = 2;
	CHECK(platform_fault(&t, &f) && says("chip", "ab01", "ab02", "its chip is not listed"));
	t.chip[t.n_chips++] = span_of("ab");
	CHECK(platform_fault(&t, &f) && says("chip", "one of the 2 chips listed", "ab02", "its chip is not listed"));
	f.chip_n = 1;
	CHECK(!platform_fault(&t, &f));
	f.chip_n = 0;
	CHECK(platform_fault(&t, &f) && says("chip", "one of the 2 chips listed", "none", "its chip is not known"));
	CHECK(platform_fault(&t, NULL) && strcmp(d.text, "its chip is not known") == 0);
}

static void bits_are_off_where_they_are_refused(void)
{
	struct tcb_minimum t = minimum();
	struct hw_facts f = machine();

	f.smt = f.migratable = true;
	CHECK(!platform_fault(&t, &f));
	t.smt_refused = true;
	CHECK(platform_fault(&t, &f) && says("smt", "off", "on", "another thread may share its core"));
	CHECK(platform_fault(&t, NULL) && strcmp(d.field, "smt") == 0);
	f.smt = false;
	CHECK(!platform_fault(&t, &f));
	t.migration_refused = true;
	CHECK(platform_fault(&t, &f) && says("migration", "off", "on", "it may be migrated"));
	f.migratable = false;
	CHECK(!platform_fault(&t, &f));
	t.smt_refused = false;
	CHECK(platform_fault(&t, NULL) && strcmp(d.field, "migration") == 0);
}

static void bits_that_the_evidence_does_not_have_are_not_off(void)
{
	static const struct { const char *platform; bool smt, migration; } tells[] = {
		{ "snp", true, true }, { "az-snp-vtpm", true, true }, { "tdx", false, true }, { "az-tdx-vtpm", false, true },
		{ "csv", false, true }, { "tpm", false, false }, { "swtpm", false, false }, { "sgx", false, false }, { "cca", false, false },
	};

	for (size_t i = 0; i < sizeof(tells) / sizeof(tells[0]); i++) {
		struct tcb_minimum t = minimum();
		struct hw_facts f = machine();

		(void)snprintf(f.platform, sizeof(f.platform), "%s", tells[i].platform);
		t.smt_refused = true;
		CHECK(platform_fault(&t, &f) == !tells[i].smt);
		CHECK(tells[i].smt || says("smt", "off", "none", "whether another thread may share its core is not known"));
		t.smt_refused = false;
		t.migration_refused = true;
		CHECK(platform_fault(&t, &f) == !tells[i].migration);
		CHECK(tells[i].migration || says("migration", "off", "none", "whether it may be migrated is not known"));
	}
}

static void every_fault_of_the_platform_comes_once(void)
{
	struct tcb_minimum t = minimum();
	size_t at = 0;

	t.chip[t.n_chips++] = span_of("ab01");
	t.smt_refused = t.migration_refused = true;
	CHECK(tcb_platform_fault(&t, NULL, &at, &d) && strcmp(d.field, "chip") == 0);
	CHECK(tcb_platform_fault(&t, NULL, &at, &d) && strcmp(d.field, "smt") == 0);
	CHECK(tcb_platform_fault(&t, NULL, &at, &d) && strcmp(d.field, "migration") == 0);
	CHECK(!tcb_platform_fault(&t, NULL, &at, &d) && !tcb_platform_fault(&t, NULL, &at, &d));
}

static bool firmware_fault(const struct tcb_minimum *t, const struct hw_facts *hw)
{
	size_t at = 0;

	return tcb_firmware_fault(t, hw, &at, &d);
}

static void firmware_is_at_its_least_as_committed_and_as_launched(void)
{
	struct tcb_minimum t = minimum();
	struct hw_facts f = machine();

	CHECK(!firmware_fault(&t, &f));
	f.svn[1].committed = 21;
	CHECK(firmware_fault(&t, &f) &&
	      says("snp", "at least 22", "committed 21, at launch 23", "snp committed 21, at launch 23, at least 22"));
	f.svn[1].committed = 22;
	f.svn[1].launch = 21;
	CHECK(firmware_fault(&t, &f) &&
	      says("snp", "at least 22", "committed 22, at launch 21", "snp committed 22, at launch 21, at least 22"));
	f.n_svns = 1;
	CHECK(firmware_fault(&t, &f) && says("snp", "at least 22", "none", "no snp in the evidence"));
}

static void firmware_rows_are_by_product(void)
{
	struct tcb_minimum t = minimum();
	struct hw_facts f = machine();

	(void)snprintf(f.product, sizeof(f.product), "genoa");
	CHECK(firmware_fault(&t, &f) && strcmp(d.text, "no microcode in the evidence") == 0);
	CHECK(facts_add_svn(&f, "microcode", 9, 9) && !firmware_fault(&t, &f));
	t.n_least = 1;
	CHECK(firmware_fault(&t, &f) && says("product", "a product with a row", "genoa", "no row for product \"genoa\""));
	CHECK(firmware_fault(&t, NULL) && says("product", "a product with a row", "none", "no row for product \"\""));
	(void)snprintf(t.least[0].product, sizeof(t.least[0].product), "genoa");
	t.least[0].n_svns = 0; /* a row that demands nothing is a row */
	CHECK(!firmware_fault(&t, &f));
}

static void every_fault_of_the_firmware_comes_once(void)
{
	struct tcb_minimum t = minimum();
	struct hw_facts f = machine();
	size_t at = 0;

	f.svn[0].launch = 1;
	f.svn[1].launch = 1;
	CHECK(tcb_firmware_fault(&t, &f, &at, &d) && strcmp(d.field, "bootloader") == 0);
	CHECK(tcb_firmware_fault(&t, &f, &at, &d) && strcmp(d.field, "snp") == 0);
	CHECK(!tcb_firmware_fault(&t, &f, &at, &d));
	f.svn[0].launch = 4;
	at = 0;
	CHECK(tcb_firmware_fault(&t, &f, &at, &d) && strcmp(d.field, "snp") == 0 && !tcb_firmware_fault(&t, &f, &at, &d));
	(void)snprintf(f.product, sizeof(f.product), "turin");
	t.n_least = 1;
	at = 0;
	CHECK(tcb_firmware_fault(&t, &f, &at, &d) && strcmp(d.field, "product") == 0 && !tcb_firmware_fault(&t, &f, &at, &d));
}

static void launch(struct boot_launch *l, const char *platform, uint8_t measurement, uint8_t other)
{
	*l = (struct boot_launch){ .n_regs = 2 };
	(void)snprintf(l->platform, sizeof(l->platform), "%s", platform);
	l->reg[0] = (struct fact_reg){ .name = "measurement", .v = { measurement }, .n = 48 };
	l->reg[1] = (struct fact_reg){ .name = "other", .v = { other }, .n = 48 };
}

static void boot_matches_when_every_register_of_one_launch_does(void)
{
	struct boot_launch l[2];
	struct boot_image b = { .launch = l, .n_launches = 2 };
	struct hw_facts f = machine();

	launch(&l[0], "snp", 0x70, 0x71);
	launch(&l[1], "snp", 0x61, 0x62);
	CHECK(boot_launched(&b, &f, &d));
	launch(&l[1], "snp", 0x61, 0x63); /* nearer than the first, which differs in two */
	CHECK(!boot_launched(&b, &f, &d) && strcmp(d.field, "other") == 0);
	CHECK(strncmp(d.wanted, "6300", 4) == 0 && strncmp(d.found, "6200", 4) == 0);
	CHECK(strlen(d.wanted) == 96 && strcmp(d.text, "another other") == 0);
	l[1].reg[1].n = 47; /* another length is another value */
	CHECK(!boot_launched(&b, &f, &d));
	launch(&l[1], "snp", 0x61, 0x62);
	f.n_regs = 1;
	CHECK(!boot_launched(&b, &f, &d) && strcmp(d.field, "other") == 0 && strcmp(d.found, "none") == 0);
	CHECK(!boot_launched(&b, NULL, &d) && strcmp(d.field, "platform") == 0);
}

static void boot_of_another_platform_or_without_registers_matches_nothing(void)
{
	struct boot_launch l[1];
	struct boot_image b = { .launch = l, .n_launches = 1 };
	struct hw_facts f = machine();

	launch(&l[0], "tdx", 0x61, 0x62);
	CHECK(!boot_launched(&b, &f, &d) && says("platform", "a launch for snp", "none", "no launch for snp"));
	launch(&l[0], "snp", 0x61, 0x62);
	l[0].n_regs = 0;
	CHECK(!boot_launched(&b, &f, &d) && strcmp(d.field, "registers") == 0);
	b.n_launches = 0;
	CHECK(!boot_launched(&b, &f, &d) && strcmp(d.field, "platform") == 0);
}

static void boot_enforces_what_is_relied_on(void)
{
	struct boot_image b = { .enforces = ENFORCES_MANIFEST | ENFORCES_IMAGE_DIGESTS };

	CHECK(boot_relied_on(&b, &d));
	b.enforces = ENFORCES_MANIFEST | ENFORCES_LEASES;
	CHECK(!boot_relied_on(&b, &d));
	CHECK(says("enforces", "manifest, image-digests", "manifest, leases", "does not enforce image digests"));
	b.enforces = ENFORCES_IMAGE_DIGESTS;
	CHECK(!boot_relied_on(&b, &d) && says("enforces", "manifest, image-digests", "image-digests", "does not enforce the manifest"));
	b.enforces = 0;
	CHECK(!boot_relied_on(&b, &d) && says("enforces", "manifest, image-digests", "nothing", "does not enforce the manifest"));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(platform_accepts_the_name_and_debug_only_by_name), T(chip_is_one_of_those_listed),
		T(bits_are_off_where_they_are_refused), T(bits_that_the_evidence_does_not_have_are_not_off),
		T(every_fault_of_the_platform_comes_once), T(firmware_is_at_its_least_as_committed_and_as_launched),
		T(firmware_rows_are_by_product), T(every_fault_of_the_firmware_comes_once),
		T(boot_matches_when_every_register_of_one_launch_does),
		T(boot_of_another_platform_or_without_registers_matches_nothing), T(boot_enforces_what_is_relied_on),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
