#include "trust/ledger/checkpoint.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

#define COSIG_LEN (8 + SIG_LEN)

/* ---- the text ---- */

/* One line without its newline, taken off s; an empty span when there is none left. */
static struct span line(struct span *s)
{
	size_t n = span_find(*s, '\n');
	struct span l = { s->p, n };

	*s = span_skip(*s, n + 1);
	return l;
}

static bool no_empty_line(struct span s)
{
	while (s.n > 0)
		if (line(&s).n == 0)
			return false;
	return true;
}

static bool head_ok(const struct merkle_head *h)
{
	struct mhash none;

	merkle_empty(&none);
	return h->size <= MERKLE_SIZE_MAX && (h->size != 0 || mhash_eq(&h->root, &none));
}

enum coffer_rc checkpoint_parse(struct span text, struct checkpoint *out, struct err *e)
{
	struct checkpoint c = { 0 };
	struct span rest = text;

	if (!note_text_ok(text))
		return err_set(e, COFFER_E_INPUT, "checkpoint: not lines of UTF-8");
	c.origin = line(&rest);
	if (!note_name_ok(c.origin))
		return err_set(e, COFFER_E_INPUT, "checkpoint: first line is not an origin");
	if (!span_u64(line(&rest), &c.head.size))
		return err_set(e, COFFER_E_INPUT, "checkpoint: second line is not a tree size");
	if (!b64_fixed(line(&rest), c.head.root.b, sizeof(c.head.root.b)))
		return err_set(e, COFFER_E_INPUT, "checkpoint: third line is not a root hash");
	if (!head_ok(&c.head))
		return err_set(e, COFFER_E_INPUT, "checkpoint: no tree has that size and root");
	if (!no_empty_line(rest))
		return err_set(e, COFFER_E_INPUT, "checkpoint: an empty line");
	c.extensions = rest;
	*out = c;
	return COFFER_OK;
}

enum coffer_rc checkpoint_write(const struct checkpoint *c, struct wr *w, struct err *e)
{
	if (!note_name_ok(c->origin) || !head_ok(&c->head))
		return err_set(e, COFFER_E_INPUT, "checkpoint: bad origin, size or root");
	if (c->extensions.n > 0 && (!note_text_ok(c->extensions) || !no_empty_line(c->extensions)))
		return err_set(e, COFFER_E_INPUT, "checkpoint: extensions are not lines");
	wr_put(w, c->origin);
	wr_fmt(w, "\n%llu\n", (unsigned long long)c->head.size);
	b64_write(w, SPAN(c->head.root.b));
	wr_u8(w, '\n');
	wr_put(w, c->extensions);
	return wr_done(w, "checkpoint", e);
}

/* ---- cosignatures ---- */

static void cosigned_message(struct span text, uint64_t time, struct wr *w)
{
	wr_fmt(w, "cosignature/v1\ntime %llu\n", (unsigned long long)time);
	wr_put(w, text);
}

enum coffer_rc checkpoint_cosign(const struct note_signer *s, struct span text, uint64_t time, struct wr *w, struct err *e)
{
	CLEANUP(wr_close) struct wr m = wr_open(NOTE_MAX + 64), sig = wr_open(COSIG_LEN);
	struct checkpoint c;
	uint8_t b[SIG_LEN];

	if (s->key->alg != NOTE_COSIGNATURE || !note_signer_ok(s))
		return err_set(e, COFFER_E_INPUT, "cosignature: the private key is not that of witness %s", s->key->name);
	if (time > INT64_MAX)
		return err_set(e, COFFER_E_INPUT, "cosignature: time over 2^63 - 1");
	TRY(checkpoint_parse(text, &c, e));
	cosigned_message(text, time, &m);
	TRY(wr_done(&m, "cosignature", e));
	TRY(key_sign(s->secret, wr_span(&m), b, e));
	wr_be64(&sig, time);
	wr_put(&sig, SPAN(b));
	TRY(wr_done(&sig, "cosignature", e));
	note_sig_line(s->key, wr_span(&sig), w);
	return wr_done(w, "cosignature", e);
}

static bool cosig_ok(const struct note_sig *s, const struct note_key *k, struct span text, uint64_t *time)
{
	CLEANUP(wr_close) struct wr m = wr_open(NOTE_MAX + 64);
	struct pubkey pub = { .kind = KEY_ED25519 };
	struct rd r = rd_open((struct span){ s->b, COSIG_LEN });
	uint64_t hi = rd_be32(&r), t = hi << 32 | rd_be32(&r);

	if (s->n != COSIG_LEN || t > INT64_MAX)
		return false;
	memcpy(pub.x, k->pub, sizeof(pub.x));
	cosigned_message(text, t, &m);
	if (!wr_ok(&m) || !key_verify(&pub, wr_span(&m), rd_span(&r, SIG_LEN)))
		return false;
	if (t > *time)
		*time = t;
	return true;
}

enum note_seen checkpoint_cosigned_by(const struct note *n, const struct note_key *k, uint64_t *time)
{
	enum note_seen seen = NOTE_ABSENT;
	uint64_t newest = 0;

	if (k->alg != NOTE_COSIGNATURE)
		return NOTE_BAD;
	for (size_t i = 0; i < n->n_sigs; i++) {
		const struct note_sig *s = &n->sigs[i];

		if (s->id != k->id || !span_eq_str(s->name, k->name))
			continue;
		if (!cosig_ok(s, k, n->text, &newest))
			return NOTE_BAD;
		seen = NOTE_GOOD;
	}
	if (seen == NOTE_GOOD)
		*time = newest;
	return seen;
}

/* ---- policy ---- */

static bool same(const struct note_key *a, const struct note_key *b)
{
	return !strcmp(a->name, b->name) || span_eq(SPAN(a->pub), SPAN(b->pub));
}

enum coffer_rc ledger_policy_ok(const struct ledger_policy *p, struct err *e)
{
	if (p->log->alg != NOTE_ED25519)
		return err_set(e, COFFER_E_INPUT, "ledger policy: %s is not a log's key", p->log->name);
	if (p->n > WITNESSES_MAX || p->k > p->n)
		return err_set(e, COFFER_E_INPUT, "ledger policy: %zu of %zu witnesses", p->k, p->n);
	for (size_t i = 0; i < p->n; i++) {
		if (p->witnesses[i].alg != NOTE_COSIGNATURE)
			return err_set(e, COFFER_E_INPUT, "ledger policy: %s is not a witness's key", p->witnesses[i].name);
		if (same(&p->witnesses[i], p->log))
			return err_set(e, COFFER_E_INPUT, "ledger policy: the log is no witness of itself");
		for (size_t j = 0; j < i; j++)
			if (same(&p->witnesses[i], &p->witnesses[j]))
				return err_set(e, COFFER_E_INPUT, "ledger policy: witness %s twice", p->witnesses[i].name);
	}
	return COFFER_OK;
}

static enum coffer_rc count(const struct note *n, const struct ledger_policy *p, struct ledger_seen *out, struct err *e)
{
	struct ledger_seen seen = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		uint64_t time = 0;
		enum note_seen s = checkpoint_cosigned_by(n, &p->witnesses[i], &time);

		if (s == NOTE_BAD)
			return err_deny(e, "ledger-cosignature", "checkpoint: the cosignature of %s does not verify",
			    p->witnesses[i].name);
		if (s == NOTE_ABSENT)
			continue;
		seen.count++;
		seen.by |= UINT64_C(1) << i;
		if (time > seen.newest)
			seen.newest = time;
	}
	if (seen.count < p->k)
		return err_deny(e, "ledger-witness", "checkpoint: %zu of the %zu witnesses wanted cosigned", seen.count, p->k);
	*out = seen;
	return COFFER_OK;
}

enum coffer_rc checkpoint_open(struct span note, const struct ledger_policy *p, struct ledger_seen *out, struct err *e)
{
	struct ledger_seen seen;
	struct checkpoint c;
	struct note n;

	TRY(ledger_policy_ok(p, e));
	TRY(note_parse(note, &n, e));
	TRY(checkpoint_parse(n.text, &c, e));
	if (!span_eq_str(c.origin, p->log->name))
		return err_deny(e, "ledger-origin", "checkpoint: of another log, not %s", p->log->name);
	if (note_signed_by(&n, p->log) != NOTE_GOOD)
		return err_deny(e, "ledger-signature", "checkpoint: not signed by %s", p->log->name);
	TRY(count(&n, p, &seen, e));
	seen.cp = c;
	*out = seen;
	return COFFER_OK;
}
