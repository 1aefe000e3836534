#include "cofferd/keep/witnessed.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/handlers.h"
#include "crypto/hash.h"
#include "trust/ledger/witness.h"

#define NOTE_ROOM (16u << 10) /* of a head with every witness's line */

struct held {
	bool      used;
	uint8_t   ticket[KEEP_TICKET_LEN], whose[32], asset[32];
	uint64_t  entry;
	int64_t   until;
	struct wr reply;
};

struct witnessed {
	struct genesis_policy policy;
	uint64_t              has[GENESIS_WITNESSES_MAX]; /* the size each witness signed last, as far as we saw */
	struct {
		bool               open;
		struct merkle_head head;
		struct wr          note;   /* ours, then a line of each that signed */
		uint64_t           by;     /* bit i: witness i has */
		size_t             count;
	} round;
	struct wr   best; /* the newest with enough */
	uint64_t    best_size;
	struct held held[HELD_MAX];
	size_t      bytes;
};

enum coffer_rc witnessed_new(const struct genesis *g, struct witnessed **out, struct err *e)
{
	struct witnessed *w;
	enum coffer_rc rc;

	*out = NULL;
	if (g->cosignatures == 0)
		return COFFER_OK;
	w = calloc(1, sizeof(*w));
	if (!w)
		return err_set(e, COFFER_E_SYSTEM, "witnesses: out of memory");
	rc = genesis_policy(g, &w->policy, e);
	if (rc != COFFER_OK) {
		free(w);
		return rc;
	}
	*out = w;
	return COFFER_OK;
}

static void let_go(struct witnessed *w, struct held *h)
{
	w->bytes -= h->reply.n;
	wr_close(&h->reply);
	*h = (struct held){ 0 };
}

void witnessed_free(struct witnessed *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < HELD_MAX; i++)
		wr_close(&w->held[i].reply);
	wr_close(&w->round.note);
	wr_close(&w->best);
	free(w);
}

/* ---- what waits ---- */

static void whose(const struct held_for *f, uint8_t out[static 32])
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);

	wr_put(&w, (struct span){ f->thumb, 32 });
	wr_blob32(&w, span_of(asset_path_tail(f->path)));
	wr_put(&w, (struct span){ f->statement, 32 });
	wr_u8(&w, f->scoped);
	wr_u8(&w, f->purpose);
	wr_blob32(&w, f->container);
	sha256(wr_span(&w), out);
}

static void expire(struct keep *k)
{
	struct witnessed *w = k->witnessed;

	for (size_t i = 0; i < HELD_MAX; i++)
		if (w->held[i].used && w->held[i].until < k->now)
			let_go(w, &w->held[i]);
}

bool witnessed_find(struct keep *k, const struct held_for *f, uint8_t ticket[static KEEP_TICKET_LEN])
{
	struct witnessed *w = k->witnessed;
	uint8_t of[32];

	if (!w)
		return false;
	expire(k);
	whose(f, of);
	for (size_t i = 0; i < HELD_MAX; i++) {
		if (!w->held[i].used || !span_eq(SPAN(w->held[i].whose), SPAN(of)))
			continue;
		memcpy(ticket, w->held[i].ticket, KEEP_TICKET_LEN);
		return true;
	}
	return false;
}

enum coffer_rc witnessed_room(struct keep *k, size_t bytes, struct err *e)
{
	struct witnessed *w = k->witnessed;
	size_t used = 0;

	if (!w)
		return COFFER_OK;
	expire(k);
	for (size_t i = 0; i < HELD_MAX; i++)
		used += w->held[i].used;
	if (used == HELD_MAX || bytes > HELD_BYTES_MAX - w->bytes)
		return err_set(e, COFFER_E_LIMIT, "as many replies wait for the ledger's witnesses as can be held; ask again");
	return COFFER_OK;
}

void witnessed_hold(struct keep *k, const struct held_for *f, struct span reply, uint8_t ticket[static KEEP_TICKET_LEN])
{
	struct witnessed *w = k->witnessed;
	struct held h = { .used = true, .entry = k->journal.seq, .until = k->now + HELD_S, .reply = wr_open(reply.n) };
	size_t i = 0;

	random_bytes(h.ticket, sizeof(h.ticket));
	memcpy(ticket, h.ticket, KEEP_TICKET_LEN);
	whose(f, h.whose);
	sha256(span_of(asset_path_tail(f->path)), h.asset);
	wr_put(&h.reply, reply);
	while (i < HELD_MAX && w->held[i].used)
		i++;
	if (i == HELD_MAX || !wr_ok(&h.reply)) { /* no memory: the ticket leads nowhere */
		wr_close(&h.reply);
		return;
	}
	w->held[i] = h;
	w->bytes += h.reply.n;
}

void witnessed_drop(struct keep *k)
{
	for (size_t i = 0; k->witnessed && i < HELD_MAX; i++)
		if (k->witnessed->held[i].used)
			let_go(k->witnessed, &k->witnessed->held[i]);
}

void witnessed_drop_asset(struct keep *k, const struct asset_path *p)
{
	uint8_t asset[32];

	sha256(span_of(asset_path_tail(p)), asset);
	for (size_t i = 0; k->witnessed && i < HELD_MAX; i++)
		if (k->witnessed->held[i].used && span_eq(SPAN(k->witnessed->held[i].asset), SPAN(asset)))
			let_go(k->witnessed, &k->witnessed->held[i]);
}

enum coffer_rc on_collect(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct witnessed *w = k->witnessed;
	struct rd r = rd_open(body);
	struct span ticket = rd_span(&r, KEEP_TICKET_LEN);

	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "collect: malformed");
	if (w)
		expire(k);
	for (size_t i = 0; w && i < HELD_MAX; i++) {
		struct held *h = &w->held[i];

		if (!h->used || !ct_eq(SPAN(h->ticket), ticket))
			continue;
		if (h->entry >= w->best_size)
			return err_set(e, COFFER_E_LIMIT, "entry %llu waits for %zu of the ledger's witnesses", (unsigned long long)h->entry,
			    w->policy.p.k);
		wr_put(a->out, wr_span(&h->reply));
		let_go(w, h);
		return COFFER_OK;
	}
	return err_set(e, COFFER_E_NOTFOUND, "no such reply waits; ask again");
}

/* ---- rounds ---- */

static uint64_t missing(const struct witnessed *w)
{
	return ((UINT64_C(1) << w->policy.p.n) - 1) & ~w->round.by;
}

static enum coffer_rc begin(struct keep *k, const struct merkle_head *head, struct err *e)
{
	CLEANUP(wr_close) struct wr note = wr_open(NOTE_ROOM);
	struct witnessed *w = k->witnessed;

	TRY(ledger_sign(k, &note, e));
	TRY(wr_done(&note, "checkpoint", e));
	wr_close(&w->round.note);
	w->round.open = true;
	w->round.head = *head;
	w->round.note = note;
	w->round.by = 0;
	w->round.count = 0;
	note = (struct wr){ 0 };
	return COFFER_OK;
}

enum coffer_rc on_round(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct witnessed *w = k->witnessed;
	struct keep_round_rep rep = { 0 };
	struct merkle_head head;

	(void)body;
	if (w) {
		tree_head(&k->journal.tree, &head);
		if (head.size > w->best_size && (!w->round.open || w->round.head.size != head.size))
			TRY(begin(k, &head, e));
		rep.n = (uint8_t)w->policy.p.n;
		rep.size = head.size > w->best_size ? head.size : 0;
		rep.missing = rep.size ? missing(w) : 0;
	}
	keep_round_rep_write(a->out, &rep);
	return COFFER_OK;
}

static enum coffer_rc tile_of_tree(void *ctx, const struct tile *t, struct wr *out, struct err *e)
{
	return tree_tile(ctx, t, out, e);
}

static enum coffer_rc named(const struct witnessed *w, uint8_t i, struct err *e)
{
	if (!w || !w->round.open || i >= w->policy.p.n)
		return err_set(e, COFFER_E_NOTFOUND, "no such witness, or no head for it to sign");
	return COFFER_OK;
}

enum coffer_rc on_witness(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct witnessed *w = k->witnessed;
	struct tile_source tiles = { tile_of_tree, &k->journal.tree, 0, NULL };
	const struct merkle_source src = { tile_read, &tiles };
	struct add_checkpoint q = { 0 };
	struct keep_witness_req m;

	TRY(keep_witness_req_read(body, &m, e));
	TRY(named(w, m.witness, e));
	q.old = m.told ? m.size : w->has[m.witness];
	q.note = wr_span(&w->round.note);
	if (q.old > w->round.head.size)
		return err_deny(e, "ledger-rollback", "witness %s signed a ledger of %llu entries, this service has %llu: its store is an "
		    "old copy, without the newest revocations; its operator restores the newest", w->policy.witness[m.witness].name,
		    (unsigned long long)q.old, (unsigned long long)w->round.head.size);
	tiles.size = w->round.head.size;
	if (q.old > 0 && q.old < tiles.size)
		TRY(merkle_prove_consistent(&src, q.old, tiles.size, &q.path, e));
	add_checkpoint_write(&q, a->out);
	return COFFER_OK;
}

/* The one line of that witness, written by us. */
static enum coffer_rc take_line(struct witnessed *w, size_t i, const struct note *n, struct err *e)
{
	const struct note_key *key = &w->policy.witness[i];

	for (size_t s = 0; s < n->n_sigs; s++) {
		if (n->sigs[s].id != key->id || !span_eq_str(n->sigs[s].name, key->name))
			continue;
		note_sig_line(key, (struct span){ n->sigs[s].b, n->sigs[s].n }, &w->round.note);
		return wr_done(&w->round.note, "checkpoint", e);
	}
	return err_set(e, COFFER_E_BUG, "witnesses: a line was lost");
}

static enum coffer_rc take(struct keep *k, const struct keep_cosign_req *m, struct err *e)
{
	CLEANUP(wr_close) struct wr both = wr_open(NOTE_ROOM + KEEP_COSIGN_MAX);
	struct witnessed *w = k->witnessed;
	uint64_t time = 0;
	struct note n;

	wr_put(&both, wr_span(&w->round.note));
	wr_put(&both, m->lines);
	TRY(wr_done(&both, "cosignature", e));
	TRY(note_parse(wr_span(&both), &n, e));
	if (checkpoint_cosigned_by(&n, &w->policy.witness[m->witness], &time) != NOTE_GOOD)
		return err_deny(e, "ledger-cosignature", "what came back is not %s's signature under the head it was asked for",
		    w->policy.witness[m->witness].name);
	TRY(take_line(w, m->witness, &n, e));
	w->round.by |= UINT64_C(1) << m->witness;
	w->round.count++;
	w->has[m->witness] = w->round.head.size;
	return COFFER_OK;
}

/* Every reader's own check, once more, before anything rests on it. */
static enum coffer_rc enough(struct witnessed *w, struct err *e)
{
	CLEANUP(wr_close) struct wr copy = wr_open(NOTE_ROOM);
	struct ledger_seen seen;

	TRY(checkpoint_open(wr_span(&w->round.note), &w->policy.p, &seen, e));
	wr_put(&copy, wr_span(&w->round.note));
	TRY(wr_done(&copy, "checkpoint", e));
	wr_close(&w->best);
	w->best = copy;
	w->best_size = seen.cp.head.size;
	copy = (struct wr){ 0 };
	return COFFER_OK;
}

enum coffer_rc on_cosign(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct witnessed *w = k->witnessed;
	struct keep_round_rep rep = { 0 };
	struct keep_cosign_req m;

	TRY(keep_cosign_req_read(body, &m, e));
	TRY(named(w, m.witness, e));
	if (!(w->round.by >> m.witness & 1))
		TRY(take(k, &m, e));
	if (w->round.count >= w->policy.p.k)
		TRY(enough(w, e));
	rep.n = (uint8_t)w->policy.p.n;
	rep.size = w->round.head.size > w->best_size ? w->round.head.size : 0;
	rep.missing = rep.size ? missing(w) : 0;
	keep_round_rep_write(a->out, &rep);
	return COFFER_OK;
}

enum coffer_rc witnessed_checkpoint(struct keep *k, struct wr *out, struct err *e)
{
	if (!k->witnessed || k->witnessed->best_size == 0)
		return ledger_sign(k, out, e);
	wr_put(out, wr_span(&k->witnessed->best));
	return COFFER_OK;
}

void witnessed_status(const struct keep *k, struct json_wr *j)
{
	if (!k->witnessed)
		return;
	jw_name(j, "witnessed");
	jw_obj(j);
	jw_m_u64(j, "cosignatures", k->witnessed->policy.p.k);
	jw_m_u64(j, "signed", k->witnessed->best_size);
	jw_m_u64(j, "witnesses", k->witnessed->policy.p.n);
	jw_obj_end(j);
}
