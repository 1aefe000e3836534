/* Names: party ids and asset paths (docs/protocol/statements.md). */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define PARTY_MAX 64      /* with NUL */
#define ASSET_PATH_MAX 208 /* "kbs:///" and three segments of 64, with NUL */

bool party_ok(struct span s) NODISCARD; /* [a-z0-9][a-z0-9-]{0,62} */

struct asset_path {
	char text[ASSET_PATH_MAX]; /* "kbs:///party/type/tag" */
	char owner[PARTY_MAX];
};
/* "party/type/tag", inside p->text. */
static inline const char *asset_path_tail(const struct asset_path *p) { return p->text + sizeof("kbs:///") - 1; }
bool asset_path_eq(const struct asset_path *a, const struct asset_path *b); /* public data */
/* Accepts "kbs:///a/b/c" and "a/b/c". Segments ".", ".." and everything else outside the alphabet are refused. */
enum coffer_rc asset_path_parse(struct span s, struct asset_path *out, struct err *e) NODISCARD;
