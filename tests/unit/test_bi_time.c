#include "bi_help.h"
#include "policy/builtin/gotime.h"

#define NS "1257894000123456789" /* 2009-11-10T23:00:00.123456789Z */

static void calendar(void)
{
	static const struct bi_row t[] = {
		{ "time.date", "[0]", "[1970,1,1]" },
		{ "time.date", "[-1]", "[1969,12,31]" },
		{ "time.clock", "[-1]", "[23,59,59]" },
		{ "time.date", "[-9223372036854775808]", "[1677,9,21]" },
		{ "time.date", "[9223372036854775807]", "[2262,4,11]" },
		{ "time.date", "[951782400000000000]", "[2000,2,29]" },
		{ "time.date", "[[" NS ",\"UTC\"]]", "[2009,11,10]" },
		{ "time.date", "[[" NS ",\"\"]]", "[2009,11,10]" },
		{ "time.weekday", "[" NS "]", "\"Tuesday\"" },
		{ "time.weekday", "[-86400000000000]", "\"Wednesday\"" },
		{ "time.date", "[9223372036854775808]", "fail: time.date: timestamp too big" },
		{ "time.date", "[0.5]", "fail: time.date: timestamp too big" },
		{ "time.date", "[\"0\"]",
		    "type: time.date: operand 1 must be either number (ns) or [number (ns), string (tz)] but got string" },
		{ "time.date", "[[]]",
		    "type: time.date: operand 1 must be either number (ns) or [number (ns), string (tz)] but got array" },
		{ "time.date", "[[\"a\"]]", "type: time.date: operand 1 must be number but got string" },
		{ "time.date", "[[0,0]]", "type: time.date: operand 1 must be string but got number" },
		{ "time.date", "[[0,\"Mars/Base\"]]", "fail: time.date: unknown time zone" },
		{ "time.add_date", "[0,0,1,30]", "5270400000000000" },
		{ "time.add_date", "[0,-1,-13,0]", "-65836800000000000" },
		{ "time.add_date", "[0,300,0,0]", "fail: time.add_date: time outside of valid range" },
		{ "time.add_date", "[0,0,0,99999999999]", "fail: time.add_date: time outside of valid range" },
		{ "time.add_date", "[0,1.5,0,0]",
		    "type: time.add_date: operand 2 must be integer number but got floating-point number" },
		{ "time.diff", "[" NS ",1703444325734390000]", "[14,1,13,19,58,45]" },
		{ "time.diff", "[1703444325734390000," NS "]", "[14,1,13,19,58,45]" },
		{ "time.diff", "[0,0]", "[0,0,0,0,0,0]" },
		{ "time.now_ns", "[]", "fail: time.now_ns: the caller gave no time" },
	};

	BI_ALL(t);
}

static void formats(void)
{
	static const struct bi_row t[] = {
		{ "time.format", "[" NS "]", "\"2009-11-10T23:00:00.123456789Z\"" },
		{ "time.format", "[0]", "\"1970-01-01T00:00:00Z\"" },
		{ "time.format", "[[" NS ",\"UTC\",\"RFC1123Z\"]]", "\"Tue, 10 Nov 2009 23:00:00 +0000\"" },
		{ "time.format", "[[" NS ",\"UTC\",\"UnixDate\"]]", "\"Tue Nov 10 23:00:00 UTC 2009\"" },
		{ "time.format", "[[" NS ",\"\",\"Monday January _2 3:4:5.000PM 06 __2 002 _2006\"]]",
		    "\"Tuesday November 10 11:0:0.123PM 09 314 314 _2009\"" },
		{ "time.format", "[[0,\"\",\"1/2/06 15h 03 pm .00x ,999 Janet Mont\"]]",
		    "\"1/1/70 00h 12 am .00x  Janet Mont\"" },
		{ "time.format", "[[0,\"\",\"-07 -0700 -07:00 Z0700 Z07:00:00 MST -070000\"]]",
		    "\"+00 +0000 +00:00 Z Z UTC +000000\"" },
	};

	BI_ALL(t);
}

static void parses(void)
{
	static const struct bi_row t[] = {
		{ "time.parse_rfc3339_ns", "[\"2009-11-10T23:00:00.123456789Z\"]", NS },
		{ "time.parse_rfc3339_ns", "[\"1970-01-01T01:00:00+01:00\"]", "0" },
		{ "time.parse_rfc3339_ns", "[\"1677-09-21T00:12:43.145224192-00:00\"]", "-9223372036854775808" },
		{ "time.parse_rfc3339_ns", "[\"1677-09-21T00:12:43.145224191-00:00\"]",
		    "fail: time.parse_rfc3339_ns: time outside of valid range" },
		{ "time.parse_rfc3339_ns", "[\"2262-04-11T23:47:16.854775807Z\"]", "9223372036854775807" },
		{ "time.parse_rfc3339_ns", "[\"2262-04-11T23:47:16.854775808Z\"]",
		    "fail: time.parse_rfc3339_ns: time outside of valid range" },
		{ "time.parse_rfc3339_ns", "[\"9999-01-01T00:00:00Z\"]",
		    "fail: time.parse_rfc3339_ns: time outside of valid range" },
		{ "time.parse_rfc3339_ns", "[\"2009-02-29T00:00:00Z\"]", "fail: time.parse_rfc3339_ns: day out of range" },
		{ "time.parse_rfc3339_ns", "[\"2009-13-01T00:00:00Z\"]", "fail: time.parse_rfc3339_ns: month out of range" },
		{ "time.parse_rfc3339_ns", "[\"2009-01-01T24:00:00Z\"]", "fail: time.parse_rfc3339_ns: hour out of range" },
		{ "time.parse_rfc3339_ns", "[\"2009-01-01T00:60:00Z\"]", "fail: time.parse_rfc3339_ns: minute out of range" },
		{ "time.parse_rfc3339_ns", "[\"2009-01-01T00:00:60Z\"]", "fail: time.parse_rfc3339_ns: second out of range" },
		{ "time.parse_rfc3339_ns", "[\"2009-01-01T00:00:00Z \"]",
		    "fail: time.parse_rfc3339_ns: text is longer than the layout" },
		{ "time.parse_rfc3339_ns", "[\"2009-01-01 00:00:00Z\"]",
		    "fail: time.parse_rfc3339_ns: text does not fit the layout" },
		{ "time.parse_rfc3339_ns", "[1]", "type: time.parse_rfc3339_ns: operand 1 must be string but got number" },
		{ "time.parse_ns", "[\"RFC850\",\"Thursday, 01-Jan-70 00:00:02 UTC\"]", "2000000000" },
		{ "time.parse_ns", "[\"2006-01-02\",\"2000-02-29\"]", "951782400000000000" },
		{ "time.parse_ns", "[\"2006 002\",\"1970 365\"]", "31449600000000000" },
		{ "time.parse_ns", "[\"2006 002\",\"1970 366\"]", "fail: time.parse_ns: day-of-year out of range" },
		{ "time.parse_ns", "[\"3:04pm Jan _2 2006\",\"12:30am jan  3 1970\"]", "174600000000000" },
		{ "time.parse_ns", "[\"2006 15:04:05 MST\",\"1970 00:00:00,25 GMT-3\"]", "10800250000000" },
		{ "time.parse_ns", "[\"2006 .000\",\"1970 .12\"]", "fail: time.parse_ns: text does not fit the layout" },
	};

	BI_ALL(t);
}

static void durations(void)
{
	static const struct bi_row t[] = {
		{ "time.parse_duration_ns", "[\"1h30m\"]", "5400000000000" },
		{ "time.parse_duration_ns", "[\"-1.5s\"]", "-1500000000" },
		{ "time.parse_duration_ns", "[\"0\"]", "0" },
		{ "time.parse_duration_ns", "[\".5us1ns\"]", "501" },
		{ "time.parse_duration_ns", "[\"15.000001ms\"]", "15000001" },
		{ "time.parse_duration_ns", "[\"1\xc2\xb5s\"]", "1000" },
		{ "time.parse_duration_ns", "[\"1w1d\"]", "691200000000000" },
		{ "time.parse_duration_ns", "[\"9223372036854775807ns\"]", "9223372036854775807" },
		{ "time.parse_duration_ns", "[\"9223372036854775808ns\"]",
		    "fail: time.parse_duration_ns: time: invalid duration" },
		{ "time.parse_duration_ns", "[\"\"]", "fail: time.parse_duration_ns: time: invalid duration" },
		{ "time.parse_duration_ns", "[\"x1s\"]", "fail: time.parse_duration_ns: time: invalid duration" },
		{ "time.parse_duration_ns", "[\"1\"]", "fail: time.parse_duration_ns: time: missing unit in duration" },
		{ "time.parse_duration_ns", "[\"1y\"]", "fail: time.parse_duration_ns: time: unknown unit in duration" },
		{ "time.parse_duration_ns", "[\"1.2.3s\"]", "fail: time.parse_duration_ns: time: invalid duration" },
	};

	BI_ALL(t);
}

static void units(void)
{
	static const struct bi_row t[] = {
		{ "units.parse", "[\"1\"]", "1" },
		{ "units.parse", "[\"\\\"1K\\\"\"]", "1000" },
		{ "units.parse", "[\"250m\"]", "0.2500000000" },
		{ "units.parse", "[\"1.5Gi\"]", "1610612736" },
		{ "units.parse", "[\"0.1ki\"]", "102.4000000000" },
		{ "units.parse", "[\"-5.M\"]", "-5000000" },
		{ "units.parse", "[\"1e3\"]", "1000" },
		{ "units.parse", "[\"1E\"]", "1000000000000000000" },
		{ "units.parse", "[\"00.5\"]", "0.5000000000" },
		{ "units.parse", "[\"1mb\"]", "fail: units.parse: unit not recognized" },
		{ "units.parse", "[\"K\"]", "fail: units.parse: no amount provided" },
		{ "units.parse", "[\"1 K\"]", "fail: units.parse: spaces not allowed in resource strings" },
		{ "units.parse", "[\"1.1.1\"]", "fail: units.parse: could not parse amount to a number" },
		{ "units.parse", "[\"1e1234567\"]", "fail: units.parse: exponent too large" },
		{ "units.parse", "[\"1e99999\"]", "fail: units.parse: could not parse amount to a number" },
		{ "units.parse_bytes", "[\"1.5kib\"]", "1536" },
		{ "units.parse_bytes", "[\"10MB\"]", "10000000" },
		{ "units.parse_bytes", "[\"0.3\"]", "0" },
		{ "units.parse_bytes", "[\"1m\"]", "1000000" },
		{ "units.parse_bytes", "[\"1b\"]", "fail: units.parse_bytes: byte unit not recognized" },
		{ "units.parse_bytes", "[\"\"]", "fail: units.parse_bytes: no byte amount provided" },
		{ "units.parse_bytes", "[1]", "type: units.parse_bytes: operand 1 must be string but got number" },
	};

	BI_ALL(t);
}

static void uuids(void)
{
	static const struct bi_row t[] = {
		{ "uuid.parse", "[\"00000000-0000-4000-8000-000000000000\"]", "{\"variant\":\"RFC4122\",\"version\":4}" },
		{ "uuid.parse", "[\"{00000000-0000-4000-C000-000000000000}\"]", "{\"variant\":\"Microsoft\",\"version\":4}" },
		{ "uuid.parse", "[\"urn:uuid:00000000-0000-4000-8000-000000000000\"]",
		    "{\"variant\":\"RFC4122\",\"version\":4}" },
		{ "uuid.parse", "[\"000003e8-48b9-21ee-b200-325096b39f47\"]",
		    "{\"clocksequence\":12800,\"domain\":\"Person\",\"id\":1000,"
		    "\"macvariables\":\"local:unicast\",\"nodeid\":\"32-50-96-b3-9f-47\","
		    "\"time\":1693566990121469600,\"variant\":\"RFC4122\",\"version\":2}" },
		{ "uuid.parse", "[\"00000000-0000-4000-8000-00000000000\"]", "undefined" },
		{ "uuid.parse", "[\"00000000+0000-4000-8000-000000000000\"]", "undefined" },
		{ "uuid.parse", "[\"0000000g000040008000000000000000\"]", "undefined" },
		{ "uuid.parse", "[1]", "type: uuid.parse: operand 1 must be string but got number" },
	};
	CLEANUP(bi_heap_end) struct heap h = bi_heap();
	struct host host[2] = { { .seed = 1 }, { .seed = 2 } };
	struct val key[2] = { val_text(&h, "a"), val_text(&h, "b") }, v[4];

	BI_ALL(t);
	for (size_t i = 0; i < 4; i++) {
		struct call c = { .h = &h, .host = &host[i / 2], .arg = &key[i % 2], .n = 1 };

		v[i] = builtin_call(builtin_find(span_of("uuid.rfc4122")), &c);
		CHECK(val_span(v[i]).n == 36 && val_span(v[i]).p[14] == '4');
		for (size_t k = 0; k < i; k++)
			CHECK(!val_eq(v[i], v[k]));
		CHECK(val_eq(v[i], builtin_call(builtin_find(span_of("uuid.rfc4122")), &c)));
	}
}

/* Every day of the range, there and back. */
static void dates_and_days_agree(void)
{
	for (int64_t day = -106751; day <= 106751; day++) {
		struct moment m = { .sec = day * 86400 + 7, .nsec = 5 };
		struct civil c = civil_of(m);

		if (moment_of(c, 5, 0).sec != m.sec || c.day < 1 || c.day > month_days(c.year, c.month)) {
			CHECK(day == 0 && "date");
			return;
		}
	}
}

static void every_truncation_of_a_time_is_refused(void)
{
	static const char text[] = "2009-11-10T23:00:00.5+01:00";

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		struct moment m = { .sec = 4711 };
		const char *why = NULL;

		CHECK(!go_parse(go_layout(span_of("RFC3339")), (struct span){ (const uint8_t *)text, n }, &m, &why));
		CHECK(why && m.sec == 4711);
	}
}

int main(void)
{
	static const struct t_case t[] = { T(calendar), T(formats), T(parses), T(durations), T(units), T(uuids),
		T(dates_and_days_agree), T(every_truncation_of_a_time_is_refused) };

	return t_main(t, sizeof(t) / sizeof(t[0]));
}
