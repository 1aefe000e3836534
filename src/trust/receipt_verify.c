#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "trust/chain.h"
#include "trust/parties.h"
#include "trust/receipt_int.h"
#include "trust/witnesses.h"

/* What the verification has come to. */
struct work {
	const struct receipt *r;
	struct genesis *g;	/* owned */
	struct parties parties; /* owned; as of the statement that is looked at */
	struct merkle_head head;
	struct leaf release;
	struct json_doc *record; /* owned; of the release */
	const struct json *data; /* borrows record */
	size_t named;		 /* statements it names that were found */
	const struct receipt_on *on;
	struct receipt_said said; /* owned */
	bool asset;		 /* the asset's own is among them */
	bool amended;		 /* and names this amendment of the genesis */
	uint8_t amendment[32];
	struct receipt_view v;
};

static void work_clear(struct work *w)
{
	free(w->g);
	parties_clear(&w->parties);
	json_free(w->record);
	receipt_said_clear(&w->said);
}

/* ---- entries ---- */

static enum coffer_rc check_entry(
    const struct work *w, const struct receipt_entry *x, const char *what, struct leaf *leaf, struct span *record, struct err *e)
{
	struct leaf_opening o;
	uint8_t commitment[32];
	struct mhash h;

	merkle_leaf(wr_span(&x->leaf), &h);
	if (!leaf_read(wr_span(&x->leaf), leaf) || !merkle_included(leaf->index, w->head.size, &h, &x->path, &w->head.root))
		return err_deny(e, "ledger-inclusion", "the entry of %s is not in the ledger", what);
	if (!leaf_opening_read(wr_span(&x->opening), &o))
		return err_deny(e, "ledger-opening", "the opening of %s's entry is malformed", what);
	leaf_commit(o.salt, o.record, commitment);
	if (!span_eq(SPAN(commitment), SPAN(leaf->commitment)))
		return err_deny(
		    e, "ledger-opening", "what the receipt says of %s's entry is not what the ledger commits to", what);
	*record = o.record;
	return COFFER_OK;
}

/* By the log alone; whose cosignatures it wants too is known once the asset's statement is. */
static enum coffer_rc check_head(struct work *w, struct err *e)
{
	struct genesis_policy policy;
	struct ledger_seen seen;

	TRY(genesis_policy(w->g, &policy, e));
	policy.p.n = policy.p.k = 0;
	TRY(checkpoint_open(w->r->checkpoint, &policy.p, &seen, e));
	w->head = seen.cp.head;
	return COFFER_OK;
}

/* A line of the log and one each of the witnesses that signed: nothing in the receipt is unsigned. */
static enum coffer_rc check_cosigned(const struct work *w, struct err *e)
{
	const struct genesis *g = parties_genesis_by(&w->parties, w->amended ? w->amendment : NULL);
	struct genesis_policy policy;
	struct ledger_seen seen;
	struct note note;

	if (!g)
		return err_deny(e, "receipt-rests", "the asset goes by an amendment of the genesis that is not in the receipt");
	TRY(genesis_policy(g, &policy, e));
	TRY(checkpoint_open(w->r->checkpoint, &policy.p, &seen, e));
	TRY(note_parse(w->r->checkpoint, &note, e));
	if (note.n_sigs != 1 + seen.count)
		return err_deny(e, "ledger-signature",
		    "the checkpoint in a receipt has the signatures of the log and of the genesis' witnesses alone");
	return COFFER_OK;
}

static bool member_hex(const struct json *o, const char *name, uint8_t *out, size_t n)
{
	struct span s = json_str(json_get(o, name));

	return s.n == 2 * n && hex_fixed(s, out, n);
}

/* Two containers of one image rest on one release. */
static size_t count_rests(const struct json *list)
{
	size_t n = 0;

	for (size_t i = 0; i < json_len(list); i++) {
		size_t j = 0;

		while (j < i && !span_eq(json_str(json_at(list, j)), json_str(json_at(list, i))))
			j++;
		n += j == i;
	}
	return n;
}

/* Files in the order in which it names them, some left out. */
static enum coffer_rc check_files(const struct receipt_evidence *x, struct err *e)
{
	const struct json *list = json_get(x->document, "files");
	size_t at = 0;

	for (size_t i = 0; i < x->n_files; i++) {
		uint8_t digest[32], named[32];
		bool found = false;

		sha256(wr_span(&x->file[i]), digest);
		for (; !found && at < json_len(list); at++) {
			struct span s = json_str(json_at(list, at));

			found = s.n == 64 && hex_fixed(s, named, sizeof(named)) && span_eq(SPAN(named), SPAN(digest));
		}
		if (!found)
			return err_deny(e, "receipt-evidence", "a file is not one that the evidence was appraised with, or out of order");
	}
	return COFFER_OK;
}

/* It is the one that the record commits to; none where it names none. */
static enum coffer_rc check_evidence(struct work *w, struct err *e)
{
	const struct receipt_evidence *x = &w->r->evidence;
	uint8_t named[32], digest[32];

	w->v.evidence = x->has;
	if (!json_get(w->data, "evidence"))
		return x->has ? err_deny(e, "receipt-evidence", "the release names no evidence, the receipt has some") : COFFER_OK;
	if (!x->has)
		return err_deny(e, "receipt-evidence", "the evidence that the release names is not in the receipt");
	sha256(wr_span(&x->text), digest);
	if (!member_hex(w->data, "evidence", named, sizeof(named)) || !span_eq(SPAN(named), SPAN(digest)))
		return err_deny(e, "receipt-evidence", "the evidence is not the one that the release names");
	return check_files(x, e);
}

static enum coffer_rc check_release(struct work *w, struct err *e)
{
	struct receipt_view *v = &w->v;
	struct asset_path path;
	const struct json *o;
	struct span type;

	TRY(check_entry(w, &w->r->release, "the release", &w->release, &v->record, e));
	TRY(json_parse(v->record, LEAF_RECORD_MAX, &w->record, e));
	o = json_root(w->record);
	TRY(json_need_str(o, "type", "record", &type, e));
	TRY(json_need_obj(o, "data", "record", &w->data, e));
	if (!span_eq_str(type, "release"))
		return err_deny(e, "receipt-release", "the entry is not a release");
	v->index = w->release.index;
	v->size = w->head.size;
	v->time = (int64_t)w->release.time;
	if (!member_hex(w->data, "decision", v->decision, sizeof(v->decision)) ||
	    !member_hex(w->data, "key", v->key, sizeof(v->key)) || !member_hex(w->data, "reply", v->reply, sizeof(v->reply)) ||
	    !json_u64(json_get(w->data, "version"), &v->version))
		return err_deny(e, "receipt-release", "the entry is not of the form of a release");
	TRY(asset_path_parse(json_str(json_get(w->data, "asset")), &path, e));
	memcpy(v->asset, path.text, strlen(path.text) + 1);
	v->rests = count_rests(json_get(w->data, "rests")) + count_rests(json_get(w->data, "beside")) + 1;
	return check_evidence(w, e);
}

/* ---- signatures ---- */

/* No signature is there that nobody answers for: each is by a key that some party had, signs or recovers with, before the statement or after it. */
static void answered(const struct parties *p, const struct dsse *env, bool by[static DSSE_SIGS_MAX])
{
	for (size_t i = 0; i < env->n_sigs; i++)
		by[i] = by[i] || parties_answer(p, env, i);
}

static enum coffer_rc all_answered(const struct dsse *env, const bool by[static DSSE_SIGS_MAX], struct err *e)
{
	for (size_t i = 0; i < env->n_sigs; i++)
		if (!by[i])
			return err_deny(e, "receipt-signature", "a statement has a signature that no party's key made");
	return COFFER_OK;
}

/* What made the parties what they were, and the genesis: checked as it is learned. */
static bool of_parties(const struct statement *s)
{
	return s->kind == ST_PARTY || s->kind == ST_REVOCATION || s->kind == ST_AMENDMENT;
}

/* What holds back: by its issuer or its recovery quorum, with the keys of before it. Other statements as below. */
static bool holds_back_by(const struct work *w, const struct receipt_statement *x, const struct statement *s, int64_t logged)
{
	const struct party_life *life = parties_life(&w->parties, span_of(s->issuer));

	return life && (life_signed(life, &x->env, logged, NULL) || life_quorum(life, &x->env, logged));
}

/* Parties change by what their own statements say; others are by whom they name. */
static enum coffer_rc check_signed(
    struct work *w, const struct receipt_statement *x, const struct statement *s, const struct leaf *leaf, struct err *e)
{
	const struct parties_event ev = { &x->env, s, (int64_t)leaf->time };
	bool back = s->kind == ST_REVOCATION || s->kind == ST_PAUSE, by = back && holds_back_by(w, x, s, ev.logged);
	bool known[DSSE_SIGS_MAX] = { false };
	const struct party_life *life;

	answered(&w->parties, &x->env, known);
	TRY(parties_learn(&w->parties, &ev, e));
	answered(&w->parties, &x->env, known);
	TRY(all_answered(&x->env, known, e));
	if (back)
		return by ? COFFER_OK : err_deny(e, "receipt-signature", "a %s statement is not signed by a key that %s had when it was logged",
					    statement_kind_name(s->kind), s->issuer);
	if (of_parties(s))
		return COFFER_OK;
	life = parties_life(&w->parties, span_of(s->issuer));
	if (!life || !life_signed(life, &x->env, (int64_t)leaf->time, NULL))
		return err_deny(e, "receipt-signature", "a %s statement is not signed by a key that %s had when it was logged",
		    statement_kind_name(s->kind), s->issuer);
	return COFFER_OK;
}

static enum coffer_rc check_owners(struct work *w, const struct receipt_statement *x, const struct statement *s, const struct leaf *leaf,
    struct err *e)
{
	struct receipt_assets before;
	struct asset_body b;

	TRY(asset_read(s, &b, e));
	for (size_t i = 0; i < b.n_of; i++) {
		const struct party_life *life = parties_life(&w->parties, span_of(b.of[i]));

		if (!life || !life_signed(life, &x->env, (int64_t)leaf->time, NULL))
			return err_deny(e, "receipt-signature", "the asset statement is not signed by %s, who decides of it too", b.of[i]);
	}
	if (strcmp(b.path.owner, s->issuer) != 0)
		return err_deny(e, "receipt-signature", "an asset of %s by a statement of %s", b.path.owner, s->issuer);
	TRY(receipt_assets(w->r, (size_t)(x - w->r->statement), &w->parties, &before, e));
	return receipt_follows(&before, &w->parties, s, &(struct asset_said){ s->id, &x->env, &b, (int64_t)leaf->time }, e);
}

/* By a workload-provider of the genesis, or by whom such a one lets. */
static enum coffer_rc check_designated(const struct work *w, const struct statement *s, const struct leaf *leaf, struct err *e)
{
	const struct receipt_lent q = { w->r, &w->parties, s, leaf, ROLE_SERVICE, s->subject[0].name, w->v.time };
	const char *of[GENESIS_PARTIES_MAX];
	bool yes = false;
	size_t n = 0;

	for (size_t i = 0; i < w->g->n_parties; i++) {
		if (!(w->g->party[i].personas & PERSONA_WORKLOAD))
			continue;
		if (strcmp(w->g->party[i].id, s->issuer) == 0)
			return COFFER_OK;
		of[n++] = w->g->party[i].id;
	}
	TRY(receipt_lent(&q, of, n, &yes, e));
	return yes ? COFFER_OK
		   : err_deny(e, "receipt-signature", "a service statement by %s, who is no workload-provider of the genesis, nor speaks for one by a delegation",
			 s->issuer);
}

/* What keep admits by more than its issuer's signature (statements.md). */
static enum coffer_rc check_admitted(struct work *w, const struct receipt_statement *x, const struct statement *s, const struct leaf *leaf,
    struct err *e)
{
	if (s->kind == ST_ASSET)
		return check_owners(w, x, s, leaf, e);
	return s->kind == ST_SERVICE ? check_designated(w, s, leaf, e) : COFFER_OK;
}

/* ---- the map ---- */

static bool map_says(const struct work *w, const struct wr *proof, const struct mhash *key, const struct mhash *value)
{
	struct smt_answer got;
	struct smt_proof p;

	return smt_proof_read(wr_span(proof), &p) && smt_verify(&w->release.map, key, &p, &got) && got.present &&
	       mhash_eq(&got.value, value);
}

static enum coffer_rc check_status(
    const struct work *w, const struct receipt_statement *x, const struct statement *s, struct err *e)
{
	struct mhash key, value;

	map_status_key(s->id, &key);
	map_status_value(x->status, x->set, &value);
	return map_says(w, &x->proof, &key, &value)
		   ? COFFER_OK
		   : err_deny(e, "receipt-map", "the ledger's map at the release does not say this of a %s statement",
			 statement_kind_name(s->kind));
}

/* Before the release it was one less; of the first use the map had nothing. */
static bool counted_up(const struct work *w, const struct receipt_statement *x, const struct mhash *key, uint64_t count)
{
	struct smt_answer got;
	struct smt_proof p;
	struct mhash value;

	if (x->used_before != (count > 1) || !smt_proof_read(wr_span(&x->uses_before), &p) || !smt_verify(&w->release.map_before, key, &p, &got))
		return false;
	if (count == 1)
		return !got.present;
	map_uses_value(x->salt_before, count - 1, &value);
	return got.present && mhash_eq(&got.value, &value);
}

/* The count that the record has of an approval is the map's, and this release made it so. */
static enum coffer_rc check_uses(const struct work *w, const struct receipt_statement *x, const struct statement *s, struct err *e)
{
	struct mhash key, value;
	uint64_t count = 0;
	char id[HEX32_LEN];

	hex32(s->id, id);
	if (!json_u64(json_get(json_get(w->data, "uses"), id), &count) && !x->counted)
		return COFFER_OK;
	map_uses_key(s->id, &key);
	map_uses_value(x->salt, count, &value);
	return x->counted && count > 0 && map_says(w, &x->uses, &key, &value) && counted_up(w, x, &key, count)
		   ? COFFER_OK
		   : err_deny(e, "receipt-map", "the ledger's map before and after the release does not say this of how often an approval was used");
}

static enum coffer_rc check_asset(struct work *w, const struct statement *s, struct err *e)
{
	struct mhash key, value;
	struct asset_body b;

	TRY(asset_read(s, &b, e));
	map_asset_key(w->r->blind, &key);
	map_asset_value(b.version, s->subject[0].sha256, &value);
	if (strcmp(b.path.text, w->v.asset) != 0 || b.version != w->v.version || !map_says(w, &w->r->asset, &key, &value))
		return err_deny(e, "receipt-map", "the ledger's map at the release has not this version of the asset");
	w->asset = true;
	w->amended = b.amended;
	memcpy(w->amendment, b.amendment, sizeof(w->amendment));
	return COFFER_OK;
}

/* ---- statements ---- */

static bool lists(const struct work *w, const char *member, const uint8_t id[static 32])
{
	const struct json *list = json_get(w->data, member);
	uint8_t got[32];
	bool found = false;

	for (size_t i = 0; i < json_len(list) && !found; i++) {
		struct span s = json_str(json_at(list, i));

		found = s.n == 64 && hex_fixed(s, got, sizeof(got)) && span_eq(SPAN(got), (struct span){ id, 32 });
	}
	return found;
}

static bool is_workload(const struct work *w, const uint8_t id[static 32])
{
	uint8_t got[32];

	return member_hex(w->data, "workload", got, sizeof(got)) && span_eq(SPAN(got), (struct span){ id, 32 });
}

/* Of what it looked at beside: a wider workload's manifest counts, whatever became of the statement; a minimum holds back even when it
 * is revoked; a link of delegation counts as of when what it lends was said; what a binding put into an instance may be there when it
 * has ended. When these hold the decision itself asks. */
static bool may_have_ended(const struct receipt_statement *x, const struct statement *s)
{
	return s->kind == ST_WORKLOAD || s->kind == ST_TCB || s->kind == ST_BINDING ||
	       (s->kind == ST_DELEGATION && (x->status == MAP_IN_FORCE || x->status == MAP_SUPERSEDED));
}

static enum coffer_rc check_force(struct work *w, const struct receipt_statement *x, const struct statement *s, struct err *e)
{
	const char *kind = statement_kind_name(s->kind);

	bool beside = lists(w, "beside", s->id), ended = beside && may_have_ended(x, s);

	if (!beside && !lists(w, "rests", s->id) && !is_workload(w, s->id) && w->release.rule > 1 && (s->kind == ST_PAUSE || s->kind == ST_TCB))
		return COFFER_OK; /* whether it bears on it receipt_said asks */
	if (s->kind == ST_ASSET && !w->asset && !lists(w, "rests", s->id))
		return COFFER_OK; /* one before the asset's: whether it is check_decided asks */
	if (!beside && !lists(w, "rests", s->id) && !is_workload(w, s->id))
		return err_deny(e, "receipt-rests", "the release did not rest on this %s statement", kind);
	if (!ended && x->status != MAP_IN_FORCE)
		return err_deny(e, "receipt-force", "a %s statement by %s was %s when the release was entered", kind, s->issuer,
		    x->status == MAP_SUPERSEDED ? "superseded"
		    : x->status == MAP_REVOKED	? "revoked"
						: "revoked by another party");
	if (!ended && (w->v.time < s->issued || w->v.time >= s->expires))
		return err_deny(
		    e, "receipt-force", "a %s statement by %s did not hold when the release was entered", kind, s->issuer);
	w->named++;
	return s->kind == ST_ASSET ? check_asset(w, s, e) : COFFER_OK;
}

/* The record that keep writes of a statement: what it was, by whom. */
static bool record_is(struct span record, const struct statement *s)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *data;
	uint8_t id[32];
	struct err e;

	if (json_parse(record, LEAF_RECORD_MAX, &doc, &e) != COFFER_OK ||
	    !span_eq_str(json_str(json_get(json_root(doc), "type")), "statement"))
		return false;
	data = json_get(json_root(doc), "data");
	return member_hex(data, "id", id, sizeof(id)) && span_eq(SPAN(id), SPAN(s->id));
}

static enum coffer_rc check_statement(struct work *w, const struct receipt_statement *x, uint64_t *next, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct span record;
	struct leaf leaf;

	TRY(statement_parse(wr_span(&x->env.payload), &s, e));
	TRY(check_entry(w, &x->entry, "a statement", &leaf, &record, e));
	if (leaf.rule > w->release.rule) /* what the ledger's map holds grows, and a release after that cannot show less */
		return err_deny(e, "ledger-entry", "the release's entry is by an older rule than one before it");
	if (leaf.index < *next || leaf.index >= w->v.index)
		return err_deny(e, "receipt-rests", "a statement stands out of order, or was logged after the release");
	*next = leaf.index + 1;
	if (!record_is(record, &s))
		return err_deny(
		    e, "ledger-opening", "the entry of a %s statement is not of this one", statement_kind_name(s.kind));
	if (s.has_ledger ? !span_eq(SPAN(s.ledger), SPAN(w->g->id)) : !statement_travels(s.kind))
		return err_deny(e, "receipt-rests", "a statement is for another genesis");
	TRY(check_signed(w, x, &s, &leaf, e));
	TRY(check_admitted(w, x, &s, &leaf, e));
	TRY(check_status(w, x, &s, e));
	TRY(check_uses(w, x, &s, e));
	return of_parties(&s) ? COFFER_OK : check_force(w, x, &s, e);
}

static bool has_entry(const struct receipt *r, uint64_t index)
{
	struct leaf leaf;

	for (size_t i = 0; i < r->n; i++)
		if (leaf_read(wr_span(&r->statement[i].entry.leaf), &leaf) && leaf.index == index)
			return true;
	return false;
}

/* A party's keys and personas are what it said last: by the map, what replaced a statement by the release is there too. An asset goes by the amendment that it names,
 * whatever came after that. */
static enum coffer_rc check_last(const struct work *w, const struct receipt_statement *x, const struct statement *s, struct err *e)
{
	return !of_parties(s) || s->kind == ST_AMENDMENT || x->status != MAP_SUPERSEDED || has_entry(w->r, x->set)
		   ? COFFER_OK
		   : err_deny(e, "receipt-rests", "what %s said next of itself or of a key, before the release, is not in the receipt", s->issuer);
}

/* A wider workload; and a binding that put nothing into a slot, be it that it is of another workload: what becomes of others the decision itself asks. */
static bool is_beside(const struct work *w, const struct statement *s)
{
	return (s->kind == ST_WORKLOAD && !is_workload(w, s->id)) || (s->kind == ST_BINDING && !lists(w, "rests", s->id));
}

/* The asset's statement is the last of those about it, and stands by what the keys of all that it turns on turned out to be. */
static enum coffer_rc check_decided(struct work *w, struct err *e)
{
	struct receipt_assets a;

	TRY(receipt_assets(w->r, w->r->n, &w->parties, &a, e));
	if (!lists(w, "rests", a.chain.last_id))
		return err_deny(e, "receipt-rests", "the release did not rest on the last asset statement in it");
	if (!a.stands)
		return err_deny(e, "receipt-force", "the asset statement was signed by a key that was named compromised, or those who decided before it agreed by such a key");
	w->v.decided_from = a.from;
	return COFFER_OK;
}

/* What its issuer's keys turned out to be by the release: a thief's word that grants is void. */
static enum coffer_rc check_void(const struct work *w, const struct receipt_statement *x, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	const struct party_life *life;
	struct leaf leaf;

	TRY(statement_parse(wr_span(&x->env.payload), &s, e));
	TRY(check_last(w, x, &s, e));
	life = parties_life(&w->parties, span_of(s.issuer));
	if (of_parties(&s) || !life_grants(s.kind) || s.kind == ST_ASSET || is_beside(w, &s) || !leaf_read(wr_span(&x->entry.leaf), &leaf))
		return COFFER_OK;
	return life && !life_void(life, &x->env, (int64_t)leaf.time)
		   ? COFFER_OK
		   : err_deny(e, "receipt-force", "a %s statement by %s was signed by a key that was named compromised",
			 statement_kind_name(s.kind), s.issuer);
}

static enum coffer_rc run(struct work *w, const uint8_t genesis[static 32], struct err *e)
{
	uint64_t next = 1; /* 0 is the genesis */
	bool known[DSSE_SIGS_MAX] = { false };

	TRY(chain_genesis(&w->r->genesis, genesis, w->g, e));
	TRY(parties_open(w->g, &w->parties, e));
	answered(&w->parties, &w->r->genesis, known);
	TRY(all_answered(&w->r->genesis, known, e));
	TRY(check_head(w, e));
	TRY(check_release(w, e));
	for (size_t i = 0; i < w->r->n; i++)
		TRY(check_statement(w, &w->r->statement[i], &next, e));
	for (size_t i = 0; i < w->r->n; i++)
		TRY(check_void(w, &w->r->statement[i], e));
	if (w->named != w->v.rests || !w->asset)
		return err_deny(e, "receipt-rests", "the release rested on %zu statements, the receipt has %zu of them",
		    w->v.rests, w->named);
	TRY(check_decided(w, e));
	TRY(check_cosigned(w, e));
	TRY(receipt_said(&(struct receipt_said_in){ w->r, w->data, &w->parties, &w->release.map, w->release.rule, w->v.time }, &w->said, e));
	w->v.said = w->said.has;
	TRY(receipt_rights(w->r, &w->v, w->data, &w->parties, e));
	return w->on ? w->on->on(w->on->arg, &(struct receipt_known){ w->r, &w->v, w->g, &w->parties, w->data, &w->said }, e) : COFFER_OK;
}

enum coffer_rc receipt_verify(const struct receipt *r, const uint8_t genesis[static 32], struct receipt_view *out, struct err *e)
{
	return receipt_verify_on(r, genesis, NULL, out, e);
}

enum coffer_rc receipt_verify_on(const struct receipt *r, const uint8_t genesis[static 32], const struct receipt_on *on, struct receipt_view *out,
    struct err *e)
{
	CLEANUP(work_clear) struct work w = { .r = r, .g = calloc(1, sizeof(*w.g)), .on = on };

	if (!w.g)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	TRY(run(&w, genesis, e));
	*out = w.v;
	return COFFER_OK;
}
