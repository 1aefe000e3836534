/* coffer ledger verify, show, prove: what the service's ledger says, checked. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/entry_text.h"
#include "cli/opened.h"
#include "cli/verbs.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "os/file.h"
#include "trust/ledger/leaf.h"
#include "trust/ledger/proof.h"

const struct opt_spec opts_ledger_show[] = { OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_ledger_prove[] = {
	OPT_PASSPHRASE, { "out", "FILE", "where to write the proof (default SEQ.tlog-proof)", false, false }, { NULL, NULL, NULL, false, false }
};

enum coffer_rc cmd_ledger_verify(struct cli *c, struct err *e)
{
	CLEANUP(ledger_end) struct ledger l = { 0 };
	unsigned long long size;
	uint64_t from = 0;
	char root[HEX32_LEN];

	TRY(ledger_open(c, &l, e));
	TRY(ledger_follow(&l, &from, e));
	size = (unsigned long long)l.seen.cp.head.size;
	hex32(l.seen.cp.head.root.b, root);
	if (c->json)
		(void)printf("{\"origin\":\"%s\",\"size\":%llu,\"root\":\"%s\",\"before\":%llu}\n", l.policy.log.name, size, root, (unsigned long long)from);
	else if (from == 0)
		(void)printf("ledger %s: %llu entries, root %s\nthis party saw none of it before: every entry was read, and the next look has to continue this one\n",
		    l.policy.log.name, size, root);
	else
		(void)printf("ledger %s: %llu entries, root %s\ncontinues the %llu that this party saw before; every entry since was read\n",
		    l.policy.log.name, size, root, (unsigned long long)from);
	return COFFER_OK;
}

enum coffer_rc cmd_ledger_compare(struct cli *c, struct err *e)
{
	CLEANUP(ledger_end) struct ledger l = { 0 };
	uint64_t from = 0, size = 0;

	TRY(ledger_open(c, &l, e));
	TRY(ledger_follow(&l, &from, e));
	TRY(ledger_compare(&l, c->pos[0], &size, e));
	(void)printf(c->json ? "{\"size\":%llu,\"theirs\":%llu}\n" : "the ledger of %llu entries continues the one of %llu in that file: both parties see one "
	    "history\n", (unsigned long long)l.seen.cp.head.size, (unsigned long long)size);
	return COFFER_OK;
}

/* ---- openings ---- */

struct shown { bool json; size_t n; };

static enum coffer_rc show(struct ledger *l, uint64_t index, struct span opening, void *arg, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr text = wr_open(ENTRY_TEXT_MAX);
	struct shown *s = arg;
	struct leaf_opening o;

	(void)l;
	if (!leaf_opening_read(opening, &o))
		return err_set(e, COFFER_E_BUG, "ledger: an opening changed");
	if (s->json) {
		TRY(json_parse(o.record, LEAF_RECORD_MAX, &doc, e)); /* JSON has no control characters */
		(void)printf("%s{\"index\":%llu,\"record\":%.*s}", s->n ? "," : "", (unsigned long long)index, (int)o.record.n, (const char *)o.record.p);
	} else {
		TRY(entry_text(index, o.record, &text, e));
		(void)fwrite(text.p, 1, text.n, stdout);
	}
	s->n++;
	return COFFER_OK;
}

enum coffer_rc cmd_ledger_show(struct cli *c, struct err *e)
{
	CLEANUP(ledger_end) struct ledger l = { 0 };
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	struct shown s = { .json = c->json };
	uint64_t from = 0;

	TRY(ledger_open(c, &l, e));
	TRY(ledger_follow(&l, &from, e));
	TRY(home_sign_key(c, &l.h, &key, e));
	if (s.json)
		(void)printf("{\"entries\":[");
	TRY(opened_all(&l, key, show, &s, e));
	if (s.json)
		(void)printf("]}\n");
	else
		(void)printf("%zu of the ledger's %llu entries concern %s\n", s.n, (unsigned long long)l.seen.cp.head.size, l.h.party);
	return COFFER_OK;
}

/* ---- prove ---- */

/* The opening of the entry, if this party may have it. */
static enum coffer_rc put_opening(struct ledger *l, uint64_t index, struct span opening, void *arg, struct err *e)
{
	(void)l;
	(void)index;
	wr_put(arg, opening);
	return wr_done(arg, "opening", e);
}

static enum coffer_rc write_proof(struct ledger *l, const struct ledger_proved *proved, const char *path, struct tlog_proof *p,
    struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(TLOG_PROOF_MAX);
	struct ledger_seen seen;
	struct mhash leaf;

	merkle_leaf((struct span){ proved->entry, proved->entry_n }, &leaf);
	p->path = proved->path;
	p->note = wr_span(&l->note);
	TRY(tlog_proof_verify(p, &leaf, &l->policy.p, &seen, e));
	TRY(tlog_proof_write(p, &text, e));
	TRY(wr_done(&text, "proof", e));
	return file_write(path, wr_span(&text), 0644, e);
}

enum coffer_rc cmd_ledger_prove(struct cli *c, struct err *e)
{
	CLEANUP(tlog_proof_clear) struct tlog_proof p = { .extra = wr_open(TLOG_PROOF_EXTRA_MAX) };
	CLEANUP(ledger_end) struct ledger l = { 0 };
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(freep) char *name = str_fmt("%s.tlog-proof", c->pos[0]);
	const char *path = cli_opt(c, "out") ? cli_opt(c, "out") : name;
	struct ledger_proved proved;
	const struct json *list;
	uint64_t from = 0, index = 0;

	if (!name)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (!span_u64(span_of(c->pos[0]), &p.index))
		return cli_bad(e, "%s: not an entry's number", c->pos[0]);
	TRY(ledger_open(c, &l, e));
	TRY(ledger_follow(&l, &from, e));
	TRY(ledger_prove(&l, p.index, &proved, e));
	TRY(home_sign_key(c, &l.h, &key, e));
	TRY(opened_page(&l, key, p.index, &doc, e));
	TRY(json_need_arr(json_root(doc), "openings", "reply", &list, e));
	if (json_len(list) > 0) {
		TRY(json_need_u64(json_at(list, 0), "index", "reply", &index, e));
		if (index == p.index)
			TRY(opened_one(&l, json_at(list, 0), put_opening, &p.extra, e));
	}
	TRY(write_proof(&l, &proved, path, &p, e));
	(void)printf(c->json ? "{\"proof\":\"%s\",\"opened\":%s}\n" : "%s (opening included: %s)\n", path, p.extra.n ? "true" : "false");
	return COFFER_OK;
}
