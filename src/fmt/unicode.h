/* Facts about code points, by Unicode 14: simple case mappings, simple case folding, general categories, some scripts.
 *
 * Only mappings of one code point to one (no "ss" for U+00DF), and none that depend on a language. */
#pragma once
#include "base/rd.h"

#define UC_MAX 0x10FFFFu

uint32_t uc_upper(uint32_t c);
uint32_t uc_lower(uint32_t c);
/* The next of the code points that are equal when case is ignored, going round: k, U+212A (Kelvin), K, k; c itself if it is
 * alone. */
uint32_t uc_fold_next(uint32_t c);
/* White space as Go's unicode.IsSpace has it. */
bool uc_space(uint32_t c);

/* The code points of a name: Any, a general category ("L", "Lu"; C without what is unassigned), or one of the scripts Latin
 * Greek Cyrillic Armenian Hebrew Arabic Devanagari Bengali Tamil Thai Georgian Hangul Hiragana Katakana Bopomofo Han. */
struct uc_set {
	bool     script;
	uint32_t mask; /* of categories or scripts */
	size_t   at;   /* private: where uc_set_next goes on */
	uint32_t from;
};
bool uc_set_find(struct span name, struct uc_set *out);
/* The next range of the set, ascending; ranges may touch. false at the end. */
bool uc_set_next(struct uc_set *s, uint32_t *lo, uint32_t *hi);
/* Every code point that has others equal to it, in turn: ascending, from c on; UC_MAX + 1 past the last. */
uint32_t uc_cased_from(uint32_t c);
