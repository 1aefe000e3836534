/* The proleptic Gregorian calendar, counted in days from 1970-01-01.
 *
 * Right for years within some 2^50 of 1970; nothing is checked: who takes numbers from others bounds them first. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

int64_t floor_div(int64_t a, int64_t b);             /* towards minus infinity; b > 0 */
bool    year_leap(int64_t year);
int64_t month_days(int64_t year, int month);         /* month 1..12 */
int64_t year_start(int64_t year);                    /* day of its first of January */
int64_t year_of_day(int64_t day);
