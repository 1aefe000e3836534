#include "fmt/unicode.h"

#include "base/str.h"
#include "fmt/unicode_tab.h"

#define LU 0
#define LL 1

/* The first run that ends at c or after it; n if there is none. */
static size_t run_at(const struct uc_run *t, size_t n, uint32_t c)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t[mid].hi < c)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The first orbit entry of c or what follows it. */
static size_t orbit_at(uint32_t c)
{
	size_t lo = 0, hi = uc_orbits_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (uc_orbits[mid].c < c)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint32_t mapped(const struct uc_run *t, size_t n, uint32_t c)
{
	size_t i = run_at(t, n, c);

	if (i == n || c < t[i].lo || (c - t[i].lo) % t[i].step)
		return c;
	return (uint32_t)((int32_t)c + t[i].diff);
}

uint32_t uc_upper(uint32_t c)
{
	if (c < 0x80)
		return c >= 'a' && c <= 'z' ? c - 32 : c;
	return mapped(uc_up, uc_up_n, c);
}

uint32_t uc_lower(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	return mapped(uc_low, uc_low_n, c);
}

uint32_t uc_fold_next(uint32_t c)
{
	size_t i = orbit_at(c);
	uint32_t low;

	if (i < uc_orbits_n && uc_orbits[i].c == c)
		return uc_orbits[i].next;
	low = uc_lower(c);
	return low != c ? low : uc_upper(c);
}

bool uc_space(uint32_t c)
{
	if (c < 0x80)
		return c == ' ' || (c >= '\t' && c <= '\r');
	return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F
	    || c == 0x205F || c == 0x3000;
}

/* Categories in the order of their numbers in uc_category. A name of one letter means all that begin with it. */
static const char gc_name[][3] = { "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi",
	"Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co" };

static uint32_t category_mask(struct span name)
{
	uint32_t m = 0;

	for (size_t i = 0; name.n && name.n <= 2 && i < sizeof(gc_name) / sizeof(gc_name[0]); i++)
		if ((uint8_t)gc_name[i][0] == name.p[0] && (name.n == 1 || (uint8_t)gc_name[i][1] == name.p[1]))
			m |= 1u << i;
	return m;
}

bool uc_set_find(struct span name, struct uc_set *out)
{
	struct uc_set s = { .mask = span_eq_str(name, "Any") ? UINT32_MAX : category_mask(name) };

	for (size_t i = 0; s.mask == 0 && i < uc_script_name_n; i++)
		if (span_eq_str(name, uc_script_name[i]))
			s = (struct uc_set){ .script = true, .mask = 1u << i };
	if (s.mask == 0)
		return false;
	*out = s;
	return true;
}

static bool script_next(struct uc_set *s, uint32_t *lo, uint32_t *hi)
{
	while (s->at < uc_scripts_n) {
		const struct uc_script *r = &uc_scripts[s->at++];

		if (s->mask >> r->script & 1) {
			*lo = r->lo;
			*hi = r->hi;
			return true;
		}
	}
	return false;
}

/* One of the pairs of a run is upper or lower case only: its code points come one at a time. s->from is where to go on. */
static bool pair_next(struct uc_set *s, uint32_t begin, uint32_t end, uint32_t *c)
{
	uint32_t first = begin + (s->mask >> LU & 1 ? 0 : 1);

	*c = s->from > first ? s->from + ((s->from - first) & 1) : first;
	if (*c > end)
		return false;
	s->from = *c + 1;
	return true;
}

bool uc_set_next(struct uc_set *s, uint32_t *lo, uint32_t *hi)
{
	const uint32_t letters = 1u << LU | 1u << LL;

	if (s->script)
		return script_next(s, lo, hi);
	for (; s->at < uc_category_n; s->at++) {
		uint32_t begin = uc_category[s->at] >> 5, cat = uc_category[s->at] & 31;
		uint32_t end = s->at + 1 < uc_category_n ? (uc_category[s->at + 1] >> 5) - 1 : UC_MAX;

		if (cat == UC_PAIRS && (s->mask & letters) && (s->mask & letters) != letters) {
			if (!pair_next(s, begin, end, lo))
				continue;
			*hi = *lo;
			return true;
		}
		if (cat == UC_PAIRS ? (s->mask & letters) != 0 : (s->mask >> cat & 1) != 0) {
			*lo = begin;
			*hi = end;
			s->at++;
			return true;
		}
	}
	return false;
}

static uint32_t run_from(const struct uc_run *t, size_t n, uint32_t c)
{
	size_t i = run_at(t, n, c);

	if (i == n)
		return UC_MAX + 1;
	return c <= t[i].lo ? t[i].lo : c + (t[i].step - (c - t[i].lo) % t[i].step) % t[i].step;
}

uint32_t uc_cased_from(uint32_t c)
{
	uint32_t up = run_from(uc_up, uc_up_n, c), low = run_from(uc_low, uc_low_n, c), best = low < up ? low : up;
	size_t i = orbit_at(c);

	return i < uc_orbits_n && uc_orbits[i].c < best ? uc_orbits[i].c : best;
}
