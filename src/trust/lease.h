/* How long a guest may keep a secret without hearing that it still may, and what happens then. trust.md section 3, "Lease".
 *
 * An owner says it in the asset statement ("lease", "least-action"), a workload's provider in the manifest ("on-lapse" of a
 * container), which can only ask more: the shorter time and the stronger act count. All times are seconds of guest run time.
 */
#pragma once
#include "base/err.h"
#include "fmt/json.h"

#define LEASE_DAY 86400
#define LEASE_CHECK_MAX 3600
#define LEASE_TERM_MAX 60

struct lease_terms {
	uint64_t lease;  /* 1 to LEASE_DAY: after this long the guest attests anew; 300 where nothing is said */
	uint64_t check;  /* 1 to LEASE_CHECK_MAX: between two questions; 60 */
	uint64_t grace;  /* 0 to LEASE_DAY: silence beyond check that is borne; 900 */
	uint64_t term;   /* of check + grace, what a container has between SIGTERM and SIGKILL; 0 unless the manifest says */
	bool     stop;   /* the container is stopped; else its files of the asset are wiped and it runs on. True */
};

/* What holds where neither says anything. */
struct lease_terms lease_default(void);

/* An asset statement's "lease": {"lease","check","grace"}, all of them; v NULL: none, *out keeps its times. */
enum coffer_rc lease_read_asset(const struct json *v, struct lease_terms *out, struct err *e) NODISCARD;

/* A container's "on-lapse": {"action":"stop"|"wipe","check","grace","term"}, all of them. COFFER_E_INPUT. */
enum coffer_rc lease_read_manifest(const struct json *v, struct lease_terms *out, struct err *e) NODISCARD;

/* The asset's, tightened by the manifest's. */
struct lease_terms lease_strictest(const struct lease_terms *asset, const struct lease_terms *manifest);
