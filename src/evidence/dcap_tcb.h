/* Intel's signed collateral: TCB info (version 3) and QE identity (version 2), and where a platform stands in them.
 * Spec: Intel PCS API version 4, "Get TCB Info", "Get Quoting Enclave Identity"; appraisal as Intel's "TCB level selection" says. */
#pragma once
#include "crypto/cert.h"
#include "evidence/dcap_pck.h"
#include "evidence/dcap_quote.h"
#include "fmt/json.h"

enum tcb_status {
	TCB_UP_TO_DATE, TCB_SW_HARDENING, TCB_CONFIG, TCB_CONFIG_SW_HARDENING, TCB_OUT_OF_DATE, TCB_OUT_OF_DATE_CONFIG, TCB_REVOKED,
	TCB_NONE
};
const char *tcb_status_name(enum tcb_status s); /* Intel's names; TCB_NONE: "no matching level" */

/* One signed document: the exact bytes that were signed, the signature, what it says. */
struct signed_json {
	struct wr        text;      /* owned: the signed bytes */
	uint8_t          sig[64];
	struct json_doc *doc;       /* owned */
	int64_t          issued, next_update;
	bool             present;
};
void signed_json_clear(struct signed_json *s);

struct dcap_collateral {
	struct signed_json tcb_info, qe_identity;
	struct cert_list   certs;   /* of their signers, and PCK CAs */
	struct crl_list    crls;
};
void dcap_collateral_clear(struct dcap_collateral *c);
/* What a quote wants of it. Of several documents of a kind the one stays that is for this TEE and this platform; of those the one
 * issued last, though not after `now`; of those issued together the one of the later evaluation (tcbEvaluationDataNumber). Where none
 * fits, one that does not stays, and is refused by what judges it. */
struct dcap_wanted {
	bool              td;
	const struct pck *pck; /* NULL: not known */
	int64_t           now; /* < 0: any */
};
/* One file's text: {"tcbInfo":...,"signature":...}, {"enclaveIdentity":...,"signature":...}, or all of it in one object ("tcb_info",
 * "tcb_info_signature", "qe_identity", ..., "pck_crl", "root_ca_crl", issuer chains). Foreign JSON is passed over; a document of these that
 * is malformed is COFFER_E_INPUT. No signature is checked here. */
enum coffer_rc dcap_collateral_add(
    struct dcap_collateral *c, struct span text, const struct dcap_wanted *w, struct err *e) NODISCARD;

struct tcb_standing {
	bool            matched;
	size_t          level;       /* index */
	enum tcb_status status;
	char            date[24];
	const struct json *advisories; /* borrowed; may be NULL */
	bool            has_module;
	char            module_id[16];
	enum tcb_status module;
};
/* COFFER_E_DENIED (check "fmspc") when it is for another platform; COFFER_E_INPUT when it has not its form. No matching level: matched false. */
enum coffer_rc tcb_info_judge(const struct signed_json *info, const struct pck *p, const struct dcap_quote *q,
    struct tcb_standing *out, struct err *e) NODISCARD;

/* The quoting enclave's identity and version. COFFER_E_DENIED (check "qe_identity") when it is another enclave. */
enum coffer_rc qe_identity_judge(
    const struct signed_json *id, const struct dcap_quote *q, enum tcb_status *out, struct err *e) NODISCARD;

/* The worse of platform, module and quoting enclave, as Intel combines them. */
enum tcb_status tcb_converge(const struct tcb_standing *s, enum tcb_status qe);
