/* coffer ledger verify, show, prove: what the service's ledger says, checked. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/ledger.h"
#include "cli/verbs.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "os/file.h"
#include "trust/ledger/leaf.h"
#include "trust/ledger/proof.h"

#define REPLY_MAX (8u << 20)

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
		(void)printf("{\"origin\":\"%s\",\"size\":%llu,\"root\":\"%s\",\"before\":%llu}\n", l.key.name, size, root, (unsigned long long)from);
	else
		(void)printf("ledger %s: %llu entries, root %s\ncontinues the %llu that this party saw before; every entry since was read\n",
		    l.key.name, size, root, (unsigned long long)from);
	return COFFER_OK;
}

/* ---- openings ---- */

typedef enum coffer_rc (*opened)(struct ledger *l, uint64_t index, struct span opening, void *arg, struct err *e);

static enum coffer_rc page(struct ledger *l, const struct privkey *key, uint64_t from, struct json_doc **out, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("/coffer/v0/ledger?from=%llu", (unsigned long long)from), *bearer = NULL;
	CLEANUP(wr_close) struct wr token = wr_open(8u << 10);
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	struct service_req q = { .method = "GET", .path = path };

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(home_token(&l->h, key, q.method, path, (struct span){ 0 }, &token, e));
	bearer = token.n ? wr_take(&token, NULL) : NULL;
	q.bearer = bearer;
	TRY(service_call(l->conn, &q, REPLY_MAX, &res, e));
	return json_parse(wr_span(&res.body), REPLY_MAX, out, e);
}

/* The opening of one entry, compared with the leaf in the signed tree, and handed on. */
static enum coffer_rc open_one(struct ledger *l, const struct json *v, opened each, void *arg, struct err *e)
{
	CLEANUP(wr_close) struct wr raw = wr_open(LEAF_RECORD_MAX + 64);
	struct ledger_proved p;
	struct leaf_opening o;
	uint8_t commitment[32];
	uint64_t index = 0;
	struct leaf leaf;

	TRY(json_need_u64(v, "index", "reply", &index, e));
	if (!b64url_read(json_str(json_get(v, "opening")), &raw) || !leaf_opening_read(wr_span(&raw), &o))
		return err_set(e, COFFER_E_INPUT, "reply: the opening of entry %llu is malformed", (unsigned long long)index);
	if (index >= l->seen.cp.head.size)
		return COFFER_OK; /* newer than the checkpoint */
	TRY(ledger_prove(l, index, &p, e));
	leaf_commit(o.salt, o.record, commitment);
	if (!leaf_read(SPAN(p.entry), &leaf) || leaf.index != index || !span_eq(SPAN(commitment), SPAN(leaf.commitment)))
		return err_deny(e, "ledger-opening", "what the service says of entry %llu is not what the ledger commits to",
		    (unsigned long long)index);
	return each(l, index, wr_span(&raw), arg, e);
}

static enum coffer_rc open_all(struct ledger *l, const struct privkey *key, opened each, void *arg, struct err *e)
{
	for (uint64_t from = 0; from < l->seen.cp.head.size;) {
		CLEANUP(json_freep) struct json_doc *doc = NULL;
		const struct json *list;
		uint64_t next = 0;

		TRY(page(l, key, from, &doc, e));
		TRY(json_need_arr(json_root(doc), "openings", "reply", &list, e));
		TRY(json_need_u64(json_root(doc), "next", "reply", &next, e));
		for (size_t i = 0; i < json_len(list); i++)
			TRY(open_one(l, json_at(list, i), each, arg, e));
		if (next <= from)
			return err_set(e, COFFER_E_INPUT, "reply: the service's pages do not advance");
		from = next;
	}
	return COFFER_OK;
}

struct shown { bool json; size_t n; };

static enum coffer_rc show(struct ledger *l, uint64_t index, struct span opening, void *arg, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct shown *s = arg;
	struct leaf_opening o;

	(void)l;
	if (!leaf_opening_read(opening, &o))
		return err_set(e, COFFER_E_BUG, "ledger: an opening changed");
	TRY(json_parse(o.record, LEAF_RECORD_MAX, &doc, e)); /* JSON has no control characters */
	if (s->json)
		(void)printf("%s{\"index\":%llu,\"record\":%.*s}", s->n ? "," : "", (unsigned long long)index, (int)o.record.n, (const char *)o.record.p);
	else
		(void)printf("%llu  %.*s\n", (unsigned long long)index, (int)o.record.n, (const char *)o.record.p);
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
	TRY(open_all(&l, key, show, &s, e));
	if (s.json)
		(void)printf("]}\n");
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
	const struct ledger_policy policy = { .log = &l->key };
	CLEANUP(wr_close) struct wr text = wr_open(TLOG_PROOF_MAX);
	struct ledger_seen seen;
	struct mhash leaf;

	merkle_leaf(SPAN(proved->entry), &leaf);
	p->path = proved->path;
	p->note = wr_span(&l->note);
	TRY(tlog_proof_verify(p, &leaf, &policy, &seen, e));
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
	TRY(page(&l, key, p.index, &doc, e));
	TRY(json_need_arr(json_root(doc), "openings", "reply", &list, e));
	if (json_len(list) > 0) {
		TRY(json_need_u64(json_at(list, 0), "index", "reply", &index, e));
		if (index == p.index)
			TRY(open_one(&l, json_at(list, 0), put_opening, &p.extra, e));
	}
	TRY(write_proof(&l, &proved, path, &p, e));
	(void)printf(c->json ? "{\"proof\":\"%s\",\"opened\":%s}\n" : "%s (opening included: %s)\n", path, p.extra.n ? "true" : "false");
	return COFFER_OK;
}
