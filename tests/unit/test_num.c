#include "policy/value/num.h"

#include "rego_help.h"

static bool arith_is(enum num_op op, const char *a, const char *b, const char *want)
{
	struct val out = VAL_UNDEF;

	return num_arith(&rh, op, J(a), J(b), &out) == NUM_OK && json_is(out, want);
}

static bool bits_is(enum num_bits op, const char *a, const char *b, const char *want)
{
	struct val out = VAL_UNDEF;

	return num_bitop(&rh, op, J(a), J(b), &out) == NUM_OK && json_is(out, want);
}

static bool rounds_to(int how, const char *a, const char *want)
{
	struct val out = VAL_UNDEF;

	return num_round(&rh, how, J(a), &out) == NUM_OK && json_is(out, want);
}

static struct val P(const char *s)
{
	return num_parse(&rh, span_of(s));
}

static void num_parse_keeps_literals(void)
{
	static const char *const good[] = { "0", "-1", "1.50", "1e2", "1E+2", "-0.0", "0e5",
	    "123456789012345678901234567890", "1e100000",
		"1e-100000", "576460752303423488", "-576460752303423489", "9223372036854775808" };

	rh_open(1 << 22);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(json_is(P(good[i]), good[i]));
	rh_close();
}

static void num_parse_refuses_what_is_no_number(void)
{
	static const char *const bad[] = { "", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "1.e1", "0x10", "1 ", " 1",
	    "1.5.5", "1e5.5", "nan",
		"Infinity", "--1", "1e100001", "1e-100001", "1e99999999999999999999" };

	rh_open(1 << 20);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!val_defined(P(bad[i])));
	CHECK(heap_ok(&rh));
	rh_close();
}

static void num_parse_length_limit_holds(void)
{
	static char text[NUM_TEXT_MAX + 1];

	rh_open(1 << 20);
	memset(text, '7', sizeof(text));
	CHECK(val_defined(num_parse(&rh, (struct span){ (uint8_t *)text, NUM_TEXT_MAX })));
	CHECK(!val_defined(num_parse(&rh, (struct span){ (uint8_t *)text, NUM_TEXT_MAX + 1 })));
	rh_close();
}

static void num_arith_is_exact_on_integers(void)
{
	rh_open(1 << 22);
	CHECK(arith_is(NUM_ADD, "9223372036854775807", "1", "9223372036854775808"));
	CHECK(arith_is(NUM_SUB, "-576460752303423488", "1", "-576460752303423489"));
	CHECK(arith_is(NUM_MUL, "-55178253689", "-54641715256", "3015034426397669579384"));
	CHECK(arith_is(NUM_MUL, "4294967296", "4294967296", "18446744073709551616"));
	CHECK(arith_is(NUM_DIV, "1000000000000000000000", "10", "100000000000000000000") && arith_is(NUM_DIV, "6", "-3", "-2"));
	CHECK(arith_is(NUM_REM, "-7", "4", "-3") && arith_is(NUM_REM, "7", "-4", "3"));
	CHECK(arith_is(NUM_REM, "-195704950809131321607", "14299972798", "-2487164265") && arith_is(NUM_REM, "4.0", "3", "1"));
	CHECK(arith_is(NUM_ADD, "123456789012345678901234567890", "-123456789012345678901234567890", "0"));
	rh_close();
}

static void num_arith_rounds_others_to_64_bits(void)
{
	rh_open(1 << 22);
	CHECK(arith_is(NUM_ADD, "0.1", "0.2", "0.3") && arith_is(NUM_DIV, "2", "3", "0.6666666666666666667"));
	CHECK(arith_is(NUM_DIV, "1", "1000000", "1e-06") && arith_is(NUM_MUL, "1234567", "1.5", "1.8518505e+06"));
	CHECK(arith_is(NUM_ADD, "1.5", "1.5", "3") && arith_is(NUM_SUB, "1.5", "1.5", "0"));
	CHECK(arith_is(NUM_MUL, "1e30", "1.0", "1000000000000000000000000000000"));
	CHECK(arith_is(NUM_ADD, "1e25", "1e-25", "10000000000000000000000000"));
	rh_close();
}

static void num_arith_refuses_by_its_reasons(void)
{
	struct val out;

	rh_open(1 << 22);
	CHECK(num_arith(&rh, NUM_DIV, J("1"), J("0"), &out) == NUM_DIV_ZERO &&
	    num_arith(&rh, NUM_DIV, J("1.5"), J("0.0"), &out) == NUM_DIV_ZERO);
	CHECK(num_arith(&rh, NUM_REM, J("1"), J("0"), &out) == NUM_DIV_ZERO &&
	    num_arith(&rh, NUM_REM, J("1.5"), J("1"), &out) == NUM_NOT_INT);
	CHECK(num_bitop(&rh, NUM_AND, J("1.5"), J("1"), &out) == NUM_NOT_INT &&
	    num_bitop(&rh, NUM_SHL, J("1"), J("-1"), &out) == NUM_RANGE);
	CHECK(num_not(&rh, J("0.5"), &out) == NUM_NOT_INT && heap_ok(&rh));
	rh_close();
}

static void num_size_limit_holds(void)
{
	struct val out = VAL_UNDEF;

	rh_open(1 << 24);
	rh.steps = UINT64_C(1) << 40;
	CHECK(num_bitop(&rh, NUM_SHL, J("1"), J("131071"), &out) == NUM_OK && heap_ok(&rh)); /* NUM_BITS_MAX bits */
	CHECK(num_bitop(&rh, NUM_SHR, out, J("131071"), &out) == NUM_OK && json_is(out, "1"));
	CHECK(num_bitop(&rh, NUM_SHL, J("1"), J("131072"), &out) == NUM_RANGE && rh.over == REGO_LIMIT_MEMORY);
	rh_open(1 << 24);
	CHECK(num_bitop(&rh, NUM_SHL, J("1"), J("1e30"), &out) == NUM_RANGE && rh.over == REGO_LIMIT_MEMORY);
	rh_open(1 << 24);
	CHECK(num_arith(&rh, NUM_REM, J("1e99999"), J("3"), &out) == NUM_RANGE && rh.over == REGO_LIMIT_MEMORY);
	rh_open(1 << 24);
	rh.steps = 1000;
	CHECK(num_bitop(&rh, NUM_SHL, J("1"), J("131071"), &out) == NUM_RANGE && rh.over == REGO_LIMIT_STEPS);
	rh_close();
}

static void num_bitops_are_twos_complement(void)
{
	rh_open(1 << 20);
	CHECK(bits_is(NUM_AND, "-1", "255", "255") && bits_is(NUM_OR, "-256", "1", "-255") && bits_is(NUM_XOR, "-1", "5", "-6"));
	CHECK(bits_is(NUM_SHL, "9223372036854775807", "1", "18446744073709551614") && bits_is(NUM_SHR, "8", "3", "1"));
	CHECK(bits_is(NUM_SHR, "-9", "1", "-5") && bits_is(NUM_SHR, "-1", "1000000000000000000000", "-1") &&
	    bits_is(NUM_SHR, "5", "99", "0"));
	CHECK(bits_is(NUM_AND, "-4294967296", "18446744073709551615", "18446744069414584320"));
	rh_close();
}

static void num_round_goes_the_right_way(void)
{
	rh_open(1 << 20);
	CHECK(rounds_to(0, "0.5", "1") && rounds_to(0, "-0.5", "-1") && rounds_to(0, "2.4999", "2") && rounds_to(0, "0.05", "0"));
	CHECK(rounds_to(1, "1.01", "2") && rounds_to(1, "-1.99", "-1") && rounds_to(-1, "-1.01", "-2") &&
	    rounds_to(-1, "99.99", "99"));
	CHECK(rounds_to(1, "1e2", "100") && rounds_to(0, "7", "7") &&
	    rounds_to(0, "99999999999999999999.5", "100000000000000000000"));
	rh_close();
}

static void num_signs_and_bases(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(100);

	rh_open(1 << 20);
	CHECK(json_is(num_abs(&rh, J("-1.50")), "1.50") && json_is(num_neg(&rh, J("1.5")), "-1.5") &&
	    json_is(num_abs(&rh, J("-3")), "3"));
	CHECK(json_is(num_neg(&rh, J("123456789012345678901")), "-123456789012345678901"));
	CHECK(num_put_base(&w, J("-255"), 16) && num_put_base(&w, J("0"), 2) && num_put_base(&w, J("1e2"), 36));
	CHECK(span_eq_str(wr_span(&w), "-ff02s"));
	CHECK(!num_put_base(&w, J("1.5"), 10) && !num_put_base(&w, J("1"), 1) && !num_put_base(&w, J("1"), 37));
	CHECK(num_to_double(J("0.1")) == 0.1 && num_to_double(J("-1e3")) == -1000 && json_is(num_from_double(&rh, 0.1), "0.1"));
	rh_close();
}

static void num_int64_holds_at_its_limits(void)
{
	int64_t i = 0;

	rh_open(1 << 20);
	CHECK(val_int64(J("9223372036854775807"), &i) && i == INT64_MAX && val_int64(J("-9223372036854775808"), &i) &&
	    i == INT64_MIN);
	CHECK(!val_int64(J("9223372036854775808"), &i) && !val_int64(J("-9223372036854775809"), &i) && !val_int64(J("1.5"), &i));
	CHECK(val_int64(J("1.0"), &i) && i == 1 && val_int64(J("12e1"), &i) && i == 120 && !val_int64(J("\"1\""), &i));
	CHECK(json_is(val_int(&rh, INT64_MIN), "-9223372036854775808") &&
	    json_is(num_from_u64(&rh, UINT64_MAX), "18446744073709551615"));
	rh_close();
}

int main(void)
{
	static const struct t_case cases[] = {
		T(num_parse_keeps_literals), T(num_parse_refuses_what_is_no_number), T(num_parse_length_limit_holds),
		T(num_arith_is_exact_on_integers), T(num_arith_rounds_others_to_64_bits), T(num_arith_refuses_by_its_reasons),
		T(num_size_limit_holds), T(num_bitops_are_twos_complement), T(num_round_goes_the_right_way), T(num_signs_and_bases),
		T(num_int64_holds_at_its_limits),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
