/* The annotation coffer.internal/terms: what a Pod has no words for (docs/workload.md). YAML, closed. */
#pragma once
#include "fmt/json.h"

#include "cli/pod.h" /* POD_TERMS */

struct terms {
	struct json_doc   *doc; /* owned */
	const struct json *platforms;    /* array of strings */
	const struct json *images;       /* [{container, provider, attestations?, minimum-version?}] */
	const struct json *entitlements; /* [{container, asset or slot, purpose, volume?}] or NULL */
	const struct json *outputs;      /* [{container, name, path, to, max-bytes}] or NULL */
	const struct json *logs, *signals; /* arrays or NULL */
	const struct json *exec;         /* [{container, args}] or NULL */
	const struct json *plain_http;   /* array or NULL */
	const struct json *roles;        /* [{container, role}] or NULL */
	const struct json *on_lapse;     /* [{container, action, check, grace, term}] or NULL */
};
void terms_clear(struct terms *t); /* CLEANUP-ready */

/* Form only; names are resolved by the builder. */
enum coffer_rc terms_parse(struct span yaml, struct terms *out, struct err *e) NODISCARD;
