/* coffer receipt get, verify, show: what a release rested on, checked and decided again without the service. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/confined.h"
#include "cli/ledger.h"
#include "cli/receipt_registers.h"
#include "cli/verbs.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "os/file.h"
#include "judge/evidence.h"
#include "os/zones.h"
#include "replay/replay.h"
#include "trust/receipt.h"

#define OUTPUT_MAX (256u << 10)
#define TOKEN_MAX (8u << 10)

const struct opt_spec opts_receipt_get[] = { OPT_PASSPHRASE,
	{ "out", "FILE", "where to write it (default DECISION.receipt)", false, false }, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_receipt_verify[] = { { "genesis", "DIGEST", "the genesis' digest (default: the one this party uses)",
						    false, false },
	{ "collateral", "FILE", "vendors' documents that the receipt lacks, found by their digests", true, false },
	{ NULL, NULL, NULL, false, false } };

/* ---- what is made known ---- */

static void put_hex(struct json_wr *j, const char *name, const uint8_t d[static 32])
{
	char hex[HEX32_LEN];

	hex32(d, hex);
	jw_m_text(j, name, hex);
}

static void put_time(struct json_wr *j, const char *name, int64_t t)
{
	char text[CLOCK_TEXT_LEN];

	clock_text(t, text);
	jw_m_text(j, name, text);
}

static void put_shown(struct json_wr *j, const struct replay_out *o)
{
	put_time(j, "attested", o->attested);
	jw_m_text(j, "platform", o->platform);
	jw_m_text(j, "build", o->build);
	jw_m_bool(j, "words", o->words);
}

static bool decided(const struct replay_out *o, const char *id)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->check[i].id, id) == 0)
			return true;
	return false;
}

/* Those that were decided again, and those that were not: the service's word. */
static void put_checks(struct json_wr *j, const struct replay_out *o)
{
	jw_name(j, "checks");
	jw_arr(j);
	for (size_t i = 0; i < o->n; i++) {
		jw_obj(j);
		jw_m_text(j, "check", o->check[i].id);
		jw_m_text(j, "found", o->check[i].found);
		jw_obj_end(j);
	}
	jw_arr_end(j);
	jw_name(j, "unchecked");
	jw_arr(j);
	for (unsigned i = 0; i < DECIDE_CHECKS_MAX; i++) {
		char id[8];

		(void)snprintf(id, sizeof(id), "R%u", i);
		if (!decided(o, id))
			jw_text(j, id);
	}
	jw_arr_end(j);
}

static enum coffer_rc print_json(const struct replay_out *o, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(OUTPUT_MAX);
	CLEANUP(json_freep) struct json_doc *record = NULL;
	const struct receipt_view *v = &o->v;
	struct json_wr j = jw_open(&w, false);

	TRY(json_parse(v->record, LEAF_RECORD_MAX, &record, e));
	jw_obj(&j);
	jw_m_bool(&j, "holds", true);
	jw_m_text(&j, "asset", v->asset);
	jw_m_u64(&j, "version", v->version);
	put_time(&j, "time", v->time);
	jw_m_u64(&j, "index", v->index);
	jw_m_u64(&j, "size", v->size);
	put_hex(&j, "key", v->key);
	put_hex(&j, "reply", v->reply);
	jw_m_u64(&j, "rests", v->rests);
	jw_name(&j, "record");
	jw_value(&j, json_root(record));
	jw_m_u64(&j, "decided-from", v->decided_from);
	jw_m_bool(&j, "words-of-parties", v->said);
	jw_m_bool(&j, "replayed", v->evidence);
	if (v->evidence)
		put_shown(&j, o);
	put_checks(&j, o);
	if (v->evidence)
		receipt_registers_json(o, &j);
	jw_obj_end(&j);
	TRY(wr_done(&w, "output", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

/* What a manifest's author wrote goes to a terminal. */
static void print_found(const struct check *c)
{
	(void)printf("  %-4s ", c->id);
	for (const char *p = c->found; *p; p++)
		(void)putchar(*p >= 0x20 && *p <= 0x7e ? *p : '?');
	(void)putchar('\n');
}

static void print_stated(const struct replay_out *o)
{
	if (o->stated)
		(void)printf("decided again by the statements alone:\n");
	for (size_t i = 0; i < o->n; i++)
		print_found(&o->check[i]);
	(void)printf("not checked: the evidence, of which the service kept none; R1 to R6 and R10 are its word: what machine it was and whether its "
		     "firmware met the minima, that it had booted that boot image with that workload and those bindings, what the guest asked for, "
		     "and what the owner's policy said\n");
	if (!o->stated)
		(void)printf("not checked: whether an approval was for that platform, what it wants assessed, and how often it may be used; the record "
			     "of then does not tell the platform\n");
}

static void print_replay(const struct replay_out *o)
{
	char attested[CLOCK_TEXT_LEN];

	if (!o->v.evidence) {
		print_stated(o);
		return;
	}
	clock_text(o->attested, attested);
	(void)printf("decided again by the evidence (%s) that was shown at %s, appraised as of then:\n", o->platform, attested);
	for (size_t i = 0; i < o->n; i++)
		print_found(&o->check[i]);
	receipt_registers_print(o);
	if (o->words)
		(void)printf("in the words that were logged\n");
	else
		(void)printf("in other words than were logged, by another version (cofferd %s): the verdict is the same\n", o->build);
	(void)printf("still the service's word: that nonce and request were new, and its clock\n");
}

static void print_said(const struct receipt_view *v)
{
	if (v->said && v->evidence)
		(void)printf("  with every revocation, pause and minimum of those whose word counts for it, and of their keys\n");
	else if (v->said)
		(void)printf("  with every revocation and pause of its statements by those whose word counts, and of their keys; which chip and measurements there were, "
			     "and so whether any of these was revoked or a minimum not met, is the service's word\n");
	else
		(void)printf("not shown: that no pause, minimum or revocation was left out; its ledger did not hold these yet\n");
}

static void print_decided(const struct receipt_view *v)
{
	if (v->decided_from > 1)
		(void)printf("not shown: that those who decided of the asset before its statement %llu agreed to those whom that one names\n",
		    (unsigned long long)v->decided_from);
}

static enum coffer_rc print_out(const struct cli *c, const struct replay_out *o, struct err *e)
{
	const struct receipt_view *v = &o->v;
	char time[CLOCK_TEXT_LEN], key[HEX32_LEN], reply[HEX32_LEN], decision[2 * sizeof(v->decision) + 1];

	if (c->json)
		return print_json(o, e);
	for (size_t i = 0; i < sizeof(v->decision); i++)
		(void)snprintf(decision + 2 * i, 3, "%02x", v->decision[i]);
	clock_text(v->time, time);
	hex32(v->key, key);
	hex32(v->reply, reply);
	(void)printf("%s version %llu was released at %s (entry %llu of %llu)\n  decision %s\n  to key   %s\n  in reply %s\n"
		     "  on %zu statements, each signed by its issuer, logged before, and in force then%s\n",
	    v->asset, (unsigned long long)v->version, time, (unsigned long long)v->index, (unsigned long long)v->size, decision, key, reply, v->rests,
	    v->evidence || o->stated ? "; together they allow it" : "");
	print_said(v);
	print_decided(v);
	print_replay(o);
	return COFFER_OK;
}

/* ---- decided again: in a child, since a receipt is whatever its sender made of it ---- */

struct receipt_job {
	const struct cli  *c;
	struct span        text;
	struct replay_in   in;       /* .r is read in the child */
	const uint8_t     *decision; /* 16 bytes that it must be of; NULL: any */
	bool               replay, print;
};

static enum coffer_rc read_receipt(void *arg, struct err *e)
{
	struct receipt_job *j = arg;
	CLEANUP(receipt_clear) struct receipt r = { 0 };
	CLEANUP(freep) struct replay_out *out = calloc(1, sizeof(*out));

	if (!out)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(receipt_read(j->text, &r, e));
	j->in.r = &r;
	TRY(j->replay ? replay(&j->in, out, e) : receipt_verify(&r, j->in.genesis, &out->v, e));
	if (j->decision && memcmp(j->decision, out->v.decision, sizeof(out->v.decision)) != 0) /* public: it is in the file */
		return err_deny(e, "receipt-release", "the service answered with the receipt of another release: its operator has to say why");
	return j->print ? print_out(j->c, out, e) : COFFER_OK;
}

static enum coffer_rc run_job(confined_job *job, struct receipt_job *j, struct err *e)
{
	CLEANUP(zones_close) struct zones zones = zones_open(ZONES_FOLDER);

	TRY(zones_load(&zones, e));
	evidence_warm();
	j->in.zones = &zones;
	return confined(job, j, e);
}

struct files { struct wr text[RECEIPT_FILES_MAX]; struct span span[RECEIPT_FILES_MAX]; size_t n; };

static void files_clear(struct files *f)
{
	for (size_t i = 0; i < f->n; i++)
		wr_close(&f->text[i]);
}

static enum coffer_rc read_files(const struct cli *c, struct files *f, struct err *e)
{
	const char *path;

	while ((path = cli_opt_at(c, "collateral", f->n))) {
		if (f->n == RECEIPT_FILES_MAX)
			return cli_bad(e, "at most %d files of collateral", RECEIPT_FILES_MAX);
		TRY(file_read(path, RECEIPT_FILE_MAX, &f->text[f->n], e));
		f->span[f->n] = wr_span(&f->text[f->n]);
		f->n++;
	}
	return COFFER_OK;
}

/* ---- get ---- */

/* What is asked of the service, and what it is told at the end; both signed before anything of its answer is read in a child, which has this process'
 * memory and so must not find the key there. */
struct asking { char path[64]; struct json_doc *reply; /* owned */ char *had; /* owned: a token good for that alone; NULL: none is made here */ };

static void asking_clear(struct asking *a)
{
	json_freep(&a->reply);
	freep(&a->had);
}

static enum coffer_rc ask(struct ledger *l, const struct privkey *key, const char *decision, struct asking *a, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(wr_close) struct wr token = wr_open(TOKEN_MAX);
	const struct asker me = { &l->h, key, l->conn };

	(void)snprintf(a->path, sizeof(a->path), "/coffer/v0/receipts/%s", decision);
	TRY(home_call(&me, &(struct service_req){ .method = "GET", .path = a->path }, RECEIPT_MAX, &res, e));
	TRY(home_token(&l->h, key, "POST", a->path, (struct span){ 0 }, &token, e));
	a->had = token.n ? wr_take(&token, NULL) : NULL;
	return json_parse(wr_span(&res.body), RECEIPT_MAX, &a->reply, e);
}

/* The receipt is written, holds, and came to what was logged: what it was made of need not be kept for this party any more. */
static enum coffer_rc tell_had(struct ledger *l, const struct asking *a, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };

	if (!a->had)
		return COFFER_OK;
	if (service_call(l->conn, &(struct service_req){ .method = "POST", .path = a->path, .bearer = a->had }, OUTPUT_MAX, &res, e) == COFFER_OK)
		return COFFER_OK;
	return err_wrap(e, "the receipt is written and holds, but the service was not told that it is had, so that its evidence stays; the same command says it again");
}

/* The genesis by which the asset goes, of which the release is: whose cosignatures the receipt carries. */
static enum coffer_rc genesis_for(const struct ledger *l, const struct json *reply, const struct genesis **out, struct err *e)
{
	const struct json *list = json_get(reply, "statements");

	*out = l->all->founded;
	for (size_t i = 0; i < json_len(list); i++) {
		CLEANUP(dsse_clear) struct dsse env = { 0 };
		CLEANUP(statement_clear) struct statement s = { 0 };
		struct asset_body b;

		TRY(dsse_parse_json(json_get(json_at(list, i), "envelope"), &env, e));
		TRY(statement_parse(wr_span(&env.payload), &s, e));
		if (s.kind != ST_ASSET)
			continue;
		TRY(asset_read(&s, &b, e));
		*out = parties_genesis_by(l->all, b.amended ? b.amendment : NULL);
	}
	return *out ? COFFER_OK : err_deny(e, "receipt-rests", "the asset goes by an amendment of the genesis that the service does not show");
}

/* The head that the service kept of the release's witnesses, who may be gone: of the very ledger that this party follows, or it refuses. */
static enum coffer_rc kept_head(struct ledger *l, const struct ledger_policy *policy, struct span note, uint64_t *size, struct err *e)
{
	const struct merkle_head *public = &l->seen.cp.head;
	struct ledger_seen kept;
	struct seen_head old = { .what = "the receipt goes by" };
	bool newer;

	TRY(checkpoint_open(note, policy, &kept, e));
	*size = kept.cp.head.size;
	newer = kept.cp.head.size > public->size; /* the last amendment's witnesses are slower */
	old.head = newer ? *public : kept.cp.head;
	return heads_continue(l->conn, &old, newer ? &kept.cp.head : public, e);
}

static enum coffer_rc compose(struct ledger *l, const struct json *reply, struct wr *out, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	struct service_req q = { .method = "GET", .path = "/coffer/v0/genesis" };
	const struct genesis *g = NULL;
	struct genesis_policy policy;
	struct receipt_parts p = { .reply = reply, .note = json_str(json_get(reply, "checkpoint")), .policy = &policy.p };
	struct heads_tiles of = { .conn = l->conn };
	uint64_t size = l->seen.cp.head.size;
	struct tile_source tiles;

	TRY(genesis_for(l, reply, &g, e));
	TRY(genesis_policy(g, &policy, e));
	if (p.note.n > 0)
		TRY(kept_head(l, &policy.p, p.note, &size, e));
	else
		p.note = wr_span(&l->note);
	tiles = heads_tiles(&of, size);
	p.tiles = &tiles;
	TRY(service_call(l->conn, &q, DSSE_ENVELOPE_MAX, &res, e));
	p.genesis = wr_span(&res.body);
	return receipt_make(&p, out, e);
}

enum coffer_rc cmd_receipt_get(struct cli *c, struct err *e)
{
	CLEANUP(freep) char *name = str_fmt("%s.receipt", c->pos[0]);
	const char *path = cli_opt(c, "out") ? cli_opt(c, "out") : name;
	CLEANUP(ledger_end) struct ledger l = { 0 };
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	CLEANUP(asking_clear) struct asking a = { 0 };
	CLEANUP(wr_close) struct wr text = wr_open(RECEIPT_MAX);
	struct receipt_job job = { .c = c, .in = { .genesis = l.h.genesis } };
	uint64_t from = 0;
	uint8_t id[16];

	if (!name)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (strlen(c->pos[0]) != 32 || !hex_fixed(span_of(c->pos[0]), id, sizeof(id)))
		return cli_bad(e, "%s: a decision is named by 32 hex digits; coffer decisions lists them", c->pos[0]);
	TRY(ledger_open(c, &l, e));
	TRY(ledger_follow(&l, &from, e));
	TRY(home_sign_key(c, &l.h, &key, e));
	TRY(ask(&l, key, c->pos[0], &a, e));
	privkey_freep(&key);
	TRY(compose(&l, json_root(a.reply), &text, e));
	job.text = wr_span(&text);
	job.decision = id;
	TRY(run_job(read_receipt, &job, e));
	TRY(file_write(path, wr_span(&text), 0644, e));
	if (c->json)
		(void)printf("{\"receipt\":\"%s\"}\n", path);
	else
		(void)printf("%s\n", path);
	/* Once it is written: where the service released what the evidence did not allow, it is the proof. */
	job.replay = true;
	if (run_job(read_receipt, &job, e) == COFFER_OK)
		return tell_had(&l, &a, e);
	return e->rc == COFFER_E_NOTFOUND ? COFFER_OK : err_wrap(e, "%s", path); /* without all its collateral it is not had */
}

/* ---- verify, show ---- */

static enum coffer_rc genesis_of(const struct cli *c, uint8_t out[static 32], struct err *e)
{
	const char *text = cli_opt(c, "genesis");
	struct home h;

	if (text)
		return strlen(text) == 64 && hex_fixed(span_of(text), out, 32)
			   ? COFFER_OK
			   : cli_bad(e, "%s: a genesis is named by 64 hex digits", text);
	if (home_load(c, &h, e) != COFFER_OK || !h.has_genesis)
		return cli_bad(e, "no genesis is known here; name it by --genesis (no party is needed then), or: coffer genesis use");
	memcpy(out, h.genesis, 32);
	return COFFER_OK;
}

enum coffer_rc cmd_receipt_verify(struct cli *c, struct err *e)
{
	CLEANUP(files_clear) struct files files = { 0 };
	CLEANUP(wr_close) struct wr text = { 0 };
	uint8_t genesis[32];
	struct receipt_job job = { .c = c, .in = { .genesis = genesis, .file = files.span }, .replay = true, .print = true };
	enum coffer_rc rc;

	TRY(genesis_of(c, genesis, e));
	TRY(read_files(c, &files, e));
	TRY(file_read(c->pos[0], RECEIPT_MAX, &text, e));
	job.in.n_files = files.n;
	job.text = wr_span(&text);
	rc = run_job(read_receipt, &job, e);
	return rc == COFFER_E_INPUT ? err_wrap(e, "%s", c->pos[0]) : rc;
}

static enum coffer_rc show_statements(const struct cli *c, const struct receipt *r, struct err *e)
{
	for (size_t i = 0; i < r->n; i++) {
		CLEANUP(statement_clear) struct statement s = { 0 };
		char id[HEX32_LEN];

		TRY(statement_parse(wr_span(&r->statement[i].env.payload), &s, e));
		hex32(s.id, id);
		(void)printf(c->json ? "%s{\"kind\":\"%s\",\"issuer\":\"%s\",\"id\":\"%s\"}" : "%s%-14s %-20s %s\n",
		    c->json && i ? "," : "", statement_kind_name(s.kind), s.issuer, id);
	}
	return COFFER_OK;
}

static enum coffer_rc show(void *arg, struct err *e)
{
	const struct receipt_job *j = arg;
	CLEANUP(receipt_clear) struct receipt r = { 0 };
	const struct cli *c = j->c;

	TRY(receipt_read(j->text, &r, e));
	if (c->json)
		(void)printf("{\"statements\":[");
	TRY(show_statements(c, &r, e));
	if (c->json)
		(void)printf("],\"evidence\":%s}\n", r.evidence.has ? "true" : "false");
	else if (r.evidence.has)
		(void)printf("%-14s %zu bytes, and %zu files of collateral\n", "evidence", r.evidence.text.n, r.evidence.n_files);
	return COFFER_OK;
}

enum coffer_rc cmd_receipt_show(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	struct receipt_job job = { .c = c };

	TRY(file_read(c->pos[0], RECEIPT_MAX, &text, e));
	job.text = wr_span(&text);
	return run_job(show, &job, e) == COFFER_OK ? COFFER_OK : err_wrap(e, "%s", c->pos[0]);
}
