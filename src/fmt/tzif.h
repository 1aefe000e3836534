/* Time zone files: TZif versions 1 to 4 (RFC 8536, RFC 9636), with the footer's rule for all time to come (POSIX TZ).
 *
 * A parsed zone borrows the file and holds no memory of its own. All that a look-up will touch is checked once by the
 * parser. Refused: files whose times count leap seconds ("right/..."), and what the format forbids. Not checked: that
 * abbreviations are those of the place, that the first block of a later version agrees with the second. */
#pragma once
#include "base/rd.h"

#define TZIF_MAX      65536u /* bytes of a file */
#define TZIF_NAME_MAX 64u    /* bytes of a zone's name */

struct tzif_day { /* a day of a year and a time on it */
	enum { TZIF_JULIAN, TZIF_ZERO_BASED, TZIF_WEEKDAY } kind; /* Jn without 29 February, n with it, Mm.w.d */
	int32_t n;                /* day for the first two */
	int32_t month, week, day; /* 1..12, 1..5 (5: the last), 0 = Sunday */
	int32_t time;             /* seconds of the clock before the change, within a week either way */
};

struct tzif_local { /* the clock of a place at one time */
	int32_t     offset; /* seconds east of UTC */
	bool        dst;
	struct span name;   /* "CET"; borrowed from the file */
};

struct tzif_rule { /* the footer: "CET-1CEST,M3.5.0,M10.5.0/3" */
	bool              here, has_dst;
	struct tzif_local std, dst;
	struct tzif_day   start, end; /* of dst */
};

struct tzif {
	size_t      width;  /* bytes of a time: 4 or 8 */
	size_t      n, n_types;
	struct span times, index, types, names; /* of the block that counts */
	struct tzif_rule rule;
};

/* Letters, digits and / _ + - alone, 1 to TZIF_NAME_MAX bytes, no '/' in front: never a way out of a folder. */
bool tzif_name_ok(struct span name) NODISCARD;

/* COFFER_E_INPUT when the file breaks a rule, COFFER_E_LIMIT when it is larger than TZIF_MAX; *out as it was then. */
enum coffer_rc tzif_parse(struct span file, struct tzif *out, struct err *e) NODISCARD;

/* The clock at sec, seconds since 1970 in UTC: before the first change that of the first type, after the last that of the
 * rule, or of the last change where there is none. Takes log n steps. */
struct tzif_local tzif_at(const struct tzif *z, int64_t sec);

/* The offset for a time that a clock at the place shows, `local` as if it were UTC. For a time that is shown twice, or
 * never, one of the two offsets about the change: the one that Go's time.Date takes. */
int32_t tzif_offset_of(const struct tzif *z, int64_t local);
