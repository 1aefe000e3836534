#include "re_help.h"

struct row {
	const char *pattern, *text, *want;
};

static void all(const struct row *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		CHECK(re_says(t[i].pattern, t[i].text, t[i].want));
}
#define ALL(t) all(t, sizeof(t) / sizeof(t[0]))

static void search_is_leftmost_first(void)
{
	static const struct row t[] = {
		{ "", "", "0-0" },
		{ "", "abc", "0-0" },
		{ "a", "bab", "1-2" },
		{ "a", "b", "no" },
		{ "abc", "xxabcxx", "2-5" },
		{ "a|ab", "ab", "0-1" },
		{ "ab|a", "ab", "0-2" },
		{ "(a|ab)(c|bcd)", "abcd", "0-4 0-1 1-4" },
		{ "(a|ab)(c|bcd)$", "abc", "0-3 0-2 2-3" },
		{ "a*", "baaa", "0-0" },
		{ "a+", "baaa", "1-4" },
		{ "a*?", "aaa", "0-0" },
		{ "a+?", "aaa", "0-1" },
		{ "a??b", "ab", "0-2" },
		{ "(a*)(a*)", "aaa", "0-3 0-3 3-3" },
		{ "(a*?)(a*)", "aaa", "0-3 0-0 0-3" },
		{ "(a+?)(a+)$", "aaa", "0-3 0-1 1-3" },
		{ "x*y|xx", "xxxy", "0-4" },
		{ "xx|x*y", "xxxy", "0-2" },
		{ "b|ab|abc", "abc", "0-2" },
		{ "foo|foobar", "foobar", "0-3" },
		{ "(?:foo|foobar)$", "foobar", "0-6" },
		{ "", "\xff", "0-0" },
		{ "a||b", "b", "0-0" },
		{ "(|a)+", "aaa", "0-0 0-0" },
		{ "(|a)*", "aa", "0-0 0-0" },
		{ "(a|)+", "aa", "0-2 1-2" },
		{ "(a|)*b", "aab", "0-3 1-2" },
	};

	ALL(t);
}

static void groups_remember_the_last_time_round(void)
{
	static const struct row t[] = {
		{ "(a)|b", "b", "0-1 -" },
		{ "(a)|b", "a", "0-1 0-1" },
		{ "(?:(a)|(b))+", "ab", "0-2 0-1 1-2" },
		{ "((a)|(b))*", "ab", "0-2 1-2 0-1 1-2" },
		{ "(a)(b)?", "ac", "0-1 0-1 -" },
		{ "(a*)+", "aaa", "0-3 0-3" },
		{ "(a*)*", "b", "0-0 0-0" },
		{ "(a+)*", "b", "0-0 -" },
		{ "(?P<x>a)(?<y>b)", "ab", "0-2 0-1 1-2" },
		{ "((((a))))", "a", "0-1 0-1 0-1 0-1 0-1" },
		{ "(?:a)(b)", "ab", "0-2 1-2" },
		{ "(a){2}", "aaa", "0-2 1-2" },
		{ "(a){0}b", "b", "0-1 -" },
		{ "(a|b){2,3}c", "abac", "0-4 2-3" },
		{ "(..)*", "abcde", "0-4 2-4" },
		{ "(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)", "abcdefghijk", "0-11 0-1 1-2 2-3 3-4 4-5 5-6 6-7 7-8 8-9 9-10 10-11" },
		{ "^([a-z]+)://([^/:]+)(?::([0-9]+))?(/.*)?$", "http://h.x:80/p", "0-15 0-4 7-10 11-13 13-15" },
		{ "^([a-z]+)://([^/:]+)(?::([0-9]+))?(/.*)?$", "http://h.x", "0-10 0-4 7-10 - -" },
		{ "(a(b)?)+", "aba", "0-3 2-3 1-2" },
	};

	ALL(t);
}

static void repeats_count(void)
{
	static const struct row t[] = {
		{ "a{2}", "aaa", "0-2" },
		{ "a{2}", "a", "no" },
		{ "a{2,}", "aaaa", "0-4" },
		{ "a{2,3}", "aaaa", "0-3" },
		{ "a{2,3}?", "aaaa", "0-2" },
		{ "a{0,2}", "aaaa", "0-2" },
		{ "a{0}", "a", "0-0" },
		{ "a{0,0}b", "ab", "1-2" },
		{ "a{0,}", "aa", "0-2" },
		{ "a{1,1}", "aa", "0-1" },
		{ "a{,2}", "a{,2}", "0-5" },
		{ "a{", "a{", "0-2" },
		{ "a{1", "a{1", "0-3" },
		{ "a{x}", "a{x}", "0-4" },
		{ "a{01}", "a{01}", "0-5" },
		{ "^[a-z0-9]{64}$", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "0-64" },
		{ "^[a-z0-9]{64}$", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde", "no" },
		{ "^127\\.(?:[0-9]{1,3}\\.){2}[0-9]{1,3}$", "127.0.10.255", "0-12" },
		{ "^(?:0{0,4}:){0,7}0{0,3}1$", "::1", "0-3" },
		{ "^(?:0{0,4}:){0,7}0{0,3}1$", "0:0000:0001", "0-11" },
		{ "^(?:0{0,4}:){0,7}0{0,3}1$", "0:2", "no" },
		{ "a{1000}", "", "no" },
		{ "(?U)a{1,3}", "aaa", "0-1" },
		{ "(?U)a{1,3}?", "aaa", "0-3" },
		{ "(?U)a+", "aa", "0-1" },
		{ "^*a", "a", "0-1" },
		{ "(?:^)+a", "ba", "no" },
		{ "(?:a{0,3}){2}$", "aaaaaa", "0-6" },
	};

	ALL(t);
}

static void assertions_hold_where_they_say(void)
{
	static const struct row t[] = {
		{ "^a", "ba", "no" },
		{ "^a", "a\na", "0-1" },
		{ "a$", "a\n", "no" },
		{ "a$", "ba", "1-2" },
		{ "^$", "", "0-0" },
		{ "^$", "a", "no" },
		{ "^abc$", "abc", "0-3" },
		{ "^abc$", "abcd", "no" },
		{ "abc$", "abcabc", "3-6" },
		{ "abc$", "bc", "no" },
		{ "$", "ab", "2-2" },
		{ "^", "ab", "0-0" },
		{ "(?m)^b$", "a\nb\nc", "2-3" },
		{ "(?m)^", "a", "0-0" },
		{ "(?m)a$", "a\nb", "0-1" },
		{ "(?m)\\Ab", "a\nb", "no" },
		{ "(?m)a\\z", "a\n", "no" },
		{ "\\bab\\b", "xab ab", "4-6" },
		{ "\\Bb", "b ab", "3-4" },
		{ "\\b", "", "no" },
		{ "\\B", "", "0-0" },
		{ "\\b", "\xc3\xa9", "no" },
		{ "a\\b", "a\xc3\xa9", "0-1" },
		{ "^a|b", "cb", "1-2" },
		{ "(?:^a)|b", "ba", "0-1" },
		{ "a^b", "ab", "no" },
		{ "a$b", "ab", "no" },
		{ "(^|,)b(,|$)", "a,b", "1-3 1-2 3-3" },
		{ "^^a$$", "a", "0-1" },
		{ "(?:^|x)a", "bxa", "1-3" },
	};

	ALL(t);
}

static void classes_hold_what_they_name(void)
{
	static const struct row t[] = {
		{ "[abc]", "xc", "1-2" },
		{ "[^abc]", "abcd", "3-4" },
		{ "[a-c]+", "xabcd", "1-4" },
		{ "[]a]+", "a]", "0-2" },
		{ "[^]a]", "]ab", "2-3" },
		{ "[a-]+", "-a", "0-2" },
		{ "[-a]+", "-a", "0-2" },
		{ "[a\\-z]+", "-az", "0-3" },
		{ "[a-c-e]+", "b-e", "0-3" },
		{ "[\\]]", "]", "0-1" },
		{ "\\d+", "a12", "1-3" },
		{ "\\D+", "1a", "1-2" },
		{ "\\w+", "-aZ_9-", "1-5" },
		{ "\\W", "a-", "1-2" },
		{ "\\s+", "a \t\n\f\rb", "1-6" },
		{ "\\s", "\v", "no" },
		{ "[[:space:]]", "\v", "0-1" },
		{ "\\S", " a", "1-2" },
		{ "\\d", "\xd9\xa0", "no" },
		{ "[[:alpha:]]+", "1ab2", "1-3" },
		{ "[[:^alpha:]]+", "ab12", "2-4" },
		{ "[[:word:]x-z[:punct:]]+", " a!", "1-3" },
		{ "[[:xdigit:]]+", "gF0", "1-3" },
		{ "[\\d\\s]+", "a1 2", "1-4" },
		{ "[^\\d\\s]+", "1 ab", "2-4" },
		{ ".", "\n", "no" },
		{ "(?s).", "\n", "0-1" },
		{ "[^a]", "\n", "0-1" },
		{ "(?s).*", "a\nb", "0-3" },
		{ ".*", "a\nb", "0-1" },
		{ "[[:]", ":", "0-1" },
		{ "[[:x]+", "[:x", "0-3" },
		{ "[^\\x00-\\x{10FFFF}]", "a", "no" },
		{ "[a", "", "bad: missing closing ]" },
	};

	ALL(t);
}

static void text_is_code_points_of_utf8(void)
{
	static const struct row t[] = {
		{ ".", "\xc3\xa9", "0-2" },
		{ "^.$", "\xe2\x82\xac", "0-3" },
		{ "^..$", "\xf0\x9f\x98\x80!", "0-5" },
		{ "\xc3\xa9+", "\xc3\xa9\xc3\xa9", "0-4" },
		{ "[\xc3\xa0-\xc3\xbf]", "x\xc3\xa9", "1-3" },
		{ "[^a]", "\xc3\xa9", "0-2" },
		{ "\\x{20AC}", "\xe2\x82\xac", "0-3" },
		{ "\\xe9", "\xc3\xa9", "0-2" },
		{ "^.$", "\xff", "0-1" },
		{ "^..$", "\xe2\x82", "0-2" },
		{ "\\x{FFFD}", "\xff", "0-1" },
		{ "\xef\xbf\xbd", "a\x80", "1-2" },
		{ "^.$", "\xc0\x80", "no" },
		{ "^...$", "\xed\xa0\x80", "0-3" },
		{ "[^a]+", "\xff\xfe", "0-2" },
		{ "\\pL+", "1\xc3\xa9\xd0\x96z2", "1-6" },
		{ "\\p{Greek}+", "a\xce\xb1\xce\xb2", "1-5" },
		{ "\\P{Greek}+", "\xce\xb1xy", "2-4" },
		{ "\\p{^Lu}", "Aa", "1-2" },
		{ "\\P{^Lu}", "aA", "1-2" },
		{ "[\\p{Nd}_]+", "a\xd9\xa0_", "1-4" },
		{ "\\p{Any}", "\n", "0-1" },
		{ "[^\\pN]", "1a", "1-2" },
		{ "\xa9", "", "bad: invalid UTF-8" },
		{ "\\p{Han}", "\xe4\xbd\xa0", "0-3" },
	};

	ALL(t);
}

static void case_is_ignored_where_asked(void)
{
	static const struct row t[] = {
		{ "(?i)abc", "xAbC", "1-4" },
		{ "(?i)k", "\xe2\x84\xaa", "0-3" },
		{ "(?i)[k]", "K", "0-1" },
		{ "(?i)\xc3\xa9", "\xc3\x89", "0-2" },
		{ "(?i)\xcf\x83", "\xcf\x82", "0-2" },
		{ "(?i)[^x]", "X", "no" },
		{ "(?i)[a-z]+", "AzZ", "0-3" },
		{ "a(?i)b", "aB", "0-2" },
		{ "a(?i)b", "AB", "no" },
		{ "(?i:a)b", "Ab", "0-2" },
		{ "(?i:a)b", "AB", "no" },
		{ "(?i)a(?-i)b", "AB", "no" },
		{ "(a(?i)b|c)d", "aCd", "1-3 1-2" },
		{ "(?i)\\p{Lu}", "a", "0-1" },
		{ "(?i)\\P{Lu}", "a", "no" },
		{ "(?i)[[:upper:]]", "a", "0-1" },
		{ "(?i)1", "1", "0-1" },
		{ "(?is).a", "\nA", "0-2" },
		{ "(?i)\\w", "\xe2\x84\xaa", "0-3" },
		{ "(?i)\xd0\x96", "\xd0\xb6", "0-2" },
		{ "(?i)\\Qa.b\\E", "A.B", "0-3" },
		{ "(?i)(?-i:a)", "A", "no" },
	};

	ALL(t);
}

static void escapes_stand_for_characters(void)
{
	static const struct row t[] = {
		{ "\\.", "a.", "1-2" },
		{ "\\t\\n\\r\\f\\v\\a", "\t\n\r\f\v\a", "0-6" },
		{ "\\x41\\x{42}", "AB", "0-2" },
		{ "\\101\\060", "A0", "0-2" },
		{ "\\0", "a", "no" },
		{ "\\_\\-\\/", "_-/", "0-3" },
		{ "\\Qa*b\\E+", "a*bb", "0-4" },
		{ "\\Qa*b", "a*b", "0-3" },
		{ "a\\Q\\Eb", "ab", "0-2" },
		{ "a\\Q\\E*", "aa", "0-2" },
		{ "\\1", "", "bad: invalid escape sequence" },
		{ "\\8", "", "bad: invalid escape sequence" },
		{ "\\q", "", "bad: invalid escape sequence" },
		{ "\\C", "", "bad: invalid escape sequence" },
		{ "\\Z", "", "bad: invalid escape sequence" },
		{ "\\E", "", "bad: invalid escape sequence" },
		{ "\\x4", "", "bad: invalid escape sequence" },
		{ "\\xg0", "", "bad: invalid escape sequence" },
		{ "\\x{}", "", "bad: invalid escape sequence" },
		{ "\\x{110000}", "", "bad: invalid escape sequence" },
		{ "\\x{41", "", "bad: invalid escape sequence" },
		{ "[\\b]", "", "bad: invalid escape sequence" },
		{ "\\", "", "bad: trailing backslash at end of expression" },
		{ "[\\", "", "bad: trailing backslash at end of expression" },
	};

	ALL(t);
}

static void mistakes_are_named_as_go_does(void)
{
	static const struct row t[] = {
		{ "*", "", "bad: missing argument to repetition operator" },
		{ "a|*", "", "bad: missing argument to repetition operator" },
		{ "(+)", "", "bad: missing argument to repetition operator" },
		{ "{2}", "", "bad: missing argument to repetition operator" },
		{ "(?i)*", "", "bad: missing argument to repetition operator" },
		{ "a**", "", "bad: invalid nested repetition operator" },
		{ "a*+", "", "bad: invalid nested repetition operator" },
		{ "a??\?", "", "bad: invalid nested repetition operator" },
		{ "a{2}{3}", "", "bad: invalid nested repetition operator" },
		{ "a{1001}", "", "bad: invalid repeat count" },
		{ "a{3,2}", "", "bad: invalid repeat count" },
		{ "a{99999999999}", "", "bad: invalid repeat count" },
		{ "a{1,1001}", "", "bad: invalid repeat count" },
		{ "a{1001,}", "", "bad: invalid repeat count" },
		{ "(a{100}){11}", "", "bad: invalid repeat count" },
		{ "(((a{0,100}){0,100}){0,100})", "", "bad: invalid repeat count" },
		{ "(", "", "bad: missing closing )" },
		{ "(a(b)", "", "bad: missing closing )" },
		{ ")", "", "bad: unexpected )" },
		{ "a)b", "", "bad: unexpected )" },
		{ "(?", "", "bad: invalid or unsupported Perl syntax" },
		{ "(?=a)", "", "bad: invalid or unsupported Perl syntax" },
		{ "(?!a)", "", "bad: invalid or unsupported Perl syntax" },
		{ "(?i", "", "bad: invalid or unsupported Perl syntax" },
		{ "(?i-)", "", "bad: invalid or unsupported Perl syntax" },
		{ "(?-)", "", "bad: invalid or unsupported Perl syntax" },
		{ "(?i--s)", "", "bad: invalid or unsupported Perl syntax" },
		{ "(?z)", "", "bad: invalid or unsupported Perl syntax" },
		{ "(?P=n)", "", "bad: invalid or unsupported Perl syntax" },
		{ "(?P<n", "", "bad: invalid named capture" },
		{ "(?P<>a)", "", "bad: invalid named capture" },
		{ "(?P<n-m>a)", "", "bad: invalid named capture" },
		{ "(?<=a)", "", "bad: invalid named capture" },
		{ "[b-a]", "", "bad: invalid character class range" },
		{ "[[:foo:]]", "", "bad: invalid character class range" },
		{ "\\pX", "", "bad: invalid character class range" },
		{ "\\p{Nope}", "", "bad: invalid character class range" },
		{ "\\p{L", "", "bad: invalid character class range" },
		{ "\\p", "", "bad: invalid character class range" },
		{ "[]", "", "bad: missing closing ]" },
		{ "[^]", "", "bad: missing closing ]" },
		{ "[a-", "", "bad: missing closing ]" },
		{ "[[:alpha:]", "", "bad: missing closing ]" },
	};

	ALL(t);
	CHECK(re_says("(a{100}){10}", "", "no")); /* a product of 1000 still counts */
	CHECK(re_says("(?:(?:(?:a{10}){10}){0}b){2}", "bb", "0-2"));
}

int main(void)
{
	static const struct t_case t[] = { T(search_is_leftmost_first), T(groups_remember_the_last_time_round), T(repeats_count),
		T(assertions_hold_where_they_say), T(classes_hold_what_they_name), T(text_is_code_points_of_utf8),
		T(case_is_ignored_where_asked), T(escapes_stand_for_characters), T(mistakes_are_named_as_go_does) };

	return t_main(t, sizeof(t) / sizeof(t[0]));
}
