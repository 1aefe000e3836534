#include "trust/ledger/proof.h"

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

#define MAGIC "c2sp.org/tlog-proof@v1"

void tlog_proof_clear(struct tlog_proof *p)
{
	wr_close(&p->extra);
	*p = (struct tlog_proof){ 0 };
}

static enum coffer_rc bad(struct err *e, const char *what)
{
	return err_set(e, COFFER_E_INPUT, "tlog-proof: %s", what);
}

bool proof_line(struct span *s, struct span *out)
{
	size_t n = span_find(*s, '\n');

	if (n == s->n)
		return false;
	*out = (struct span){ s->p, n };
	*s = span_skip(*s, n + 1);
	return true;
}

static enum coffer_rc extra_read(struct span text, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(TLOG_PROOF_EXTRA_MAX);

	if (text.n > TLOG_PROOF_EXTRA_MAX / 3 * 4 + 4)
		return err_set(e, COFFER_E_LIMIT, "tlog-proof: over %u bytes of extra data", TLOG_PROOF_EXTRA_MAX);
	if (!b64_read(text, &w) || w.n == 0)
		return bad(e, "extra data is not base64 of one byte or more");
	*out = w;
	w = (struct wr){ 0 };
	return COFFER_OK;
}

enum coffer_rc proof_path_read(struct span *s, const char *what, struct merkle_proof *out, struct err *e)
{
	struct merkle_proof p = { 0 };
	struct span l;

	while (proof_line(s, &l)) {
		if (l.n == 0) {
			*out = p;
			return COFFER_OK;
		}
		if (p.n == MERKLE_PROOF_MAX)
			return err_set(e, COFFER_E_LIMIT, "%s: over %d hashes", what, MERKLE_PROOF_MAX);
		if (!b64_fixed(l, p.h[p.n].b, 32))
			return err_set(e, COFFER_E_INPUT, "%s: a line of the path is not a hash", what);
		p.n++;
	}
	return err_set(e, COFFER_E_INPUT, "%s: no empty line behind the path", what);
}

void proof_path_write(const struct merkle_proof *p, struct wr *w)
{
	for (size_t i = 0; i < p->n && i < MERKLE_PROOF_MAX; i++) {
		b64_write(w, SPAN(p->h[i].b));
		wr_u8(w, '\n');
	}
	wr_u8(w, '\n');
}

static enum coffer_rc note_ok(struct span s, struct err *e)
{
	struct checkpoint c;
	struct note n;

	TRY(note_parse(s, &n, e));
	return checkpoint_parse(n.text, &c, e);
}

enum coffer_rc tlog_proof_parse(struct span s, struct tlog_proof *out, struct err *e)
{
	CLEANUP(tlog_proof_clear) struct tlog_proof p = { 0 };
	struct span l;

	if (s.n > TLOG_PROOF_MAX)
		return err_set(e, COFFER_E_LIMIT, "tlog-proof: over %u bytes", TLOG_PROOF_MAX);
	if (!proof_line(&s, &l) || !span_eq_str(l, MAGIC))
		return bad(e, "first line is not " MAGIC);
	if (!proof_line(&s, &l))
		return bad(e, "no index");
	if (span_starts(l, "extra ")) {
		TRY(extra_read(span_skip(l, 6), &p.extra, e));
		if (!proof_line(&s, &l))
			return bad(e, "no index");
	}
	if (!span_starts(l, "index ") || !span_u64(span_skip(l, 6), &p.index))
		return bad(e, "no index");
	TRY(proof_path_read(&s, "tlog-proof", &p.path, e));
	TRY(note_ok(s, e));
	p.note = s;
	*out = p;
	p = (struct tlog_proof){ 0 };
	return COFFER_OK;
}

enum coffer_rc tlog_proof_write(const struct tlog_proof *p, struct wr *w, struct err *e)
{
	TRY(note_ok(p->note, e));
	if (p->path.n > MERKLE_PROOF_MAX || p->extra.n > TLOG_PROOF_EXTRA_MAX)
		return err_set(e, COFFER_E_LIMIT, "tlog-proof: path or extra data beyond the limit");
	wr_str(w, MAGIC "\n");
	if (p->extra.n > 0) {
		wr_str(w, "extra ");
		b64_write(w, wr_span(&p->extra));
		wr_u8(w, '\n');
	}
	wr_fmt(w, "index %llu\n", (unsigned long long)p->index);
	proof_path_write(&p->path, w);
	wr_put(w, p->note);
	return wr_done(w, "tlog-proof", e);
}

enum coffer_rc tlog_proof_verify(const struct tlog_proof *p, const struct mhash *leaf, const struct ledger_policy *policy,
    struct ledger_seen *out, struct err *e)
{
	struct ledger_seen s;

	TRY(checkpoint_open(p->note, policy, &s, e));
	if (!merkle_included(p->index, s.cp.head.size, leaf, &p->path, &s.cp.head.root))
		return err_deny(e, "ledger-inclusion", "tlog-proof: the leaf is not entry %llu of the tree of %llu",
		    (unsigned long long)p->index, (unsigned long long)s.cp.head.size);
	*out = s;
	return COFFER_OK;
}
