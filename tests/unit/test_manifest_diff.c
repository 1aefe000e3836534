#include "trust/manifest_diff.h"

#include "tests/unit/manifest_fix.h"

struct seen { unsigned narrower, wider, other; char last[1100]; };

static void see(void *arg, enum diff_way way, const char *where, const char *what)
{
	struct seen *s = arg;

	s->narrower += way == DIFF_NARROWER;
	s->wider += way == DIFF_WIDER;
	s->other += way == DIFF_OTHER;
	(void)snprintf(s->last, sizeof(s->last), "%s: %s", where, what);
}

static bool diff_by(const char *a, const char *b, const char *images_by, struct seen *s)
{
	CLEANUP(manifest_clear) struct manifest x = { 0 }, y = { 0 };
	struct err e = { 0 };

	*s = (struct seen){ 0 };
	if (manifest_parse(span_of(a), &x, &e) != COFFER_OK || manifest_parse(span_of(b), &y, &e) != COFFER_OK) {
		printf("# %s\n", e.msg);
		abort();
	}
	return manifest_diff(&(struct diff_ask){ &x, &y, images_by }, see, s);
}

static bool diff(const char *a, const char *b, struct seen *s)
{
	return diff_by(a, b, NULL, s);
}

static char *good_text(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fix_key(KEY_P256);

	return fix_manifest(privkey_public(k));
}

/* way: what `to` is against `from`; DIFF_OTHER both ways where back is not given. */
static const struct change { const char *from, *to; enum diff_way way, back; } changes[] = {
	{ "\"platforms\":[\"sample\"]", "\"platforms\":[\"sample\",\"snp\"]", DIFF_WIDER, DIFF_NARROWER },
	{ "\"logs\":[\"analyse\"]", "\"logs\":[]", DIFF_NARROWER, DIFF_WIDER },
	{ "\"signals\":[9,15]", "\"signals\":[9]", DIFF_NARROWER, DIFF_WIDER },
	{ "\"logs\"", "\"exec\":[{\"args\":[\"/bin/a\",\"b\"],\"container\":\"analyse\"}],\"logs\"", DIFF_WIDER, DIFF_NARROWER },
	{ "\"plain-http\":[\"127.0.0.1:5000\"]", "\"plain-http\":[]", DIFF_NARROWER, DIFF_WIDER },
	{ "\"max-bytes\":1048576", "\"max-bytes\":5", DIFF_NARROWER, DIFF_WIDER },
	{ "\"capabilities\":[\"CAP_CHOWN\"]", "\"capabilities\":[]", DIFF_OTHER, DIFF_WIDER },
	{ "\"read-only-root\":true", "\"read-only-root\":false", DIFF_WIDER, DIFF_OTHER },
	{ "\"args\":[\"/bin/analyse\",\"\"]", "\"args\":[\"/bin/analyse\"]", DIFF_OTHER, DIFF_OTHER },
	{ "\"cwd\":\"/\"", "\"cwd\":\"/tmp\"", DIFF_OTHER, DIFF_OTHER },
	{ "\"uid\":1000", "\"uid\":0", DIFF_OTHER, DIFF_OTHER },
	{ "\"role\":\"business\"", "\"role\":\"utility\"", DIFF_OTHER, DIFF_OTHER },
	{ "\"image\":{", "\"image\":{\"attestations\":[\"https://spdx.dev/Document\"],", DIFF_NARROWER, DIFF_WIDER },
	{ "\"image\":{", "\"image\":{\"minimum-version\":1,", DIFF_NARROWER, DIFF_WIDER },
	{ "\"name\":\"risk\"", "\"name\":\"risk2\"", DIFF_OTHER, DIFF_OTHER },
	{ "\"provider\":\"acme\"", "\"provider\":\"acne\"", DIFF_OTHER, DIFF_OTHER },
	{ "\"id\":\"trust\"", "\"id\":\"trast\"", DIFF_OTHER, DIFF_OTHER },
	{ "\"outputs\":[", "\"on-lapse\":{\"action\":\"wipe\",\"check\":30,\"grace\":86400,\"term\":0},\"outputs\":[", DIFF_NARROWER, DIFF_WIDER },
	{ "\"outputs\":[", "\"on-lapse\":{\"action\":\"wipe\",\"check\":3600,\"grace\":900,\"term\":0},\"outputs\":[", DIFF_NARROWER, DIFF_WIDER },
	{ "\"outputs\":[", "\"on-lapse\":{\"action\":\"stop\",\"check\":3600,\"grace\":86400,\"term\":0},\"outputs\":[", DIFF_NARROWER, DIFF_WIDER },
	{ "\"outputs\":[", "\"on-lapse\":{\"action\":\"wipe\",\"check\":3600,\"grace\":86400,\"term\":5},\"outputs\":[", DIFF_OTHER, DIFF_OTHER },
	{ "\"outputs\":[", "\"on-lapse\":{\"action\":\"wipe\",\"check\":3600,\"grace\":86400,\"term\":0},\"outputs\":[", DIFF_NARROWER, DIFF_WIDER }, /* the weakest terms, but said */
	{ "\"read-only\":true", "\"read-only\":false", DIFF_OTHER, DIFF_OTHER },
	{ "\"kind\":\"empty\",\"name\":\"out\"}", "\"kind\":\"empty\",\"name\":\"out\"},{\"kind\":\"empty\",\"name\":\"more\"}", DIFF_OTHER, DIFF_OTHER },
};

static bool is(const struct seen *s, bool within, enum diff_way way)
{
	return s->narrower == (way == DIFF_NARROWER) && s->wider == (way == DIFF_WIDER) && s->other == (way == DIFF_OTHER) &&
	       within == (way == DIFF_NARROWER);
}

static void each_field_has_its_direction(void)
{
	CLEANUP(freep) char *text = good_text();
	struct seen s;

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct change *c = &changes[i];
		CLEANUP(freep) char *to = strstr(text, c->from) ? fix_edit(text, c->from, c->to) : NULL;
		bool there = to && is(&s, diff(text, to, &s), c->way) , back = to && is(&s, diff(to, text, &s), c->back);

		CHECK(to && there && back);
		if (!there || !back)
			printf("# %s -> %s: %s\n", c->from, c->to, to ? s.last : "not in the manifest");
	}
}

static void workload_is_as_wide_as_itself(void)
{
	CLEANUP(freep) char *text = good_text();
	struct seen s;

	CHECK(diff(text, text, &s) && s.narrower + s.wider + s.other == 0);
}

static void entitlement_and_output_have_a_direction(void)
{
	CLEANUP(freep) char *text = good_text();
	CLEANUP(freep) char *less = fix_edit(text, ",{\"asset\":\"kbs:///hospital/note/greeting\",\"purpose\":\"api\"}", "");
	struct seen s;

	CHECK(diff(text, less, &s) && s.narrower == 1 && strstr(s.last, "no longer given kbs:///hospital/note/greeting"));
	CHECK(!diff(less, text, &s) && s.wider == 1 && s.other == 0 && strcmp(s.last, "analyse: is given kbs:///hospital/note/greeting, which it was not") == 0);
}

static void image_is_other_code_unless_its_maker_is_trusted_with_any(void)
{
	CLEANUP(freep) char *text = good_text();
	CLEANUP(freep) char *other = fix_edit(text, "4444", "4445");
	struct seen s;

	CHECK(!diff(text, other, &s) && s.other == 1);
	CHECK(diff_by(text, other, "imaker", &s) && s.other == 0);
	CHECK(!diff_by(text, other, "acme", &s));
}

/* Also where any image of its maker will do: that is what a least version is for. */
static void lower_least_version_of_an_image_is_wider(void)
{
	CLEANUP(freep) char *text = good_text(), *image = fix_edit(text, "4444", "4445");
	CLEANUP(freep) char *five = fix_edit(text, "\"image\":{", "\"image\":{\"minimum-version\":5,"), *six = fix_edit(image, "\"image\":{", "\"image\":{\"minimum-version\":6,");
	struct seen s;

	CHECK(diff_by(five, six, "imaker", &s) && s.narrower == 1 && strcmp(s.last, "analyse: its image must be released as security version 6 or later") == 0);
	CHECK(!diff_by(six, five, "imaker", &s) && s.wider == 1 && s.other == 0 && strcmp(s.last, "analyse: its image may be of a lower security version, from 5 on") == 0);
	CHECK(!diff_by(five, image, "imaker", &s) && s.wider == 1 && s.other == 0 && strcmp(s.last, "analyse: its image may be of any security version") == 0);
}

/* Permissions as a set of bits: the order on manifests is that on sets, so it is reflexive, transitive and antisymmetric there. */
static char *with_permissions(const char *text, unsigned bits)
{
	CLEANUP(freep) char *a = fix_edit(text, "\"signals\":[9,15]", bits & 1 ? "\"signals\":[9,15]" : "\"signals\":[9]");
	CLEANUP(freep) char *b = fix_edit(a, "\"logs\":[\"analyse\"]", bits & 2 ? "\"logs\":[\"analyse\"]" : "\"logs\":[]");
	CLEANUP(freep) char *c = fix_edit(b, "\"plain-http\":[\"127.0.0.1:5000\"]", bits & 4 ? "\"plain-http\":[\"127.0.0.1:5000\"]" : "\"plain-http\":[]");

	return fix_edit(c, "\"max-bytes\":1048576", bits & 8 ? "\"max-bytes\":1048576" : "\"max-bytes\":7");
}

static void order_is_that_of_sets_of_permissions(void)
{
	CLEANUP(freep) char *text = good_text();
	unsigned wrong = 0;
	struct seen s;

	for (unsigned x = 0; x < 16; x++)
		for (unsigned y = 0; y < 16; y++) {
			CLEANUP(freep) char *a = with_permissions(text, x), *b = with_permissions(text, y);

			wrong += diff(a, b, &s) != ((y & ~x) == 0);
			wrong += s.other != 0;
		}
	CHECK(wrong == 0);
}

/* Somebody else wrote the values: none reaches a terminal as it is. */
static void values_are_escaped_and_cut(void)
{
	CLEANUP(freep) char *text = good_text();
	CLEANUP(freep) char *name = fix_edit(text, "registry.example", "registry.examplf");
	struct seen s;

	CHECK(!diff(text, name, &s) && s.other == 1);
	for (const char *p = s.last; *p; p++)
		CHECK(*p >= 0x20 && *p < 0x7f);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(each_field_has_its_direction), T(workload_is_as_wide_as_itself), T(entitlement_and_output_have_a_direction),
		T(image_is_other_code_unless_its_maker_is_trusted_with_any), T(lower_least_version_of_an_image_is_wider), T(order_is_that_of_sets_of_permissions), T(values_are_escaped_and_cut),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
