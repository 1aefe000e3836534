/* Appraising evidence: a pure function of (evidence, collateral, bindings wanted, time). No clock, no network, no file.
 *
 * One driver a platform: <platform>_report.c is the pure parser, <platform>.c what makes it good. A driver parses, then goes
 * through its checks in order and records each: id, holds, expected, found. Claims are written as upstream names them (shared
 * names of Trustee's verifiers), so that existing policies read them. The verdict judges evidence, collateral and the bindings
 * given; whether an owner wants such a platform (debug, TCB, measurements) is for policies and for the release decision. */
#pragma once
#include "base/wr.h"
#include "crypto/cert.h"
#include "evidence/facts.h"
#include "fmt/json.h"

enum verdict { VERDICT_VALID, VERDICT_INVALID, VERDICT_MALFORMED, VERDICT_STALE, VERDICT_COLLATERAL };
const char *verdict_name(enum verdict v); /* "valid" "invalid" "malformed" "stale" "collateral-unavailable" */

#define EV_CHECKS_MAX 32
struct ev_check {
	char id[40];                 /* "report_signature", "vek_chain", "report_data", ... : docs/evidence.md lists them per platform */
	bool holds;
	enum verdict otherwise;      /* what the verdict is when it does not hold */
	char expected[160], found[160];
};

/* What a vendor's signed manifest says that firmware of one version measures. */
struct ev_manifest {
	char      version[64];
	struct wr active; /* again and again: index (1 byte), count (1 byte), that many SHA-384 digests, each of them good */
};
struct collateral;
/* COFFER_E_INPUT: no manifest; COFFER_E_DENIED: not signed on a path to a root, or at another time. *out untouched then. */
typedef enum coffer_rc ev_manifest_reader(
    struct span text, const struct collateral *col, int64_t now, struct ev_manifest *out, struct err *e);

/* What the appraiser brings; everything borrowed. Files are recognised by content. */
#define EV_FILES_MAX 64
struct collateral {
	struct cert_list certs;      /* roots found in --roots and certificates found in --collateral are kept apart */
	struct cert_list roots;      /* beside the pinned ones */
	struct crl_list  crls;
	struct span      json[EV_FILES_MAX]; /* TCB info, QE identity and the like, as their vendor signed them */
	bool             json_root[EV_FILES_MAX]; /* it was found in --roots */
	size_t           n_json;
	struct span      other[EV_FILES_MAX];
	size_t           n_other;
	bool             anchors_by_roots; /* what nobody signed (anchors of CCA) counts among the roots only: files come from who is not believed */
	ev_manifest_reader *manifests; /* who links a reader of XML sets it (rim.h); NULL: manifests are not looked at */
};

/* A certificate or a list of them (roots: to be trusted); a revocation list; else JSON by its first byte; else bytes that a driver may
 * know. Borrows s. COFFER_E_LIMIT. */
enum coffer_rc collateral_add(struct span s, bool roots, struct collateral *c, struct err *e) NODISCARD;
void collateral_clear(struct collateral *c); /* CLEANUP-ready */
/* A credential that only the TPM of the key ak (DER SubjectPublicKeyInfo) could open (tpm_credential.h), and what was in it.
 * Both {NULL,0}: there was none. secret {NULL,0}: whoever asks compares ev_parts.activated itself; that something was shown is judged. */
struct ev_activation { struct span secret, ak; };

struct ev_in {
	struct span evidence;        /* upstream's JSON, or the raw report */
	const struct collateral *col;
	int64_t     now;             /* < 0: nothing expires */
	struct span report_data;     /* wanted; {NULL,0}: not judged. Shorter than the field: the rest must be zero */
	struct span init_data;       /* digest wanted in the platform's register; {NULL,0}: not judged */
	struct ev_activation activation; /* tpm and swtpm only */
	bool        no_values;       /* ev_out.values stays empty: they are for people who look, not for who judges */
};

/* What whoever decides reads again by itself (fixed.h): the signed bytes as the hardware wrote them, and the path from their key to
 * a vendor's root, leaf first, without the root. Filled by the drivers of fixed-layout platforms. */
#define EV_PATH_MAX 6
struct ev_parts {
	struct wr report, signature, key, registers, quote; /* each as in struct fixed_in */
	struct wr activated;         /* tpm: what the guest says was in its credential; empty: nothing */
	struct wr path[EV_PATH_MAX];
	size_t    n_path;
};

struct ev_out {
	enum verdict    verdict;     /* of the first check that does not hold */
	struct ev_check check[EV_CHECKS_MAX];
	size_t          n;
	struct wr       claims;      /* JSON object, JCS-like, the members of upstream's claims; empty when malformed */
	struct wr       values;      /* JSON object: what the parser read, named as in docs/evidence.md (for show and for tests) */
	struct ev_parts parts;
	struct hw_facts facts;       /* by drivers of other layouts; those of fixed layout leave it to fixed_read */
	uint8_t         report_data[64], init_register[64]; /* with facts */
	size_t          report_data_n, init_register_n;
};
void ev_out_clear(struct ev_out *o); /* CLEANUP-ready */
/* For drivers: opens claims and values, at most max bytes each; and says whether both could be written. */
void ev_begin(struct ev_out *o, size_t max);
enum coffer_rc ev_done(const struct ev_out *o, struct err *e) NODISCARD;
/* For drivers: copies into a part; a path that is longer than EV_PATH_MAX is left out whole. */
void ev_part(struct wr *part, struct span bytes);
void ev_part_path(struct ev_out *o, const struct cert_path *path);

struct needs;
struct tee_driver {
	const char *name;            /* "snp" */
	const char *claims_key;      /* member of the policy's input: "snp", "tpm", ... */
	const char *device_class;    /* "cpu", "gpu", "switch" */
	/* COFFER_OK whenever a verdict was reached, whatever it is; errors are ours alone (memory, bug). */
	enum coffer_rc (*appraise)(const struct ev_in *in, struct ev_out *out, struct err *e);
	bool (*looks_like)(struct span evidence); /* for `evidence show` on a file of unknown kind; raw forms by their fixed fields */
	/* What it will want from its vendor, appended (evidence/needs.h). COFFER_E_INPUT: not its evidence. NULL: nothing ever. */
	enum coffer_rc (*needs)(struct span evidence, struct needs *out, struct err *e);
};
const struct tee_driver *tee_driver_find(struct span name); /* NULL: absent */
const struct tee_driver *tee_driver_at(size_t i);           /* NULL past the end */

/* Recording. ev_need: a check that, failing, gives `otherwise`; returns holds. */
bool ev_need(struct ev_out *o, const char *id, bool holds, enum verdict otherwise, const char *expected, const char *found);
bool ev_need_hex(struct ev_out *o, const char *id, struct span expected, struct span found); /* equal bytes, INVALID otherwise */
/* Malformed: records check "form" with e's sentence; the driver returns COFFER_OK right after. */
void ev_malformed(struct ev_out *o, const struct err *e);
/* report_data and init_data as every driver judges them (padding zero). */
void ev_bindings(struct ev_out *o, const struct ev_in *in, struct span report_data, struct span init_register);

/* Pinned keys: facts in roots_<vendor>.c, each with its common name and the SHA-256 of its SubjectPublicKeyInfo. Adds the
 * vendor's ("amd", "intel", "tpm", "nvidia", "nvidia-rim") and the certificates that --roots brought. */
enum coffer_rc ev_roots(const char *vendor, const struct collateral *col, struct anchors *out, struct err *e) NODISCARD;
