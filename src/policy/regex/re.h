/* Regular expressions in RE2 syntax as Go's regexp has them, matched in time linear in pattern times text (Pike's machine).
 *
 * No backreferences, no look-around; repeats up to 1000; a program of at most RE_PROG_MAX instructions (RE_TOO_LARGE past that).
 * Case folding is simple folding by Unicode 14; \p{...} knows the general categories and the scripts that fmt/unicode.h names.
 * Leftmost-first. Text is bytes; what is not UTF-8 matches as U+FFFD, one byte each, as in Go. Groups nest at most 250 deep (Go:
 * 1000). Programs are immutable and may be shared between threads. */
#pragma once
#include "policy/value/heap.h"

#define RE_PROG_MAX 2020 /* x{1,1000} once. regorus refuses programs of more than 100 KiB, which is about as much */

struct re;
enum re_rc { RE_OK, RE_SYNTAX, RE_TOO_LARGE };

/* The program lives in the heap's arena and borrows the pattern for the names of groups. RE_TOO_LARGE: the heap is over, by
 * REGO_LIMIT_REGEX or by another limit. On RE_SYNTAX *why is a static sentence in Go's words and *at the byte it stands at. */
enum re_rc re_compile(struct heap *h, struct span pattern, const struct re **out, const char **why, size_t *at) NODISCARD;
size_t re_groups(const struct re *re);                  /* capturing groups, without the whole match */
struct span re_group_name(const struct re *re, size_t i); /* {NULL,0}: none */

/* Searches from byte `from`. cap holds 2 * n_cap byte offsets (whole match first), SIZE_MAX where a group took no part; n_cap
 * may be 0 for a yes or no. Takes steps from the heap in proportion to its work; false when nothing matches or the heap is over
 * (look at it). */
bool re_search(struct heap *h, const struct re *re, struct span text, size_t from, size_t *cap, size_t n_cap) NODISCARD;
