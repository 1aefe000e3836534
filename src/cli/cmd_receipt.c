/* coffer receipt get, verify, show: what a release rested on, checked without the service. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/ledger.h"
#include "cli/verbs.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "os/file.h"
#include "trust/receipt.h"

const struct opt_spec opts_receipt_get[] = { OPT_PASSPHRASE,
	{ "out", "FILE", "where to write it (default DECISION.receipt)", false, false }, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_receipt_verify[] = { { "genesis", "DIGEST", "the genesis' digest (default: the one this party uses)",
						    false, false },
	{ NULL, NULL, NULL, false, false } };

/* ---- what is made known ---- */

static void print_view(const struct cli *c, const struct receipt_view *v)
{
	char time[CLOCK_TEXT_LEN], key[HEX32_LEN], reply[HEX32_LEN];

	clock_text(v->time, time);
	hex32(v->key, key);
	hex32(v->reply, reply);
	if (c->json)
		(void)printf(
		    "{\"holds\":true,\"asset\":\"%s\",\"version\":%llu,\"time\":\"%s\",\"index\":%llu,\"size\":%llu,\"key\":\"%s\",\"reply\":\"%s\","
		    "\"rests\":%zu,\"record\":%.*s}\n",
		    v->asset, (unsigned long long)v->version, time, (unsigned long long)v->index, (unsigned long long)v->size,
		    key, reply, v->rests, (int)v->record.n, (const char *)v->record.p);
	else
		(void)printf("%s version %llu was released at %s (entry %llu of %llu)\n  to key   %s\n  in reply %s\n"
			     "  on %zu statements, each signed by its issuer, logged before, and in force then; together they allow it\n"
			     "not checked: the evidence, which a receipt does not hold yet\n",
		    v->asset, (unsigned long long)v->version, time, (unsigned long long)v->index, (unsigned long long)v->size,
		    key, reply, v->rests);
}

/* ---- get ---- */

static enum coffer_rc ask(struct ledger *l, const struct privkey *key, const char *decision, struct json_doc **out, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("/coffer/v0/receipts/%s", decision);
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	const struct asker me = { &l->h, key, l->conn };

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(home_call(&me, &(struct service_req){ .method = "GET", .path = path }, RECEIPT_MAX, &res, e));
	return json_parse(wr_span(&res.body), RECEIPT_MAX, out, e);
}

static enum coffer_rc compose(struct ledger *l, const struct json *reply, struct wr *out, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	struct service_req q = { .method = "GET", .path = "/coffer/v0/genesis" };
	struct receipt_parts p = { .reply = reply, .note = wr_span(&l->note), .policy = &l->policy.p, .tiles = &l->tiles };

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
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr text = wr_open(RECEIPT_MAX);
	CLEANUP(receipt_clear) struct receipt r = { 0 };
	struct receipt_view v;
	uint64_t from = 0;
	uint8_t id[16];

	if (!name)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (strlen(c->pos[0]) != 32 || !hex_fixed(span_of(c->pos[0]), id, sizeof(id)))
		return cli_bad(e, "%s: a decision is named by 32 hex digits; coffer decisions lists them", c->pos[0]);
	TRY(ledger_open(c, &l, e));
	TRY(ledger_follow(&l, &from, e));
	TRY(home_sign_key(c, &l.h, &key, e));
	TRY(ask(&l, key, c->pos[0], &doc, e));
	TRY(compose(&l, json_root(doc), &text, e));
	TRY(receipt_read(wr_span(&text), &r, e));
	TRY(receipt_verify(&r, l.h.genesis, &v, e));
	if (!span_eq(SPAN(id), SPAN(v.decision)))
		return err_deny(e, "receipt-release", "the service answered with the receipt of another release");
	TRY(file_write(path, wr_span(&text), 0644, e));
	if (c->json)
		(void)printf("{\"receipt\":\"%s\"}\n", path);
	else
		(void)printf("%s\n", path);
	return COFFER_OK;
}

/* ---- verify, show ---- */

static enum coffer_rc load(const struct cli *c, struct receipt *r, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };

	TRY(file_read(c->pos[0], RECEIPT_MAX, &text, e));
	return receipt_read(wr_span(&text), r, e) == COFFER_OK ? COFFER_OK : err_wrap(e, "%s", c->pos[0]);
}

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
	CLEANUP(receipt_clear) struct receipt r = { 0 };
	struct receipt_view v;
	uint8_t genesis[32];

	TRY(genesis_of(c, genesis, e));
	TRY(load(c, &r, e));
	TRY(receipt_verify(&r, genesis, &v, e));
	print_view(c, &v);
	return COFFER_OK;
}

enum coffer_rc cmd_receipt_show(struct cli *c, struct err *e)
{
	CLEANUP(receipt_clear) struct receipt r = { 0 };

	TRY(load(c, &r, e));
	if (c->json)
		(void)printf("{\"statements\":[");
	for (size_t i = 0; i < r.n; i++) {
		CLEANUP(statement_clear) struct statement s = { 0 };
		char id[HEX32_LEN];

		TRY(statement_parse(wr_span(&r.statement[i].env.payload), &s, e));
		hex32(s.id, id);
		(void)printf(c->json ? "%s{\"kind\":\"%s\",\"issuer\":\"%s\",\"id\":\"%s\"}" : "%s%-14s %-20s %s\n",
		    c->json && i ? "," : "", statement_kind_name(s.kind), s.issuer, id);
	}
	if (c->json)
		(void)printf("]}\n");
	return COFFER_OK;
}
