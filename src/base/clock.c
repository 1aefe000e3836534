#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

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

void clock_text(int64_t t, char out[static CLOCK_TEXT_LEN])
{
	time_t tt = (time_t)t;
	struct tm tm = { 0 };

	if (t < 0 || t > 253402300799 || !gmtime_r(&tt, &tm))
		(void)gmtime_r(&(time_t){ 0 }, &tm);
	(void)strftime(out, CLOCK_TEXT_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm);
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
