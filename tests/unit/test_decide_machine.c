/* The decision on a platform that measures: R2 to R5 and R8, what R7 makes of the agent, and what R11 adds. */
#include "tests/unit/decide_fix.h"

static void reg(struct fact_reg *r, const char *name, uint8_t v)
{
	(void)snprintf(r->name, sizeof(r->name), "%s", name);
	memset(r->v, v, 48);
	r->n = 48;
}

static void least(struct fact_tcb *t, const char *product, const char *name, uint64_t svn)
{
	struct tcb_least *l = &t->body.least[t->body.n_least++];

	(void)snprintf(l->product, sizeof(l->product), "%s", product);
	(void)snprintf(l->svn[0].name, sizeof(l->svn[0].name), "%s", name);
	l->svn[0].least = svn;
	l->n_svns = 1;
}

static struct fact_tcb minimum(const char *issuer, uint8_t id)
{
	struct fact_tcb t = { .s = fact(ST_TCB, issuer, id), .body = { .platform = "snp" } };

	least(&t, "milan", "microcode", 8);
	return t;
}

static void base_boot(struct world *m)
{
	struct fact_boot *b = &m->boot[0];

	b->s = fact(ST_BOOT_IMAGE, "acme", 6);
	(void)snprintf(b->body.name, sizeof(b->body.name), "guest");
	b->body.enforces = ENFORCES_MANIFEST | ENFORCES_IMAGE_DIGESTS | ENFORCES_SCOPING;
	b->body.launch = &m->launch[0];
	b->body.n_launches = 1;
	(void)snprintf(m->launch[0].platform, sizeof(m->launch[0].platform), "snp");
	reg(&m->launch[0].reg[0], "measurement", 0x61);
	m->launch[0].n_regs = 1;
	m->in.boot = m->boot;
	m->in.n_boots = 1;
	memset(m->approval[0].body.boot_image[0], 6, 32);
	m->approval[0].body.n_boot_images = 1;
}

/* As base, on snp: hospital and acme each state a minimum, and the machine meets both. */
static void machine(struct world *m)
{
	base(m);
	json_free(m->platforms);
	m->platforms = json("[\"snp\"]");
	m->workload[0].manifest.platforms = json_root(m->platforms);
	(void)snprintf(m->approval[0].body.platform[0], 32, "snp");
	base_boot(m);
	m->hw = (struct hw_facts){ .platform = "snp", .product = "milan", .chip = { 0xab, 0x01 }, .chip_n = 2, .n_regs = 1, .n_svns = 1 };
	reg(&m->hw.reg[0], "measurement", 0x61);
	m->hw.svn[0] = (struct fact_svn){ .name = "microcode", .committed = 8, .launch = 9 };
	m->tcb[0] = minimum("hospital", 7);
	m->tcb[1] = minimum("acme", 8);
	m->in.tcb = m->tcb;
	m->in.n_tcbs = 2;
	m->in.a.platform = "snp";
	m->in.a.genuine = m->in.a.collateral = true;
	(void)snprintf(m->in.a.why, sizeof(m->in.a.why), "verified to AMD's root");
	m->in.a.hw = &m->hw;
}

static void machine_own(struct world *m)
{
	machine(m);
	m->in.q.path = path("acme/a/b");
	asset_of(m, "acme");
	m->in.n_approvals = 0;
}

#define ALLOWS_M(change) do { machine(&w); change; CHECK(allows(&w)); } while (0)
#define DENIES_M(change, id, also) do { machine(&w); change; CHECK(denies(&w, id, also)); } while (0)
#define DENIES_MO(change, id, also) do { machine_own(&w); change; CHECK(denies(&w, id, also)); } while (0)

static void machine_base_cases_allow(void)
{
	machine(&w);
	CHECK(allows(&w) && w.d.boot == &w.boot[0] && w.d.release[0] == &w.release[0] && w.d.release[1] == &w.release[1]);
	CHECK(strcmp(w.d.check[2].found, "verified to AMD's root") == 0 && strstr(w.d.check[4].found, "2 minimum statements"));
	machine_own(&w);
	CHECK(allows(&w) && w.d.boot == &w.boot[0]); /* the provider's word suffices */
	ALLOWS_M(w.in.q.scoped = w.in.q.signature_ok = w.in.q.counter_ok = false);
}

/* ---- R2 ---- */

static void r2_denies_what_is_not_genuine_and_looks_no_further(void)
{
	DENIES_M(w.in.a.genuine = false, "R2", "");
	CHECK(w.d.n == 2 && !w.d.appraised && w.d.stranger && strcmp(w.d.check[0].id, "R1") == 0 && w.d.check[0].holds);
	CHECK(strncmp(w.d.check[1].found, "invalid: ", 9) == 0 && !decision_wants_policy(&w.in, &w.d));
	DENIES_M((w.in.a.genuine = w.in.a.collateral = false), "R2", "");
	CHECK(strncmp(w.d.check[1].found, "collateral unavailable: ", 24) == 0 && strcmp(w.d.check[1].who, "the service's operator") == 0);
	DENIES_M(w.in.a.collateral = false, "R2", "");
	DENIES_M(w.in.a.hw = NULL, "R2", "");
	DENIES_M((void)snprintf(w.hw.platform, sizeof(w.hw.platform), "tdx"), "R2", "");
	CHECK(w.d.n == 2);
	/* A session that claims to be sample with evidence of a real machine. */
	DENIES_M(w.in.a.platform = "sample", "R2", "");
}

static void r2_of_sample_and_swtpm_proves_nothing_and_says_so(void)
{
	base(&w);
	CHECK(allows(&w) && strcmp(w.d.check[2].found, "not asked: sample proves nothing; R3 decides whether the owner named it") == 0);
	CHECK(strcmp(w.d.check[5].found, "not asked: sample proves nothing, and no boot is measured on it") == 0);
	machine(&w);
	w.in.a.platform = "swtpm";
	(void)snprintf(w.hw.platform, sizeof(w.hw.platform), "swtpm");
	(void)snprintf(w.launch[0].platform, sizeof(w.launch[0].platform), "swtpm");
	(void)snprintf(w.approval[0].body.platform[0], 32, "swtpm");
	w.in.a.genuine = false;
	CHECK(allows(&w) && strstr(w.d.check[2].found, "swtpm proves nothing") && strcmp(w.d.check[4].found, "no minimum stated") == 0);
	machine(&w);
	w.in.a.platform = "swtpm";
	w.in.a.genuine = false;
	w.in.a.hw = NULL; /* not even a quote that its own key signed */
	CHECK(denies(&w, "R2", ""));
	machine(&w);
	w.in.a.platform = "swtpm";
	(void)snprintf(w.hw.platform, sizeof(w.hw.platform), "swtpm");
	(void)snprintf(w.launch[0].platform, sizeof(w.launch[0].platform), "swtpm");
	CHECK(denies(&w, "R3", "R9") && strstr(w.d.check[3].found, "which proves nothing and is not named"));
}

/* ---- R3 ---- */

static void r3_denies_debug_that_the_owner_did_not_name(void)
{
	machine(&w);
	json_free(w.platforms);
	w.platforms = json("[\"snp\",\"snp+debug\"]");
	w.workload[0].manifest.platforms = json_root(w.platforms);
	w.hw.debug = true;
	CHECK(denies(&w, "R3", "R9") && strstr(w.d.check[3].found, "memory can be debugged") && strstr(w.d.check[3].command, "--platform snp+debug --boot-image 0606"));
	ALLOWS_M((w.hw.debug = true, (void)snprintf(w.approval[0].body.platform[0], 32, "snp+debug")));
	ALLOWS_M((void)snprintf(w.approval[0].body.platform[0], 32, "snp+debug")); /* without it is better still */
	DENIES_M((w.hw.debug = true, (void)snprintf(w.approval[0].body.platform[0], 32, "tdx+debug")), "R3", "R9");
	DENIES_MO(w.hw.debug = true, "R3", "R9");
	machine_own(&w);
	json_free(w.platforms);
	w.platforms = json("[\"tdx\",\"snp+debug\"]");
	w.workload[0].manifest.platforms = json_root(w.platforms);
	w.hw.debug = true;
	CHECK(allows(&w));
}

static void r3_denies_a_platform_that_nobody_named(void)
{
	DENIES_M((void)snprintf(w.approval[0].body.platform[0], 32, "tdx"), "R3", "R9");
	CHECK(strcmp(w.d.check[3].found, "snp, which is not named") == 0);
	DENIES_MO((json_free(w.platforms), w.platforms = NULL, w.workload[0].manifest.platforms = NULL), "R3", "R9");
}

static void on(const char *platform)
{
	static char name[16];

	(void)snprintf(name, sizeof(name), "%s", platform);
	w.in.a.platform = name;
	(void)snprintf(w.hw.platform, sizeof(w.hw.platform), "%s", platform);
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(w.tcb[i].body.platform, sizeof(w.tcb[i].body.platform), "%s", platform);
		(void)snprintf(w.launch[i].platform, sizeof(w.launch[i].platform), "%s", platform);
		(void)snprintf(w.approval[i].body.platform[0], sizeof(w.approval[i].body.platform[0]), "%s", platform);
	}
}

/* A bit that no evidence of the platform has is not one that is off. */
static void r3_denies_what_the_evidence_does_not_tell(void)
{
	static const struct { const char *platform; bool smt, migration; } known[] = {
		{ "snp", true, true }, { "az-snp-vtpm", true, true }, { "tdx", false, true }, { "az-tdx-vtpm", false, true },
		{ "tpm", false, false }, { "sgx", false, false },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		ALLOWS_M(on(known[i].platform));
		if (known[i].smt)
			ALLOWS_M((on(known[i].platform), w.tcb[0].body.smt_refused = true));
		else
			DENIES_M((on(known[i].platform), w.tcb[0].body.smt_refused = true), "R3", "");
		if (known[i].migration)
			ALLOWS_M((on(known[i].platform), w.tcb[0].body.migration_refused = true));
		else
			DENIES_M((on(known[i].platform), w.tcb[0].body.migration_refused = true), "R3", "");
		CHECK(known[i].migration || strstr(w.d.check[3].found, "is not known"));
	}
}

static void r3_denies_a_chip_or_a_bit_that_a_minimum_refuses(void)
{
	for (size_t i = 0; i < 2; i++) { /* the owner's, then the provider's */
		DENIES_M((w.tcb[i].body.chip[0] = span_of("ab02"), w.tcb[i].body.n_chips = 1), "R3", "");
		CHECK(strstr(w.d.check[3].found, "chip is not listed") && strcmp(w.d.check[3].who, "whoever runs it, on a machine that this allows,") == 0);
		CHECK(w.d.check[3].sees == (i ? SEES_OWNER | SEES_PROVIDER : SEES_OWNER));
		DENIES_M((w.tcb[i].body.chip[0] = span_of("ab01"), w.tcb[i].body.n_chips = 1, w.hw.chip_n = 0), "R3", "");
		CHECK(strstr(w.d.check[3].found, "chip is not known"));
		DENIES_M((w.tcb[i].body.smt_refused = true, w.hw.smt = true), "R3", "");
		DENIES_M((w.tcb[i].body.migration_refused = true, w.hw.migratable = true), "R3", "");
		ALLOWS_M((w.tcb[i].body.chip[0] = span_of("ab02"), w.tcb[i].body.chip[1] = span_of("ab01"), w.tcb[i].body.n_chips = 2));
		ALLOWS_M((w.tcb[i].body.smt_refused = w.tcb[i].body.migration_refused = true));
	}
	ALLOWS_M((w.hw.smt = w.hw.migratable = true));
}

/* clinic decides of the asset with hospital, and states a minimum of its own. */
static void shared(struct world *m)
{
	m->in.asset.body.n_of = 2;
	(void)snprintf(m->in.asset.body.of[1], PARTY_MAX, "clinic");
	m->tcb[2] = minimum("clinic", 9);
	m->in.n_tcbs = 3;
}

static void minimum_of_each_who_decides_bears(void)
{
	ALLOWS_M(shared(&w));
	DENIES_M((shared(&w), w.tcb[2].body.least[0].svn[0].least = 10), "R4", "");
	CHECK(strstr(w.d.check[4].found, "clinic") && w.d.check[4].sees == SEES_OWNER);
	DENIES_M((shared(&w), w.tcb[2].body.smt_refused = true, w.hw.smt = true), "R3", "");
	DENIES_M((shared(&w), w.tcb[2].body.max_age = 100, w.hw.collateral = NOW - 101), "R2", "");
	ALLOWS_M((shared(&w), w.in.asset.body.n_of = 1, w.tcb[2].body.least[0].svn[0].least = 10)); /* it does not decide any more */
	ALLOWS_M((shared(&w), (void)snprintf(w.tcb[2].s.issuer, PARTY_MAX, "other"), w.tcb[2].body.least[0].svn[0].least = 10));
}

static void r2_denies_collateral_older_than_an_owner_or_the_provider_allows(void)
{
	for (size_t i = 0; i < 2; i++) {
		DENIES_M((w.tcb[i].body.max_age = 100, w.hw.collateral = NOW - 101), "R2", "");
		CHECK(strstr(w.d.check[2].found, "stale") && strstr(w.d.check[2].found, i ? "acme" : "hospital"));
		DENIES_M((w.tcb[i].body.max_age = 100, w.hw.collateral = 0), "R2", ""); /* of no known age */
		ALLOWS_M((w.tcb[i].body.max_age = 100, w.hw.collateral = NOW - 100));
	}
	ALLOWS_M(w.hw.collateral = 1); /* nobody says how old it may be */
	ALLOWS_M((w.tcb[0].body.max_age = 100, w.tcb[0].s.superseded = true));
}

/* ---- R4 ---- */

static void r4_denies_firmware_below_any_minimum_that_applies(void)
{
	DENIES_M(w.hw.svn[0].committed = 7, "R4", "");
	CHECK(strstr(w.d.check[4].found, "hospital's tcb statement 0707070707070707: microcode committed 7, at launch 9, at least 8"));
	DENIES_M(w.hw.svn[0].launch = 7, "R4", "");
	ALLOWS_M(w.hw.svn[0].launch = 8); /* the least is enough */
	DENIES_M(w.hw.n_svns = 0, "R4", "");
	DENIES_M((void)snprintf(w.hw.product, sizeof(w.hw.product), "genoa"), "R4", ""); /* a product without a row */
	DENIES_M(w.tcb[0].body.n_least = 0, "R4", "");
	for (size_t i = 0; i < 2; i++) {
		DENIES_M(w.tcb[i].body.least[0].svn[0].least = 10, "R4", "");
		CHECK(w.d.check[4].sees == (i ? SEES_PROVIDER : SEES_OWNER)); /* each hears of its own */
		DENIES_MO((w.tcb[1].body.least[0].svn[0].least = 10), "R4", "");
	}
	DENIES_M((w.tcb[0].body.least[0].n_svns = 2, w.tcb[0].body.least[0].svn[1].least = 0,
	          (void)snprintf(w.tcb[0].body.least[0].svn[1].name, 16, "tee")), "R4", ""); /* named, though at least 0 */
}

static void r4_takes_the_row_of_the_product_before_that_of_all_others(void)
{
	ALLOWS_M(least(&w.tcb[0], "", "microcode", 200));
	DENIES_M((least(&w.tcb[0], "", "microcode", 200), w.hw.product[0] = 'x'), "R4", "");
	machine(&w);
	w.in.n_tcbs = 1;
	least(&w.tcb[0], "", "microcode", 5);
	w.hw.product[0] = 'x';
	CHECK(allows(&w));
	DENIES_M((least(&w.tcb[0], "milan", "microcode", 200)), "R4", ""); /* every row of it */
}

static void r4_ignores_minima_that_do_not_apply(void)
{
	ALLOWS_M((w.tcb[0].body.least[0].svn[0].least = 99, (void)snprintf(w.tcb[0].s.issuer, PARTY_MAX, "rival")));
	ALLOWS_M((w.tcb[0].body.least[0].svn[0].least = 99, (void)snprintf(w.tcb[0].body.platform, 16, "tdx")));
	ALLOWS_M((w.tcb[0].body.least[0].svn[0].least = 99, w.tcb[0].s.expires = NOW));
	ALLOWS_M((w.tcb[0].body.least[0].svn[0].least = 99, w.tcb[0].s.superseded = true));
	ALLOWS_M(w.in.n_tcbs = 0);
	CHECK(strcmp(w.d.check[4].found, "no minimum stated") == 0);
	machine_own(&w);
	w.tcb[0].body.least[0].svn[0].least = 99; /* the hospital has no say over acme's own asset */
	CHECK(allows(&w));
}

static void r4_of_sample_fails_where_a_minimum_is_stated_for_it(void)
{
	DENIES((w.tcb[0] = minimum("hospital", 7), (void)snprintf(w.tcb[0].body.platform, 16, "sample"), w.in.tcb = w.tcb, w.in.n_tcbs = 1), "R4", "");
}

/* ---- R5 ---- */

static void r5_denies_a_boot_that_no_image_of_the_provider_describes(void)
{
	DENIES_M(w.in.n_boots = 0, "R5", "R7 R9");
	CHECK(strcmp(w.d.check[5].found, "no boot image of acme in force is for snp") == 0 && strcmp(w.d.check[5].who, "acme") == 0);
	DENIES_M(w.hw.reg[0].v[47] ^= 1, "R5", "R9");
	CHECK(strstr(w.d.check[5].found, "none of the 1 boot images of acme in force for snp: another measurement than of boot image 0606060606060606 (guest), which is approved for it"));
	DENIES_M(w.hw.n_regs = 0, "R5", "R9");
	DENIES_M(w.hw.reg[0].n = 47, "R5", "R9");
	DENIES_M(w.launch[0].reg[0].n = 47, "R5", "R9");
	DENIES_M(w.launch[0].n_regs = 0, "R5", "R9"); /* a launch of nothing is nothing */
	DENIES_M((reg(&w.launch[0].reg[1], "host_data", 1), w.launch[0].n_regs = 2), "R5", "R9"); /* every register listed */
	DENIES_M((void)snprintf(w.launch[0].platform, sizeof(w.launch[0].platform), "tdx"), "R5", "R9");
	DENIES_M((void)snprintf(w.boot[0].s.issuer, PARTY_MAX, "hospital"), "R5", "R9");
	CHECK(strncmp(w.d.check[5].found, "no boot image of acme", 21) == 0);
	DENIES_M(w.boot[0].s.superseded = true, "R5", "R9");
	DENIES_M(w.boot[0].s.expires = NOW, "R5", "R9");
	DENIES_M(w.boot[0].s.issued = NOW + 1, "R5", "R9");
	DENIES_M(w.boot[0].s.issuer_may = false, "R5", "R9");
	DENIES_MO(w.hw.reg[0].v[0] ^= 1, "R5", "R7");
	DENIES_MO((void)snprintf(w.boot[0].s.issuer, PARTY_MAX, "rival"), "R5", "R7");
	ALLOWS_M((w.launch[1] = w.launch[0], w.launch[0].reg[0].v[0] ^= 1, w.boot[0].body.n_launches = 2)); /* one of them */
	/* Registers of two launches do not add up. */
	DENIES_M((w.launch[0].n_regs = 2, reg(&w.launch[0].reg[1], "a", 1), w.launch[1] = w.launch[0], w.boot[0].body.n_launches = 2,
	          reg(&w.hw.reg[1], "a", 2), w.hw.n_regs = 2, w.launch[1].reg[0].v[0] ^= 1, reg(&w.launch[1].reg[1], "a", 2)), "R5", "R9");
}

/* Two boot images, neither of which was booted; the second is approved. */
static void neither_booted(void)
{
	w.boot[1] = w.boot[0];
	w.launch[1] = w.launch[0];
	w.boot[1].body.launch = &w.launch[1];
	memset(w.boot[0].s.id, 9, 32);
	(void)snprintf(w.launch[0].reg[0].name, sizeof(w.launch[0].reg[0].name), "host_data");
	w.hw.reg[0].v[0] ^= 1;
	w.in.n_boots = 2;
}

/* An approval of the first one, for another workload. */
static void other_workloads_boot(void)
{
	w.approval[1] = w.approval[0];
	memset(w.approval[0].body.boot_image[0], 9, 32);
	memset(w.approval[0].body.workload, 0x33, 32);
	w.in.n_approvals = 2;
}

static void r5_says_how_what_was_booted_differs_from_what_was_approved_for_the_workload(void)
{
	DENIES_M(neither_booted(), "R5", "R9");
	CHECK(strstr(w.d.check[5].found, "none of the 2 boot images of acme in force for snp: another measurement than of boot image 0606060606060606 (guest), which is approved for it"));
	DENIES_M((neither_booted(), other_workloads_boot()), "R5", "R9");
	CHECK(strstr(w.d.check[5].found, "boot image 0606060606060606 (guest), which is approved for it"));
	DENIES_M((neither_booted(), w.approval[0].body.n_boot_images = 0), "R5", "R9");
	CHECK(strstr(w.d.check[5].found, "another host_data than of boot image 0909090909090909 (guest)") && !strstr(w.d.check[5].found, "approved"));
}

/* The provider chose it; form_text_ok lets through what moves a terminal's cursor (U+009B) or turns text around (U+202E). */
static void hostile(struct world *m)
{
	(void)snprintf(m->boot[0].body.name, sizeof(m->boot[0].body.name), "g\xc2\x9b" "2J\xe2\x80\xae" "x");
}

static void r5_shows_names_in_printable_ascii(void)
{
	DENIES_M((hostile(&w), neither_booted()), "R5", "R9");
	CHECK(strstr(w.d.check[5].found, "than of boot image 0606060606060606 (g??2J???x), which is approved for it"));
	DENIES_M((hostile(&w), w.approval[0].body.n_boot_images = 0), "R5", "R9");
	CHECK(strstr(w.d.check[5].found, "has not approved boot image 0606060606060606 (g??2J???x)"));
	DENIES_M((hostile(&w), w.boot[0].body.enforces = 0), "R5", "R9");
	CHECK(strncmp(w.d.check[5].found, "boot image g??2J???x, which evidence matches", 44) == 0);
	ALLOWS_M(hostile(&w));
	CHECK(strncmp(w.d.check[5].found, "boot image g??2J???x (06", 24) == 0);
}

static void r5_denies_a_boot_image_that_the_owner_did_not_name(void)
{
	DENIES_M(w.approval[0].body.n_boot_images = 0, "R5", "R9");
	CHECK(strstr(w.d.check[5].found, "hospital has not approved boot image 0606060606060606 (guest)") && strcmp(w.d.check[5].who, "hospital") == 0);
	CHECK(strstr(w.d.check[5].command, "--platform snp --boot-image 0606"));
	DENIES_M(w.approval[0].body.boot_image[0][31] ^= 1, "R5", "R9");
	/* Named for another workload only: R5 is content, R9 is not. */
	machine(&w);
	w.approval[1] = w.approval[0];
	memset(w.approval[1].body.workload, 0x33, 32);
	w.approval[0].body.n_boot_images = 0;
	w.in.n_approvals = 2;
	CHECK(denies(&w, "R9", ""));
	ALLOWS_M((w.approval[0].body.n_boot_images = 2, memset(w.approval[0].body.boot_image[0], 9, 32), memset(w.approval[0].body.boot_image[1], 6, 32)));
}

static void r5_denies_an_agent_that_does_not_enforce_what_is_relied_on(void)
{
	DENIES_M(w.boot[0].body.enforces &= ~(unsigned)ENFORCES_MANIFEST, "R5", "R9");
	CHECK(strstr(w.d.check[5].found, "does not enforce the manifest"));
	DENIES_M(w.boot[0].body.enforces &= ~(unsigned)ENFORCES_IMAGE_DIGESTS, "R5", "R9");
	CHECK(strstr(w.d.check[5].found, "does not enforce image digests"));
	DENIES_MO(w.boot[0].body.enforces = ENFORCES_SCOPING, "R5", "R7");
	DENIES_M(w.in.asset.body.lease_said = true, "R5", "R9");
	CHECK(strstr(w.d.check[5].found, "does not enforce leases"));
	ALLOWS_M((w.in.asset.body.lease_said = true, w.boot[0].body.enforces |= ENFORCES_LEASES));
	DENIES_M(w.container[0].lapse_said = true, "R5", "R9");
	ALLOWS_M((w.container[0].lapse_said = true, w.boot[0].body.enforces |= ENFORCES_LEASES));
}

/* An agent that does not keep containers apart gives one what another asked for. */
static void r7_without_container_scoping_wants_every_container_entitled(void)
{
	ALLOWS_M(w.boot[0].body.enforces &= ~(unsigned)ENFORCES_SCOPING); /* both are, for api */
	CHECK(strstr(w.d.check[5].found, "does not keep containers apart"));
	ALLOWS_M(w.in.q.purpose = PURPOSE_VOLUME);
	DENIES_M((w.in.q.purpose = PURPOSE_VOLUME, w.boot[0].body.enforces &= ~(unsigned)ENFORCES_SCOPING), "R7", "");
	DENIES_M((w.in.q.container = span_of("other"), w.boot[0].body.enforces &= ~(unsigned)ENFORCES_SCOPING), "R7", "");
	DENIES_MO(w.boot[0].body.enforces &= ~(unsigned)ENFORCES_SCOPING, "R7", "");
	/* Of two that will do, the one that keeps them apart. */
	machine(&w);
	w.boot[1] = w.boot[0];
	memset(w.boot[1].s.id, 9, 32);
	w.boot[0].body.enforces &= ~(unsigned)ENFORCES_SCOPING;
	memset(w.approval[0].body.boot_image[1], 9, 32);
	w.in.n_boots = w.approval[0].body.n_boot_images = 2;
	w.in.q.purpose = PURPOSE_VOLUME;
	CHECK(allows(&w) && w.d.boot == &w.boot[1]);
}

/* ---- R8 ---- */

static void r8_denies_an_image_without_its_providers_release(void)
{
	for (size_t i = 0; i < 2; i++) {
		DENIES(w.in.n_releases = i, "R8", "");
		CHECK(strcmp(w.d.check[8].who, i ? "lmaker" : "imaker") == 0 && strncmp(w.d.check[8].command, "coffer image release registry", 29) == 0);
		DENIES(w.release[i].body.digest[31] ^= 1, "R8", "");
		DENIES(w.container[i].image_digest[0] ^= 1, "R8", "");
		DENIES((void)snprintf(w.release[i].s.issuer, PARTY_MAX, "acme"), "R8", ""); /* not whom the manifest names */
		DENIES(w.release[i].s.superseded = true, "R8", "");
		DENIES(w.release[i].s.expires = NOW, "R8", "");
		DENIES(w.release[i].s.issued = NOW + 1, "R8", "");
		DENIES(w.release[i].s.issuer_may = false, "R8", "");
		DENIES(w.release[i].body.methods = NULL, "R8", "");
		CHECK(strstr(w.d.check[8].found, "does not offer the method"));
		DENIES(w.container[i].method_key = span_of("k"), "R8", "");
		DENIES(w.container[i].method_type = span_of("signedBy"), "R8", "");
		DENIES_OWN(w.in.n_releases = i, "R8", "");
		DENIES_M(w.in.n_releases = i, "R8", "");
	}
	base(&w);
	w.release[0].body.digest[0] = 1; /* each has one, of whatever place */
	w.release[1].s = w.release[0].s;
	memset(w.release[1].body.digest, 0x40, 32);
	w.workload[0].manifest.n_containers = 1;
	CHECK(allows(&w) && w.d.release[0] == &w.release[1]);
	CHECK(strstr(w.d.check[8].found, "by measured agent"));
}

/* Of each container its own; whatever asks for none is content with the least that there is. */
static void r8_denies_an_image_below_its_least_security_version(void)
{
	for (size_t i = 0; i < 2; i++) {
		DENIES((w.container[i].image_minimum = 3, w.release[i].body.version = 2), "R8", "");
		CHECK(strstr(w.d.check[8].expected, "as security version 3 or later") && strstr(w.d.check[8].found, "states security version 2"));
		CHECK(strncmp(w.d.check[8].who, "acme, ", 6) == 0 && strcmp(w.d.check[8].command, "coffer workload build POD.yaml --out DIR") == 0);
		DENIES((w.container[i].image_minimum = UINT64_MAX, w.release[i].body.version = UINT64_MAX - 1), "R8", "");
		DENIES_OWN((w.container[i].image_minimum = 3, w.release[i].body.version = 2), "R8", "");
		DENIES_M((w.container[i].image_minimum = 3, w.release[i].body.version = 2), "R8", "");
		for (uint64_t version = 3; version < 5; version++) {
			base(&w);
			w.container[i].image_minimum = 3;
			w.release[i].body.version = version;
			CHECK(allows(&w) && strstr(w.d.check[8].found, "at its minimum") && strstr(w.d.check[8].expected, "least security version"));
		}
	}
	base(&w);
	CHECK(allows(&w) && !strstr(w.d.check[8].found, "minimum") && !strstr(w.d.check[8].expected, "least"));
}

/* A provider that says of one content, in two repositories, that it is of two versions: the one that is high enough stands, unless it is revoked. */
static void r8_takes_the_release_that_is_high_enough(void)
{
	for (unsigned revoked = 0; revoked < 2; revoked++) {
		base(&w);
		w.release[1].s = w.release[0].s;
		memset(w.release[1].s.id, 0x51, 32);
		memset(w.release[1].body.digest, 0x40, 32);
		w.workload[0].manifest.n_containers = 1;
		w.container[0].image_minimum = w.release[1].body.version = 7;
		if (revoked)
			revoke(0x51, "imaker");
		CHECK(revoked ? denies(&w, "R11", "") : allows(&w));
		CHECK(w.d.release[0] == &w.release[1]);
	}
	/* What is missing is said of what was found, whichever of them that is. */
	DENIES((w.container[0].image_minimum = 7, w.container[0].method_key = span_of("k")), "R8", "");
	CHECK(strstr(w.d.check[8].found, "does not offer the method"));
}

/* Two decide: each accepts a boot image that evidence matches, but not the same one. */
static void r9_wants_one_boot_image_that_all_accept(void)
{
	for (unsigned same = 0; same < 2; same++) {
		machine(&w);
		w.in.asset.body.k = w.in.asset.body.n_of = 2;
		(void)snprintf(w.in.asset.body.of[1], PARTY_MAX, "clinic");
		w.boot[1] = w.boot[0];
		memset(w.boot[1].s.id, 0x16, 32);
		w.in.n_boots = 2;
		w.approval[1] = w.approval[0];
		w.approval[1].s = fact(ST_APPROVAL, "clinic", 9);
		w.in.n_approvals = 2;
		memset(w.approval[1].body.boot_image[same], 0x16, 32);
		w.approval[1].body.n_boot_images = 1 + same;
		if (same)
			CHECK(allows(&w) && w.d.boot == &w.boot[0] && w.d.n_approvals == 2);
		else
			CHECK(denies(&w, "R9", ""));
	}
}

/* ---- R11 ---- */

static void r11_denies_what_rests_on_a_revoked_machine_or_image_statement(void)
{
	DENIES_M(revoke(6, "acme"), "R11", "");     /* boot image */
	CHECK(strstr(w.d.check[11].found, "boot-image statement 0606") && strcmp(w.d.check[11].who, "acme") == 0);
	CHECK(w.d.check[11].command[0] == 0); /* of what it took back itself it knows better what comes in its place */
	DENIES_M(revoke(7, "hospital"), "R11", ""); /* the owner's minimum */
	DENIES_M(revoke(8, "acme"), "R11", "");     /* the provider's */
	DENIES_M(revoke(0x50, "imaker"), "R11", "");
	DENIES_M(revoke(0x51, "lmaker"), "R11", "");
	CHECK(strstr(w.d.check[11].command, "coffer image release"));
	DENIES_M(revoke(0x50, "acme"), "R11", "");     /* the provider, for its code */
	DENIES_M(revoke(0x50, "hospital"), "R11", ""); /* the owner, for its data */
	DENIES_MO(revoke(6, "acme"), "R11", "");
	DENIES_M(revoke(6, "hospital"), "R11", "");    /* the owner, the boot image that it runs in */
	CHECK(strstr(w.d.check[11].found, "is revoked by hospital, for its own") && w.d.check[5].holds);
	DENIES_M((revoke(6, "hospital"), w.revocation[0].until = NOW + 1), "R11", "");
	CHECK(w.d.check[11].paused);
	/* Not by others, and not what the decision does not rest on; what holds back is stopped by its issuer alone. */
	ALLOWS_M((revoke(6, "stranger"), revoke(7, "acme"), revoke(8, "hospital"), revoke(0x50, "lmaker")));
	machine_own(&w);
	revoke(6, "hospital"); /* acme's own assets it does not touch */
	CHECK(allows(&w));
	machine_own(&w);
	revoke(7, "hospital");
	CHECK(allows(&w));
}

static void machine_prefers_what_is_not_revoked(void)
{
	machine(&w);
	w.boot[1] = w.boot[0];
	memset(w.boot[1].s.id, 9, 32);
	w.boot[1].body.enforces &= ~(unsigned)ENFORCES_SCOPING;
	memset(w.approval[0].body.boot_image[1], 9, 32);
	w.in.n_boots = w.approval[0].body.n_boot_images = 2;
	revoke(6, "acme");
	CHECK(allows(&w) && w.d.boot == &w.boot[1]);
	machine(&w);
	w.release[1] = w.release[0];
	memset(w.release[1].s.id, 9, 32);
	w.workload[0].manifest.n_containers = 1;
	revoke(0x50, "imaker");
	CHECK(allows(&w) && w.d.release[0] == &w.release[1]);
	/* An approval by way of a revoked boot image gives way to one that is not. */
	machine(&w);
	w.boot[1] = w.boot[0];
	memset(w.boot[1].s.id, 9, 32);
	w.approval[1] = w.approval[0];
	memset(w.approval[1].body.boot_image[0], 9, 32);
	w.in.n_boots = w.in.n_approvals = 2;
	revoke(6, "acme");
	CHECK(allows(&w) && w.d.approval[0] == &w.approval[1] && w.d.boot == &w.boot[1]);
}

/* ---- all together ---- */

/* Faults in the order of the reasons; each makes its check fail whatever the others do. */
static void spoil_genuine(void)  { w.in.a.genuine = false; }
static void spoil_initdata(void) { w.in.a.initdata[0] ^= 1; }
static void spoil_service(void)  { w.service[0].s.expires = NOW; }
static void spoil_debug(void)    { w.hw.debug = true; }
static void spoil_svn(void)      { w.hw.svn[0].launch = 0; }
static void spoil_reg(void)      { w.hw.reg[0].v[0] ^= 1; }
static void spoil_purpose(void)  { w.in.q.purpose = PURPOSE_ENV; }
static void spoil_image(void)    { w.container[1].image_digest[0] ^= 1; }
static void spoil_uses(void)     { w.approval[0].body.has_uses = true; }
static void spoil_asset(void)    { revoke(4, "hospital"); }
static void spoil_policy(void)   { w.in.policy.allows = false; }

static void every_set_of_faults_is_denied_for_its_first(void)
{
	static const struct { const char *id; void (*spoil)(void); } fault[] = {
		{ "R2", spoil_genuine }, { "R6", spoil_initdata }, { "R0", spoil_service }, { "R3", spoil_debug }, { "R4", spoil_svn },
		{ "R5", spoil_reg }, { "R7", spoil_purpose }, { "R8", spoil_image }, { "R9", spoil_uses }, { "R11", spoil_asset },
		{ "R10", spoil_policy },
	};
	enum { N = sizeof(fault) / sizeof(fault[0]) };

	for (unsigned set = 0; set < 1u << N; set++) {
		const char *first = NULL;

		machine(&w);
		for (size_t i = 0; i < N; i++) {
			if (!(set >> i & 1))
				continue;
			fault[i].spoil();
			first = first ? first : fault[i].id;
		}
		decide(&w.in, &w.d);
		finish(&w);
		CHECK(w.d.allowed == (set == 0));
		CHECK(!first || strcmp(w.d.check[w.d.reason].id, first) == 0);
	}
}

/* ---- without evidence ---- */

/* Nothing of the machine is known but the platform's name. */
static void unseen(struct world *m)
{
	machine(m);
	m->in.a.hw = NULL;
	m->in.a.unseen = true;
	m->in.a.attested = m->in.a.genuine = m->in.a.collateral = false;
	m->in.policy = (struct policy_answer){ .asked = false };
}

/* "" or the check. */
static const char *stated(struct world *m)
{
	decide_stated(&m->in, &m->d);
	finish(m);
	return m->d.allowed ? "" : m->d.check[m->d.reason].id;
}

#define STATED(change, id) do { unseen(&w); change; CHECK(strcmp(stated(&w), id) == 0); } while (0)

static void statements_alone_decide_what_they_can(void)
{
	STATED((void)0, "");
	STATED(w.in.a.unseen = false, "R5"); /* then what was booted is nothing */
	STATED((void)snprintf(w.approval[0].body.platform[0], 32, "snp+debug"), "");
	STATED((void)snprintf(w.approval[0].body.platform[0], 32, "tdx"), "R9");
	STATED((void)snprintf(w.launch[0].platform, sizeof(w.launch[0].platform), "tdx"), "R5");
	STATED(w.in.n_boots = 0, "R5");
	STATED(w.approval[0].body.n_boot_images = 0, "R5");
	STATED(w.boot[0].s.superseded = true, "R5");
	STATED(w.boot[0].body.enforces &= ~(unsigned)ENFORCES_IMAGE_DIGESTS, "R5");
	STATED((void)snprintf(w.boot[0].s.issuer, PARTY_MAX, "stranger"), "R5");
	STATED((w.boot[0].body.enforces &= ~(unsigned)ENFORCES_SCOPING, w.container[1].n_entitlements = 0), "R7");
	STATED(w.workload[0].s.issuer_may = false, "R6");
	STATED(w.in.n_releases = 1, "R8");
	STATED(w.in.n_approvals = 0, "R0");
	STATED(w.approval[0].body.has_uses = true, "R9");
	STATED(revoke(6, "acme"), "R11");
	STATED(revoke(2, "hospital"), "R11");
	STATED(revoke(7, "hospital"), "R11");
	STATED(w.in.n_services = 0, "R0");
}

int main(void)
{
	static const struct t_case cases[] = { T(statements_alone_decide_what_they_can),
		T(machine_base_cases_allow), T(r2_denies_what_is_not_genuine_and_looks_no_further),
		T(r2_of_sample_and_swtpm_proves_nothing_and_says_so), T(r3_denies_debug_that_the_owner_did_not_name),
		T(r3_denies_a_platform_that_nobody_named), T(r3_denies_a_chip_or_a_bit_that_a_minimum_refuses),
		T(minimum_of_each_who_decides_bears), T(r2_denies_collateral_older_than_an_owner_or_the_provider_allows),
		T(r3_denies_what_the_evidence_does_not_tell),
		T(r4_denies_firmware_below_any_minimum_that_applies), T(r4_takes_the_row_of_the_product_before_that_of_all_others),
		T(r4_ignores_minima_that_do_not_apply), T(r4_of_sample_fails_where_a_minimum_is_stated_for_it),
		T(r5_denies_a_boot_that_no_image_of_the_provider_describes), T(r5_says_how_what_was_booted_differs_from_what_was_approved_for_the_workload), T(r5_shows_names_in_printable_ascii), T(r5_denies_a_boot_image_that_the_owner_did_not_name),
		T(r5_denies_an_agent_that_does_not_enforce_what_is_relied_on),
		T(r7_without_container_scoping_wants_every_container_entitled), T(r8_denies_an_image_without_its_providers_release), T(r8_denies_an_image_below_its_least_security_version), T(r8_takes_the_release_that_is_high_enough),
		T(r9_wants_one_boot_image_that_all_accept), T(r11_denies_what_rests_on_a_revoked_machine_or_image_statement), T(machine_prefers_what_is_not_revoked),
		T(every_set_of_faults_is_denied_for_its_first),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
