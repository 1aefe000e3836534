#include "base/clock.h"

#include <string.h>
#include <time.h>

#include "base/calendar.h"

int64_t clock_now(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

int64_t clock_monotonic_ms(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_boot_ms(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void two(int64_t v, char *out)
{
	out[0] = (char)('0' + v / 10);
	out[1] = (char)('0' + v % 10);
}

/* By hand: the library's takes longer than to read the rest of a certificate. */
void clock_text(int64_t t, char out[static CLOCK_TEXT_LEN])
{
	int64_t at = t < 0 || t > 253402300799 ? 0 : t, day = at / 86400, year = year_of_day(day), s = at % 86400;
	int month = 1;

	day -= year_start(year);
	while (day >= month_days(year, month))
		day -= month_days(year, month++);
	memcpy(out, "0000-00-00T00:00:00Z", CLOCK_TEXT_LEN);
	two(year / 100, out);
	two(year % 100, out + 2);
	two(month, out + 5);
	two(day + 1, out + 8);
	two(s / 3600, out + 11);
	two(s / 60 % 60, out + 14);
	two(s % 60, out + 17);
}

static bool digits(struct span s, size_t at, size_t n, int *out)
{
	int v = 0;

	for (size_t i = at; i < at + n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (s.p[i] - '0');
	}
	*out = v;
	return true;
}

bool clock_parse(struct span s, int64_t *out)
{
	static const char shape[] = "....-..-..T..:..:..Z";
	char back[CLOCK_TEXT_LEN];
	struct tm tm = { 0 };
	int64_t t;

	if (s.n != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (shape[i] != '.' && s.p[i] != (uint8_t)shape[i])
			return false;
	if (!digits(s, 0, 4, &tm.tm_year) || !digits(s, 5, 2, &tm.tm_mon) ||
	    !digits(s, 8, 2, &tm.tm_mday) || !digits(s, 11, 2, &tm.tm_hour) ||
	    !digits(s, 14, 2, &tm.tm_min) || !digits(s, 17, 2, &tm.tm_sec))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	t = (int64_t)timegm(&tm);
	if (t < 0)
		return false;
	clock_text(t, back); /* 30 February and 24:61 do not come back as they were */
	if (memcmp(back, s.p, s.n) != 0) /* public: a date */
		return false;
	*out = t;
	return true;
}

static bool parse_offset(struct span s, int64_t *seconds)
{
	int hours = 0, minutes = 0;

	if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':' || !digits(s, 1, 2, &hours) || !digits(s, 4, 2, &minutes) || hours > 23 ||
	    minutes > 59)
		return false;
	*seconds = ((int64_t)hours * 3600 + (int64_t)minutes * 60) * (s.p[0] == '-' ? -1 : 1);
	return true;
}

bool clock_parse_any(struct span s, int64_t *out)
{
	uint8_t utc[CLOCK_TEXT_LEN - 1];
	int64_t t, ahead;

	if (s.n != sizeof(utc) + 5)
		return clock_parse(s, out);
	memcpy(utc, s.p, sizeof(utc) - 1);
	utc[sizeof(utc) - 1] = 'Z';
	if (!parse_offset((struct span){ s.p + sizeof(utc) - 1, 6 }, &ahead) || !clock_parse((struct span){ utc, sizeof(utc) }, &t))
		return false;
	t -= ahead;
	if (t < 0 || t > 253402300799)
		return false;
	*out = t;
	return true;
}
