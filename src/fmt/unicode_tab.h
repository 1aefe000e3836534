/* The tables behind unicode.h, in the order of code points. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct uc_run { uint32_t lo, hi; uint32_t step; int32_t diff; }; /* lo, lo + step, ... hi map to themselves + diff */
struct uc_orbit { uint32_t c, next; };
struct uc_script { uint32_t lo, hi, script; };

#define UC_PAIRS 30 /* category of a run of Lu, Ll, Lu, Ll, ... */

extern const uint32_t uc_category[]; /* where a category begins << 5 | category; up to the next entry */
extern const struct uc_run uc_up[], uc_low[];
extern const struct uc_orbit uc_orbits[]; /* those that going up and down does not give */
extern const char *const uc_script_name[];
extern const struct uc_script uc_scripts[];
extern const size_t uc_category_n, uc_up_n, uc_low_n, uc_orbits_n, uc_script_name_n, uc_scripts_n;
