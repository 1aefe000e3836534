/* Between the files of appraise: one device's policy evaluated (appraise_eval.c), and what came of it written (appraise.c). */
#pragma once
#include "evidence/appraise.h"
#include "policy/policy.h"

#define VECTOR_N 8
extern const char *const vector_name[VECTOR_N]; /* AR4SI's claims in kebab case */

struct vector { bool has[VECTOR_N]; int64_t value[VECTOR_N]; };
enum ear_tier vector_status(const struct vector *v); /* none when no claim says more */

#define LOOKUPS_MAX 32
struct lookups { /* reference values that a policy asked for and did not get */
	const struct refs *refs;
	int64_t            now;
	struct { char name[REFS_NAME_MAX + 1]; enum ref_state state; } miss[LOOKUPS_MAX];
	size_t             n;
};

struct device_eval {
	const struct appraise_policy *policy;
	struct span         input; /* JSON */
	int64_t             now;
	struct lookups      look;
	struct rego_policy *own;     /* compiled here; NULL where policy->ready is used */
	const struct rego_policy *p;
	struct rego_eval   *ev;
	struct json_doc    *doc;     /* input, parsed; owned */
};
/* policy, input, now and look.refs are the caller's; input is read here, once for all questions. COFFER_E_INPUT, COFFER_E_LIMIT: input. */
enum coffer_rc device_eval_open(struct device_eval *d, struct err *e) NODISCARD;
void           device_eval_clear(struct device_eval *d); /* CLEANUP-ready */
enum coffer_rc device_eval_vector(struct device_eval *d, struct vector *out, struct err *e) NODISCARD;
/* Members of a submod: the extensions, and ear.trustee.identifiers where the policy has none. */
enum coffer_rc device_eval_extensions(struct device_eval *d, struct json_wr *j, struct err *e) NODISCARD;
/* Appends why a member is what it is: asked of data.policy.<member>, else of data.policy.trust_claims. */
enum coffer_rc device_eval_why(struct device_eval *d, const char *submod, size_t member, int64_t value, struct json_wr *j,
    struct err *e) NODISCARD;
