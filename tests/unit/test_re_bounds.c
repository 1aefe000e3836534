#include "re_help.h"
#include "policy/regex/cache.h"
#include "policy/regex/re_int.h"

/* A text of n times a, then b. */
static struct span as(uint8_t *buf, size_t n, char end)
{
	memset(buf, 'a', n);
	buf[n] = (uint8_t)end;
	return (struct span){ buf, n + (end != 0) };
}

static const struct re *made(struct heap *h, const char *pattern)
{
	const struct re *re = NULL;
	const char *why = "";
	size_t at = 0;

	CHECK(re_compile(h, span_of(pattern), &re, &why, &at) == RE_OK);
	return re;
}

static const char *const hostile[] = { "(a*)*c", "(a|aa)+$", "(a|a)*c", "(a*)*(a*)*(a*)*c", "^(a+)+$", "(?:a?){30}a{30}c",
	"(.*)(.*)(.*)c", "((a{0,9}){0,9}){0,9}c", "([a-z]+)*c", "(?:(?:a|b)|(?:a|b))*c", "(a|b|ab)*c", "(x+x+)+y|(a+a+)+c",
	"a*a*a*a*a*a*a*c", "(?:.|.|.|.)*aaaaac" };

/* Steps of one search over n times a and b. */
static uint64_t cost(const char *pattern, size_t n, size_t n_cap)
{
	static uint8_t text[100001];
	CLEANUP(re_heap_end) struct heap h = re_heap(1u << 30, 64 << 20);
	const struct re *re = made(&h, pattern);
	uint64_t before = h.steps;
	size_t cap[40];

	if (!re)
		return 0;
	CHECK((re_search(&h, re, as(text, n, 'b'), 0, cap, n_cap) || true) && heap_ok(&h));
	return before - h.steps;
}

/* Twice the text takes twice the steps, with captures and without. (Where one machine hands over to the other there is one jump, below
 * these lengths; the next check bounds both.) */
static void hostile_patterns_stay_linear(void)
{
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		for (size_t cap = 0; cap < 2; cap++)
			for (size_t n = 2000; n <= 4000; n *= 2)
				CHECK(10 * cost(hostile[i], 2 * n, cap) <= 21 * cost(hostile[i], n, cap));
}

/* Never more than instructions times (length + 1) visits, whichever machine did it. */
static void work_is_bounded_by_program_and_text(void)
{
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		CLEANUP(re_heap_end) struct heap h = re_heap(1 << 20, 8 << 20);
		const struct re *re = made(&h, hostile[i]);

		for (size_t n = 0; re && n < 600; n += 37)
			CHECK(cost(hostile[i], n, 1) <= 3 * (re->n + 1) * (n + 2) / RE_VISITS_PER_STEP + n / 64 + 4);
	}
}

static void both_machines_agree(void)
{
	static const char *const pattern[] = { "(a|ab)(c|bcd)(d*)", "(a+?)(a*)(b?)", "^(?:(a)|(b))+$", "\\b(\\w+)\\b",
		"(|a)*(b)?", "a{2,3}?(a*)", "x|y", "(a*)+$" };
	static const char *const text[] = { "", "abcd", "aaab", "abab", " a b", "aab", "b", "aaaa",
		"\xc3\xa9"
		"ab",
		"\xff"
		"ab" };

	for (size_t i = 0; i < sizeof(pattern) / sizeof(pattern[0]); i++)
		for (size_t j = 0; j < sizeof(text) / sizeof(text[0]); j++) {
			CLEANUP(re_heap_end) struct heap h = re_heap(1 << 20, 8 << 20);
			const struct re *re = made(&h, pattern[i]);
			size_t a[8], b[8];
			struct re_run r = { .h = &h, .re = re, .s = span_of(text[j]), .cap = a, .slots = 2 * re_groups(re) + 2 };
			bool found = re_back(&r) == RE_YES;

			r.cap = b;
			CHECK(re_pike(&r) == found);
			CHECK(!found || memcmp(a, b, r.slots * sizeof(a[0])) == 0); /* public: a test's own */
		}
}

/* Beyond the room of the small machine the answer is the same. */
static void long_texts_match_as_short_ones(void)
{
	static uint8_t text[100001];
	CLEANUP(re_heap_end) struct heap h = re_heap(1u << 30, 64 << 20);
	const struct re *re = made(&h, "^(a*)(a|b)$"), *tail = made(&h, "(a|b)(c|d)|(b)\\z");
	size_t cap[8];

	CHECK(re_search(&h, re, as(text, 100000, 'b'), 0, cap, 3));
	CHECK(cap[0] == 0 && cap[1] == 100001 && cap[2] == 0 && cap[3] == 100000 && cap[4] == 100000 && cap[5] == 100001);
	CHECK(re_search(&h, tail, as(text, 100000, 'b'), 0, cap, 4));
	CHECK(cap[0] == 100000 && cap[1] == 100001 && cap[2] == SIZE_MAX && cap[6] == 100000);
	CHECK(!re_search(&h, re, as(text, 100000, 'c'), 0, NULL, 0) && heap_ok(&h));
}

static void search_starts_where_told(void)
{
	CLEANUP(re_heap_end) struct heap h = re_heap(1 << 20, 8 << 20);
	const struct re *any = made(&h, "a"), *head = made(&h, "^a"), *word = made(&h, "\\ba"), *line = made(&h, "(?m)^a"),
			*end = made(&h, "a$");
	struct span s = span_of("aa a");
	size_t cap[2];

	CHECK(re_search(&h, any, s, 1, cap, 1) && cap[0] == 1);
	CHECK(re_search(&h, any, s, 2, cap, 1) && cap[0] == 3);
	CHECK(!re_search(&h, any, s, 4, cap, 1) && !re_search(&h, any, s, 5, cap, 1));
	CHECK(re_search(&h, head, s, 0, cap, 1) &&
	      !re_search(&h, head, s, 1, cap, 1)); /* the text begins at 0, wherever one looks from */
	CHECK(re_search(&h, word, s, 1, cap, 1) && cap[0] == 3);
	CHECK(!re_search(&h, line, s, 1, cap, 1) && re_search(&h, line, span_of("a\na"), 1, cap, 1) && cap[0] == 2);
	CHECK(re_search(&h, end, s, 1, cap, 1) && cap[0] == 3);
}

static void prefix_is_found_wherever_it_stands(void)
{
	CLEANUP(re_heap_end) struct heap h = re_heap(1 << 20, 8 << 20);
	const struct re *re = made(&h, "ab[0-9]"), *multi = made(&h, "\xc3\xa9[0-9]");
	size_t cap[2];

	CHECK(re_search(&h, re, span_of("abxab7"), 0, cap, 1) && cap[0] == 3 && cap[1] == 6);
	CHECK(!re_search(&h, re, span_of("abxabab"), 0, cap, 1));
	CHECK(re_search(&h, multi,
		  span_of("\xc3\xc3\xa9"
			  "1"),
		  0, cap, 1) &&
	      cap[0] == 1 && cap[1] == 4);
}

static void program_size_is_limited(void)
{
	static const char *const big[] = {
		"((((a{10}b{10}c{10}d{10}){10}e{10}){10}))(\\pL{1000}){1}(x{1000}){1}(y{1000}){1}(abcdefghijklmnop){1000}",
		"(abcdefghijklmnopqrstuvwxyz){1000}", "(?:(?:)){1000}(?:(?:a|b|c|d|e|f|g|h|i|j)){1000}"
	};

	for (size_t i = 0; i < sizeof(big) / sizeof(big[0]); i++) {
		CLEANUP(re_heap_end) struct heap h = re_heap(1 << 20, 64 << 20);
		const struct re *re = NULL;
		const char *why = NULL;
		size_t at;

		CHECK(re_compile(&h, span_of(big[i]), &re, &why, &at) == RE_TOO_LARGE && !re && h.over == REGO_LIMIT_REGEX);
	}
}

static void steps_and_memory_end_a_search(void)
{
	static uint8_t text[100001];
	CLEANUP(re_heap_end) struct heap h = re_heap(1 << 20, 8 << 20), poor = re_heap(1 << 20, 64);
	const struct re *re = made(&h, "(a|aa)+$");
	const char *why;
	size_t at;

	h.steps = 100;
	CHECK(!re_search(&h, re, as(text, 100000, 'b'), 0, NULL, 0) && h.over == REGO_LIMIT_STEPS);
	CHECK(re_compile(&poor, span_of("(a|aa)+$"), &re, &why, &at) == RE_TOO_LARGE && poor.over == REGO_LIMIT_MEMORY);
	poor.over = REGO_OK;
	arena_reset(poor.arena);
	poor.steps = 0;
	CHECK(re_compile(&poor, span_of("abcdefghijkl"), &re, &why, &at) == RE_TOO_LARGE && poor.over != REGO_OK);
}

/* Thousands of groups want captures for thousands of ways. */
static void captures_are_limited(void)
{
	static char pattern[2001];
	static size_t cap[2 * 501];
	CLEANUP(re_heap_end) struct heap h = re_heap(1u << 30, 64 << 20);
	const struct re *re;

	for (size_t i = 0; i < 500; i++)
		memcpy(pattern + 4 * i, "(a)?", 4);
	re = made(&h, pattern);
	CHECK(re && re_groups(re) == 500 && re_search(&h, re, span_of("aaa"), 0, NULL, 0));
	CHECK(!re_search(&h, re, span_of("aaa"), 0, cap, 501) && h.over == REGO_LIMIT_MEMORY);
}

static void nesting_is_limited(void)
{
	char deep[2 * 251 + 2];

	for (int n = 250; n <= 251; n++) {
		memset(deep, '(', (size_t)n);
		deep[n] = 'a';
		memset(deep + n + 1, ')', (size_t)n);
		deep[2 * n + 1] = 0;
		CHECK(strncmp(re_ask(span_of(deep), span_of("b")), n == 250 ? "no" : "bad: expression nests too deeply", 9) == 0);
	}
}

/* Every beginning of a pattern, in memory of its exact size, is compiled or refused with a reason inside it. */
static void cut_patterns_are_read_within_their_bytes(void)
{
	static const char *const whole[] = { "(?P<name>a|b)(?<n2>[^[:^alpha:]\\]-\\x{20AC}\\d\\p{Greek}]{2,30}?)\\Q*\\E\\x41\\101\\pL\\bx{1}",
		"(?i-s:\xc3\xa9[a-\xc3\xbf])+?$|^\\A.\\z(?mU)\\P{^Lu}[\\x{10FFFF}]" };

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		for (size_t n = 0; n <= strlen(whole[i]); n++) {
			CLEANUP(re_heap_end) struct heap h = re_heap(1 << 20, 8 << 20);
			CLEANUP(freep) uint8_t *p = malloc(n + (n == 0));
			const struct re *re = NULL;
			const char *why = NULL;
			size_t at = SIZE_MAX;
			enum re_rc rc;

			if (!p)
				return;
			memcpy(p, whole[i], n);
			rc = re_compile(&h, (struct span){ p, n }, &re, &why, &at);
			CHECK(rc == RE_OK ? re != NULL : rc == RE_SYNTAX && why && at <= n);
			CHECK(n < strlen(whole[i]) || rc == RE_OK);
		}
}

static void names_belong_to_groups(void)
{
	CLEANUP(re_heap_end) struct heap h = re_heap(1 << 20, 8 << 20);
	const struct re *re = made(&h, "(a)(?P<one>b)(?:c)(?<_2>d)");

	CHECK(re && re_groups(re) == 3 && re_group_name(re, 1).n == 0 && re_group_name(re, 0).n == 0 &&
	      re_group_name(re, 4).n == 0);
	CHECK(span_eq_str(re_group_name(re, 2), "one") && span_eq_str(re_group_name(re, 3), "_2"));
}

static void cache_compiles_once_and_counts_the_same(void)
{
	CLEANUP(re_heap_end) struct heap h = re_heap(1 << 20, 8 << 20);
	struct regex_cache *c = regex_cache_new(&h);
	const struct re *a = NULL, *b = NULL;
	const char *why = NULL;
	uint64_t s0, s1, s2;
	size_t at = 0, used;

	s0 = h.steps;
	CHECK(regex_cached(&h, c, span_of("(?i)[a-z]+[0-9]{10}"), &a, &why, &at) == RE_OK);
	s1 = h.steps;
	used = arena_used(h.arena);
	CHECK(
	    regex_cached(&h, c, span_of("(?i)[a-z]+[0-9]{10}"), &b, &why, &at) == RE_OK && a == b && arena_used(h.arena) == used);
	s2 = h.steps;
	CHECK(s0 - s1 == s1 - s2 && s0 > s1);
	for (int i = 0; i < 2; i++)
		CHECK(regex_cached(&h, c, span_of("a("), &b, &why, &at) == RE_SYNTAX && strcmp(why, "missing closing )") == 0 &&
		      at == 1);
	for (char p[3] = "aa"; p[0] <= 'z'; p[0]++)
		for (p[1] = 'a'; p[1] <= 'z'; p[1]++)
			CHECK(
			    regex_cached(&h, c, span_of(p), &b, &why, &at) == RE_OK && re_search(&h, b, span_of(p), 0, NULL, 0));
	CHECK(regex_cached(&h, c, span_of("(abcdefghijklmnopqrstuvwxyz){1000}"), &b, &why, &at) == RE_TOO_LARGE &&
	      h.over == REGO_LIMIT_REGEX);
}

int main(void)
{
	static const struct t_case t[] = { T(hostile_patterns_stay_linear), T(work_is_bounded_by_program_and_text),
		T(both_machines_agree), T(long_texts_match_as_short_ones), T(search_starts_where_told),
		T(prefix_is_found_wherever_it_stands), T(program_size_is_limited), T(steps_and_memory_end_a_search),
		T(captures_are_limited), T(nesting_is_limited), T(cut_patterns_are_read_within_their_bytes), T(names_belong_to_groups),
		T(cache_compiles_once_and_counts_the_same) };

	return t_main(t, sizeof(t) / sizeof(t[0]));
}
