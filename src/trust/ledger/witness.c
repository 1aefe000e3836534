#include "trust/ledger/witness.h"

#include "base/str.h"

#define WHERE "add-checkpoint"

enum coffer_rc add_checkpoint_read(struct span body, struct add_checkpoint *out, struct err *e)
{
	struct add_checkpoint q = { 0 };
	struct span l;

	if (body.n > ADD_CHECKPOINT_MAX)
		return err_set(e, COFFER_E_LIMIT, WHERE ": over %u bytes", ADD_CHECKPOINT_MAX);
	if (!proof_line(&body, &l) || !span_starts(l, "old ") || !span_u64(span_skip(l, 4), &q.old))
		return err_set(e, COFFER_E_INPUT, WHERE ": the first line is not \"old N\"");
	TRY(proof_path_read(&body, WHERE, &q.path, e));
	if (q.path.n > ADD_CHECKPOINT_PATH_MAX)
		return err_set(e, COFFER_E_INPUT, WHERE ": over %d hashes", ADD_CHECKPOINT_PATH_MAX);
	if (body.n == 0)
		return err_set(e, COFFER_E_INPUT, WHERE ": no checkpoint");
	q.note = body;
	*out = q;
	return COFFER_OK;
}

void add_checkpoint_write(const struct add_checkpoint *q, struct wr *w)
{
	wr_fmt(w, "old %llu\n", (unsigned long long)q->old);
	proof_path_write(&q->path, w);
	wr_put(w, q->note);
}

bool witness_size_read(struct span body, uint64_t *out)
{
	if (body.n > 0 && body.p[body.n - 1] == '\n')
		body.n--;
	return span_u64(body, out);
}

static enum coffer_rc find_log(const struct witness_log *log, size_t n, struct span origin, struct witness_said *out,
    struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (!span_eq_str(origin, log[i].key.name))
			continue;
		out->log = i;
		return COFFER_OK;
	}
	out->status = 404;
	return err_set(e, COFFER_E_NOTFOUND, "the log is not witnessed here");
}

static enum coffer_rc continues(const struct merkle_head *had, const struct add_checkpoint *q, struct witness_said *out,
    struct err *e)
{
	const struct merkle_head next = out->head;

	if (q->old > next.size) {
		out->status = 400;
		return err_set(e, COFFER_E_INPUT, WHERE ": the old size is beyond the checkpoint's");
	}
	out->status = 409;
	out->fork = next.size == had->size && !mhash_eq(&next.root, &had->root);
	out->head = *had;
	if (out->fork)
		return err_deny(e, "ledger-fork", "the log signed two trees of %llu entries", (unsigned long long)had->size);
	if (q->old != had->size)
		return err_deny(e, "witness-size", "the witness has %llu entries", (unsigned long long)had->size);
	out->status = 422;
	if (!merkle_consistent(had, &next, &q->path))
		return err_deny(e, "witness-proof", "the checkpoint of %llu entries is not shown to continue the one of %llu",
		    (unsigned long long)next.size, (unsigned long long)had->size);
	out->head = next;
	out->status = 200;
	return COFFER_OK;
}

enum coffer_rc witness_judge(const struct witness_log *log, size_t n, struct span body, struct witness_said *out, struct err *e)
{
	struct add_checkpoint q;
	struct checkpoint c;
	struct note note;

	*out = (struct witness_said){ .status = 400 };
	TRY(add_checkpoint_read(body, &q, e));
	TRY(note_parse(q.note, &note, e));
	TRY(checkpoint_parse(note.text, &c, e));
	TRY(find_log(log, n, c.origin, out, e));
	if (note_signed_by(&note, &log[out->log].key) != NOTE_GOOD) {
		out->status = 403;
		return err_deny(e, "ledger-signature", "the checkpoint is not signed by %s", log[out->log].key.name);
	}
	out->head = c.head;
	out->note = q.note;
	out->text = note.text;
	return continues(&log[out->log].head, &q, out, e);
}
