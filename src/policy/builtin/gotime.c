#include "policy/builtin/gotime.h"

#include <stdio.h>

#define DAY 86400

const char *const go_month[12] = { "January", "February", "March", "April", "May", "June", "July", "August", "September",
	"October", "November", "December" };
const char *const go_weekday[7] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };

struct moment moment_of_ns(int64_t ns)
{
	int32_t rest = (int32_t)(ns % 1000000000);

	return (struct moment){ .sec = floor_div(ns, 1000000000), .nsec = rest < 0 ? rest + 1000000000 : rest };
}

/* Towards zero first: the least int64 is not a whole number of seconds below which nothing fits. */
bool moment_ns(struct moment m, int64_t *ns)
{
	int64_t sec = m.sec, nsec = m.nsec;

	if (sec < 0 && nsec > 0) {
		sec++;
		nsec -= 1000000000;
	}
	return !__builtin_mul_overflow(sec, INT64_C(1000000000), &sec) && !__builtin_add_overflow(sec, nsec, ns);
}

struct civil civil_of(struct moment m)
{
	int64_t t = m.sec + m.offset, day = floor_div(t, DAY), in = t - day * DAY;
	struct civil c = { .year = year_of_day(day), .month = 1 };

	c.hour = (int)(in / 3600);
	c.minute = (int)(in / 60 % 60);
	c.second = (int)(in % 60);
	c.weekday = (int)(((day + 4) % 7 + 7) % 7);
	day -= year_start(c.year);
	c.yday = (int)day + 1;
	while (day >= month_days(c.year, c.month))
		day -= month_days(c.year, c.month++);
	c.day = (int)day + 1;
	return c;
}

struct moment moment_of(struct civil c, int32_t nsec, int32_t offset)
{
	int64_t m = c.month - 1, y = c.year + floor_div(m, 12), day = year_start(y) + c.day - 1;

	m -= floor_div(m, 12) * 12;
	for (int k = 1; k <= m; k++)
		day += month_days(y, k);
	return (struct moment){ .sec = day * DAY + (int64_t)c.hour * 3600 + (int64_t)c.minute * 60 + c.second - offset, .nsec = nsec,
		.offset = offset };
}

struct span go_layout(struct span name)
{
	static const struct {
		const char *name, *layout;
	} t[] = {
		{ "ANSIC", "Mon Jan _2 15:04:05 2006" },
		{ "UnixDate", "Mon Jan _2 15:04:05 MST 2006" },
		{ "RubyDate", "Mon Jan 02 15:04:05 -0700 2006" },
		{ "RFC822", "02 Jan 06 15:04 MST" },
		{ "RFC822Z", "02 Jan 06 15:04 -0700" },
		{ "RFC850", "Monday, 02-Jan-06 15:04:05 MST" },
		{ "RFC1123", "Mon, 02 Jan 2006 15:04:05 MST" },
		{ "RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700" },
		{ "RFC3339", "2006-01-02T15:04:05Z07:00" },
		{ "RFC3339Nano", "2006-01-02T15:04:05.999999999Z07:00" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (span_eq_str(name, t[i].name))
			return span_of(t[i].layout);
	}
	return name;
}

/* Longer ones first: the first that fits is meant. */
static const struct {
	const char *text;
	enum std std;
} sample[] = {
	{ "January", STD_MONTH_LONG },
	{ "Jan", STD_MONTH_SHORT },
	{ "Monday", STD_DAY_LONG },
	{ "Mon", STD_DAY_SHORT },
	{ "MST", STD_ZONE },
	{ "002", STD_YDAY_0 },
	{ "01", STD_MONTH_0 },
	{ "02", STD_DAY_0 },
	{ "03", STD_HOUR12_0 },
	{ "04", STD_MINUTE_0 },
	{ "05", STD_SECOND_0 },
	{ "06", STD_YEAR2 },
	{ "15", STD_HOUR },
	{ "1", STD_MONTH },
	{ "2006", STD_YEAR4 },
	{ "2", STD_DAY },
	{ "__2", STD_YDAY_ },
	{ "_2", STD_DAY_ },
	{ "3", STD_HOUR12 },
	{ "4", STD_MINUTE },
	{ "5", STD_SECOND },
	{ "PM", STD_PM },
	{ "pm", STD_PM_LOWER },
	{ "-070000", STD_OFF_HMS },
	{ "-07:00:00", STD_OFF_HMS_COLON },
	{ "-0700", STD_OFF_HM },
	{ "-07:00", STD_OFF_HM_COLON },
	{ "-07", STD_OFF_H },
	{ "Z070000", STD_OFF_HMS },
	{ "Z07:00:00", STD_OFF_HMS_COLON },
	{ "Z0700", STD_OFF_HM },
	{ "Z07:00", STD_OFF_HM_COLON },
	{ "Z07", STD_OFF_H },
};

static bool lower_at(struct span s, size_t i)
{
	return i < s.n && s.p[i] >= 'a' && s.p[i] <= 'z';
}

/* Length of the chunk that begins s; 0 if none does. "_2006" is an underscore and a year, "Janet" no month. */
static size_t sample_at(struct span s, struct chunk *c)
{
	for (size_t i = 0; i < sizeof(sample) / sizeof(sample[0]); i++) {
		size_t n = strlen(sample[i].text);

		if (!span_starts(s, sample[i].text))
			continue;
		if ((sample[i].std == STD_MONTH_SHORT || sample[i].std == STD_DAY_SHORT) && lower_at(s, n))
			return 0;
		if (sample[i].std == STD_DAY_ && span_starts(s, "_2006"))
			return 0;
		c->std = sample[i].std;
		c->z = s.p[0] == 'Z';
		return n;
	}
	return 0;
}

/* A point or comma, then only noughts or only nines, then no digit. */
static size_t fraction_at(struct span s, struct chunk *c)
{
	size_t n = 1;

	if (s.n < 2 || (s.p[0] != '.' && s.p[0] != ',') || (s.p[1] != '0' && s.p[1] != '9'))
		return 0;
	while (n < s.n && s.p[n] == s.p[1])
		n++;
	if (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		return 0;
	c->std = s.p[1] == '0' ? STD_FRAC_0 : STD_FRAC_9;
	c->digits = n - 1;
	return n;
}

struct chunk go_chunk(struct span *layout)
{
	struct chunk c = { .before = *layout };

	for (size_t i = 0; i < layout->n; i++) {
		struct span rest = { layout->p + i, layout->n - i };
		size_t n = sample_at(rest, &c);

		n = n ? n : fraction_at(rest, &c);
		if (n) {
			c.before.n = i;
			*layout = span_skip(*layout, i + n);
			return c;
		}
	}
	*layout = (struct span){ NULL, 0 };
	return c;
}

static void put_offset(struct text *t, enum std std, int32_t offset)
{
	unsigned s = (unsigned)(offset < 0 ? -offset : offset);
	bool colon = std == STD_OFF_HM_COLON || std == STD_OFF_HMS_COLON;
	char b[16];

	(void)snprintf(b, sizeof(b), "%c%02u", offset < 0 ? '-' : '+', s / 3600);
	text_str(t, b);
	(void)snprintf(b, sizeof(b), colon ? ":%02u" : "%02u", s / 60 % 60);
	text_str(t, std == STD_OFF_H ? "" : b);
	(void)snprintf(b, sizeof(b), colon ? ":%02u" : "%02u", s % 60);
	text_str(t, std == STD_OFF_HMS || std == STD_OFF_HMS_COLON ? b : "");
}

/* Ninths without the noughts behind, and nothing for nought. */
static void put_fraction(struct text *t, const struct chunk *c, struct span mark, int32_t nsec)
{
	char b[12];
	size_t n = c->digits;

	(void)snprintf(b, sizeof(b), "%09d", (int)nsec);
	n = n > 9 ? 9 : n;
	while (c->std == STD_FRAC_9 && n && b[n - 1] == '0')
		n--;
	if (n == 0)
		return;
	text_put(t, mark);
	text_put(t, (struct span){ (const uint8_t *)b, n });
	for (size_t i = 9; c->std == STD_FRAC_0 && i < c->digits; i++)
		text_str(t, "0");
}

static void put_number(struct text *t, const char *fmt_width, int64_t v)
{
	char b[24];

	(void)snprintf(b, sizeof(b), "%*lld", (int)(fmt_width[1] - '0'), (long long)v);
	for (char *p = b; fmt_width[0] == '0' && *p == ' '; p++)
		*p = '0';
	text_str(t, b);
}

static void put_chunk(struct text *t, enum std std, const struct civil *c)
{
	static const struct {
		enum std std;
		const char *width;
	} how[] = {
		{ STD_YEAR4, "04" },
		{ STD_YEAR2, "02" },
		{ STD_MONTH_0, "02" },
		{ STD_MONTH, " 1" },
		{ STD_DAY_0, "02" },
		{ STD_DAY_, " 2" },
		{ STD_DAY, " 1" },
		{ STD_YDAY_0, "03" },
		{ STD_YDAY_, " 3" },
		{ STD_HOUR, "02" },
		{ STD_HOUR12_0, "02" },
		{ STD_HOUR12, " 1" },
		{ STD_MINUTE_0, "02" },
		{ STD_MINUTE, " 1" },
		{ STD_SECOND_0, "02" },
		{ STD_SECOND, " 1" },
	};
	int64_t v[STD_FRAC_9 + 1] = {
		[STD_YEAR4] = c->year,
		[STD_YEAR2] = c->year % 100,
		[STD_MONTH_0] = c->month,
		[STD_MONTH] = c->month,
		[STD_DAY_0] = c->day,
		[STD_DAY_] = c->day,
		[STD_DAY] = c->day,
		[STD_YDAY_0] = c->yday,
		[STD_YDAY_] = c->yday,
		[STD_HOUR] = c->hour,
		[STD_HOUR12_0] = (c->hour + 11) % 12 + 1,
		[STD_HOUR12] = (c->hour + 11) % 12 + 1,
		[STD_MINUTE_0] = c->minute,
		[STD_MINUTE] = c->minute,
		[STD_SECOND_0] = c->second,
		[STD_SECOND] = c->second,
	};

	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		if (how[i].std == std)
			put_number(t, how[i].width, v[std]);
	}
	if (std == STD_MONTH_LONG)
		text_str(t, go_month[c->month - 1]);
	if (std == STD_MONTH_SHORT)
		text_put(t, (struct span){ (const uint8_t *)go_month[c->month - 1], 3 });
	if (std == STD_DAY_LONG)
		text_str(t, go_weekday[c->weekday]);
	if (std == STD_DAY_SHORT)
		text_put(t, (struct span){ (const uint8_t *)go_weekday[c->weekday], 3 });
	if (std == STD_PM)
		text_str(t, c->hour >= 12 ? "PM" : "AM");
	if (std == STD_PM_LOWER)
		text_str(t, c->hour >= 12 ? "pm" : "am");
}

void go_format(struct text *t, struct span layout, struct moment m)
{
	struct civil c = civil_of(m);

	while (layout.n) {
		struct span at = layout;
		struct chunk k = go_chunk(&layout);

		if (!heap_steps(t->c->h, 1))
			return;
		text_put(t, k.before);
		if (k.std == STD_FRAC_0 || k.std == STD_FRAC_9)
			put_fraction(t, &k, (struct span){ at.p + k.before.n, 1 }, m.nsec);
		else if (k.std == STD_ZONE && m.zone.n)
			text_put(t, m.zone);
		else if (k.std == STD_ZONE && m.offset == 0)
			text_str(t, "UTC");
		else if (k.z && m.offset == 0)
			text_str(t, "Z");
		else if (k.std >= STD_OFF_HMS && k.std <= STD_OFF_H)
			put_offset(t, k.std, m.offset);
		else if (k.std == STD_ZONE)
			put_offset(t, m.offset / 60 % 60 ? STD_OFF_HM : STD_OFF_H, m.offset);
		else
			put_chunk(t, k.std, &c);
	}
}
