/* Time as plain numbers. Library code never asks for the time: whoever decides
 * passes `now`, so that every decision can be replayed. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define CLOCK_TEXT_LEN 21 /* "2026-11-23T23:02:00Z" and its NUL */

/* Seconds since 1970 by the wall clock; milliseconds of the monotonic clock. */
int64_t clock_now(void);
int64_t clock_monotonic_ms(void);
/* Milliseconds since the machine started, those it slept among them. A signal handler may ask. */
int64_t clock_boot_ms(void);

/* RFC 3339 with second precision and a final 'Z', the only form written. */
void clock_text(int64_t t, char out[static CLOCK_TEXT_LEN]);

/* Parses exactly that form, years 1970 to 9999; anything else is refused. */
bool clock_parse(struct span s, int64_t *out) NODISCARD;
/* What people type: RFC 3339 with any offset ("2027-01-31T02:00:00+02:00"), to the second. For command lines alone: what is signed or
 * compared has one form. */
bool clock_parse_any(struct span s, int64_t *out) NODISCARD;
