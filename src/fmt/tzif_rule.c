/* The footer's rule: POSIX's TZ with the hours of RFC 8536 section 3.3.1. */
#include "fmt/tzif_int.h"

#include "base/calendar.h"
#include "base/str.h"

#define DAY	 86400
#define FAR	 (INT64_C(1) << 55) /* seconds; the calendar is right as far as that */
#define HOUR_MAX 167

static bool take(struct span *s, char c)
{
	if (s->n == 0 || s->p[0] != (uint8_t)c)
		return false;
	*s = span_skip(*s, 1);
	return true;
}

static bool letter(uint8_t b)
{
	return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
}

/* One to three digits, between min and max. */
static bool number(struct span *s, int32_t min, int32_t max, int32_t *out)
{
	size_t n = 0;

	for (*out = 0; n < 3 && n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++)
		*out = *out * 10 + (s->p[n] - '0');
	*s = span_skip(*s, n);
	return n > 0 && *out >= min && *out <= max;
}

/* "EST", or "<+0330>"; three characters at least. */
static bool abbreviation(struct span *s, struct span *out)
{
	bool quoted = take(s, '<');
	size_t n = 0;

	if (quoted)
		n = span_find(*s, '>');
	else
		while (n < s->n && letter(s->p[n]))
			n++;
	*out = (struct span){ s->p, n };
	*s = span_skip(*s, n);
	return n >= 3 && tzif_abbreviation_ok(*out) && (!quoted || take(s, '>'));
}

/* [+-]hh[:mm[:ss]] as seconds. */
static bool clock_time(struct span *s, int32_t hours, int32_t *out)
{
	bool minus = take(s, '-');
	int32_t h, m = 0, sec = 0;

	if (!minus)
		(void)take(s, '+');
	if (!number(s, 0, hours, &h))
		return false;
	if (take(s, ':') && (!number(s, 0, 59, &m) || (take(s, ':') && !number(s, 0, 59, &sec))))
		return false;
	*out = (h * 3600 + m * 60 + sec) * (minus ? -1 : 1);
	return true;
}

static bool day(struct span *s, struct tzif_day *d)
{
	bool ok;

	d->time = 2 * 3600;
	if (take(s, 'M')) {
		d->kind = TZIF_WEEKDAY;
		ok = number(s, 1, 12, &d->month) && take(s, '.') && number(s, 1, 5, &d->week) && take(s, '.') &&
		     number(s, 0, 6, &d->day);
	} else if (take(s, 'J')) {
		d->kind = TZIF_JULIAN;
		ok = number(s, 1, 365, &d->n);
	} else {
		d->kind = TZIF_ZERO_BASED;
		ok = number(s, 0, 365, &d->n);
	}
	return ok && (!take(s, '/') || clock_time(s, HOUR_MAX, &d->time));
}

/* A rule with summer time says when it holds: what to take without is left to systems, and no two need agree. */
static bool summer(struct span *s, struct tzif_rule *r)
{
	r->has_dst = true;
	r->dst.dst = true;
	r->dst.offset = r->std.offset + 3600;
	if (!abbreviation(s, &r->dst.name))
		return false;
	if (s->n > 0 && s->p[0] != ',') {
		if (!clock_time(s, 24, &r->dst.offset))
			return false;
		r->dst.offset = -r->dst.offset;
	}
	return take(s, ',') && day(s, &r->start) && take(s, ',') && day(s, &r->end);
}

bool tzif_rule_parse(struct span text, struct tzif_rule *out)
{
	struct tzif_rule r = { .here = text.n > 0 };

	if (text.n > 0) {
		if (!abbreviation(&text, &r.std.name) || !clock_time(&text, 24, &r.std.offset))
			return false;
		r.std.offset = -r.std.offset; /* POSIX counts towards the west */
		if (text.n > 0 && (!summer(&text, &r) || text.n > 0))
			return false;
	}
	*out = r;
	return true;
}

/* The day of a year, counted from 1970. */
static int64_t day_in(const struct tzif_day *d, int64_t year)
{
	int64_t first = year_start(year), n;

	if (d->kind == TZIF_ZERO_BASED)
		return first + d->n;
	if (d->kind == TZIF_JULIAN)
		return first + d->n - 1 + (year_leap(year) && d->n >= 60);
	for (int m = 1; m < d->month; m++)
		first += month_days(year, m);
	n = d->day - (first + 4) % 7; /* 1970 began on a Thursday */
	n = (n % 7 + 7) % 7 + (int64_t)7 * (d->week - 1);
	while (n >= month_days(year, d->month))
		n -= 7;
	return first + n;
}

/* Changes may lie some days outside of their year: the last one past, of those of three years, counts. Where both fall
 * together summer time never ends. */
struct tzif_local tzif_rule_at(const struct tzif_rule *r, int64_t sec)
{
	int64_t at = sec < -FAR ? -FAR : sec > FAR ? FAR : sec, last = INT64_MIN, year;
	bool dst = false;

	if (!r->has_dst)
		return r->std;
	year = year_of_day(floor_div(at, DAY));
	for (int64_t y = year - 1; y <= year + 1; y++) {
		int64_t end = day_in(&r->end, y) * DAY + r->end.time - r->dst.offset;
		int64_t start = day_in(&r->start, y) * DAY + r->start.time - r->std.offset;

		if (end <= at && end > last) {
			last = end;
			dst = false;
		}
		if (start <= at && start >= last) {
			last = start;
			dst = true;
		}
	}
	return dst ? r->dst : r->std;
}
