#include "base/str.h"
#include "fmt/unicode.h"

#include "tests/t.h"

static void mappings_are_simple_and_go_both_ways(void)
{
	static const struct {
		uint32_t lower, upper;
	} t[] = { { 'a', 'A' }, { 'z', 'Z' }, { 0xE9, 0xC9 }, { 0xFF, 0x178 }, { 0x101, 0x100 }, { 0x17E, 0x17D },
		{ 0x3B1, 0x391 }, { 0x3C9, 0x3A9 }, { 0x44F, 0x42F }, { 0x586, 0x556 }, { 0x1E95, 0x1E94 }, { 0x2D00, 0x10A0 },
		{ 0x1044F, 0x10427 }, { 0x1E943, 0x1E921 } };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CHECK(uc_upper(t[i].lower) == t[i].upper && uc_lower(t[i].upper) == t[i].lower);
		CHECK(uc_upper(t[i].upper) == t[i].upper && uc_lower(t[i].lower) == t[i].lower);
	}
	CHECK(uc_upper(0xDF) == 0xDF && uc_lower(0x1E9E) == 0xDF); /* sharp s: no single capital in the simple mappings */
	CHECK(uc_upper(0x131) == 'I' && uc_lower(0x130) == 'i');   /* Turkish i goes one way */
	CHECK(uc_lower('1') == '1' && uc_upper(UC_MAX) == UC_MAX && uc_lower(0x4E00) == 0x4E00);
}

/* Every orbit comes back to where it began, through code points that fold alike. */
static void orbits_close(void)
{
	size_t cased = 0;

	for (uint32_t c = uc_cased_from(0), at = 0; c <= UC_MAX; at = c + 1, c = uc_cased_from(at)) {
		uint32_t o = c;
		int n = 0;

		do
			o = uc_fold_next(o);
		while (o != c && ++n < 5);
		CHECK(o == c && c >= at);
		cased++;
	}
	CHECK(cased > 2800 && cased < 2900);
	CHECK(uc_fold_next('K') == 'k' && uc_fold_next('k') == 0x212A && uc_fold_next(0x212A) == 'K');
	CHECK(uc_fold_next('s') == 0x17F && uc_fold_next(0x3C2) == 0x3C3 && uc_fold_next('1') == '1' &&
	      uc_fold_next(0x131) == 0x131);
}

static size_t members(const char *name, uint32_t has, bool *found)
{
	struct uc_set s;
	uint32_t lo, hi, last = 0;
	size_t n = 0;

	*found = false;
	if (!uc_set_find(span_of(name), &s))
		return 0;
	while (uc_set_next(&s, &lo, &hi)) {
		CHECK(lo <= hi && hi <= UC_MAX && (n == 0 || lo > last));
		n += hi - lo + 1;
		*found |= lo <= has && has <= hi;
		last = hi;
	}
	return n;
}

static void sets_hold_what_unicode_says(void)
{
	static const struct {
		const char *name;
		uint32_t in, out;
		size_t n;
	} t[] = {
		/* counts of Unicode 14 */
		{ "Lu", 0x100, 0x101, 1831 },
		{ "Ll", 0x101, 0x100, 2227 },
		{ "L", 0x4E00, '1', 131756 },
		{ "Nd", 0x660, 0xB2, 660 },
		{ "N", 0xB2, 'a', 1791 },
		{ "P", '!', '+', 819 },
		{ "S", '+', '!', 7741 },
		{ "Z", 0x2028, '\n', 19 },
		{ "Cc", 0x7F, 0xAD, 65 },
		{ "Mn", 0x300, 'a', 1950 },
		{ "Greek", 0x3B1, 'a', 518 },
		{ "Latin", 'a', 0x3B1, 1475 },
		{ "Cyrillic", 0x416, 'a', 443 },
		{ "Han", 0x4E00, 0x3042, 94215 },
		{ "Hiragana", 0x3042, 0x4E00, 380 },
		{ "Any", 0x378, UC_MAX + 1, 0x110000 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		bool in, out;

		CHECK(members(t[i].name, t[i].in, &in) == t[i].n && in);
		CHECK(members(t[i].name, t[i].out, &out) == t[i].n && !out);
	}
}

static void sets_of_unknown_name_are_refused(void)
{
	static const char *const no[] = { "", "l", "Lx", "greek", "Foo", "LuLl", "Cn" };
	struct uc_set s;

	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		CHECK(!uc_set_find(span_of(no[i]), &s));
}

static void space_is_as_in_go(void)
{
	static const uint32_t yes[] = { ' ', '\t', '\n', '\v', '\f', '\r', 0x85, 0xA0, 0x1680, 0x2000, 0x200A, 0x2028, 0x2029,
		0x202F, 0x205F, 0x3000 };
	static const uint32_t no[] = { 0, 8, 14, 0x1F, 'a', 0x200B, 0x180E, 0xFEFF };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		CHECK(uc_space(yes[i]));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		CHECK(!uc_space(no[i]));
}

int main(void)
{
	static const struct t_case t[] = { T(mappings_are_simple_and_go_both_ways), T(orbits_close),
		T(sets_hold_what_unicode_says), T(sets_of_unknown_name_are_refused), T(space_is_as_in_go) };

	return t_main(t, sizeof(t) / sizeof(t[0]));
}
