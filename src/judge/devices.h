/* A processor and the devices beside it, each judged by the driver of its platform. */
#pragma once
#include "evidence/evidence.h"

#define DEVICES_MAX 9 /* the processor, and eight kinds of device */

struct device { const struct tee_driver *driver; struct ev_out out; };
struct devices { struct device d[DEVICES_MAX]; size_t n; };
void devices_free(struct devices **p); /* CLEANUP-ready; NULL inside is fine */

/* The KBS protocol's additional evidence, {"<platform>": evidence}, at most max bytes: each is judged with `how`, whose evidence is not
 * read, and appended. COFFER_E_INPUT: no such object, one of nothing or too many, a platform that is none of devices. A verdict is no
 * error: whoever asks looks at each. */
enum coffer_rc devices_appraise(struct span additional, size_t max, const struct ev_in *how, struct devices *v, struct err *e) NODISCARD;
