#include "cofferd/keep/witnessed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/concerned.h"
#include "cofferd/keep/cosigned.h"
#include "cofferd/keep/handlers.h"
#include "cofferd/keep/registry.h"
#include "crypto/hash.h"
#include "trust/ledger/witness.h"

#define NOTE_ROOM COSIGNED_MAX

struct held {
	bool      used;
	uint8_t   ticket[KEEP_TICKET_LEN], whose[32], asset[32];
	struct concerned concerned;
	size_t    level; /* whose signatures it waits for */
	uint64_t  entry;
	int64_t   until;
	struct wr reply;
};

/* The genesis as it was founded, then as each amendment left it. */
struct level {
	uint8_t               amendment[32];
	struct genesis_policy policy;
	uint64_t              best_size; /* of the newest head with enough of these */
	struct wr             best;      /* that head */
};

struct witnessed {
	struct level          level[AMENDMENTS_MAX + 1];
	size_t                n_levels;
	struct witnesses_ever all;
	uint64_t              has[WITNESSES_EVER_MAX]; /* the size each witness signed last, as far as we saw */
	struct {
		bool               open;
		struct merkle_head head;
		struct wr          note;   /* ours, then a line of each that signed */
		uint64_t           by;     /* bit i: witness i has */
	} round;
	struct held held[HELD_MAX];
	size_t      bytes;
};

static enum coffer_rc add_level(struct witnessed *w, const struct genesis *g, const uint8_t *id, struct err *e)
{
	struct level *l = &w->level[w->n_levels];

	if (w->n_levels > AMENDMENTS_MAX || !witnesses_ever_add(&w->all, g))
		return err_set(e, COFFER_E_BUG, "witnesses: more than were admitted");
	TRY(genesis_policy(g, &l->policy, e));
	if (id)
		memcpy(l->amendment, id, sizeof(l->amendment));
	w->n_levels++;
	return COFFER_OK;
}

static enum coffer_rc add_levels(struct witnessed *w, const struct parties *p, struct err *e)
{
	TRY(add_level(w, p->founded, NULL, e));
	for (size_t i = 0; i < p->n_amended; i++)
		TRY(add_level(w, &p->amended[i].g, p->amended[i].id, e));
	return COFFER_OK;
}

enum coffer_rc witnessed_new(const struct parties *p, struct witnessed **out, struct err *e)
{
	struct witnessed *w;
	enum coffer_rc rc;

	*out = NULL;
	if (parties_genesis(p)->cosignatures == 0) /* no amendment asks for fewer */
		return COFFER_OK;
	w = calloc(1, sizeof(*w));
	if (!w)
		return err_set(e, COFFER_E_SYSTEM, "witnesses: out of memory");
	rc = add_levels(w, p, e);
	if (rc != COFFER_OK) {
		free(w);
		return rc;
	}
	*out = w;
	return COFFER_OK;
}

enum coffer_rc witnessed_amended(struct keep *k, struct err *e)
{
	struct witnessed *now = NULL;

	TRY(witnessed_new(&k->registry.parties, &now, e));
	witnessed_free(k->witnessed);
	k->witnessed = now;
	k->addresses_new = true;
	return witnessed_restore(k, e);
}

static const struct level *newest(const struct witnessed *w)
{
	return &w->level[w->n_levels - 1];
}

static enum coffer_rc restore(struct keep *k, size_t i, struct err *e)
{
	CLEANUP(wr_close) struct wr note = wr_open(NOTE_ROOM);
	struct level *l = &k->witnessed->level[i];

	TRY(cosigned_read(k->store, i, &note, e));
	l->best_size = note.n > 0 ? cosigned_size(&k->journal, &l->policy, wr_span(&note)) : 0;
	if (l->best_size == 0)
		return COFFER_OK;
	wr_close(&l->best);
	l->best = note;
	note = (struct wr){ 0 };
	return COFFER_OK;
}

enum coffer_rc witnessed_restore(struct keep *k, struct err *e)
{
	for (size_t i = 0; k->witnessed && i < k->witnessed->n_levels; i++)
		if (k->witnessed->level[i].policy.p.k > 0)
			TRY(restore(k, i, e));
	return COFFER_OK;
}

enum coffer_rc witnessed_addresses(const struct keep *k, struct wr *out, struct err *e)
{
	for (size_t i = 0; k->witnessed && i < k->witnessed->all.n; i++)
		wr_fmt(out, "%s\n", k->witnessed->all.w[i].url);
	return wr_done(out, "addresses", e);
}

/* An asset that names no amendment goes by the first; one that names an unknown one was not admitted. */
static size_t level_of(const struct witnessed *w, const struct asset_body *b)
{
	for (size_t i = 1; b->amended && i < w->n_levels; i++)
		if (span_eq(SPAN(w->level[i].amendment), SPAN(b->amendment)))
			return i;
	return 0;
}

bool witnessed_wanted(const struct keep *k, const struct asset_body *b)
{
	return k->witnessed && k->witnessed->level[level_of(k->witnessed, b)].policy.p.k > 0;
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
	for (size_t i = 0; i < w->n_levels; i++)
		wr_close(&w->level[i].best);
	wr_close(&w->round.note);
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
	struct held h = { .used = true, .level = level_of(w, &f->in->asset.body), .entry = k->journal.seq, .until = k->now + HELD_S, .reply = wr_open(reply.n) };
	size_t i = 0;

	random_bytes(h.ticket, sizeof(h.ticket));
	memcpy(ticket, h.ticket, KEEP_TICKET_LEN);
	whose(f, h.whose);
	sha256(span_of(asset_path_tail(f->path)), h.asset);
	concerned_by(&k->registry.parties, f->in, &h.concerned);
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

void witnessed_drop(struct keep *k, const char *party)
{
	for (size_t i = 0; k->witnessed && i < HELD_MAX; i++)
		if (k->witnessed->held[i].used && concerned_is(&k->registry.parties, &k->witnessed->held[i].concerned, party))
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
		if (h->entry >= w->level[h->level].best_size)
			return err_set(e, COFFER_E_LIMIT, "entry %llu waits for %zu of the ledger's witnesses", (unsigned long long)h->entry,
			    w->level[h->level].policy.p.k);
		wr_put(a->out, wr_span(&h->reply));
		let_go(w, h);
		return COFFER_OK;
	}
	return err_set(e, COFFER_E_NOTFOUND, "no such reply waits; ask again");
}

/* ---- rounds ---- */

static uint64_t missing(const struct witnessed *w)
{
	return ((UINT64_C(1) << w->all.n) - 1) & ~w->round.by;
}

/* Whether a head of this size is wanted still: by the last level, which readers of the ledger go by, or by one for whose witnesses a reply waits. */
static bool wanted(const struct witnessed *w, uint64_t size)
{
	if (size > newest(w)->best_size)
		return true;
	for (size_t i = 0; i < HELD_MAX; i++)
		if (w->held[i].used && w->held[i].entry >= w->level[w->held[i].level].best_size)
			return true;
	return false;
}

static void say_round(const struct witnessed *w, uint64_t size, struct keep_round_rep *out)
{
	out->n = (uint8_t)w->all.n;
	out->size = wanted(w, size) ? size : 0;
	out->missing = out->size ? missing(w) : 0;
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
		expire(k);
		if (wanted(w, head.size) && (!w->round.open || w->round.head.size != head.size))
			TRY(begin(k, &head, e));
		say_round(w, head.size, &rep);
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
	if (!w || !w->round.open || i >= w->all.n)
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
		    "old copy, without the newest revocations; its operator restores the newest", w->all.w[m.witness].key.name,
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
	const struct note_key *key = &w->all.w[i].key;

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
	if (checkpoint_cosigned_by(&n, &w->all.w[m->witness].key, &time) != NOTE_GOOD)
		return err_deny(e, "ledger-cosignature", "what came back is not %s's signature under the head it was asked for",
		    w->all.w[m->witness].key.name);
	TRY(take_line(w, m->witness, &n, e));
	w->round.by |= UINT64_C(1) << m->witness;
	w->has[m->witness] = w->round.head.size;
	return COFFER_OK;
}

static size_t signed_of(const struct witnessed *w, const struct level *l)
{
	size_t n = 0;

	for (size_t i = 0; i < w->all.n; i++)
		for (size_t k = 0; (w->round.by >> i & 1) && k < l->policy.p.n; k++)
			n += l->policy.witness[k].id == w->all.w[i].key.id && strcmp(l->policy.witness[k].name, w->all.w[i].key.name) == 0;
	return n;
}

/* Every reader's own check, once more, before anything rests on it. Of the last level the head with every line so far is what readers get; of those
 * before, receipts need but one. */
static enum coffer_rc enough(struct keep *k, struct level *l, struct err *e)
{
	CLEANUP(wr_close) struct wr copy = wr_open(NOTE_ROOM);
	struct witnessed *w = k->witnessed;
	struct ledger_seen seen;
	struct err bad = { 0 };

	TRY(checkpoint_open(wr_span(&w->round.note), &l->policy.p, &seen, e));
	if (l != newest(w) && l->best_size == seen.cp.head.size)
		return COFFER_OK;
	wr_put(&copy, wr_span(&w->round.note));
	TRY(wr_done(&copy, "checkpoint", e));
	wr_close(&l->best);
	l->best = copy;
	copy = (struct wr){ 0 };
	l->best_size = seen.cp.head.size;
	if (cosigned_keep(k->store, (size_t)(l - w->level), wr_span(&l->best), &bad) != COFFER_OK) /* is missed after a restart, until they sign again */
		(void)fprintf(stderr, "cofferd-keep: the head that witnesses signed is not kept: %s\n", bad.msg);
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
	for (size_t i = 0; i < w->n_levels; i++)
		if (w->level[i].policy.p.k > 0 && signed_of(w, &w->level[i]) >= w->level[i].policy.p.k)
			TRY(enough(k, &w->level[i], e));
	say_round(w, w->round.head.size, &rep);
	keep_round_rep_write(a->out, &rep);
	return COFFER_OK;
}

enum coffer_rc witnessed_checkpoint(struct keep *k, struct wr *out, struct err *e)
{
	if (!k->witnessed || newest(k->witnessed)->best_size == 0)
		return ledger_sign(k, out, e);
	wr_put(out, wr_span(&newest(k->witnessed)->best));
	return COFFER_OK;
}

enum coffer_rc witnessed_covering(const struct keep *k, const struct asset_body *b, uint64_t entry, struct wr *out, struct err *e)
{
	const struct level *l = k->witnessed ? &k->witnessed->level[level_of(k->witnessed, b)] : NULL;

	if (l && l->best_size > entry)
		wr_put(out, wr_span(&l->best));
	return wr_done(out, "checkpoint", e);
}

void witnessed_status(const struct keep *k, struct json_wr *j)
{
	if (!k->witnessed)
		return;
	jw_name(j, "witnessed");
	jw_obj(j);
	jw_m_u64(j, "cosignatures", newest(k->witnessed)->policy.p.k);
	jw_m_u64(j, "signed", newest(k->witnessed)->best_size);
	jw_m_u64(j, "witnesses", newest(k->witnessed)->policy.p.n);
	jw_obj_end(j);
}
