#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "trust/receipt.h"

/* Members leaf, opening and, out of the public tiles, path. */
static enum coffer_rc put_entry(const struct receipt_parts *p, const struct json *o, struct json_wr *j, struct err *e)
{
	CLEANUP(wr_close) struct wr raw = wr_open(LEAF_MAX), text = wr_open((size_t)2 * 32 * MERKLE_PROOF_MAX);
	const struct merkle_source s = { tile_read, p->tiles };
	struct merkle_proof path;
	struct leaf leaf;

	if (!b64url_read(json_str(json_get(o, "leaf")), &raw) || !leaf_read(wr_span(&raw), &leaf))
		return err_set(e, COFFER_E_INPUT, "reply: a leaf is malformed");
	if (leaf.index >= p->tiles->size)
		return err_set(e, COFFER_E_UPSTREAM, "the checkpoint is older than the release; ask again");
	TRY(merkle_prove(&s, leaf.index, p->tiles->size, &path, e));
	b64url_write(&text, (struct span){ (const uint8_t *)path.h, 32 * path.n });
	TRY(wr_done(&text, "path", e));
	jw_m_str(j, "leaf", json_str(json_get(o, "leaf")));
	jw_m_str(j, "opening", json_str(json_get(o, "opening")));
	jw_m_str(j, "path", wr_span(&text));
	return COFFER_OK;
}

static enum coffer_rc put_statements(const struct receipt_parts *p, const struct json *list, struct json_wr *j, struct err *e)
{
	jw_name(j, "statements");
	jw_arr(j);
	for (size_t i = 0; i < json_len(list); i++) {
		static const char *const as_is[] = { "proof", "set", "status" };
		const struct json *o = json_at(list, i);

		jw_obj(j);
		jw_name(j, "envelope");
		jw_value(j, json_get(o, "envelope"));
		TRY(put_entry(p, o, j, e));
		for (size_t m = 0; m < sizeof(as_is) / sizeof(as_is[0]); m++) {
			jw_name(j, as_is[m]);
			jw_value(j, json_get(o, as_is[m]));
		}
		if (json_get(o, "uses")) {
			jw_name(j, "uses");
			jw_value(j, json_get(o, "uses"));
		}
		jw_obj_end(j);
	}
	jw_arr_end(j);
	return COFFER_OK;
}

static bool of_policy(const struct ledger_policy *p, const struct note_sig *s)
{
	bool known = s->id == p->log->id && span_eq_str(s->name, p->log->name);

	for (size_t i = 0; i < p->n && !known; i++)
		known = s->id == p->witnesses[i].id && span_eq_str(s->name, p->witnesses[i].name);
	return known;
}

/* The signatures of the log and of the genesis' witnesses: others are not the receipt's to carry. */
static enum coffer_rc put_checkpoint(const struct receipt_parts *p, struct json_wr *j, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(NOTE_MAX);
	struct span note = p->note, line = note;
	struct note n;

	TRY(note_parse(note, &n, e));
	TRY(note_begin(n.text, &text, e));
	line = span_skip(note, n.text.n + 1);
	for (size_t i = 0; i < n.n_sigs; i++) { /* a line each */
		const uint8_t *end = memchr(line.p, '\n', line.n);
		size_t len = end ? (size_t)(end - line.p) + 1 : line.n;

		if (of_policy(p->policy, &n.sigs[i]))
			wr_put(&text, (struct span){ line.p, len });
		line = span_skip(line, len);
	}
	TRY(wr_done(&text, "checkpoint", e));
	jw_m_str(j, "checkpoint", wr_span(&text));
	return COFFER_OK;
}

static enum coffer_rc put_genesis(const struct receipt_parts *p, struct json_wr *j, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;

	TRY(json_parse(p->genesis, DSSE_ENVELOPE_MAX, &doc, e));
	jw_name(j, "genesis");
	jw_value(j, json_root(doc));
	return COFFER_OK;
}

/* Then brought into the one form that a receipt has. */
enum coffer_rc receipt_make(const struct receipt_parts *p, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(RECEIPT_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct json_wr j = jw_open(&text, false);

	jw_obj(&j);
	jw_name(&j, "asset");
	jw_value(&j, json_get(p->reply, "asset"));
	TRY(put_checkpoint(p, &j, e));
	if (json_get(p->reply, "evidence")) {
		jw_name(&j, "evidence");
		jw_value(&j, json_get(p->reply, "evidence"));
	}
	jw_m_text(&j, "form", RECEIPT_FORM);
	TRY(put_genesis(p, &j, e));
	jw_name(&j, "release");
	jw_obj(&j);
	TRY(put_entry(p, json_get(p->reply, "release"), &j, e));
	jw_obj_end(&j);
	if (json_get(p->reply, "said")) {
		jw_name(&j, "said");
		jw_value(&j, json_get(p->reply, "said"));
	}
	TRY(put_statements(p, json_get(p->reply, "statements"), &j, e));
	jw_obj_end(&j);
	TRY(wr_done(&text, "receipt", e));
	TRY(json_parse(wr_span(&text), RECEIPT_MAX, &doc, e));
	json_canon(json_root(doc), out);
	wr_u8(out, '\n');
	return wr_done(out, "receipt", e);
}
