#include <stdint.h>
#include <string.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/rd.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/wr.h"
#include "tests/t.h"

static void rd_short_read_is_sticky_and_yields_zero(void)
{
	const uint8_t b[3] = { 1, 2, 3 };
	struct rd r = rd_open((struct span){ b, 3 });

	CHECK(rd_le16(&r) == 0x0201);
	CHECK(rd_le32(&r) == 0 && !rd_ok(&r));
	CHECK(rd_u8(&r) == 0); /* byte 3 exists, but the reader is dead */
	CHECK(!rd_done(&r));
}

static void rd_done_rejects_trailing_bytes(void)
{
	const uint8_t b[2] = { 0 };
	struct rd r = rd_open((struct span){ b, 2 });

	(void)rd_u8(&r);
	CHECK(rd_ok(&r) && !rd_done(&r));
}

static void rd_count_bounds_by_bytes_left(void)
{
	const uint8_t b[64] = { 0 };
	struct rd r = rd_open((struct span){ b, 64 });

	CHECK(rd_count(&r, 4, 16, 100) == 4);
	CHECK(rd_count(&r, UINT64_MAX, 16, SIZE_MAX) == 0 && !rd_ok(&r));
}

static void rd_empty_null_span_is_done(void)
{
	struct rd r = rd_open((struct span){ 0 });

	CHECK(rd_span(&r, 0).n == 0);
	CHECK(rd_done(&r));
}

static void wr_room_is_filled_by_the_caller_up_to_the_limit(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(300);
	uint8_t *p;

	wr_str(&w, "ab");
	p = wr_room(&w, 297);
	CHECK(p == w.p + 2 && w.n == 299);
	memset(p, 'c', 297);
	wr_u8(&w, 'd');
	CHECK(wr_ok(&w) && w.n == 300 && w.p[1] == 'b' && w.p[298] == 'c' && w.p[299] == 'd');
	CHECK(!wr_room(&w, 1) && !wr_ok(&w) && !wr_room(&w, 0));
}

static void wr_expect_makes_room_once_and_is_only_a_hint(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(100000);
	const uint8_t *p;

	wr_expect(&w, 50000);
	CHECK(wr_ok(&w) && wr_span(&w).n == 0);
	wr_u8(&w, 1);
	p = wr_span(&w).p;
	for (size_t i = 1; i < 50000; i++)
		wr_u8(&w, 1);
	CHECK(wr_ok(&w) && wr_span(&w).n == 50000 && wr_span(&w).p == p); /* it did not move */
	wr_expect(&w, 50001); /* beyond the limit */
	CHECK(wr_ok(&w) && wr_span(&w).n == 50000);
}

static void wr_fit_keeps_what_was_written_and_no_more(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(3000);

	wr_fit(&w);
	CHECK(!w.p && wr_ok(&w));
	wr_str(&w, "0123456789");
	wr_fit(&w);
	CHECK(w.cap == 11 && span_eq_str(wr_span(&w), "0123456789"));
	wr_str(&w, "ab"); /* grows again */
	CHECK(wr_ok(&w) && span_eq_str(wr_span(&w), "0123456789ab"));
	while (wr_ok(&w))
		wr_str(&w, "more");
	wr_fit(&w);
	CHECK(!wr_ok(&w) && w.n == 3000);
}

static void err_wrap_keeps_code_and_prefixes(void)
{
	struct err e = { 0 };

	CHECK(err_set(&e, COFFER_E_INPUT, "bad %d", 7) == COFFER_E_INPUT);
	CHECK(err_wrap(&e, "snp") == COFFER_E_INPUT);
	CHECK(strcmp(e.msg, "snp: bad 7") == 0);
	CHECK(err_wrap(&e, "snp") == COFFER_E_INPUT && strcmp(e.msg, "snp: bad 7") == 0);
	CHECK(err_wrap(&e, "sn") == COFFER_E_INPUT && strcmp(e.msg, "sn: snp: bad 7") == 0);
}

static bool ends(const char *s, const char *with)
{
	return strlen(s) >= strlen(with) && strcmp(s + strlen(s) - strlen(with), with) == 0;
}

/* Half a command may be another one. */
static void err_that_is_cut_says_so(void)
{
	struct err e = { 0 };

	CHECK(err_set(&e, COFFER_E_INPUT, "%0*d", (int)sizeof(e.msg) - 1, 7) == COFFER_E_INPUT && ends(e.msg, "007"));
	(void)err_wrap(&e, "a");
	CHECK(strlen(e.msg) == sizeof(e.msg) - 1 && ends(e.msg, "00" ERR_CUT));
	CHECK(err_set(&e, COFFER_E_INPUT, "%0*d", (int)sizeof(e.msg), 7) == COFFER_E_INPUT && ends(e.msg, "00" ERR_CUT));
	CHECK(err_deny(&e, "R9", "%0*d", (int)sizeof(e.msg), 7) == COFFER_E_DENIED && ends(e.msg, "00" ERR_CUT));
}

static void secret_is_zeroed_and_wiped_on_fork(void)
{
	CLEANUP(secret_free) struct secret s = { 0 };
	struct err e = { 0 };
	int st = 0;
	pid_t pid;

	CHECK(secret_new(32, &s, &e) == COFFER_OK);
	CHECK(s.p && s.p[0] == 0 && s.p[31] == 0);
	if (!s.p)
		return;
	memset(s.p, 0x5A, s.n);
	pid = fork();
	if (pid == 0)
		_exit(s.p[0]); /* child must see zero */
	(void)waitpid(pid, &st, 0);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 0);
	CHECK(s.p[31] == 0x5A);
}

static void secret_new_refuses_none_and_over_the_limit(void)
{
	CLEANUP(secret_free) struct secret s = { 0 };
	struct err e = { 0 };

	CHECK(secret_new(0, &s, &e) == COFFER_E_LIMIT && !s.p);
	CHECK(secret_new(SECRET_MAX + 1, &s, &e) == COFFER_E_LIMIT && !s.p);
	CHECK(secret_new(SECRET_MAX, &s, &e) == COFFER_OK && s.n == SECRET_MAX && s.p[0] == 0 && s.p[SECRET_MAX - 1] == 0);
}

static void secret_overrun_by_one_faults(void)
{
	CLEANUP(secret_free) struct secret s = { 0 };
	struct err e = { 0 };
	int st = 0;
	pid_t pid;

	CHECK(secret_new(33, &s, &e) == COFFER_OK);
	pid = fork();
	if (pid == 0) {
		(void)signal(SIGSEGV, SIG_DFL);
		((volatile uint8_t *)s.p)[33] = 1;
		_exit(0);
	}
	(void)waitpid(pid, &st, 0);
	CHECK(WIFSIGNALED(st));
}

static void ct_eq_compares_content_and_length(void)
{
	const uint8_t a[2] = { 1, 2 }, b[2] = { 1, 3 };

	CHECK(ct_eq((struct span){ a, 2 }, (struct span){ a, 2 }));
	CHECK(!ct_eq((struct span){ a, 2 }, (struct span){ b, 2 }));
	CHECK(!ct_eq((struct span){ a, 2 }, (struct span){ a, 1 }));
}

static bool any_is(const char *text, const char *utc)
{
	int64_t t = -7, want = -7;

	(void)!clock_parse(span_of(utc), &want);
	return clock_parse_any(span_of(text), &t) == (*utc != '\0') && t == want;
}

static void times_that_people_type_may_have_an_offset(void)
{
	static const char *const none[] = { "2027-01-31T00:00:00", "2027-01-31T00:00:00+0200", "2027-01-31T00:00:00+24:00", "2027-01-31T00:00:00+02:60",
		"2027-01-31T00:00:00*02:00", "2027-01-31T00:00:00+02-00", "2027-02-30T00:00:00+02:00", "2027-01-31 00:00:00+02:00", "1970-01-01T01:00:00+02:00",
		"9999-12-31T23:59:59-00:01", "2027-01-31T00:00:00+ 2:00", "2027-01-31T00:00:00Z+02:0", "" };

	CHECK(any_is("2027-01-31T00:00:00Z", "2027-01-31T00:00:00Z"));
	CHECK(any_is("2027-01-31T02:00:00+02:00", "2027-01-31T00:00:00Z"));
	CHECK(any_is("2027-01-31T23:30:00-05:45", "2027-02-01T05:15:00Z"));
	CHECK(any_is("2027-01-31T00:00:00-00:00", "2027-01-31T00:00:00Z"));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		CHECK(any_is(none[i], ""));
}

static void what_strangers_wrote_is_shown_in_printable_ascii(void)
{
	static const char text[] = "a\x1b[\xc3\xa4~ \x7f\0b";
	char out[12], small[4], one[1] = { 'x' };

	span_plain((struct span){ (const uint8_t *)text, sizeof(text) - 1 }, out, sizeof(out));
	CHECK(strcmp(out, "a?[??~ ??b") == 0);
	span_plain(span_of(text), small, sizeof(small));
	CHECK(strcmp(small, "a?[") == 0);
	span_plain(span_of(text), one, sizeof(one));
	CHECK(one[0] == 0);
	span_plain(span_of(""), out, sizeof(out));
	CHECK(out[0] == 0);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(rd_short_read_is_sticky_and_yields_zero), T(rd_done_rejects_trailing_bytes),
		T(rd_count_bounds_by_bytes_left), T(rd_empty_null_span_is_done),
		T(wr_room_is_filled_by_the_caller_up_to_the_limit), T(wr_expect_makes_room_once_and_is_only_a_hint), T(wr_fit_keeps_what_was_written_and_no_more),
		T(err_wrap_keeps_code_and_prefixes), T(err_that_is_cut_says_so), T(secret_is_zeroed_and_wiped_on_fork),
		T(secret_new_refuses_none_and_over_the_limit),
		T(secret_overrun_by_one_faults), T(ct_eq_compares_content_and_length),
		T(times_that_people_type_may_have_an_offset), T(what_strangers_wrote_is_shown_in_printable_ascii),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
