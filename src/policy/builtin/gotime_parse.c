/* Text read by a layout. */
#include "policy/builtin/gotime.h"

/* What has been read so far; -1: not named by the layout. */
struct reading {
	struct span s; /* left */
	int64_t year;
	int month, day, yday, hour, minute, second;
	int pm; /* 1 PM, 0 AM */
	int32_t nsec, offset;
	const char *why; /* first thing out of range */
};

static bool is_digit(struct span s, size_t i)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

/* At least min and at most max digits (max <= 9). */
static bool digits(struct reading *r, size_t min, size_t max, int *out)
{
	size_t n = 0;

	for (*out = 0; n < max && is_digit(r->s, n); n++)
		*out = *out * 10 + (r->s.p[n] - '0');
	r->s = span_skip(r->s, n);
	return n >= min;
}

/* Blanks of a layout stand for any number of them. */
static bool literal(struct reading *r, struct span want)
{
	while (want.n) {
		if (want.p[0] == ' ') {
			if (r->s.n && r->s.p[0] != ' ')
				return false;
			while (want.n && want.p[0] == ' ')
				want = span_skip(want, 1);
			while (r->s.n && r->s.p[0] == ' ')
				r->s = span_skip(r->s, 1);
			continue;
		}
		if (!r->s.n || r->s.p[0] != want.p[0])
			return false;
		want = span_skip(want, 1);
		r->s = span_skip(r->s, 1);
	}
	return true;
}

static uint8_t lower(uint8_t b)
{
	return b >= 'A' && b <= 'Z' ? b | 0x20 : b;
}

/* One of n names, of which the first `cut` letters count (0: all), in either case. */
static bool name(struct reading *r, const char *const *names, int n, size_t cut, int *out)
{
	for (*out = 0; *out < n; ++*out) {
		size_t len = cut ? cut : strlen(names[*out]), i = 0;

		while (i < len && i < r->s.n && lower(r->s.p[i]) == lower((uint8_t)names[*out][i]))
			i++;
		if (i == len) {
			r->s = span_skip(r->s, len);
			return true;
		}
	}
	return false;
}

static bool in_range(struct reading *r, int v, int min, int max, const char *why)
{
	if ((v < min || v > max) && !r->why)
		r->why = why;
	return true;
}

/* Point and digits; those past the ninth are cut off. */
static bool fraction(struct reading *r, size_t want)
{
	int32_t scale = 100000000;
	size_t n = 1;

	if (r->s.n < 2 || (r->s.p[0] != '.' && r->s.p[0] != ',') || !is_digit(r->s, 1))
		return want == 0;
	for (r->nsec = 0; is_digit(r->s, n) && (want == 0 || n <= want); n++, scale /= 10)
		r->nsec += (r->s.p[n] - '0') * scale;
	r->s = span_skip(r->s, n);
	return want == 0 || n == want + 1;
}

static bool two(struct reading *r, bool colon, int *out)
{
	if (colon && !literal(r, span_of(":")))
		return false;
	return digits(r, 2, 2, out);
}

static bool offset(struct reading *r, const struct chunk *k)
{
	bool colon = k->std == STD_OFF_HM_COLON || k->std == STD_OFF_HMS_COLON, minus = r->s.n && r->s.p[0] == '-';
	int h, m = 0, s = 0;

	if (k->z && r->s.n && r->s.p[0] == 'Z') {
		r->s = span_skip(r->s, 1);
		r->offset = 0;
		return true;
	}
	if (!minus && !(r->s.n && r->s.p[0] == '+'))
		return false;
	r->s = span_skip(r->s, 1);
	if (!two(r, false, &h) || (k->std != STD_OFF_H && !two(r, colon, &m)) ||
	    ((k->std == STD_OFF_HMS || k->std == STD_OFF_HMS_COLON) && !two(r, colon, &s)))
		return false;
	r->offset = (h * 3600 + m * 60 + s) * (minus ? -1 : 1);
	return in_range(r, h, 0, 24, "time zone offset hour out of range") &&
	       in_range(r, m, 0, 59, "time zone offset minute out of range") &&
	       in_range(r, s, 0, 59, "time zone offset second out of range");
}

/* Letters of a zone say nothing about its offset, as in Go, but for GMT with a number behind it. */
static bool zone(struct reading *r)
{
	size_t n = 0;
	int h;

	while (n < 6 && n < r->s.n && r->s.p[n] >= 'A' && r->s.p[n] <= 'Z')
		n++;
	if (n < 3 || n > 5 || (n == 5 && r->s.p[4] != 'T') || (n == 4 && r->s.p[3] != 'T' && !span_starts(r->s, "WITA")))
		return false;
	r->offset = 0;
	if (n == 3 && span_starts(r->s, "GMT") && r->s.n > 4 && (r->s.p[3] == '+' || r->s.p[3] == '-') && is_digit(r->s, 4)) {
		bool minus = r->s.p[3] == '-';

		r->s = span_skip(r->s, 4);
		if (!digits(r, 1, 2, &h) || h > 23)
			return false;
		r->offset = h * 3600 * (minus ? -1 : 1);
		return true;
	}
	r->s = span_skip(r->s, n);
	return true;
}

static bool half_day(struct reading *r, const char *am, const char *pm)
{
	r->pm = span_starts(r->s, pm);
	if (!r->pm && !span_starts(r->s, am))
		return false;
	r->s = span_skip(r->s, 2);
	return true;
}

static bool year(struct reading *r, size_t n)
{
	int y;

	if (!digits(r, n, n, &y))
		return false;
	r->year = n == 4 ? y : y >= 69 ? 1900 + y : 2000 + y;
	return true;
}

static void blanks(struct reading *r, size_t n)
{
	for (; n && r->s.n && r->s.p[0] == ' '; n--)
		r->s = span_skip(r->s, 1);
}

/* A fraction may follow seconds even if the layout has none. */
static bool seconds(struct reading *r, size_t min, struct span rest)
{
	struct chunk next = go_chunk(&rest);

	if (!digits(r, min, 2, &r->second))
		return false;
	if (next.std != STD_FRAC_0 && next.std != STD_FRAC_9 && !fraction(r, 0))
		return false;
	return in_range(r, r->second, 0, 59, "second out of range");
}

static bool date_part(struct reading *r, enum std std)
{
	static const char *const *const months = go_month, *const *const days = go_weekday;
	bool ok;
	int ignored;

	if (std == STD_DAY_LONG || std == STD_DAY_SHORT)
		return name(r, days, 7, std == STD_DAY_SHORT ? 3 : 0, &ignored);
	if (std == STD_MONTH_LONG || std == STD_MONTH_SHORT) {
		ok = name(r, months, 12, std == STD_MONTH_SHORT ? 3 : 0, &r->month);
		r->month++;
		return ok;
	}
	if (std == STD_MONTH || std == STD_MONTH_0)
		return digits(r, std == STD_MONTH_0 ? 2 : 1, 2, &r->month) && in_range(r, r->month, 1, 12, "month out of range");
	if (std == STD_YDAY_0 || std == STD_YDAY_) {
		blanks(r, std == STD_YDAY_ ? 2 : 0);
		return digits(r, std == STD_YDAY_0 ? 3 : 1, 3, &r->yday);
	}
	blanks(r, std == STD_DAY_ ? 1 : 0);
	return digits(r, std == STD_DAY_0 ? 2 : 1, 2, &r->day);
}

static bool part(struct reading *r, const struct chunk *k, struct span rest)
{
	switch (k->std) {
	case STD_YEAR4:
	case STD_YEAR2:
		return year(r, k->std == STD_YEAR4 ? 4 : 2);
	case STD_HOUR:
		return digits(r, 1, 2, &r->hour) && in_range(r, r->hour, 0, 23, "hour out of range");
	case STD_HOUR12:
	case STD_HOUR12_0:
		return digits(r, k->std == STD_HOUR12_0 ? 2 : 1, 2, &r->hour) && in_range(r, r->hour, 0, 12, "hour out of range");
	case STD_MINUTE:
	case STD_MINUTE_0:
		return digits(r, k->std == STD_MINUTE_0 ? 2 : 1, 2, &r->minute) &&
		       in_range(r, r->minute, 0, 59, "minute out of range");
	case STD_SECOND:
	case STD_SECOND_0:
		return seconds(r, k->std == STD_SECOND_0 ? 2 : 1, rest);
	case STD_PM:
		return half_day(r, "AM", "PM");
	case STD_PM_LOWER:
		return half_day(r, "am", "pm");
	case STD_ZONE:
		return zone(r);
	case STD_OFF_HMS:
	case STD_OFF_HMS_COLON:
	case STD_OFF_HM:
	case STD_OFF_HM_COLON:
	case STD_OFF_H:
		return offset(r, k);
	case STD_FRAC_0:
		return fraction(r, k->digits);
	case STD_FRAC_9:
		return fraction(r, 0);
	case STD_MONTH_LONG:
	case STD_MONTH_SHORT:
	case STD_MONTH_0:
	case STD_MONTH:
	case STD_DAY_LONG:
	case STD_DAY_SHORT:
	case STD_DAY_0:
	case STD_DAY_:
	case STD_DAY:
	case STD_YDAY_0:
	case STD_YDAY_:
		return date_part(r, k->std);
	case STD_END:
		break;
	}
	return true;
}

/* A day of the year and a month and day that are named too must agree. */
static void settle_day(struct reading *r)
{
	int64_t left = r->yday;
	int m = 1;

	if (r->yday >= 0) {
		while (m < 12 && left > month_days(r->year, m))
			left -= month_days(r->year, m++);
		if (left < 1 || left > month_days(r->year, m))
			r->why = r->why ? r->why : "day-of-year out of range";
		else if ((r->month >= 0 && r->month != m) || (r->day >= 0 && r->day != left))
			r->why = r->why ? r->why : "day-of-year does not match the date";
		r->month = m;
		r->day = (int)left;
	}
	r->month = r->month < 0 ? 1 : r->month;
	r->day = r->day < 0 ? 1 : r->day;
	if (!r->why && (r->day < 1 || r->day > month_days(r->year, r->month)))
		r->why = "day out of range";
}

bool go_parse(struct span layout, struct span text, struct moment *out, const char **why)
{
	struct reading r = { .s = text, .month = -1, .day = -1, .yday = -1, .pm = -1 };
	struct chunk k;

	do {
		k = go_chunk(&layout);
		if (!literal(&r, k.before) || !part(&r, &k, layout)) {
			*why = "text does not fit the layout";
			return false;
		}
	} while (k.std != STD_END);
	if (r.s.n) {
		*why = "text is longer than the layout";
		return false;
	}
	if (r.pm == 1 && r.hour < 12)
		r.hour += 12;
	else if (r.pm == 0 && r.hour == 12)
		r.hour = 0;
	settle_day(&r);
	*why = r.why;
	if (r.why)
		return false;
	*out = moment_of(
	    (struct civil){
		.year = r.year, .month = r.month, .day = r.day, .hour = r.hour, .minute = r.minute, .second = r.second },
	    r.nsec, r.offset);
	return true;
}
