/* X.509 certificates and revocation lists of makers of evidence. Never linked into `keep` (tests/unit/test_keep_symbols.sh).
 *
 * Certificates are read by cert_parse.h; revocation lists by OpenSSL (and judged by it where their algorithm is not one of
 * der_cert_signed_by), and those with a critical extension, their own or an
 * entry's, are refused (RFC 5280 5.2, 5.3). Path checking is ours (RFC 5280, the part that these hierarchies use): signatures,
 * names, CA and path length constraints, key usage keyCertSign where present, validity where a time is given, critical extensions
 * that nobody here understands refuse.
 * Names are the same when their DER is: stricter than RFC 5280 7.1, which folds case and spaces. An issuer writes its name into
 * what it signs as its own certificate has it (4.1.2.4), and all makers' that we know do.
 * Signatures: the algorithms of der_cert_signed_by by keys of vkey.h. SHA-1, PSS with another salt, RSA under 2048 bits, Ed25519
 * and SM2 refuse as a wrong signature does.
 * Not checked: extensions that are not critical and not used here, well-formed or not. */
#pragma once
#include "crypto/vkey.h"

#define CERT_UNLISTED "no current revocation list of a certificate's issuer"
#define CERT_CN_MAX 128 /* with the NUL; some are longer than X.520 allows */

struct cert;
struct crl;
struct cert_list { struct cert *c[16]; size_t n; }; /* owns them */
struct crl_list { struct crl *c[16]; size_t n; };

enum coffer_rc cert_der(struct span der, struct cert **out, struct err *e) NODISCARD;
void cert_free(struct cert *c);
static inline void cert_freep(struct cert **c) { cert_free(*c); *c = NULL; }
/* PEM blocks one after another (text around them and blocks of other things are passed over, a malformed block refuses all), or
 * one DER; appends. COFFER_E_LIMIT past 16. */
enum coffer_rc certs_read(struct span pem_or_der, struct cert_list *out, struct err *e) NODISCARD;
void certs_clear(struct cert_list *l); /* CLEANUP-ready */
/* Appends the same certificates, not copies: each is freed with the last list that holds it. COFFER_E_LIMIT past 16. */
enum coffer_rc certs_share(const struct cert_list *from, struct cert_list *to, struct err *e) NODISCARD;
/* The same without those that are there already, byte for byte. */
enum coffer_rc certs_join(const struct cert_list *from, struct cert_list *to, struct err *e) NODISCARD;

struct span cert_bytes(const struct cert *c);      /* its DER, borrowed */
const struct vkey *cert_key(const struct cert *c); /* borrowed; NULL: of a kind that vkey.h lacks */
void cert_fingerprint(const struct cert *c, uint8_t out[static 32]); /* SHA-256 of the DER */
bool cert_subject_cn(const struct cert *c, char *out, size_t n) NODISCARD;
bool cert_issuer_cn(const struct cert *c, char *out, size_t n) NODISCARD;
struct span cert_serial(const struct cert *c);     /* big endian, no leading zero */
void cert_dates(const struct cert *c, int64_t *not_before, int64_t *not_after);
/* The extension's value (content of its OCTET STRING); false when absent. oid in dotted form. */
bool cert_ext(const struct cert *c, const char *oid, struct span *out) NODISCARD;
/* What a leaf's extensions say that its key is for; malformed ones say nothing. `purpose`: an extended key usage that must be
 * named, in dotted form. `usage`: allowed where there is a key usage at all. */
bool cert_is_ca(const struct cert *c); /* also where basic constraints or key usage are malformed */
bool cert_has_purpose(const struct cert *c, const char *purpose);
enum cert_usage { CERT_SIGNATURE, CERT_ENCIPHERMENT, CERT_AGREEMENT };
bool cert_allows(const struct cert *c, enum cert_usage usage);
/* Signature and names only. */
bool cert_signed_by(const struct cert *c, const struct cert *issuer) NODISCARD;

/* DER or PEM revocation list. */
enum coffer_rc crl_read(struct span pem_or_der, struct crl **out, struct err *e) NODISCARD;
void crl_free(struct crl *c);
void crls_clear(struct crl_list *l); /* CLEANUP-ready */
bool crl_signed_by(const struct crl *l, const struct cert *issuer) NODISCARD;
/* Issuer's common name and signature. */
bool crl_signed_by_key(const struct crl *l, const char *issuer_cn, const struct vkey *key) NODISCARD;
bool crl_lists(const struct crl *l, struct span serial) NODISCARD;
void crl_dates(const struct crl *l, int64_t *this_update, int64_t *next_update); /* next 0: none */

struct cert_rules {
	int64_t                 now;          /* < 0: validity is not judged */
	const struct crl_list  *crls;         /* NULL: revocation is not judged */
	bool                    crl_required; /* each issuer below the anchor must have a current list (COFFER_E_UPSTREAM otherwise) */
};
/* What is trusted as it is: pinned keys under their common names, and certificates that the user brought. */
struct anchors {
	struct { char cn[CERT_CN_MAX]; const struct vkey *key; struct vkey *own; } key[16]; /* own: NULL, or the same */
	size_t           n_keys;
	struct cert_list certs;
};
void anchors_clear(struct anchors *a); /* CLEANUP-ready */
/* Takes the key. COFFER_E_LIMIT. */
enum coffer_rc anchors_add(struct anchors *a, const char *cn, struct vkey *key, struct err *e) NODISCARD;
/* The same of a key that outlives the anchors. */
enum coffer_rc anchors_borrow(struct anchors *a, const char *cn, const struct vkey *key, struct err *e) NODISCARD;
/* Issuer's common name and signature. */
bool cert_signed_by_key(const struct cert *c, const char *issuer_cn, const struct vkey *key) NODISCARD;

/* From leaf over `between` (any order) to an anchor. *path (may be NULL) gets the certificates used, leaf first, borrowed, and
 * the common name of the anchor. COFFER_E_DENIED with check "chain", "validity", "revoked"; COFFER_E_UPSTREAM where a revocation
 * list is wanted and missing. unlisted: rules.crls have no current list of some issuer; with crl_required such a path is refused.
 * outdated: of each such issuer they have one, but not of this time. */
struct cert_path {
	const struct cert *c[8];
	size_t             n;
	char               anchor[CERT_CN_MAX];
	const struct vkey *anchor_key; /* signed the last of c; borrowed from the anchors. NULL: the last of c is the anchor */
	bool               unlisted, outdated;
};
enum coffer_rc cert_chain(const struct cert *leaf, const struct cert_list *between, const struct anchors *anchors,
    const struct cert_rules *rules, struct cert_path *path, struct err *e) NODISCARD;
