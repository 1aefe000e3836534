/* Slots of a manifest: their form, filling them, and what becomes wider by them. */
#include "trust/manifest_diff.h"

#include "tests/unit/manifest_fix.h"

#define SLOTS "\"service\":{\"id\":\"trust\",\"url\":\"https://127.0.0.1:8443\"},\"slots\":[{\"name\":\"scans\",\"type\":\"volume\"},{\"name\":\"token\",\"type\":\"api\"}],"

/* The fixture with its two assets of the hospital's left open. */
static char *slotted(void)
{
	static const char *const edit[][2] = {
		{ "{\"asset\":\"kbs:///hospital/data-key/patients\",\"purpose\":\"volume\"", "{\"purpose\":\"volume\",\"slot\":\"scans\"" },
		{ "{\"asset\":\"kbs:///hospital/data-key/patients\",\"kind\":\"sealed\",\"name\":\"patients\"}", "{\"kind\":\"sealed\",\"name\":\"patients\",\"slot\":\"scans\"}" },
		{ "{\"asset\":\"kbs:///hospital/note/greeting\",\"purpose\":\"api\"}", "{\"purpose\":\"api\",\"slot\":\"token\"}" },
		{ "\"service\":{\"id\":\"trust\",\"url\":\"https://127.0.0.1:8443\"},", SLOTS },
	};
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_P256);
	char *text = fix_manifest(privkey_public(k));

	for (size_t i = 0; i < sizeof(edit) / sizeof(edit[0]); i++) {
		char *next = fix_edit(text, edit[i][0], edit[i][1]);

		if (!next)
			abort();
		free(text);
		text = next;
	}
	return text;
}

static bool has(const struct wr *w, const char *words)
{
	return memmem(w->p, w->n, words, strlen(words)) != NULL;
}

static void slots_are_read_and_filled_once(void)
{
	CLEANUP(freep) char *text = slotted();
	CLEANUP(manifest_clear) struct manifest m = { 0 };
	CLEANUP(wr_close) struct wr said = wr_open(1u << 20);
	struct asset_path scans, other;
	uint8_t digest[32];
	struct err e;

	CHECK(manifest_parse(span_of(text), &m, &e) == COFFER_OK);
	CHECK(m.n_slots == 2 && manifest_slot(&m, span_of("scans"))->type == PURPOSE_VOLUME && !manifest_slot(&m, span_of("scan")));
	CHECK(span_eq(wr_span(&m.canon), span_of(text)));
	CHECK(manifest_entitles_slot(&m.container[0], span_of("token"), PURPOSE_API) &&
	      !manifest_entitles_slot(&m.container[0], span_of("token"), PURPOSE_VOLUME) &&
	      !manifest_entitles_slot(&m.container[0], (struct span){ 0 }, PURPOSE_IMAGE_KEY));
	manifest_describe(&m, &said);
	CHECK(has(&said, "what fills slot scans as volume patients") && has(&said, "slot        token: for api"));
	memcpy(digest, m.digest, sizeof(digest));
	CHECK(asset_path_parse(span_of("kbs:///clinic/key/scans"), &scans, &e) == COFFER_OK &&
	      asset_path_parse(span_of("kbs:///clinic/key/other"), &other, &e) == COFFER_OK);
	CHECK(!manifest_entitles(&m.container[0], &scans, PURPOSE_VOLUME));
	CHECK(!manifest_fill(&m, span_of("scan"), &scans) && manifest_fill(&m, span_of("scans"), &scans));
	CHECK(manifest_entitles(&m.container[0], &scans, PURPOSE_VOLUME) && !manifest_entitles(&m.container[0], &scans, PURPOSE_API));
	CHECK(asset_path_eq(&manifest_volume(&m, span_of("patients"))->asset, &scans));
	CHECK(!manifest_fill(&m, span_of("scans"), &other) && !manifest_entitles(&m.container[0], &other, PURPOSE_VOLUME));
	CHECK(span_eq(SPAN(digest), SPAN(m.digest)));
}

static void slots_of_wrong_form_are_refused(void)
{
	static const struct fix_edit edits[] = {
		{ "\"name\":\"token\",\"type\":\"api\"", "\"name\":\"scans\",\"type\":\"api\"", "two slots" },
		{ "\"name\":\"token\",\"type\":\"api\"", "\"name\":\"Token\",\"type\":\"api\"", "name" },
		{ "\"name\":\"token\",\"type\":\"api\"", "\"name\":\"token\"", "type" },
		{ "\"name\":\"token\",\"type\":\"api\"", "\"name\":\"token\",\"type\":\"api\",\"x\":1", "not known" },
		{ "\"name\":\"token\",\"type\":\"api\"", "\"name\":\"token\",\"type\":\"image-key\"", "type is none" },
		{ "\"name\":\"token\",\"type\":\"api\"", "\"name\":\"token\",\"type\":\"env\"", "not its slot's type" },
		{ ",{\"name\":\"token\",\"type\":\"api\"}", "", "slot that is not there" },
		{ "{\"name\":\"token\",\"type\":\"api\"}", "{\"name\":\"token\",\"type\":\"api\"},{\"name\":\"spare\",\"type\":\"api\"}", "entitled to what fills slot spare" },
		{ "\"slots\":[{\"name\":\"scans\",\"type\":\"volume\"},{\"name\":\"token\",\"type\":\"api\"}]", "\"slots\":[]", "slots" },
		{ "{\"purpose\":\"api\",\"slot\":\"token\"}", "{\"asset\":\"kbs:///a/b/c\",\"purpose\":\"api\",\"slot\":\"token\"}", "at once" },
		{ "{\"purpose\":\"api\",\"slot\":\"token\"}", "{\"purpose\":\"api\",\"slot\":\"../x\"}", "slot" },
		{ "{\"purpose\":\"api\",\"slot\":\"token\"}", "{\"purpose\":\"api\",\"slot\":\"token\"},{\"purpose\":\"api\",\"slot\":\"token\"}", "twice" },
		{ "\"kind\":\"sealed\",\"name\":\"patients\",\"slot\":\"scans\"", "\"kind\":\"sealed\",\"name\":\"patients\",\"slot\":\"token\"", "different" },
		{ "{\"kind\":\"empty\",\"name\":\"out\"}", "{\"kind\":\"empty\",\"name\":\"out\",\"slot\":\"scans\"}", "no asset" },
	};
	CLEANUP(freep) char *good = slotted();

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		CLEANUP(freep) char *text = fix_edit(good, edits[i].from, edits[i].to);
		CLEANUP(manifest_clear) struct manifest m = { 0 };
		struct err e = { 0 };

		CHECK(text && fix_refused(manifest_parse(span_of(text), &m, &e), &e, &edits[i]));
	}
}

static void slot_in_an_assets_place_is_another_workload(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_P256);
	CLEANUP(freep) char *plain = fix_manifest(privkey_public(k));
	CLEANUP(freep) char *open = slotted();
	CLEANUP(freep) char *less = fix_edit(open, ",{\"purpose\":\"api\",\"slot\":\"token\"}", "");
	CLEANUP(freep) char *fewer = fix_edit(less, ",{\"name\":\"token\",\"type\":\"api\"}", "");
	CLEANUP(manifest_clear) struct manifest a = { 0 }, b = { 0 }, c = { 0 };
	struct err e;

	CHECK(manifest_parse(span_of(plain), &a, &e) == COFFER_OK && manifest_parse(span_of(open), &b, &e) == COFFER_OK &&
	      manifest_parse(span_of(fewer), &c, &e) == COFFER_OK);
	CHECK(!manifest_diff(&(struct diff_ask){ .a = &a, .b = &b }, NULL, NULL) && !manifest_diff(&(struct diff_ask){ .a = &b, .b = &a }, NULL, NULL));
	CHECK(!manifest_diff(&(struct diff_ask){ .a = &c, .b = &b }, NULL, NULL)); /* one more is wider */
	CHECK(manifest_diff(&(struct diff_ask){ .a = &b, .b = &b }, NULL, NULL));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(slots_are_read_and_filled_once), T(slots_of_wrong_form_are_refused), T(slot_in_an_assets_place_is_another_workload),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
