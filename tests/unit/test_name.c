#include "trust/name.h"

#include "tests/unit/trust_fix.h"

static void party_ok_follows_the_alphabet(void)
{
	static const char *const bad[] = { "", "-a", "A", "a_b", "a.b", "a b", "a/b", "\xc3\xa9",
		"0123456789012345678901234567890123456789012345678901234567890123" };

	CHECK(party_ok(span_of("a")) && party_ok(span_of("9-a-")));
	CHECK(party_ok(span_of("012345678901234567890123456789012345678901234567890123456789012")));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!party_ok(span_of(bad[i])));
	CHECK(!party_ok((struct span){ (const uint8_t *)"a\0b", 3 }));
}

static void asset_path_parse_takes_both_spellings(void)
{
	struct asset_path a, b, copy;
	struct err e;

	CHECK(asset_path_parse(span_of("kbs:///hospital/data-key/patients.v1"), &a, &e) == COFFER_OK);
	CHECK(asset_path_parse(span_of("hospital/data-key/patients.v1"), &b, &e) == COFFER_OK);
	CHECK(asset_path_eq(&a, &b) && strcmp(a.owner, "hospital") == 0 && strcmp(asset_path_tail(&a), "hospital/data-key/patients.v1") == 0);
	copy = a;
	CHECK(strcmp(asset_path_tail(&copy), asset_path_tail(&a)) == 0 && asset_path_tail(&copy) != asset_path_tail(&a));
}

static void asset_path_parse_takes_the_longest(void)
{
	CLEANUP(freep) char *seg = str_fmt("%064d", 0), *longer = str_fmt("%065d", 0);
	CLEANUP(freep) char *ok = str_fmt("kbs:///%063d/%s/%s", 0, seg, seg), *bad = str_fmt("kbs:///%063d/%s/%s", 0, seg, longer);
	struct asset_path p;
	struct err e;

	CHECK(asset_path_parse(span_of(ok), &p, &e) == COFFER_OK && strcmp(p.text, ok) == 0);
	CHECK(asset_path_parse(span_of(bad), &p, &e) == COFFER_E_INPUT);
}

static void asset_path_parse_refuses_everything_else(void)
{
	static const char *const bad[] = { "", "kbs:///", "a/b", "a/b/c/d", "a//c", "/a/b/c", "a/b/c/", "a/./c", "a/../c", "a/b/.",
	    "a/b/..",
		"a/b/.hidden", "A/b/c", "a/b/c?x", "a/b/c#x", "a/b/c%2f", "kbs://host/a/b/c", "KBS:///a/b/c", "a/b/c d", "a/b/c\n",
		    "kbs:///kbs:///a/b/c" };
	struct asset_path p = { .owner = "same" };
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(asset_path_parse(span_of(bad[i]), &p, &e) == COFFER_E_INPUT && strcmp(p.owner, "same") == 0);
	CHECK(asset_path_parse((struct span){ (const uint8_t *)"a/b/c\0d", 7 }, &p, &e) == COFFER_E_INPUT);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(party_ok_follows_the_alphabet), T(asset_path_parse_takes_both_spellings), T(asset_path_parse_takes_the_longest),
		T(asset_path_parse_refuses_everything_else),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
