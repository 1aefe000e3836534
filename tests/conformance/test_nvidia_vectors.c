/* A genuine GPU's measurements against NVIDIA's manifests: its VBIOS' own, in which one entry differs, and another driver's. */
#include "evidence/rim.h"
#include "fmt/enc.h"
#include "vec.h"

static void add(struct wr *bytes, const char *name, struct collateral *col)
{
	struct err e = { 0 };

	CHECK(vec_read(name, bytes) && collateral_add(wr_span(bytes), false, col, &e) == COFFER_OK);
}

/* mismatches of rim_match as text; "-": no claim. */
static void judge(const struct collateral *col, struct span report, const char *want)
{
	CLEANUP(ev_out_clear) struct ev_out out = { 0 };
	CLEANUP(json_freep) struct json_doc *d = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(256);
	struct json_wr j = jw_open(&w, false);
	struct ev_in in = { .evidence = report, .col = col, .now = -1 };
	struct err e = { 0 };
	const struct json *claim;

	CHECK(tee_driver_find(span_of("nvidia"))->appraise(&in, &out, &e) == COFFER_OK && out.verdict == VERDICT_VALID);
	CHECK(json_parse(wr_span(&out.claims), 1u << 20, &d, &e) == COFFER_OK);
	claim = json_get(json_root(d), "rim_match");
	if (claim)
		jw_value(&j, claim);
	else
		wr_str(&w, "-");
	if (!span_eq_str(wr_span(&w), want))
		printf("# %.*s\n", (int)w.n, (const char *)w.p);
	CHECK(span_eq_str(wr_span(&w), want));
}

static void eleven_of_twelve_entries_match_and_another_driver_says_nothing(void)
{
	CLEANUP(wr_close) struct wr hex = { 0 }, chain = { 0 }, vbios = { 0 }, driver = { 0 }, report = wr_open(1u << 16);
	struct collateral col = { .manifests = rim_manifest };

	CHECK(vec_read("../nvidia/hopper-coco/report.hex", &hex));
	while (hex.n > 0 && hex.p[hex.n - 1] <= ' ')
		hex.n--;
	CHECK(hex_read(wr_span(&hex), &report));
	add(&chain, "../nvidia/hopper-coco/chain.pem", &col);
	add(&driver, "../nvidia/rim/driver_545.00.swidtag", &col);
	judge(&col, wr_span(&report), "-");
	add(&vbios, "../nvidia/rim/vbios_960074001A.swidtag", &col);
	judge(&col, wr_span(&report), "{\"driver\":false,\"mismatches\":[9],\"vbios\":false}");
	collateral_clear(&col);
}

int main(void)
{
	static const struct t_case cases[] = { T(eleven_of_twelve_entries_match_and_another_driver_says_nothing) };

	return vec_main("../nvidia/rim/vbios_960074001A.swidtag", cases, sizeof(cases) / sizeof(cases[0]));
}
