#include "bi_help.h"
#include "policy/builtin/addr.h"

static void base64(void)
{
	static const struct bi_row t[] = {
		{ "base64.encode", "[\"hello\"]", "\"aGVsbG8=\"" },
		{ "base64.encode", "[\"\"]", "\"\"" },
		{ "base64.decode", "[\"aGVsbG8=\"]", "\"hello\"" },
		{ "base64.decode", "[\"aGVs\\r\\nbG8=\\n\"]", "\"hello\"" },
		{ "base64.decode", "[\"aGVsbG9=\"]", "\"hello\"" },
		{ "base64.decode", "[\"aGVsbA==\"]", "\"hell\"" },
		{ "base64.decode", "[\"aGVsbA=\\n=\"]", "\"hell\"" },
		{ "base64.decode", "[\"\"]", "\"\"" },
		{ "base64.decode", "[\"aGVsbG8\"]", "fail: base64.decode: illegal base64 data at input byte 4" },
		{ "base64.decode", "[\"aGVs!G8=\"]", "fail: base64.decode: illegal base64 data at input byte 4" },
		{ "base64.decode", "[\"a===\"]", "fail: base64.decode: illegal base64 data at input byte 1" },
		{ "base64.decode", "[\"aG=a\"]", "fail: base64.decode: illegal base64 data at input byte 3" },
		{ "base64.decode", "[\"aG==a\"]", "fail: base64.decode: illegal base64 data at input byte 4" },
		{ "base64.decode", "[\"aG=\"]", "fail: base64.decode: illegal base64 data at input byte 3" },
		{ "base64.decode", "[\"=\"]", "fail: base64.decode: illegal base64 data at input byte 0" },
		{ "base64.decode", "[\"_-==\"]", "fail: base64.decode: illegal base64 data at input byte 0" },
		{ "base64.is_valid", "[\"aGVsbG8=\"]", "true" },
		{ "base64.is_valid", "[\"aGVsbG8\"]", "false" },
		{ "base64.is_valid", "[1]", "false" },
		{ "base64url.encode", "[\"\xc3\xbf\xc3\xbf>\"]", "\"w7_Dvz4=\"" },
		{ "base64url.encode_no_pad", "[\"\xc3\xbf\xc3\xbf>\"]", "\"w7_Dvz4\"" },
		{ "base64url.decode", "[\"w7_Dvz4=\"]", "\"\xc3\xbf\xc3\xbf\\u003e\"" },
		{ "base64url.decode", "[\"w7_Dvz4\"]", "\"\xc3\xbf\xc3\xbf\\u003e\"" },
		{ "base64url.decode", "[\"a\"]", "fail: base64url.decode: illegal base64url string" },
		{ "base64url.decode", "[\"w7/D\"]", "fail: base64url.decode: illegal base64 data at input byte 2" },
		{ "base64url.decode", "[\"YWI\"]", "\"ab\"" },
		{ "base64url.decode", "[\"YQ\"]", "\"a\"" },
	};

	BI_ALL(t);
}

static void hexadecimal(void)
{
	static const struct bi_row t[] = {
		{ "hex.encode", "[\"hello\"]", "\"68656c6c6f\"" },
		{ "hex.decode", "[\"68656C6c6f\"]", "\"hello\"" },
		{ "hex.decode", "[\"\"]", "\"\"" },
		{ "hex.decode", "[\"fghijkl\"]", "fail: hex.decode: encoding/hex: invalid byte: U+0067 'g'" },
		{ "hex.decode", "[\"abc\"]", "fail: hex.decode: encoding/hex: odd length hex string" },
		{ "hex.encode", "[1]", "type: hex.encode: operand 1 must be string but got number" },
	};

	BI_ALL(t);
}

static void urlquery(void)
{
	static const struct bi_row t[] = {
		{ "urlquery.encode", "[\"a=b+c d&\xc3\xa9~-_.\"]", "\"a%3Db%2Bc+d%26%C3%A9~-_.\"" },
		{ "urlquery.decode", "[\"a%3Db%2Bc+d%26%C3%a9\"]", "\"a=b+c d\\u0026\xc3\xa9\"" },
		{ "urlquery.decode", "[\"%4\"]", "fail: urlquery.decode: invalid URL escape" },
		{ "urlquery.decode", "[\"%zz\"]", "fail: urlquery.decode: invalid URL escape" },
		{ "urlquery.encode_object", "[{\"b\":\"1\",\"a\":[\"x y\",\"z\"],\"c\":[]}]", "\"a=x+y\\u0026a=z\\u0026b=1\"" },
		{ "urlquery.encode_object", "[{}]", "\"\"" },
		{ "urlquery.encode_object", "[{\"a\":1}]",
		    "type: urlquery.encode_object: operand 1 values must be string, array[string], or set[string]" },
		{ "urlquery.encode_object", "[{\"a\":[1]}]",
		    "type: urlquery.encode_object: operand 1 values must be string, array[string], or set[string]" },
		{ "urlquery.encode_object", "[[]]", "type: urlquery.encode_object: operand 1 must be object but got array" },
		{ "urlquery.decode_object", "[\"a=1&b=2&a=3&c&&=d\"]",
		    "{\"\":[\"d\"],\"a\":[\"1\",\"3\"],\"b\":[\"2\"],\"c\":[\"\"]}" },
		{ "urlquery.decode_object", "[\"\"]", "{}" },
		{ "urlquery.decode_object", "[\"a=1;b=2\"]",
		    "fail: urlquery.decode_object: invalid semicolon separator in query" },
		{ "urlquery.decode_object", "[\"a=%\"]", "fail: urlquery.decode_object: invalid URL escape" },
		{ "urlquery.decode_object", "[\"a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&a=0\"]",
		    "{\"a\":[\"1\",\"0\"],\"b\":[\"2\"],\"c\":[\"3\"],\"d\":[\"4\"],\"e\":[\"5\"],\"f\":[\"6\"],\"g\":[\"7\"],\"h\":[\"8\"],\"i\":[\"9\"]}" },
	};

	BI_ALL(t);
}

static void semver(void)
{
	static const struct bi_row t[] = {
		{ "semver.is_valid", "[\"1.2.3\"]", "true" },
		{ "semver.is_valid", "[\"1.2.3-rc.1+b.2\"]", "true" },
		{ "semver.is_valid", "[\"v1.2.3\"]", "true" },
		{ "semver.is_valid", "[\"1.2\"]", "false" },
		{ "semver.is_valid", "[\"1.2.3.4\"]", "false" },
		{ "semver.is_valid", "[\"1.2.x\"]", "false" },
		{ "semver.is_valid", "[\"1.2.3-a..b\"]", "false" },
		{ "semver.is_valid", "[\"1.2.3-a_b\"]", "false" },
		{ "semver.is_valid", "[\"1.2.99999999999999999999\"]", "false" },
		{ "semver.is_valid", "[1]", "false" },
		{ "semver.is_valid", "[\"\"]", "false" },
		{ "semver.compare", "[\"1.2.3\",\"1.2.3\"]", "0" },
		{ "semver.compare", "[\"1.10.0\",\"1.9.9\"]", "1" },
		{ "semver.compare", "[\"1.0.0\",\"2.0.0\"]", "-1" },
		{ "semver.compare", "[\"1.0.0-rc\",\"1.0.0\"]", "-1" },
		{ "semver.compare", "[\"1.0.0\",\"1.0.0-rc\"]", "1" },
		{ "semver.compare", "[\"1.0.0-2\",\"1.0.0-11\"]", "-1" },
		{ "semver.compare", "[\"1.0.0-2\",\"1.0.0-a\"]", "-1" },
		{ "semver.compare", "[\"1.0.0-a.b\",\"1.0.0-a\"]", "1" },
		{ "semver.compare", "[\"1.0.0-b\",\"1.0.0-a.b\"]", "1" },
		{ "semver.compare", "[\"1.0.0+a\",\"1.0.0+b\"]", "0" },
		{ "semver.compare", "[\"1\",\"1.0.0\"]", "fail: semver.compare: operand 1: string \"1\" is not a valid SemVer" },
		{ "semver.compare", "[\"1.0.0\",\"1\"]", "fail: semver.compare: operand 2: string \"1\" is not a valid SemVer" },
		{ "semver.compare", "[1,\"1\"]", "type: semver.compare: operand 1 must be string but got number" },
	};

	BI_ALL(t);
}

static void blocks_of_addresses(void)
{
	static const struct bi_row t[] = {
		{ "net.cidr_contains", "[\"10.0.0.0/8\",\"10.1.2.3\"]", "true" },
		{ "net.cidr_contains", "[\"10.0.0.0/8\",\"11.1.2.3\"]", "false" },
		{ "net.cidr_contains", "[\"10.0.0.0/8\",\"10.1.0.0/16\"]", "true" },
		{ "net.cidr_contains", "[\"10.1.0.0/16\",\"10.0.0.0/8\"]", "false" },
		{ "net.cidr_contains", "[\"2001:db8::/32\",\"2001:db8:1::/48\"]", "true" },
		{ "net.cidr_contains", "[\"2001:db8::/32\",\"2001:db9::1\"]", "false" },
		{ "net.cidr_contains", "[\"0.0.0.0/0\",\"::1\"]", "false" },
		{ "net.cidr_contains", "[\"10.0.0.0/8\",\"::ffff:10.0.0.1\"]", "true" },
		{ "net.cidr_contains", "[\"x\",\"10.0.0.1\"]", "fail: net.cidr_contains: invalid CIDR address: x" },
		{ "net.cidr_contains", "[\"10.0.0.0/8\",\"x\"]",
		    "fail: net.cidr_contains: not a valid textual representation of an IP address or CIDR: x" },
		{ "net.cidr_contains", "[1,\"\"]", "type: net.cidr_contains: operand 1 must be string but got number" },
		{ "net.cidr_intersects", "[\"10.0.0.0/8\",\"10.1.0.0/16\"]", "true" },
		{ "net.cidr_intersects", "[\"10.0.0.0/16\",\"10.1.0.0/16\"]", "false" },
		{ "net.cidr_intersects", "[\"::/0\",\"10.0.0.0/8\"]", "false" },
		{ "net.cidr_is_valid", "[\"10.0.0.0/8\"]", "true" },
		{ "net.cidr_is_valid", "[\"10.0.0.0\"]", "false" },
		{ "net.cidr_is_valid", "[\"10.0.0.0/33\"]", "false" },
		{ "net.cidr_is_valid", "[1]", "false" },
		{ "net.cidr_expand", "[\"192.168.1.6/30\"]",
		    "[\"192.168.1.4\",\"192.168.1.5\",\"192.168.1.6\",\"192.168.1.7\"]" },
		{ "net.cidr_expand", "[\"255.255.255.254/31\"]", "[\"255.255.255.254\",\"255.255.255.255\"]" },
		{ "net.cidr_expand", "[\"::ff/127\"]", "[\"::fe\",\"::ff\"]" },
		{ "net.cidr_expand", "[\"192.168.1.1/33\"]", "fail: net.cidr_expand: invalid CIDR address: 192.168.1.1/33" },
		{ "net.cidr_expand", "[\"::/0\"]", "limit_steps" },
		{ "net.cidr_expand", "[\"0.0.0.0/0\"]", "limit_steps" },
		{ "net.cidr_contains_matches", "[\"1.1.1.0/24\",\"1.1.1.128\"]", "[[\"1.1.1.0/24\",\"1.1.1.128\"]]" },
		{ "net.cidr_contains_matches",
		    "[[\"1.1.1.0/24\",\"1.1.2.0/24\"],{\"x\":\"1.1.1.128\",\"y\":[\"1.1.2.254\",\"foo\"]}]",
		    "[[0,\"x\"],[1,\"y\"]]" },
		{ "net.cidr_contains_matches", "[{\"$set\":[\"1.1.1.0/24\"]},[\"1.1.1.1\"]]", "[[\"1.1.1.0/24\",0]]" },
		{ "net.cidr_contains_matches", "[[\"1.1.1.0/24\"],[1]]",
		    "fail: net.cidr_contains_matches: operand 2: element must be string or non-empty array" },
	};

	BI_ALL(t);
}

static void blocks_merge(void)
{
	static const struct bi_row t[] = {
		{ "net.cidr_merge", "[[\"192.0.128.0/24\",\"192.0.129.0/24\"]]", "[\"192.0.128.0/23\"]" },
		{ "net.cidr_merge", "[[\"192.0.129.0/24\",\"192.0.130.0/24\"]]", "[\"192.0.129.0/24\",\"192.0.130.0/24\"]" },
		{ "net.cidr_merge", "[[\"192.0.2.112/30\",\"192.0.2.116/31\",\"192.0.2.118/31\"]]", "[\"192.0.2.112/29\"]" },
		{ "net.cidr_merge", "[[\"0.0.0.0/0\",\"192.0.128.0/24\"]]", "[\"0.0.0.0/0\"]" },
		{ "net.cidr_merge", "[[\"192.0.1.254/31\",\"192.0.2.0/24\",\"192.0.3.0/28\"]]",
		    "[\"192.0.1.254/31\",\"192.0.2.0/24\",\"192.0.3.0/28\"]" },
		{ "net.cidr_merge", "[[\"::/0\",\"::192.0.2.0/124\",\"ff00::101/128\"]]", "[\"::/0\"]" },
		{ "net.cidr_merge", "[[\"fe80::/120\",\"192.0.2.0/24\",\"192.0.3.0/24\"]]", "[\"192.0.2.0/23\",\"fe80::/120\"]" },
		{ "net.cidr_merge", "[{\"$set\":[\"192.0.128.0\",\"192.0.129.0\"]}]", "[\"192.0.128.0/23\"]" },
		{ "net.cidr_merge", "[[\"10.1.2.3\"]]", "[\"10.1.2.3/8\"]" },
		{ "net.cidr_merge", "[[]]", "[]" },
		{ "net.cidr_merge", "[[\"255.255.255.255/32\",\"255.255.255.254/32\"]]", "[\"255.255.255.254/31\"]" },
		{ "net.cidr_merge", "[[\"2001:db8::/33\",\"2001:db8:8000::/33\"]]", "[\"2001:db8::/32\"]" },
		{ "net.cidr_merge", "[[\"::1\"]]", "fail: net.cidr_merge: IPv6 invalid: needs prefix length" },
		{ "net.cidr_merge", "[[1]]", "fail: net.cidr_merge: element must be string" },
		{ "net.cidr_merge", "[[\"foo\"]]", "fail: net.cidr_merge: invalid CIDR address: foo" },
		{ "net.cidr_merge", "[\"10.0.0.0/8\"]", "fail: net.cidr_merge: operand must be an array" },
	};

	BI_ALL(t);
}

static void addresses_read_and_write(void)
{
	static const char *const same[] = { "0.0.0.0", "255.255.255.255", "::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8",
		"1:0:0:2::3", "1::2:0:0:3", "fe80::1:0:0:1" };
	static const char *const to[][2] = { { "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" }, { "::ffff:1.2.3.4", "1.2.3.4" },
		{ "::1.2.3.4", "::102:304" }, { "2001:DB8:0:0:0:0:0:1", "2001:db8::1" }, { "1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7" },
		{ "0:0:0:0:0:0:0:0", "::" }, { "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" } };
	static const char *const no[] = { "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "1.2.3.", ":",
		":::", "1:::2", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::", "12345::", "g::", "::1%eth0", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "1:", ":1",
		"1:2:3:4:5:6:7:" };
	char text[ADDR_TEXT];
	struct addr a;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		CHECK(addr_parse(span_of(same[i]), &a) && addr_text(a, text) == strlen(same[i]) && strcmp(text, same[i]) == 0);
	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++)
		CHECK(addr_parse(span_of(to[i][0]), &a) && addr_text(a, text) == strlen(to[i][1]) && strcmp(text, to[i][1]) == 0);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		CHECK(!addr_parse(span_of(no[i]), &a));
}

static void blocks_read(void)
{
	static const char *const yes[] = { "1.2.3.4/0", "1.2.3.4/32", "::/0", "::/128", "::ffff:1.2.3.4/96" };
	static const char *const no[] = { "1.2.3.4", "1.2.3.4/", "1.2.3.4/33", "::/129", "/8", "1.2.3.4/a", "1.2.3.4/8 ",
		"1.2.3.4/-1", "1.2.3.4/8/8", "1.2.3.4/99999" };
	struct cidr c;

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		CHECK(cidr_parse(span_of(yes[i]), &c));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		CHECK(!cidr_parse(span_of(no[i]), &c));
	CHECK(cidr_parse(span_of("::ffff:1.2.3.4/104"), &c) && c.base.v4 && c.bits == 8);
	CHECK(cidr_parse(span_of("::ffff:1.2.3.4/64"), &c) && !c.base.v4 && c.bits == 64);
}

int main(void)
{
	static const struct t_case t[] = { T(base64), T(hexadecimal), T(urlquery), T(semver), T(blocks_of_addresses),
		T(blocks_merge), T(addresses_read_and_write), T(blocks_read) };

	return t_main(t, sizeof(t) / sizeof(t[0]));
}
