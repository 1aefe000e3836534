/* What a device measured against manifests made and signed here: what matches, and every reason not to. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/nvkit.h"
#include "tests/rimkit.h"
#include "tests/t.h"

#define A1   "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define A2   "a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2"
#define NONE "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

#define META(version) "<Meta colloquialVersion=\"" version "\" edition=\"GPU\" t:PlatformManufacturerStr=\"A\"/>"
#define ENTRY(index, more) "<Resource type=\"Measurement\" index=\"" index "\" " more "/>"
#define BODY(entries) "<Payload>" entries "</Payload>"
#define ACTIVE "active=\"True\" "

#define GOOD BODY(ENTRY("0", ACTIVE "n:Hash0=\"" A1 "\"") ENTRY("1", ACTIVE "n:Hash0=\"" NONE "\" n:Hash1=\"" A2 "\""))
#define VBIOS META("96.00.9F.00.01") /* as NVIDIA writes it */
#define DRIVER META(NVKIT_DRIVER)
#define SWITCH META("96.10.00.00.01")

static const uint8_t nonce[32] = { 7 };

struct rig {
	struct nvkit k;
	struct rimkit m[3];
	size_t n;
	bool ls10;
	struct ev_out out;
	struct json_doc *claims;
};

static void rig_open(struct rig *r)
{
	*r = (struct rig){ 0 };
	nvkit_open(&r->k);
	r->k.col.manifests = rim_manifest;
}

static void rig_close(struct rig *r)
{
	nvkit_close(&r->k);
	for (size_t i = 0; i < r->n; i++)
		rimkit_close(&r->m[i]);
	ev_out_clear(&r->out);
	json_free(r->claims);
}

static void add(struct rig *r, const struct rimkit_how *how)
{
	struct rimkit *m = &r->m[r->n++];

	rimkit_open(m, how);
	evkit_add(&r->k.col.roots, &m->root_der);
	r->k.col.other[r->k.col.n_other++] = wr_span(&m->xml);
}

static void manifest(struct rig *r, const char *contents)
{
	add(r, &(struct rimkit_how){ .contents = contents });
}

/* The claim as text; "-": there is none. */
static const char *claim(struct rig *r, char out[static 200])
{
	CLEANUP(wr_close) struct wr report = wr_open(8192), pem = wr_open(16384), list = wr_open(1u << 16), text = wr_open(200);
	struct ev_in in = { .col = &r->k.col, .now = NVKIT_NOW };
	struct json_wr j = jw_open(&list, false), t = jw_open(&text, false);
	const struct json *c, *d;
	struct err e = { 0 };

	nvkit_device(&r->k, &(struct nvkit_how){ .ls10 = r->ls10 }, SPAN(nonce), &report, &pem);
	jw_obj(&j);
	jw_name(&j, "device_evidence_list");
	jw_arr(&j);
	nvkit_item(&j, r->ls10 ? "LS10" : "HOPPER", wr_span(&report), wr_span(&pem));
	jw_arr_end(&j);
	jw_obj_end(&j);
	in.evidence = wr_span(&list);
	ev_out_clear(&r->out);
	json_freep(&r->claims);
	CHECK(tee_driver_find(span_of("nvidia"))->appraise(&in, &r->out, &e) == COFFER_OK && r->out.verdict == VERDICT_VALID);
	CHECK(json_parse(wr_span(&r->out.claims), 1u << 20, &r->claims, &e) == COFFER_OK);
	c = json_get(json_root(r->claims), "rim_match");
	d = json_get(json_at(json_get(json_root(r->claims), "devices"), 0), "rim_match");
	CHECK((c != NULL) == (d != NULL));
	if (!c)
		return "-";
	jw_value(&t, c);
	(void)snprintf(out, 200, "%.*s", (int)text.n, (const char *)text.p);
	jw_value(&t, d);
	return out;
}

static bool claim_is(struct rig *r, const char *want)
{
	char text[200];
	const char *got = claim(r, text);

	if (strcmp(got, want) != 0)
		printf("# %s, not %s\n", got, want);
	return strcmp(got, want) == 0;
}

static void manifests_of_both_versions_match_what_was_measured(void)
{
	struct rig r;

	rig_open(&r);
	CHECK(claim_is(&r, "-"));
	manifest(&r, VBIOS GOOD);
	CHECK(claim_is(&r, "{\"driver\":false,\"mismatches\":[],\"vbios\":true}"));
	manifest(&r, DRIVER GOOD);
	CHECK(claim_is(&r, "{\"driver\":true,\"mismatches\":[],\"vbios\":true}"));
	CHECK(!evkit_fails(&r.out, "manifests"));
	r.k.col.manifests = NULL; /* nobody reads XML */
	CHECK(claim_is(&r, "-"));
	rig_close(&r);
}

static void manifest_of_another_version_says_nothing(void)
{
	struct rig r;

	rig_open(&r);
	manifest(&r, META("96.00.9f.00.02") GOOD);
	manifest(&r, META("550.10") GOOD);
	manifest(&r, META("") GOOD);
	CHECK(claim_is(&r, "-"));
	rig_close(&r);
}

static bool alone(const char *contents, const char *want)
{
	struct rig r;
	bool ok;

	rig_open(&r);
	manifest(&r, contents);
	ok = claim_is(&r, want);
	rig_close(&r);
	return ok;
}

static void every_active_entry_must_match(void)
{
	static const char no[] = "{\"driver\":false,\"mismatches\":[1],\"vbios\":false}";
	static const char yes[] = "{\"driver\":false,\"mismatches\":[],\"vbios\":true}";

	CHECK(alone(VBIOS BODY(ENTRY("0", ACTIVE "n:Hash0=\"" A1 "\"") ENTRY("1", ACTIVE "n:Hash0=\"" NONE "\"")), no));
	CHECK(alone(VBIOS BODY(ENTRY("0", ACTIVE "n:Hash0=\"" A1 "\"") ENTRY("1", ACTIVE "n:Hash0=\"" A1 "\"")), no));
	CHECK(alone(VBIOS BODY(ENTRY("0", ACTIVE "n:Hash0=\"" A1 "\"") ENTRY("1", "n:Hash0=\"" NONE "\"")), no));
	CHECK(alone(VBIOS BODY(ENTRY("0", ACTIVE "n:Hash0=\"" A1 "\"") ENTRY("1", ACTIVE)), no)); /* no digest at all */
	CHECK(alone(VBIOS BODY(ENTRY("0", ACTIVE "n:Hash0=\"" A1 "\"") ENTRY("1", "active=\"False\" n:Hash0=\"" NONE "\"")), yes));
	CHECK(alone(VBIOS BODY(ENTRY("0", ACTIVE "n:Hash0=\"" A1 "\"") ENTRY("2", ACTIVE "n:Hash0=\"" A1 "\"")),
	    "{\"driver\":false,\"mismatches\":[2],\"vbios\":false}")); /* the device measured no such thing */
	CHECK(alone(VBIOS BODY(ENTRY("0", "active=\"False\" n:Hash0=\"" A1 "\"")),
	    "{\"driver\":false,\"mismatches\":[],\"vbios\":false}")); /* nothing is active */
}

static void one_of_several_manifests_of_a_version_is_enough(void)
{
	struct rig r;

	rig_open(&r);
	manifest(&r, VBIOS BODY(ENTRY("0", ACTIVE "n:Hash0=\"" NONE "\"")));
	CHECK(claim_is(&r, "{\"driver\":false,\"mismatches\":[0],\"vbios\":false}"));
	manifest(&r, VBIOS GOOD);
	CHECK(claim_is(&r, "{\"driver\":false,\"mismatches\":[],\"vbios\":true}"));
	rig_close(&r);
}

static void manifest_that_does_not_hold_is_noted_and_counts_for_nothing(void)
{
	struct rig r;

	rig_open(&r);
	add(&r, &(struct rimkit_how){ .contents = VBIOS GOOD, .not_after = NVKIT_NOW - 10 });
	CHECK(claim_is(&r, "-") && evkit_fails(&r.out, "manifests"));
	manifest(&r, DRIVER GOOD);
	CHECK(claim_is(&r, "{\"driver\":true,\"mismatches\":[],\"vbios\":false}") && evkit_fails(&r.out, "manifests"));
	certs_clear(&r.k.col.roots);
	evkit_add(&r.k.col.roots, &r.k.root_der);
	CHECK(claim_is(&r, "-") && evkit_fails(&r.out, "manifests"));
	rig_close(&r);
}

static void switch_has_no_driver(void)
{
	struct rig r;

	rig_open(&r);
	r.ls10 = true;
	manifest(&r, SWITCH GOOD);
	CHECK(claim_is(&r, "{\"mismatches\":[],\"vbios\":true}"));
	rig_close(&r);
}

int main(void)
{
	const struct t_case cases[] = {
		T(manifests_of_both_versions_match_what_was_measured),
		T(manifest_of_another_version_says_nothing),
		T(every_active_entry_must_match),
		T(one_of_several_manifests_of_a_version_is_enough),
		T(manifest_that_does_not_hold_is_noted_and_counts_for_nothing),
		T(switch_has_no_driver),
	};

	if (!rim_set_up())
		return 1;
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
