#include "policy/builtin/builtin.h"

#include "rego_help.h"

static struct call call;

/* The builtin called with the items of a JSON array. */
static struct val run(const char *name, const char *args)
{
	static const struct host host = { .seed = 7 };
	static struct val arg[4];
	struct val a = J(args);
	const struct builtin *b = builtin_find(span_of(name));

	if (!b || val_len(a) != b->args)
		abort();
	for (size_t i = 0; i < val_len(a); i++)
		arg[i] = val_at(a, i);
	call = (struct call){ .h = &rh, .host = &host, .arg = arg, .n = val_len(a) };
	return builtin_call(b, &call);
}

static bool gives(const char *name, const char *args, const char *want)
{
	return rego_is(run(name, args), want);
}

static bool fails(const char *name, const char *args, enum rego_code code, const char *part)
{
	bool ok = !val_defined(run(name, args)) && call.code == code && strstr(call.text, part);

	if (!ok)
		printf("# %s: %s\n", name, call.text);
	return ok;
}

static bool prints(const char *format, const char *args, const char *want)
{
	CLEANUP(freep) char *both = str_fmt("[\"%s\", %s]", format, args);
	struct val v = run("sprintf", both);
	bool ok = span_eq_str(val_span(v), want) && val_defined(v);

	if (!ok)
		printf("# %s: got %.*s, want %s\n", format, (int)val_span(v).n, (const char *)val_span(v).p, want);
	return ok;
}

static void operators_calculate_and_refuse(void)
{
	rh_open(1 << 20);
	CHECK(gives("plus", "[1,2]", "3") && gives("minus", "[1,2]", "-1") && gives("mul", "[2,2.5]", "5") &&
	    gives("div", "[1,4]", "0.25"));
	CHECK(gives("rem", "[7,4]", "3") && fails("div", "[1,0]", REGO_BUILTIN, "div: divide by zero"));
	CHECK(fails("rem", "[7,0]", REGO_BUILTIN, "modulo by zero") && fails("rem", "[7.5,2]", REGO_BUILTIN, "floating-point"));
	CHECK(fails("plus", "[1,\"2\"]", REGO_EVAL_TYPE, "operand 2 must be number but got string"));
	CHECK(fails("minus", "[1,[1]]", REGO_EVAL_TYPE, "operand 2 must be number but got array"));
	CHECK(fails("minus", "[null,1]", REGO_EVAL_TYPE, "operand 1 must be one of {number, set} but got null"));
	CHECK(fails("and", "[1,1]", REGO_EVAL_TYPE, "operand 1 must be set") &&
	    fails("or", "[1,1]", REGO_EVAL_TYPE, "set but got number"));
	rh_close();
}

static void operators_combine_sets(void)
{
	struct val arg[2], item[3];
	struct call c = { .h = &rh, .arg = arg, .n = 2 };

	rh_open(1 << 20);
	for (int i = 0; i < 3; i++)
		item[i] = val_int(&rh, i);
	arg[0] = val_set(&rh, item, 2);
	arg[1] = val_set(&rh, item + 1, 2);
	CHECK(rego_is(builtin_call(builtin_find(span_of("minus")), &c), "{0}") &&
	    rego_is(builtin_call(builtin_find(span_of("and")), &c), "{1}"));
	CHECK(rego_is(builtin_call(builtin_find(span_of("or")), &c), "{0, 1, 2}"));
	arg[1] = val_null();
	CHECK(!val_defined(builtin_call(builtin_find(span_of("minus")), &c)) &&
	    strstr(c.text, "operand 2 must be set but got null"));
	rh_close();
}

static void comparisons_cross_types(void)
{
	rh_open(1 << 20);
	CHECK(gives("lte", "[2,\"1\"]", "true") && gives("lte", "[2,null]", "false") && gives("gte", "[4,null]", "true"));
	CHECK(gives("equal", "[1,1.0]", "true") && gives("neq", "[1,1.0]", "false") && gives("lt", "[1,1]", "false") &&
	    gives("gt", "[2,1]", "true"));
	CHECK(gives("internal.member_2", "[2,[1,2]]", "true") && gives("internal.member_2", "[2,{\"a\":2}]", "true"));
	CHECK(gives("internal.member_2", "[\"a\",{\"a\":2}]", "false") && gives("internal.member_2", "[\"a\",\"abc\"]", "false"));
	CHECK(gives("internal.member_3", "[1,\"two\",[\"one\",\"two\"]]", "true") &&
	    gives("internal.member_3", "[\"k\",1,{\"k\":2}]", "false"));
	CHECK(gives("internal.member_3", "[1,1,1]", "false"));
	rh_close();
}

static void bits_need_integers(void)
{
	rh_open(1 << 20);
	CHECK(gives("bits.and", "[6,3]", "2") && gives("bits.or", "[6,3]", "7") && gives("bits.xor", "[6,3]", "5") &&
	    gives("bits.negate", "[42]", "-43"));
	CHECK(gives("bits.lsh", "[9223372036854775807,1]", "18446744073709551614") && gives("bits.rsh", "[8,3]", "1"));
	CHECK(fails("bits.lsh", "[7.2,42]", REGO_EVAL_TYPE,
	    "bits.lsh: operand 1 must be integer number but got floating-point number"));
	CHECK(fails("bits.lsh", "[7,-1]", REGO_EVAL_TYPE,
	    "operand 2 must be an unsigned integer number but got a negative integer"));
	CHECK(fails("bits.negate", "[\"a\"]", REGO_EVAL_TYPE, "must be number but got string"));
	rh_close();
}

static void numbers_round_range_and_read(void)
{
	rh_open(1 << 20);
	CHECK(gives("abs", "[-1.5]", "1.5") && gives("ceil", "[1.5]", "2") && gives("floor", "[-1.5]", "-2") &&
	    gives("round", "[2.5]", "3"));
	CHECK(gives("numbers.range", "[-1,2]", "[-1, 0, 1, 2]") && gives("numbers.range", "[1,-1]", "[1, 0, -1]"));
	CHECK(gives("numbers.range_step", "[0,-10,4]", "[0, -4, -8]") &&
	    gives("numbers.range_step", "[0,10,99999999999999999999]", "[0]"));
	CHECK(fails("numbers.range_step", "[0,10,0]", REGO_BUILTIN, "numbers.range_step: step must be a positive integer"));
	CHECK(fails("numbers.range", "[3.14,4]", REGO_EVAL_TYPE,
	    "operand 1 must be integer number but got floating-point number"));
	CHECK(gives("to_number", "[\"-1.5e3\"]", "-1.5e3") && gives("to_number", "[null]", "0") &&
	    gives("to_number", "[true]", "1"));
	CHECK(fails("to_number", "[\"-NaN\"]", REGO_EVAL_TYPE, "valid number") &&
	    fails("to_number", "[\"iNf\"]", REGO_EVAL_TYPE, "valid number"));
	CHECK(fails("to_number", "[\"0x10\"]", REGO_BUILTIN, "not a number") &&
	    fails("to_number", "[[]]", REGO_EVAL_TYPE, "one of"));
	CHECK(gives("format_int", "[-255,16]", "\"-ff\"") && gives("format_int", "[5.9,2]", "\"101\"") &&
	    gives("format_int", "[-5.9,10]", "\"-5\""));
	CHECK(fails("format_int", "[5,3]", REGO_EVAL_TYPE, "operand 2 must be one of {2, 8, 10, 16}"));
	CHECK(gives("rand.intn", "[\"a\",1]", "0") && gives("rand.intn", "[\"a\",0]", "0") &&
	    fails("rand.intn", "[1,1]", REGO_EVAL_TYPE, "string"));
	CHECK(val_eq(run("rand.intn", "[\"a\",1000000]"), run("rand.intn", "[\"a\",1000000]")));
	CHECK(!val_eq(run("rand.intn", "[\"a\",1000000]"), run("rand.intn", "[\"b\",1000000]")));
	rh_close();
}

static void numbers_range_ends_within_its_budget(void)
{
	rh_open(1 << 20);
	CHECK(!val_defined(run("numbers.range", "[0,1000000000]")) && rh.over == REGO_LIMIT_MEMORY);
	rh_open(1 << 30);
	rh.steps = 1000;
	CHECK(!val_defined(run("numbers.range", "[0,1000000000]")) && rh.over == REGO_LIMIT_STEPS);
	rh_close();
}

static void sprintf_formats_as_go(void)
{
	rh_open(1 << 22);
	CHECK(prints("hi", "[]", "hi") && prints("hi %02d", "[5]", "hi 05") && prints("%02X.%02x", "[127,10]", "7F.0a") &&
	    prints("%v", "[2e308]", "2e308"));
	CHECK(prints("%s %v", "[\"a\",[\"b\",5,3.14]]", "a [\"b\", 5, 3.14]") && prints("%s", "[true]", "true"));
	CHECK(prints("%v", "[[\"b\",{\"k\":1}]]", "[\"b\", {\"k\": 1}]") &&
	    prints("%s", "[1208925819614629174706175]", "1208925819614629174706175"));
	CHECK(prints("%-10.3f|", "[3.14159]", "3.142     |") && prints("%f", "[3.14]", "3.140000") &&
	    prints("%.2e", "[1234.5]", "1.23e+03"));
	CHECK(prints("%e", "[1234.5]", "1.234500e+03") && prints("%g", "[1e-7]", "1e-07") &&
	    prints("%v", "[1234567.5]", "1.2345675e+06"));
	CHECK(prints("%v %v", "[1.0,0.1]", "1 0.1") &&
	    prints("%+d|% d|%5d|%-5d|%05d", "[1,2,3,4,-5]", "+1| 2|    3|4    |-0005"));
	CHECK(prints("%#x %#o %O %b %c %U %q", "[255,8,8,5,233,233,65]", "0xff 010 0o10 101 \xc3\xa9 U+00E9 'A'"));
	CHECK(prints("%q %x %.1s|%5s|%-5s|", "[\"a\\nb\",\"hi\",\"\xc3\xa9t\",\"ab\",\"cd\"]",
	    "\"a\\nb\" 6869 \xc3\xa9|   ab|cd   |"));
	CHECK(prints("%d%%", "[5]", "5%") && prints("%[2]d %[1]d", "[1,2]", "2 1") &&
	    prints("%*d|%.*f", "[4,7,1,2.25]", "   7|2.2"));
	CHECK(prints("%x %X", "[3.5,0.1]", "0x1.cp+01 0X1.999999999999AP-04") && prints("%.3d", "[7]", "007"));
	rh_close();
}

static void sprintf_words_faults_as_go(void)
{
	rh_open(1 << 22);
	CHECK(prints("%d", "[3.14]", "%!d(float64=3.14)") && prints("%d", "[\"x\"]", "%!d(string=x)") &&
	    prints("%s", "[5]", "%!s(int=5)"));
	CHECK(prints("%n", "[42]", "%!n(int=42)") && prints("%d", "[]", "%!d(MISSING)") &&
	    prints("%t", "[true]", "%!t(string=true)"));
	CHECK(prints("%d %d", "[1]", "1 %!d(MISSING)") && prints("%d", "[1,2,\"x\"]", "1%!(EXTRA int=2, string=x)") &&
	    prints("%", "[]", "%!(NOVERB)"));
	CHECK(prints("%[5]d", "[1]", "%!d(BADINDEX)") && prints("%*d", "[\"w\",1]", "%!(BADWIDTH)1") &&
	    prints("%.*d", "[\"p\",1]", "%!(BADPREC)1"));
	CHECK(prints("%t", "[123456789012345678901]", "%!t(big.Int=123456789012345678901)"));
	CHECK(fails("sprintf", "[1,[]]", REGO_EVAL_TYPE, "operand 1 must be string") &&
	    fails("sprintf", "[\"\",1]", REGO_EVAL_TYPE, "operand 2 must be array"));
	rh_close();
}

static void long_numbers_as_text_take_steps(void)
{
	rh_open(1 << 22);
	rh.steps = 30000;
	CHECK(!val_defined(run("format_int", "[1e4000,16]")) && rh.over == REGO_LIMIT_STEPS);
	rh_open(1 << 22);
	CHECK(val_defined(run("format_int", "[1e4000,16]")));
	rh_close();
}

static void sprintf_output_limit_holds(void)
{
	rh_open(1 << 22);
	CHECK(val_defined(run("sprintf", "[\"%65536d\",[1]]")));
	CHECK(!val_defined(run("sprintf", "[\"%65537d\",[1]]")) && rh.over == REGO_LIMIT_OUTPUT);
	rh_close();
}

int main(void)
{
	static const struct t_case cases[] = {
		T(operators_calculate_and_refuse), T(operators_combine_sets), T(comparisons_cross_types), T(bits_need_integers),
		T(numbers_round_range_and_read), T(numbers_range_ends_within_its_budget), T(sprintf_formats_as_go),
		    T(sprintf_words_faults_as_go),
		T(sprintf_output_limit_holds), T(long_numbers_as_text_take_steps),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
