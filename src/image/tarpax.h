/* Records of a pax extended header: "LENGTH KEY=VALUE\n", LENGTH counting itself. Part of tar.c. */
#pragma once
#include "image/tar.h"

/* Overrides fields of *x; its spans then point into `records`. COFFER_E_INPUT, COFFER_E_LIMIT. */
enum coffer_rc tarpax_apply(struct span records, struct tar_entry *x, struct err *e) NODISCARD;

/* COFFER_E_INPUT when a global header is malformed or sets a key that tarpax_apply reads: readers disagree on them. */
enum coffer_rc tarpax_check_global(struct span records, struct err *e) NODISCARD;
