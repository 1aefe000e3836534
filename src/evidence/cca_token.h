/* Arm CCA attestation tokens (RMM specification DEN0137 A7.2; draft-ffm-rats-cca-token): bytes to struct, nothing verified.
 *
 * A token is two COSE_Sign1 messages: the platform's, signed by the platform's key (CPAK), and the realm's, signed by a key (RAK)
 * whose digest is the platform token's challenge. Collections under tag 399, and under tag 907 with each token in a pair with
 * content format 263. Both profiles: the first one's realm has no profile claim and a RAK as an uncompressed P-384 point; the
 * second one's names it and has a COSE_Key. Claims that nobody knows are passed over (RFC 9711); those that are known must have
 * their type and length (text is not empty and without control characters), and all but the marked ones must be there. */
#pragma once
#include "crypto/cose.h"

#define CCA_TOKEN_MAX (64u << 10) /* bytes */
#define CCA_SW_MAX 32
#define CCA_REMS 4

struct cca_sw { /* key of a component of firmware */
	struct span type;     /* 1, text; empty: absent */
	struct span value;    /* 2, 32, 48 or 64 bytes */
	struct span version;  /* 4, text; empty: absent */
	struct span signer;   /* 5, 32, 48 or 64 bytes */
	struct span hash_alg; /* 6, text; empty: the platform's */
};

struct cca_platform {
	struct span   profile;           /* 265, text */
	struct span   challenge;         /* 10, 32, 48 or 64 bytes: the digest of the RAK claim's content */
	struct span   implementation_id; /* 2396, 32 bytes */
	struct span   instance_id;       /* 256, 33 bytes, the first 1 */
	struct span   config;            /* 2401 */
	struct span   hash_alg;          /* 2402, text */
	struct span   service;           /* 2400, text; empty: absent */
	uint16_t      lifecycle;         /* 2395 */
	struct cca_sw sw[CCA_SW_MAX];    /* 2399, at least one */
	size_t        n_sw;
};

struct cca_realm {
	struct span profile;       /* 265, text; empty: the first profile */
	struct span challenge;     /* 10, 64 bytes: report data */
	struct span rpv;           /* 44235, 64 bytes: the personalization value, init-data's digest */
	struct span rim;           /* 44238, 32, 48 or 64 bytes */
	struct span rem[CCA_REMS]; /* 44239, likewise */
	struct span hash_alg;      /* 44236, text */
	struct span rak;           /* 44237, the claim's content: 97 bytes that begin with 4, or an encoded COSE_Key */
	struct span rak_hash_alg;  /* 44240, text */
};

/* Borrows the token's bytes. */
struct cca_token { struct cose_sign1 platform_msg, realm_msg; struct cca_platform platform; struct cca_realm realm; };

/* The whole of `in`. COFFER_E_INPUT, COFFER_E_LIMIT; *out untouched on failure. */
enum coffer_rc cca_token_parse(struct span in, struct cca_token *out, struct err *e) NODISCARD;
/* The claims alone, as the payloads of the two messages have them. */
enum coffer_rc cca_platform_parse(struct span claims, struct cca_platform *out, struct err *e) NODISCARD;
enum coffer_rc cca_realm_parse(struct span claims, struct cca_realm *out, struct err *e) NODISCARD;
/* The RAK. COFFER_E_INPUT when it is no point of its curve. */
enum coffer_rc cca_realm_key(const struct cca_realm *r, struct vkey **out, struct err *e) NODISCARD;
/* "sha-256", "sha-384", "sha-512". */
bool cca_hash(struct span name, enum hash_alg *out) NODISCARD;
