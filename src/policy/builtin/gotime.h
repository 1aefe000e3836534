/* Moments, the calendar, and text by layouts as Go's time package has them.
 *
 * A layout is a sample: "2006-01-02T15:04:05.999999999Z07:00" and its parts. The calendar is the proleptic Gregorian one. No leap
 * seconds. Zones are offsets (by name: timezone.h): nothing here reads files or the clock. */
#pragma once
#include "base/calendar.h"
#include "policy/builtin/text.h"

struct moment {
	int64_t sec;    /* since 1970 in UTC */
	int32_t nsec;   /* 0..999999999 */
	int32_t offset; /* seconds east of UTC, for showing */
	struct span zone; /* its abbreviation, "CET"; empty where none is known. Borrowed */
};

struct civil {
	int64_t year;
	int     month, day, hour, minute, second; /* month and day from 1 */
	int     weekday, yday;                    /* 0 = Sunday; 1 = first of January */
};

struct moment moment_of_ns(int64_t ns);
bool          moment_ns(struct moment m, int64_t *ns) NODISCARD; /* false outside of int64 */
struct civil  civil_of(struct moment m);                         /* as seen at its offset */
/* The moment of a date and time at an offset. month and day may be out of range by years: they carry over, as in Go. */
struct moment moment_of(struct civil c, int32_t nsec, int32_t offset);

/* Named layouts ("RFC3339") or the text itself. */
struct span go_layout(struct span name);
void        go_format(struct text *t, struct span layout, struct moment m);
/* False when the text does not fit; *why is a static sentence. */
bool        go_parse(struct span layout, struct span text, struct moment *out, const char **why) NODISCARD;

/* The chunks of a layout, for the two functions above. */
enum std {
	STD_END, STD_YEAR4, STD_YEAR2, STD_MONTH_LONG, STD_MONTH_SHORT, STD_MONTH_0, STD_MONTH, STD_DAY_LONG, STD_DAY_SHORT,
	STD_DAY_0, STD_DAY_, STD_DAY, STD_YDAY_0, STD_YDAY_, STD_HOUR, STD_HOUR12_0, STD_HOUR12, STD_MINUTE_0, STD_MINUTE, STD_SECOND_0,
	STD_SECOND, STD_PM, STD_PM_LOWER, STD_ZONE, STD_OFF_HMS, STD_OFF_HMS_COLON, STD_OFF_HM, STD_OFF_HM_COLON, STD_OFF_H,
	STD_FRAC_0, STD_FRAC_9,
};
struct chunk {
	struct span before;  /* literal text up to it */
	enum std    std;
	bool        z;       /* offsets: Z for none */
	size_t      digits;  /* fractions */
};
/* Takes the next chunk off the layout. */
struct chunk go_chunk(struct span *layout);
extern const char *const go_month[12], *const go_weekday[7];
