/* The second reading: evidence of fixed layout, read by whoever decides and not by whoever parsed it.
 *
 * `eval` parses hostile text and may be broken by it. What it hands on is the hardware's own bytes and a path of certificates;
 * here the signature is verified from those bytes up to a pinned root, and everything that a release rests on is taken from the
 * signed bytes at the offsets that the vendor's document prints. So a lying eval can refuse, and nothing else.
 * Checked: every signature from the report to the root, that issuers are CAs, that the signing key is one for this firmware and chip
 * (snp), that the attestation key is the quoting enclave's (tdx, sgx), that the registers are the quoted ones (tpm), that the hardware
 * holds the digest of the text that names the virtual TPM's key (az-*).
 * Not checked, because it can only refuse: validity dates, revocation lists, TCB info: eval's. No X.509 library, no clock, no
 * text but that of a paravisor, 16 KiB of JSON (evidence/hcl.h). */
#pragma once
#include "crypto/vkey.h"
#include "evidence/facts.h"

#define FIXED_PATH_MAX 6
#define FIXED_ROOTS_MAX 24

/* pinned: the vendor's own, in roots_<vendor>.c; cert: the certificate itself, DER, where it was named and not pinned: a path may end
 * with it, whoever signed it. */
struct fixed_root { const char *name; const struct vkey *key; bool pinned; struct span cert; };

struct fixed_in {
	const char *platform;         /* "snp" "tdx" "sgx" "tpm" "swtpm" "az-snp-vtpm" "az-tdx-vtpm" */
	struct span report;           /* snp: 1184 bytes; tdx, sgx: the quote; tpm, az-*: TPMS_ATTEST */
	struct span signature;        /* tpm, az-*: TPMT_SIGNATURE */
	struct span key;              /* tpm: the AK's SubjectPublicKeyInfo; az-*: the paravisor's whole report, which names it */
	struct span registers;        /* tpm, az-*: 24 values of one bank, one after another */
	struct span quote;            /* az-tdx-vtpm: the TD's quote */
	struct span path[FIXED_PATH_MAX]; /* certificates, DER, leaf first; a pinned root is no part of it, one that was named is its end */
	size_t      n_path;
	const struct fixed_root *root;
	size_t      n_roots;
	bool        key_vouched;      /* tpm: this AK answered the caller's own credential challenge: no path is needed */
};
struct fixed_out {
	struct hw_facts facts;
	uint8_t         report_data[64];
	size_t          report_data_n;
	uint8_t         init_register[64]; /* snp HOST_DATA, tdx MRCONFIGID, sgx CONFIGID, tpm and az-* PCR 8 (n 0: not quoted) */
	size_t          init_register_n;
	const struct fixed_root *root; /* to which the path led, one of in's; NULL: none did (swtpm, a key that was vouched for) */
};
bool fixed_platform(const char *platform); /* one of the above */
/* COFFER_E_DENIED with check "R2" and a sentence; COFFER_E_INPUT for bytes that are no such report. */
enum coffer_rc fixed_read(const struct fixed_in *in, struct fixed_out *out, struct err *e) NODISCARD;

/* The key of a TPM's EK certificate, in->path[0], which leads to one of the roots: no CA's, for endorsement, RSA or P-256, and for
 * encryption or agreement where it says so. Of in, path and roots alone are read. vkey_free(*ek) when done; *root (NULL: nobody asks): that one, of in's. COFFER_E_DENIED with check
 * "R2"; COFFER_E_INPUT for a longer path. */
enum coffer_rc fixed_ek(const struct fixed_in *in, struct vkey **ek, const struct fixed_root **root, struct err *e) NODISCARD;

/* For platforms that carry such a report inside (az-*-vtpm): fields only, nothing is verified. */
struct snp_report;
struct td_report;
struct tpm_attest;
bool fixed_snp_facts(const struct snp_report *r, unsigned generation, struct hw_facts *f) NODISCARD;
/* Which chip it is, for facts: the one that the VCEK's certificate names (hwid; of a VLEK's it is empty), whatever the report says of itself, for the host may have
 * it leave the id out; with a VLEK the report's own id, and none where that is left out too. */
void fixed_snp_chip(struct span hwid, const struct snp_report *r, unsigned generation, struct hw_facts *f);
bool fixed_td_facts(const struct td_report *t, struct hw_facts *f) NODISCARD;
/* value: 24 registers of n bytes each; those that `selected` names become facts. */
bool fixed_pcr_facts(uint32_t selected, const uint8_t *value, size_t n, struct hw_facts *f) NODISCARD;

/* A pinned key of the vendor: "amd" "intel" "tpm" "hygon" "nvidia" "nvidia-rim". Read from its constants at its first use and kept
 * for the life of the process: borrowed, for any thread. *name NULL past the end. */
enum coffer_rc ev_pinned(const char *vendor, size_t i, const char **name, const struct vkey **out, struct err *e) NODISCARD;
