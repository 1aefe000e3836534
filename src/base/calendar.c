#include "base/calendar.h"

int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

bool year_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int64_t month_days(int64_t year, int month)
{
	static const int days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && year_leap(year));
}

int64_t year_start(int64_t year)
{
	int64_t p = year - 1;

	return 365 * (year - 1970) + floor_div(p, 4) - floor_div(p, 100) + floor_div(p, 400) - 477;
}

/* The mean year hits the right one or its neighbour. */
int64_t year_of_day(int64_t day)
{
	int64_t y = 1970 + floor_div(day * 400, 146097);

	while (year_start(y) > day)
		y--;
	while (year_start(y + 1) <= day)
		y++;
	return y;
}
