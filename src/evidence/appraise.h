/* Appraisal by policy: claims that a driver found valid, compared with reference values by Rego, as an EAR.
 *
 * A pure function, without file, clock or network; steps and memory of each evaluation are bounded. It fails closed: a policy that
 * cannot be compiled, stops, has no trust_claims or yields anything but AR4SI numbers gives no EAR at all, and so does a device
 * without a policy for its class. The names of upstream (Trustee's attestation service) are kept: `input` is {"<tee>": claims,
 * "report_data", "init_data", "init_data_claims", "runtime_data_claims"}, `data` is empty, the rules are data.policy.trust_claims
 * and data.policy.extensions, the host function is query_reference_value(name) -> value or null. Of our own is input.platform, the
 * driver's name, since tpm and swtpm share their claims' name.
 *
 * Not checked: that runtime_data is what report_data is the digest of (whoever asked for the binding knows how it was hashed). */
#pragma once
#include "crypto/hash.h"
#include "evidence/evidence.h"
#include "evidence/refs.h"
#include "policy/policy.h"

#define APPRAISE_DEVICES_MAX 32
#define APPRAISE_CLASSES_MAX 8
#define APPRAISE_CLAIMS_MAX  (1u << 20) /* bytes of one device's claims, of the parsed init-data, of the runtime data */
#define APPRAISE_POLICY_MAX  (256u << 10)
#define APPRAISE_EAR_MAX     (8u << 20)

struct appraise_device {
	const struct tee_driver *tee;
	enum verdict             verdict; /* anything but VERDICT_VALID refuses: a policy never sees such claims */
	struct span              claims;  /* JSON object, as the driver wrote it */
};

struct appraise_policy {
	const char *device_class; /* "cpu", "gpu", "switch", "ppcie" */
	const char *id;           /* becomes ear.appraisal-policy-id */
	const char *file;         /* named in reasons */
	struct span text;
	const struct rego_policy *ready; /* the same, compiled by appraise_compile; NULL: compiled for each appraisal */
};
/* The built-in one (policies/attestation), id "default". False: none for that class. */
bool appraise_default(const char *device_class, struct appraise_policy *out) NODISCARD;
/* Compiled once for many appraisals. rego_policy_free when done. Errors as appraise(). */
enum coffer_rc appraise_compile(const struct appraise_policy *p, struct rego_policy **out, struct err *e) NODISCARD;

struct appraise_in {
	const struct appraise_device *device;
	size_t                        n_devices;
	const struct appraise_policy *policy; /* one a class; a class without one is appraised by the default when `defaults` */
	size_t                        n_policies;
	bool                          defaults;
	const struct refs            *refs;         /* NULL: none */
	struct span                   init_data;    /* the init-data's TOML, whose digest the evidence held; {NULL,0}: none */
	struct span                   runtime_data; /* JSON object; {NULL,0}: none */
	int64_t                       now;          /* iat; < 0: no reference value expires, and iat is 0 */
	const char                   *build;        /* of ear.verifier-id */
};

enum ear_tier { EAR_NONE, EAR_AFFIRMING, EAR_WARNING, EAR_CONTRAINDICATED };
const char   *ear_tier_name(enum ear_tier t);
enum ear_tier ear_tier_of(int64_t claim); /* AR4SI section 2.3.2: by magnitude of -128..127 */

struct appraise_out {
	enum ear_tier status; /* the worst of all devices; none counts as worse than affirming here */
	struct wr     ear;    /* JSON object: eat_profile, iat, ear.verifier-id, submods */
	struct wr     why;    /* JSON array: for each member that is not affirming {submod, member, value, tier, file, line, statement,
	                         path, found, wanted, "reference-values": {name: "absent"|"expired"}} */
};
void appraise_clear(struct appraise_out *o); /* CLEANUP-ready */

/* COFFER_E_DENIED with check "verdict", "policy" (its error with file:line), "trust-claims", "extensions"; COFFER_E_INPUT for
 * claims, init-data or runtime data that are malformed; COFFER_E_LIMIT; COFFER_E_SYSTEM. On error nothing is in *out. */
enum coffer_rc appraise(const struct appraise_in *in, struct appraise_out *out, struct err *e) NODISCARD;

/* The parsed init-data as upstream names it: its data map, aa.toml and cdh.toml parsed, policy.rego as agent_policy_claims where
 * it has them. JSON object. */
enum coffer_rc initdata_claims(struct span toml, struct wr *out, struct err *e) NODISCARD;
/* The digest by the algorithm that the init-data names (sha256, sha384, sha512), over its bytes as they are. */
enum coffer_rc initdata_digest(struct span toml, uint8_t out[static HASH_MAX], size_t *n, struct err *e) NODISCARD;
