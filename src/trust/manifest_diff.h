/* What one workload may do that another may not. trust.md section 2, "Wider and narrower".
 *
 * B is at most as wide as A when all that decides what runs is equal (containers and their order, process, environment, users, mounts,
 * volumes, images, service) and what reaches out or in is a part of A's: platforms, entitlements, outputs, what the host may read,
 * send or run, registries without TLS. Whatever has no order counts as wider. Pure. */
#pragma once
#include "trust/manifest.h"

enum diff_way { DIFF_NARROWER = 1, DIFF_WIDER, DIFF_OTHER }; /* OTHER: neither; to be read as wider */

/* One difference, in words: `where` is "" or a container's name, `what` has no control character and no letter beyond ASCII. */
typedef void (*diff_cb)(void *arg, enum diff_way way, const char *where, const char *what);

struct diff_ask {
	const struct manifest *a, *b;
	const char *images_by; /* NULL; or a party all of whose images count as one */
};
/* Names each difference, once. True: b is at most as wide as a. each may be NULL. */
bool manifest_diff(const struct diff_ask *q, diff_cb each, void *arg);
const char *diff_way_name(enum diff_way w); /* "narrower", "wider", "other" */
