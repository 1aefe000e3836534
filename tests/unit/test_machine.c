/* Statements about machines and the reference values inside them. */
#include "trust/machine.h"
#include "trust/reference.h"

#include "tests/unit/trust_fix.h"

#define D1 "2222222222222222222222222222222222222222222222222222222222222222"
#define D2 "3333333333333333333333333333333333333333333333333333333333333333"
#define R48 D1 "22222222222222222222222222222222"
#define SNP_LAUNCH "{\"platform\":\"snp\",\"registers\":{\"measurement\":\"" R48 "\"},\"shape\":\"1 vCPU\"}"
#define TPM_LAUNCH "{\"platform\":\"tpm\",\"registers\":{\"pcr04\":\"" D1 "\",\"pcr11\":\"" D2 "\"},\"shape\":\"board\"}"
#define REFERENCE "{\"boot\":true,\"digest\":[\"aa\",\"bb\"],\"svn\":3}"
#define BOOT_BODY "{\"enforces\":[\"manifest\",\"leases\"],\"launches\":[" SNP_LAUNCH "," TPM_LAUNCH "],\"name\":\"guest\",\"rebuild\":\"make guest\"," \
	"\"reference-values\":" REFERENCE "}"
#define BOOT_SUBJECT "{\"digest\":{\"sha256\":\"" D1 "\"},\"name\":\"kernel\"},{\"digest\":{\"sha256\":\"" D2 "\"},\"name\":\"initrd\"}"
#define TCB_BODY "{\"chips\":[\"00ff\",\"11\"],\"migration\":false,\"minimum\":[{\"product\":\"milan\",\"svns\":{\"bootloader\":4,\"snp\":20}}," \
	"{\"product\":\"\",\"svns\":{\"microcode\":9}}],\"platform\":\"snp\",\"reference-values\":{\"digest\":\"cc\"},\"smt\":false}"

static char *boot_text(const char *head)
{
	return fix_payload("boot-image", BOOT_SUBJECT, head, BOOT_BODY);
}

static char *tcb_text(void)
{
	CLEANUP(freep) char *subject = fix_subject("snp");

	return fix_payload("tcb", subject, FIX_HEAD("hospital"), TCB_BODY);
}

static enum coffer_rc read_any(struct span text, struct err *e)
{
	CLEANUP(boot_image_clear) struct boot_image b = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	static struct tcb_minimum t;

	TRY(statement_parse(text, &s, e));
	return s.kind == ST_TCB ? tcb_read(&s, &t, e) : boot_image_read(&s, &b, e);
}

static void check_edits(const char *good, const struct fix_edit *d, size_t n)
{
	struct err e;

	CHECK(good && read_any(span_of(good), &e) == COFFER_OK);
	for (size_t i = 0; i < n; i++) {
		CLEANUP(freep) char *text = fix_edit(good, d[i].from, d[i].to);

		CHECK(text && fix_refused(read_any(span_of(text), &e), &e, &d[i]));
	}
}
#define EDITS(good, table) check_edits(good, table, sizeof(table) / sizeof(table[0]))

static void boot_image_read_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"name\":\"guest\",", "", "name" }, { "\"name\":\"guest\"", "\"name\":\"\"", "name" },
		{ "\"name\":\"guest\"", "\"name\":\"" D1 "\"", "longer" }, { "\"name\":\"guest\"", "\"name\":\"guest\",\"x\":1", "not known" },
		{ "\"manifest\",\"leases\"", "\"manifest\",\"manifest\"", "twice" }, { "\"leases\"", "\"everything\"", "enforces" },
		{ "\"leases\"", "7", "enforces" }, { "\"enforces\":[\"manifest\",\"leases\"],", "", "enforces" },
		{ "\"enforces\":[\"manifest\",\"leases\"]", "\"enforces\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"]", "6 items" },
		{ "\"launches\":[" SNP_LAUNCH "," TPM_LAUNCH "]", "\"launches\":[]", "launches" },
		{ "\"launches\":[" SNP_LAUNCH "," TPM_LAUNCH "]", "\"launches\":[7]", "launch" },
		{ SNP_LAUNCH "," TPM_LAUNCH, SNP_LAUNCH "," SNP_LAUNCH, "twice" },
		{ "\"shape\":\"1 vCPU\"", "\"shape\":\"1 vCPU\",\"n\":1", "not known" }, { ",\"shape\":\"1 vCPU\"", "", "shape" },
		{ "\"shape\":\"1 vCPU\"", "\"shape\":\"" D1 "\"", "longer" },
		{ "\"platform\":\"snp\"", "\"platform\":\"sample\"", "platform" }, { "\"platform\":\"snp\"", "\"platform\":\"tdx\"", "mr_td" },
		{ "\"platform\":\"snp\"", "\"platform\":\"0123456789abcdef\"", "longer" },
		{ "\"measurement\":\"" R48 "\"", "", "measurement" }, { "\"measurement\"", "\"Measurement\"", "register" },
		{ "\"measurement\":\"22", "\"measurement\":\"", "size" }, { "\"measurement\":\"22", "\"measurement\":\"2", "size" },
		{ "\"measurement\":\"22", "\"measurement\":\"AA", "lower-case" }, { "\"measurement\":\"22", "\"measurement\":\"zz", "hex" },
		{ "\"measurement\":\"" R48 "\"", "\"measurement\":7", "register" }, { "\"registers\":{\"measurement\":\"" R48 "\"}", "\"registers\":[]",
		    "registers" },
		{ "\"pcr04\":\"" D1 "\",", "", "pcr04" }, { ",\"pcr11\":\"" D2 "\"", "", "pcr09" }, { "\"pcr11\"", "\"pcr24\"", "register" },
		{ "\"pcr11\"", "\"pcr1x\"", "register" }, { "\"pcr11\"", "\"pcr10\"", "pcr11" },
		{ ",\"rebuild\":\"make guest\"", "", "rebuild" }, { "\"rebuild\":\"make guest\"", "\"rebuild\":\"a\\u001bb\"", "rebuild" },
		{ REFERENCE, "{}", "reference" }, { REFERENCE, "[]", "reference-values" }, { "\"boot\":true", "\"boot\":null", "reference" },
		{ "\"boot\":true", "\"boot\":{}", "reference" }, { "\"boot\":true", "\"\":true", "name" },
		{ "\"boot\":true", "\"a boot\":true", "blanks" }, { "\"boot\":true", "\"b\xc3\xb6t\":true", "name" },
		{ "\"boot\":true", "\"" D1 D1 "2\":true", "128" }, { "\"svn\":3", "\"svn\":3.5", "reference" },
		{ "\"svn\":3", "\"svn\":9007199254740992", "reference" }, { "[\"aa\",\"bb\"]", "[\"aa\",\"aa\"]", "reference" },
		{ "[\"aa\",\"bb\"]", "[7,\"7\",true,\"aa\",\"a\",7]", "different" },
		{ "[\"aa\",\"bb\"]", "[\"true\",true,false,\"a\",true]", "different" },
		{ "[\"aa\",\"bb\"]", "[]", "reference" }, { "[\"aa\",\"bb\"]", "[[\"aa\"]]", "reference" }, { "[\"aa\",\"bb\"]", "[\"\"]", "reference" },
		{ "\"name\":\"initrd\"", "\"name\":\"kernel\"", "same subject" },
	};
	CLEANUP(freep) char *good = boot_text(FIX_HEAD("acme"));

	EDITS(good, edits);
}

static void boot_image_read_bounds_launches_and_registers(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	CLEANUP(freep) char *good = boot_text(FIX_HEAD("acme")), *list = NULL, *many = NULL, *regs = NULL, *wide = NULL;
	CLEANUP(wr_close) struct wr r = wr_open(1u << 16);
	struct err e;

	for (int i = 0; i <= BOOT_LAUNCHES_MAX; i++)
		wr_fmt(&w, "%s{\"platform\":\"snp\",\"registers\":{\"measurement\":\"" R48 "\"},\"shape\":\"%d\"}", i ? "," : "", i);
	list = wr_take(&w, NULL);
	many = fix_edit(good, SNP_LAUNCH "," TPM_LAUNCH, list);
	CHECK(many && read_any(span_of(many), &e) == COFFER_E_INPUT && strstr(e.msg, "33 items"));
	for (int i = 0; i <= BOOT_REGS_MAX; i++)
		wr_fmt(&r, "%s\"pcr%02d\":\"" D1 "\"", i ? "," : "", i);
	regs = wr_take(&r, NULL);
	wide = fix_edit(good, "\"pcr04\":\"" D1 "\",\"pcr11\":\"" D2 "\"", regs);
	CHECK(wide && read_any(span_of(wide), &e) == COFFER_E_INPUT && strstr(e.msg, "more than 12"));
}

/* A virtual TPM says what the paravisor below it wants: a launch that does not name the paravisor would match anybody's. */
static void launch_on_a_paravisor_names_the_paravisor_too(void)
{
	static const struct { const char *platform, *regs, *missing; } launches[] = {
		{ "az-snp-vtpm", "\"pcr04\":\"" D1 "\",\"pcr11\":\"" D2 "\"", "measurement" },
		{ "az-tdx-vtpm", "\"pcr04\":\"" D1 "\",\"pcr11\":\"" D2 "\"", "mr_td" },
		{ "az-snp-vtpm", "\"measurement\":\"" R48 "\",\"pcr11\":\"" D2 "\"", "pcr04" },
		{ "az-tdx-vtpm", "\"mr_td\":\"" R48 "\",\"pcr04\":\"" D1 "\"", "pcr11" },
		{ "az-snp-vtpm", "\"measurement\":\"" R48 "\",\"pcr04\":\"" D1 "\",\"pcr09\":\"" D2 "\"", NULL },
		{ "az-tdx-vtpm", "\"mr_td\":\"" R48 "\",\"pcr04\":\"" D1 "\",\"pcr11\":\"" D2 "\"", NULL },
	};
	CLEANUP(freep) char *good = boot_text(FIX_HEAD("acme"));

	for (size_t i = 0; i < sizeof(launches) / sizeof(launches[0]); i++) {
		CLEANUP(freep) char *launch = str_fmt("{\"platform\":\"%s\",\"registers\":{%s},\"shape\":\"x\"}", launches[i].platform,
		    launches[i].regs), *text = fix_edit(good, SNP_LAUNCH "," TPM_LAUNCH, launch);
		struct err e = { 0 };
		enum coffer_rc rc = read_any(span_of(text), &e);

		CHECK(launches[i].missing ? rc == COFFER_E_INPUT && strstr(e.msg, launches[i].missing) : rc == COFFER_OK);
	}
}

static void boot_image_read_gives_what_it_says(void)
{
	CLEANUP(freep) char *good = boot_text("\"issuer\":\"acme\""); /* it may name no ledger */
	CLEANUP(boot_image_clear) struct boot_image b = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	char names[64];
	struct err e;

	CHECK(statement_parse(span_of(good), &s, &e) == COFFER_OK && !s.has_ledger && boot_image_read(&s, &b, &e) == COFFER_OK);
	CHECK(strcmp(b.name, "guest") == 0 && b.enforces == (ENFORCES_MANIFEST | ENFORCES_LEASES) && b.n_launches == 2);
	CHECK(strcmp(b.launch[0].platform, "snp") == 0 && strcmp(b.launch[0].shape, "1 vCPU") == 0 && b.launch[0].n_regs == 1);
	CHECK(b.launch[0].reg[0].n == 48 && b.launch[0].reg[0].v[47] == 0x22 && b.launch[1].n_regs == 2);
	CHECK(strcmp(b.launch[1].reg[1].name, "pcr11") == 0 && b.launch[1].reg[1].v[0] == 0x33 && b.launch[1].reg[1].n == 32);
	CHECK(span_eq_str(b.rebuild, "make guest") && json_len(b.reference) == 3);
	enforces_names(b.enforces, names, sizeof(names));
	CHECK(strcmp(names, "manifest, leases") == 0);
	enforces_names(b.enforces, names, 9);
	CHECK(strcmp(names, "manifest") == 0);
	enforces_names(0, names, sizeof(names));
	CHECK(names[0] == 0);
}

static void tcb_read_refuses_every_wrong_member(void)
{
	static const struct fix_edit edits[] = {
		{ "\"platform\":\"snp\"", "\"platform\":\"tdx\"", "subject" }, { "\"platform\":\"snp\",", "", "subject" },
		{ "\"minimum\":[{\"product\":\"milan\",\"svns\":{\"bootloader\":4,\"snp\":20}},{\"product\":\"\",\"svns\":{\"microcode\":9}}]",
		    "\"minimum\":[]", "minimum" },
		{ "\"product\":\"\"", "\"product\":\"milan\"", "twice" }, { "\"product\":\"milan\"", "\"product\":\"Milan\"", "product" },
		{ "\"product\":\"milan\"", "\"product\":\"0123456789abcdef\"", "product" }, { "\"product\":\"milan\",", "", "product" },
		{ "\"product\":\"milan\"", "\"product\":\"milan\",\"x\":1", "not known" },
		{ "\"bootloader\":4", "\"bootlaoder\":4", "component" }, { "\"bootloader\":4", "\"bootloader\":-1", "version number" },
		{ "\"bootloader\":4", "\"bootloader\":\"4\"", "version number" }, { "\"bootloader\":4", "\"bootloader\":9007199254740992",
		    "version number" },
		{ "\"svns\":{\"microcode\":9}", "\"svns\":[]", "svns" }, { "\"svns\":{\"microcode\":9}", "\"svns\":{\"tcb00\":9}", "component" },
		{ "\"smt\":false", "\"smt\":0", "smt" }, { "\"smt\":false", "\"smt\":\"refused\"", "smt" },
		{ "\"migration\":false", "\"migration\":null", "migration" }, { "[\"00ff\",\"11\"]", "[]", "chips" },
		{ "[\"00ff\",\"11\"]", "\"any\"", "chips" }, { "\"11\"", "\"00ff\"", "twice" }, { "\"00ff\"", "\"00FF\"", "chip" },
		{ "\"00ff\"", "\"0\"", "chip" }, { "\"00ff\"", "\"\"", "chip" }, { "\"00ff\"", "\"" R48 D1 "\"", "chip" },
		{ "{\"chips\"", "{\"debug\":false,\"chips\"", "not known" }, { "{\"digest\":\"cc\"}", "{\"digest\":{}}", "reference" },
	};
	CLEANUP(freep) char *good = tcb_text();

	EDITS(good, edits);
}

static void tcb_read_knows_the_components_of_each_platform(void)
{
	static const struct { const char *platform, *svn; bool ok; } t[] = {
		{ "tdx", "tcb00", true }, { "tdx", "tcb15", true }, { "tdx", "tcb16", false }, { "tdx", "tcb0", false }, { "tdx", "tcb", false },
		{ "tdx", "tcb2a", false }, { "sgx", "tcb09", true }, { "tpm", "firmware", true }, { "tpm", "snp", false }, { "snp", "fmc", true },
		{ "az-snp-vtpm", "tee", true }, { "cca", "tee", false }, { "sample", "tee", false }, { "Snp", "tee", false },
	};
	struct err e;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CLEANUP(freep) char *subject = fix_subject(t[i].platform);
		CLEANUP(freep) char *body = str_fmt("{\"minimum\":[{\"product\":\"\",\"svns\":{\"%s\":1}}],\"platform\":\"%s\"}", t[i].svn, t[i].platform);
		CLEANUP(freep) char *text = fix_payload("tcb", subject, "\"issuer\":\"acme\"", body);

		CHECK((read_any(span_of(text), &e) == COFFER_OK) == t[i].ok);
	}
}

static void tcb_wants_no_bit_that_evidence_does_not_tell(void)
{
	static const struct { const char *platform, *bit; bool ok; } t[] = {
		{ "snp", "smt", true }, { "az-snp-vtpm", "migration", true }, { "tdx", "migration", true }, { "tdx", "smt", false },
		{ "az-tdx-vtpm", "smt", false }, { "sgx", "migration", false }, { "tpm", "smt", false }, { "cca", "migration", false },
	};
	struct err e;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CLEANUP(freep) char *subject = fix_subject(t[i].platform);

		for (int may = 0; may < 2; may++) {
			CLEANUP(freep) char *body = str_fmt("{\"minimum\":[{\"product\":\"\",\"svns\":{}}],\"platform\":\"%s\",\"%s\":%s}",
			    t[i].platform, t[i].bit, may ? "true" : "false");
			CLEANUP(freep) char *text = fix_payload("tcb", subject, "\"issuer\":\"acme\"", body);
			enum coffer_rc rc = read_any(span_of(text), &e);

			CHECK(may || t[i].ok ? rc == COFFER_OK : rc == COFFER_E_INPUT && strstr(e.msg, "does not tell"));
		}
	}
}

static void tcb_read_gives_what_it_says(void)
{
	CLEANUP(freep) char *good = tcb_text(), *open = NULL;
	CLEANUP(statement_clear) struct statement s = { 0 }, o = { 0 };
	static struct tcb_minimum t;
	struct err e;

	CHECK(statement_parse(span_of(good), &s, &e) == COFFER_OK && tcb_read(&s, &t, &e) == COFFER_OK);
	CHECK(strcmp(t.platform, "snp") == 0 && t.n_least == 2 && strcmp(t.least[0].product, "milan") == 0 && t.least[1].product[0] == 0);
	CHECK(t.least[0].n_svns == 2 && strcmp(t.least[0].svn[1].name, "snp") == 0 && t.least[0].svn[1].least == 20);
	CHECK(t.smt_refused && t.migration_refused && t.n_chips == 2 && span_eq_str(t.chip[0], "00ff") && t.reference);
	open = fix_edit(good, "\"smt\":false", "\"smt\":true");
	CHECK(statement_parse(span_of(open), &o, &e) == COFFER_OK && tcb_read(&o, &t, &e) == COFFER_OK && !t.smt_refused && t.max_age == 0);
}

/* Only where evidence is judged by documents that have a date. */
static void tcb_read_takes_an_age_of_collateral_where_there_is_one(void)
{
	static const struct { const char *platform, *age, *words; } row[] = { { "tdx", "24", NULL }, { "sgx", "8760", NULL }, { "snp", "24", "no document" },
		{ "tdx", "0", "collateral-max-age" }, { "tdx", "8761", "collateral-max-age" }, { "tdx", "\"24\"", "collateral-max-age" } };

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		CLEANUP(freep) char *body = str_fmt("{\"platform\":\"%s\",\"minimum\":[{\"product\":\"\",\"svns\":{}}],\"collateral-max-age\":%s}",
		    row[i].platform, row[i].age);
		CLEANUP(freep) char *subject = fix_subject(row[i].platform);
		CLEANUP(freep) char *text = fix_payload("tcb", subject, FIX_HEAD("hospital"), body);
		CLEANUP(statement_clear) struct statement s = { 0 };
		static struct tcb_minimum t;
		struct err e = { 0 };

		CHECK(statement_parse(span_of(text), &s, &e) == COFFER_OK);
		if (row[i].words)
			CHECK(tcb_read(&s, &t, &e) == COFFER_E_INPUT && strstr(e.msg, row[i].words));
		else
			CHECK(tcb_read(&s, &t, &e) == COFFER_OK && t.max_age > 0);
	}
}

static void readers_refuse_every_prefix_and_the_other_kind(void)
{
	CLEANUP(freep) char *boot = boot_text(FIX_HEAD("acme")), *tcb = tcb_text();
	const char *const texts[] = { boot, tcb };
	CLEANUP(statement_clear) struct statement a = { 0 }, b = { 0 };
	CLEANUP(boot_image_clear) struct boot_image bi = { 0 };
	static struct tcb_minimum t;
	struct err e;

	for (size_t i = 0; i < 2; i++)
		for (size_t n = 0; n < strlen(texts[i]); n++) {
			CLEANUP(freep) uint8_t *p = fix_exact((struct span){ (const uint8_t *)texts[i], n });

			CHECK(read_any((struct span){ p, n }, &e) != COFFER_OK);
		}
	CHECK(statement_parse(span_of(boot), &a, &e) == COFFER_OK && statement_parse(span_of(tcb), &b, &e) == COFFER_OK);
	CHECK(boot_image_read(&b, &bi, &e) == COFFER_E_INPUT && strstr(e.msg, "kind is tcb"));
	CHECK(tcb_read(&a, &t, &e) == COFFER_E_INPUT && strstr(e.msg, "kind is boot-image"));
}

static bool merges(const struct statement *const *list, size_t n, int64_t now, const char *want)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct err e;

	if (reference_values(list, n, now, &w, &e) == COFFER_OK && span_eq_str(wr_span(&w), want))
		return true;
	printf("# '%.*s', wanted '%s'\n", (int)w.n, (const char *)w.p, want);
	return false;
}

static void reference_values_merge_what_is_in_its_window(void)
{
	CLEANUP(freep) char *boot = boot_text(FIX_HEAD("acme")), *tcb = tcb_text(), *subject = fix_subject("x");
	CLEANUP(freep) char *other = fix_payload("approval", subject, FIX_HEAD("a"), "{\"reference-values\":{\"digest\":\"dd\"}}");
	CLEANUP(freep) char *spoilt = fix_edit(boot, "\"svn\":3", "\"svn\":null");
	CLEANUP(statement_clear) struct statement a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
	const struct statement *list[] = { &a, &b, &c, &a }, *bad[] = { &d };
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct err e;

	CHECK(statement_parse(span_of(boot), &a, &e) == COFFER_OK && statement_parse(span_of(tcb), &b, &e) == COFFER_OK);
	CHECK(statement_parse(span_of(other), &c, &e) == COFFER_OK && statement_parse(span_of(spoilt), &d, &e) == COFFER_OK);
	CHECK(merges(list, 0, FIX_NOW, "{}"));
	{ /* what only looks alike is different */
		CLEANUP(freep) char *alike = fix_edit(boot, "[\"aa\",\"bb\"]", "[7,\"7\",true,\"true\",\"a\",\"aa\",77,false]");

		CHECK(read_any(span_of(alike), &e) == COFFER_OK);
	}
	CHECK(merges(list, 1, FIX_NOW, REFERENCE));
	CHECK(merges(list, 3, FIX_NOW, "{\"boot\":true,\"digest\":[\"aa\",\"bb\",\"cc\"],\"svn\":3}"));
	CHECK(merges(list, 4, FIX_NOW, "{\"boot\":[true],\"digest\":[\"aa\",\"bb\",\"cc\"],\"svn\":[3]}"));
	CHECK(merges(list, 3, a.expires, "{}") && merges(list, 3, a.issued - 1, "{}"));
	CHECK(merges(list + 1, 1, b.expires - 1, "{\"digest\":\"cc\"}"));
	b.expires = FIX_NOW; /* what has expired is never used */
	CHECK(merges(list, 3, FIX_NOW, REFERENCE));
	CHECK(reference_values(bad, 1, FIX_NOW, &w, &e) == COFFER_E_INPUT);
}

/* 64 statements at their limits would keep the service's one core busy for minutes. */
static void reference_values_merge_no_more_than_a_service_can(void)
{
	enum { N = 20, EACH = 256 };
	struct statement st[N] = { 0 };
	const struct statement *list[N];
	CLEANUP(wr_close) struct wr out = wr_open(1u << 20);
	struct err e = { 0 };

	for (size_t i = 0; i < N; i++) {
		CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
		CLEANUP(freep) char *tcb = tcb_text(), *values = NULL, *text = NULL;

		for (size_t k = 0; k < EACH; k++)
			wr_fmt(&w, "%s%zu", k ? "," : "{\"digest\":[", i * EACH + k);
		wr_str(&w, "]}");
		values = wr_take(&w, NULL);
		text = fix_edit(tcb, "{\"digest\":\"cc\"}", values);
		CHECK(statement_parse(span_of(text), &st[i], &e) == COFFER_OK);
		list[i] = &st[i];
	}
	CHECK(reference_values(list, REFERENCE_TOTAL_MAX / EACH, FIX_NOW, &out, &e) == COFFER_OK);
	CHECK(reference_values(list, REFERENCE_TOTAL_MAX / EACH + 1, FIX_NOW, &out, &e) == COFFER_E_LIMIT && strstr(e.msg, "2048"));
	for (size_t i = 0; i < N; i++)
		statement_clear(&st[i]);
}

static void statement_gives_no_more_values_than_are_merged(void)
{
	CLEANUP(freep) char *tcb = tcb_text();

	for (size_t more = 0; more < 2; more++) {
		CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
		CLEANUP(freep) char *values = NULL, *text = NULL;
		struct err e = { 0 };

		for (size_t i = 0; i < REFERENCE_TOTAL_MAX; i++)
			wr_fmt(&w, i % 256 ? ",%zu" : i ? "],\"%zu\":[0" : "{\"%zu\":[0", i % 256 ? i : 10000 + i);
		wr_str(&w, more ? "],\"x\":1}" : "]}");
		values = wr_take(&w, NULL);
		text = fix_edit(tcb, "{\"digest\":\"cc\"}", values);
		CHECK(more ? read_any(span_of(text), &e) == COFFER_E_INPUT && strstr(e.msg, "2048") : read_any(span_of(text), &e) == COFFER_OK);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(boot_image_read_refuses_every_wrong_member), T(boot_image_read_bounds_launches_and_registers),
		T(launch_on_a_paravisor_names_the_paravisor_too),
		T(boot_image_read_gives_what_it_says), T(tcb_read_refuses_every_wrong_member),
		T(tcb_read_knows_the_components_of_each_platform), T(tcb_read_gives_what_it_says), T(tcb_read_takes_an_age_of_collateral_where_there_is_one),
		T(tcb_wants_no_bit_that_evidence_does_not_tell),
		T(readers_refuse_every_prefix_and_the_other_kind), T(reference_values_merge_what_is_in_its_window),
		T(reference_values_merge_no_more_than_a_service_can), T(statement_gives_no_more_values_than_are_merged),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
