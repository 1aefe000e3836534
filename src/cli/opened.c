#include "cli/opened.h"

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "trust/ledger/leaf.h"

#define REPLY_MAX (8u << 20)

enum coffer_rc opened_page(struct ledger *l, const struct privkey *key, uint64_t from, struct json_doc **out, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("/coffer/v0/ledger?from=%llu", (unsigned long long)from);
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	const struct asker me = { &l->h, key, l->conn };

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(home_call(&me, &(struct service_req){ .method = "GET", .path = path }, REPLY_MAX, &res, e));
	return json_parse(wr_span(&res.body), REPLY_MAX, out, e);
}

enum coffer_rc opened_one(struct ledger *l, const struct json *v, opened each, void *arg, struct err *e)
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
	if (!leaf_read((struct span){ p.entry, p.entry_n }, &leaf) || leaf.index != index || !span_eq(SPAN(commitment), SPAN(leaf.commitment)))
		return err_deny(e, "ledger-opening", "what the service says of entry %llu is not what the ledger commits to",
		    (unsigned long long)index);
	return each(l, index, wr_span(&raw), arg, e);
}

enum coffer_rc opened_all(struct ledger *l, const struct privkey *key, opened each, void *arg, struct err *e)
{
	return opened_from(l, key, 0, each, arg, e);
}

enum coffer_rc opened_from(struct ledger *l, const struct privkey *key, uint64_t from, opened each, void *arg, struct err *e)
{
	while (from < l->seen.cp.head.size) {
		CLEANUP(json_freep) struct json_doc *doc = NULL;
		const struct json *list;
		uint64_t next = 0;

		TRY(opened_page(l, key, from, &doc, e));
		TRY(json_need_arr(json_root(doc), "openings", "reply", &list, e));
		TRY(json_need_u64(json_root(doc), "next", "reply", &next, e));
		for (size_t i = 0; i < json_len(list); i++)
			TRY(opened_one(l, json_at(list, i), each, arg, e));
		if (next <= from)
			return err_set(e, COFFER_E_INPUT, "reply: the service's pages do not advance");
		from = next;
	}
	return COFFER_OK;
}

enum coffer_rc ledger_each(struct cli *c, opened each, void *arg, struct err *e)
{
	CLEANUP(ledger_end) struct ledger l = { 0 };
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	uint64_t from = 0;

	TRY(ledger_open(c, &l, e));
	TRY(ledger_follow(&l, &from, e));
	TRY(home_sign_key(c, &l.h, &key, e));
	return opened_all(&l, key, each, arg, e);
}
