/* Signed notes (C2SP signed-note) with Ed25519 keys, and the text form of their verifier keys.
 *
 * Limits: NOTE_MAX bytes, NOTE_SIGS_MAX signature lines (the specification demands 16), names up to NOTE_NAME_MAX bytes.
 * A parsed note borrows the bytes it was parsed from. Parsing believes no signature. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "crypto/key.h"

#define NOTE_MAX      (256u << 10) /* bytes of a whole note */
#define NOTE_SIGS_MAX 32
#define NOTE_NAME_MAX 255          /* bytes of a key's name */
#define NOTE_SIG_KEEP 72           /* longest signature this code can verify: u64 time and 64 bytes */

enum note_alg {
	NOTE_ED25519     = 0x01, /* over the text */
	NOTE_COSIGNATURE = 0x04, /* a witness's, with a time (checkpoint.h) */
};

/* ---- keys ---- */

struct note_key {
	char     name[NOTE_NAME_MAX + 1];
	uint8_t  alg;     /* enum note_alg */
	uint32_t id;      /* first four bytes of SHA-256(name || 0x0A || alg || pub), big endian */
	uint8_t  pub[32]; /* Ed25519 */
};

/* Non-empty UTF-8 of at most NOTE_NAME_MAX bytes without white space (Unicode's), control characters and '+'. */
bool note_name_ok(struct span name) NODISCARD;

/* COFFER_E_INPUT for a bad name, a key that is not Ed25519, or another alg. */
enum coffer_rc note_key_new(struct span name, enum note_alg alg, const struct pubkey *k, struct note_key *out,
    struct err *e) NODISCARD;

/* "name+hex8+base64(alg || pub)" (signed-note, "Verifier keys"). Read demands lower-case hex, an alg of enum note_alg, and that
 * the id is the one the rest gives. It does not check that the 32 bytes are a point; then no signature verifies. */
enum coffer_rc note_vkey_read(struct span text, struct note_key *out, struct err *e) NODISCARD;
void           note_vkey_write(const struct note_key *k, struct wr *w);

/* ---- notes ---- */

struct note_sig {
	struct span name;
	uint32_t    id;
	size_t      n;                /* bytes of the signature, the id not counted; at least 1 */
	uint8_t     b[NOTE_SIG_KEEP]; /* the signature when n <= NOTE_SIG_KEEP, else zeros */
};

struct note {
	struct span     text; /* with its last newline */
	size_t          n_sigs;
	struct note_sig sigs[NOTE_SIGS_MAX];
};

/* What may be signed: UTF-8, no control character but newline, newline at the end. */
bool note_text_ok(struct span text) NODISCARD;

/* COFFER_E_INPUT for any other form, COFFER_E_LIMIT beyond a limit. *out untouched on failure. */
enum coffer_rc note_parse(struct span s, struct note *out, struct err *e) NODISCARD;

enum note_seen { NOTE_ABSENT, NOTE_GOOD, NOTE_BAD };

/* Whether the key (alg NOTE_ED25519; NOTE_BAD for another) signed the text. NOTE_BAD when any line with its name and id
 * does not verify: the specification says to reject such a note whole. */
enum note_seen note_signed_by(const struct note *n, const struct note_key *k) NODISCARD;

/* The note is signed by at least one of the n keys and carries no bad signature of any of them; *by (bit i for keys[i], n <= 64)
 * tells by which. COFFER_E_DENIED (check "note") otherwise. */
enum coffer_rc note_verify(const struct note *note, const struct note_key *keys, size_t n, uint64_t *by, struct err *e) NODISCARD;

/* ---- writing ---- */

/* The text and the blank line, to which signature lines are appended. COFFER_E_INPUT unless note_text_ok. */
enum coffer_rc note_begin(struct span text, struct wr *w, struct err *e) NODISCARD;
struct note_signer {
	const struct note_key *key;
	const struct privkey  *secret; /* must be the key's own; signing checks it */
};
/* One signature line over the text by a NOTE_ED25519 key. COFFER_E_INPUT when private and named key do not belong together. */
enum coffer_rc note_sign(const struct note_signer *s, struct span text, struct wr *w, struct err *e) NODISCARD;
/* The line for signature bytes made elsewhere. */
void note_sig_line(const struct note_key *k, struct span sig, struct wr *w);
/* Whether the private key is the one the named key stands for. */
bool note_signer_ok(const struct note_signer *s) NODISCARD;
