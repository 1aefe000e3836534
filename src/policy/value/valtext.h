/* Values as text: JSON in and out, and Rego's own notation. */
#pragma once
#include "base/wr.h"
#include "policy/value/val.h"

struct json_limits { size_t bytes; unsigned depth; };

/* One JSON text straight into values: literals of numbers kept, members with the same name: the last wins (as upstream), UTF-8
 * checked, lone surrogates become U+FFFD (as OPA), depth bounded, nothing may follow. VAL_UNDEF with the byte offset and a reason (borrowed, static)
 * when malformed; heap limits as everywhere. */
struct val val_from_json(struct heap *h, struct span text, struct json_limits lim, size_t *bad_at, const char **why);

/* JSON out as OPA prints it: sets as sorted arrays, non-string keys as their JSON text, members sorted by key. Invalid UTF-8 in
 * strings becomes U+FFFD. indent NULL = compact. Overflow is the writer's. */
void val_put_json(struct wr *w, struct val v, const char *prefix, const char *indent);

/* Rego notation, as sprintf's %v and print show it: strings quoted when nested (or at top if quote_top), sets {1, 2}, set(). */
void val_put_rego(struct wr *w, struct val v, bool quote_top);

/* A string in double quotes as Go's %q writes it (%+q if ascii): what does not print as \n, \x, \u or \U. */
void go_quote(struct wr *w, struct span s, bool ascii);
