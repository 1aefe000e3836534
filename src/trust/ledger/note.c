#include "trust/ledger/note.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "fmt/unicode.h"
#include "fmt/utf8.h"

#define DASH      "\xe2\x80\x94 " /* U+2014 and a space */
#define SIG_MAX   8192            /* bytes of one signature: post-quantum ones come near 5 kB */
#define VKEY_BYTES 33             /* alg and public key */

/* ---- names and keys ---- */

bool note_name_ok(struct span name)
{
	if (name.n == 0 || name.n > NOTE_NAME_MAX || !utf8_ok(name))
		return false;
	for (size_t at = 0; at < name.n; at = utf8_next(name, at)) {
		size_t len;
		uint32_t c = utf8_at(name, at, &len);

		if (c < 0x20 || c == '+' || uc_space(c))
			return false;
	}
	return true;
}

static bool alg_known(uint8_t alg)
{
	return alg == NOTE_ED25519 || alg == NOTE_COSIGNATURE;
}

static uint32_t key_id(const struct note_key *k)
{
	struct wr w = wr_open(NOTE_NAME_MAX + 1 + VKEY_BYTES);
	uint8_t d[32];

	wr_str(&w, k->name);
	wr_u8(&w, '\n');
	wr_u8(&w, k->alg);
	wr_put(&w, SPAN(k->pub));
	if (!wr_ok(&w)) /* out of memory: an id of half a key must not come to be */
		abort();
	sha256(wr_span(&w), d);
	wr_close(&w);
	return (uint32_t)d[0] << 24 | (uint32_t)d[1] << 16 | (uint32_t)d[2] << 8 | d[3];
}

enum coffer_rc note_key_new(struct span name, enum note_alg alg, const struct pubkey *k, struct note_key *out, struct err *e)
{
	struct note_key n = { .alg = (uint8_t)alg };

	if (!note_name_ok(name))
		return err_set(e, COFFER_E_INPUT, "note key: not a name");
	if (k->kind != KEY_ED25519 || !alg_known(n.alg))
		return err_set(e, COFFER_E_INPUT, "note key: only Ed25519 signs notes");
	memcpy(n.name, name.p, name.n);
	memcpy(n.pub, k->x, sizeof(n.pub));
	n.id = key_id(&n);
	*out = n;
	return COFFER_OK;
}

static bool lower_hex32(struct span s, uint32_t *out)
{
	uint8_t b[4];

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'F')
			return false;
	if (!hex_fixed(s, b, sizeof(b)))
		return false;
	*out = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return true;
}

enum coffer_rc note_vkey_read(struct span text, struct note_key *out, struct err *e)
{
	struct note_key k = { 0 };
	size_t plus = span_find(text, '+');
	struct span name = { text.p, plus }, rest = span_skip(text, plus + 1);
	uint8_t key[VKEY_BYTES];
	uint32_t id;

	if (plus == text.n || !note_name_ok(name))
		return err_set(e, COFFER_E_INPUT, "verifier key: no name");
	if (span_find(rest, '+') != 8 || !lower_hex32((struct span){ rest.p, 8 }, &id))
		return err_set(e, COFFER_E_INPUT, "verifier key: no key id of 8 hex digits");
	if (!b64_fixed(span_skip(rest, 9), key, sizeof(key)) || !alg_known(key[0]))
		return err_set(e, COFFER_E_INPUT, "verifier key: not an Ed25519 key of type 1 or 4");
	memcpy(k.name, name.p, name.n);
	k.alg = key[0];
	memcpy(k.pub, key + 1, sizeof(k.pub));
	k.id = key_id(&k);
	if (k.id != id)
		return err_set(e, COFFER_E_INPUT, "verifier key: id %08x is not that of name and key", id);
	*out = k;
	return COFFER_OK;
}

void note_vkey_write(const struct note_key *k, struct wr *w)
{
	uint8_t key[VKEY_BYTES];

	key[0] = k->alg;
	memcpy(key + 1, k->pub, sizeof(k->pub));
	wr_fmt(w, "%s+%08x+", k->name, k->id);
	b64_write(w, SPAN(key));
}

/* ---- reading ---- */

static bool characters_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 && s.p[i] != '\n')
			return false;
	return utf8_ok(s);
}

bool note_text_ok(struct span text)
{
	return text.n > 0 && text.p[text.n - 1] == '\n' && characters_ok(text);
}

/* One line without its newline. */
static enum coffer_rc sig_read(struct span line, struct note_sig *out, struct err *e)
{
	struct span rest = span_skip(line, strlen(DASH));
	CLEANUP(wr_close) struct wr w = wr_open(SIG_MAX);
	size_t sp = span_find(rest, ' ');
	struct note_sig s = { .name = { rest.p, sp } };

	if (!span_starts(line, DASH) || sp == rest.n || !note_name_ok(s.name))
		return err_set(e, COFFER_E_INPUT, "note: a signature line without dash or key name");
	rest = span_skip(rest, sp + 1);
	if (rest.n > SIG_MAX)
		return err_set(e, COFFER_E_LIMIT, "note: signature over %d bytes", SIG_MAX);
	if (!b64_read(rest, &w) || w.n <= 4)
		return err_set(e, COFFER_E_INPUT, "note: signature is not the base64 of key id and signature");
	struct rd r = rd_open(wr_span(&w));
	s.id = rd_be32(&r);
	s.n = r.n;
	if (s.n <= sizeof(s.b))
		rd_copy(&r, s.b, s.n);
	*out = s;
	return COFFER_OK;
}

/* Index behind the last "\n\n"; 0 when there is none. */
static size_t sigs_at(struct span s)
{
	for (size_t i = s.n; i >= 2; i--)
		if (s.p[i - 1] == '\n' && s.p[i - 2] == '\n')
			return i;
	return 0;
}

enum coffer_rc note_parse(struct span s, struct note *out, struct err *e)
{
	struct note n = { 0 };
	size_t at;

	if (s.n > NOTE_MAX)
		return err_set(e, COFFER_E_LIMIT, "note: over %u bytes", NOTE_MAX);
	if (!characters_ok(s))
		return err_set(e, COFFER_E_INPUT, "note: not UTF-8, or a control character in it");
	at = sigs_at(s);
	if (at == 0 || at == s.n || s.p[s.n - 1] != '\n')
		return err_set(e, COFFER_E_INPUT, "note: no text, blank line and signature lines");
	n.text = (struct span){ s.p, at - 1 };
	for (struct span rest = span_skip(s, at); rest.n > 0;) {
		size_t end = span_find(rest, '\n');

		if (n.n_sigs == NOTE_SIGS_MAX)
			return err_set(e, COFFER_E_LIMIT, "note: over %d signatures", NOTE_SIGS_MAX);
		TRY(sig_read((struct span){ rest.p, end }, &n.sigs[n.n_sigs], e));
		n.n_sigs++;
		rest = span_skip(rest, end + 1);
	}
	*out = n;
	return COFFER_OK;
}

enum note_seen note_signed_by(const struct note *n, const struct note_key *k)
{
	struct pubkey pub = { .kind = KEY_ED25519 };
	enum note_seen seen = NOTE_ABSENT;

	if (k->alg != NOTE_ED25519)
		return NOTE_BAD;
	memcpy(pub.x, k->pub, sizeof(pub.x));
	for (size_t i = 0; i < n->n_sigs; i++) {
		const struct note_sig *s = &n->sigs[i];

		if (s->id != k->id || !span_eq_str(s->name, k->name))
			continue;
		if (s->n != SIG_LEN || !key_verify(&pub, n->text, (struct span){ s->b, SIG_LEN }))
			return NOTE_BAD;
		seen = NOTE_GOOD;
	}
	return seen;
}

enum coffer_rc note_verify(const struct note *note, const struct note_key *keys, size_t n, uint64_t *by, struct err *e)
{
	uint64_t mask = 0;

	if (n > 64)
		return err_set(e, COFFER_E_BUG, "note: over 64 keys");
	for (size_t i = 0; i < n; i++) {
		enum note_seen seen = note_signed_by(note, &keys[i]);

		if (seen == NOTE_BAD)
			return err_deny(e, "note", "note: the signature of %s does not verify", keys[i].name);
		if (seen == NOTE_GOOD)
			mask |= UINT64_C(1) << i;
	}
	if (mask == 0)
		return err_deny(e, "note", "note: no key that is known signed it");
	*by = mask;
	return COFFER_OK;
}

/* ---- writing ---- */

enum coffer_rc note_begin(struct span text, struct wr *w, struct err *e)
{
	if (!note_text_ok(text))
		return err_set(e, COFFER_E_INPUT, "note: text is not lines of UTF-8");
	wr_put(w, text);
	wr_u8(w, '\n');
	return wr_done(w, "note", e);
}

bool note_signer_ok(const struct note_signer *s)
{
	const struct pubkey *p = privkey_public(s->secret);

	return p->kind == KEY_ED25519 && span_eq(SPAN(p->x), SPAN(s->key->pub));
}

void note_sig_line(const struct note_key *k, struct span sig, struct wr *w)
{
	CLEANUP(wr_close) struct wr b = wr_open(SIG_MAX);

	wr_be32(&b, k->id);
	wr_put(&b, sig);
	if (!wr_ok(&b))
		w->bad = true;
	wr_fmt(w, DASH "%s ", k->name);
	b64_write(w, wr_span(&b));
	wr_u8(w, '\n');
}

enum coffer_rc note_sign(const struct note_signer *s, struct span text, struct wr *w, struct err *e)
{
	uint8_t sig[SIG_LEN];

	if (s->key->alg != NOTE_ED25519 || !note_signer_ok(s))
		return err_set(e, COFFER_E_INPUT, "note: the private key is not that of %s", s->key->name);
	if (!note_text_ok(text))
		return err_set(e, COFFER_E_INPUT, "note: text is not lines of UTF-8");
	TRY(key_sign(s->secret, text, sig, e));
	note_sig_line(s->key, SPAN(sig), w);
	return wr_done(w, "note", e);
}
