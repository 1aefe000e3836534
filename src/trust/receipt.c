#include "trust/receipt.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "trust/form.h"
#include "trust/said.h"

#define WHERE "receipt"

static void entry_clear(struct receipt_entry *x)
{
	wr_close(&x->leaf);
	wr_close(&x->opening);
}

void receipt_clear(struct receipt *r)
{
	for (size_t i = 0; i < r->n; i++) {
		dsse_clear(&r->statement[i].env);
		entry_clear(&r->statement[i].entry);
		wr_close(&r->statement[i].proof);
		wr_close(&r->statement[i].uses);
		wr_close(&r->statement[i].uses_before);
	}
	free(r->statement);
	for (size_t i = 0; i < r->n_said; i++)
		wr_close(&r->said[i].proof);
	free(r->said);
	dsse_clear(&r->genesis);
	entry_clear(&r->release);
	wr_close(&r->asset);
	wr_close(&r->evidence.text);
	for (size_t i = 0; i < r->evidence.n_files; i++)
		wr_close(&r->evidence.file[i]);
	json_free(r->doc);
	*r = (struct receipt){ 0 };
}

/* A member in base64url. */
static enum coffer_rc read_bytes(
    const struct json *o, const char *name, const char *where, size_t max, struct wr *out, struct err *e)
{
	struct span text;

	TRY(json_need_str(o, name, where, &text, e));
	*out = wr_open(max);
	return b64url_read(text, out)
		   ? COFFER_OK
		   : err_set(e, COFFER_E_INPUT, "%s: member \"%s\" is no base64url of at most %zu bytes", where, name, max);
}

static enum coffer_rc read_entry(const struct json *o, const char *where, struct receipt_entry *out, struct err *e)
{
	CLEANUP(wr_close) struct wr path = { 0 };

	TRY(read_bytes(o, "leaf", where, LEAF_MAX, &out->leaf, e));
	TRY(read_bytes(o, "opening", where, LEAF_RECORD_MAX + 64, &out->opening, e));
	TRY(read_bytes(o, "path", where, (size_t)32 * MERKLE_PROOF_MAX, &path, e));
	if (path.n % 32 != 0)
		return err_set(e, COFFER_E_INPUT, "%s: member \"path\" is not of whole hashes", where);
	out->path.n = path.n / 32;
	if (path.n > 0)
		memcpy(out->path.h, path.p, path.n);
	return COFFER_OK;
}

static enum coffer_rc read_salt(const struct json *o, const char *name, uint8_t out[static 32], struct err *e)
{
	CLEANUP(wr_close) struct wr salt = { 0 };

	TRY(read_bytes(o, name, "receipt: uses", 32, &salt, e));
	if (salt.n != 32)
		return err_set(e, COFFER_E_INPUT, "receipt: \"%s\" is not of 32 bytes", name);
	memcpy(out, salt.p, 32);
	return COFFER_OK;
}

static enum coffer_rc read_uses(const struct json *o, struct receipt_statement *out, struct err *e)
{
	static const char *const names[] = { "before", "before-salt", "proof", "salt", NULL };
	static const char where[] = "receipt: uses";

	if (!o)
		return COFFER_OK;
	TRY(json_closed(o, names, where, e));
	out->counted = true;
	out->used_before = json_get(o, "before-salt") != NULL;
	TRY(read_salt(o, "salt", out->salt, e));
	if (out->used_before)
		TRY(read_salt(o, "before-salt", out->salt_before, e));
	TRY(read_bytes(o, "before", where, SMT_PROOF_MAX, &out->uses_before, e));
	return read_bytes(o, "proof", where, SMT_PROOF_MAX, &out->uses, e);
}

static enum coffer_rc read_statement(const struct json *o, struct receipt_statement *out, struct err *e)
{
	static const char *const names[] = { "envelope", "leaf", "opening", "path", "proof", "set", "status", "uses", NULL };
	static const char where[] = "receipt: statement";
	const struct json *env;
	uint64_t status = 0;

	TRY(json_closed(o, names, where, e));
	TRY(json_need_obj(o, "envelope", where, &env, e));
	TRY(dsse_parse_json(env, &out->env, e));
	TRY(read_entry(o, where, &out->entry, e));
	TRY(read_bytes(o, "proof", where, SMT_PROOF_MAX, &out->proof, e));
	TRY(json_need_u64(o, "set", where, &out->set, e));
	TRY(json_need_u64(o, "status", where, &status, e));
	if (status < MAP_IN_FORCE || status > MAP_REVOKED_BY_OTHER)
		return err_set(e, COFFER_E_INPUT, "%s: no such status", where);
	out->status = (enum map_status)status;
	return read_uses(json_get(o, "uses"), out, e);
}

static enum coffer_rc read_statements(const struct json *o, struct receipt *r, struct err *e)
{
	const struct json *list;
	size_t n;

	TRY(json_need_arr(o, "statements", WHERE, &list, e));
	n = json_len(list);
	if (n == 0 || n > RECEIPT_STATEMENTS_MAX)
		return err_set(e, COFFER_E_LIMIT, "receipt: 1 to %d statements", RECEIPT_STATEMENTS_MAX);
	r->statement = calloc(n, sizeof(*r->statement));
	if (!r->statement)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	for (r->n = 0; r->n < n; r->n++) {
		enum coffer_rc rc = read_statement(json_at(list, r->n), &r->statement[r->n], e);

		if (rc != COFFER_OK) {
			r->n++; /* what is there of it is freed */
			return rc;
		}
	}
	return COFFER_OK;
}

static enum coffer_rc read_asset(const struct json *o, struct receipt *r, struct err *e)
{
	static const char *const names[] = { "blind", "proof", NULL };
	CLEANUP(wr_close) struct wr blind = { 0 };

	TRY(json_closed(o, names, "receipt: asset", e));
	TRY(read_bytes(o, "blind", "receipt: asset", sizeof(r->blind), &blind, e));
	if (blind.n != sizeof(r->blind))
		return err_set(e, COFFER_E_INPUT, "receipt: \"blind\" is not of 32 bytes");
	memcpy(r->blind, blind.p, sizeof(r->blind));
	return read_bytes(o, "proof", "receipt: asset", SMT_PROOF_MAX, &r->asset, e);
}

static enum coffer_rc read_evidence(const struct json *o, struct receipt_evidence *out, struct err *e)
{
	static const char *const names[] = { "document", "files", NULL };
	static const char where[] = "receipt: evidence";
	const struct json *files;

	if (!o)
		return COFFER_OK;
	TRY(json_closed(o, names, where, e));
	TRY(json_need_obj(o, "document", where, &out->document, e));
	TRY(json_need_arr(o, "files", where, &files, e));
	out->has = true;
	out->text = wr_open(RECEIPT_MAX);
	json_canon(out->document, &out->text);
	TRY(wr_done(&out->text, where, e));
	if (json_len(files) > RECEIPT_FILES_MAX)
		return err_set(e, COFFER_E_LIMIT, "receipt: more than %d files", RECEIPT_FILES_MAX);
	for (size_t i = 0; i < json_len(files); i++) {
		struct wr *w = &out->file[out->n_files++];

		*w = wr_open(RECEIPT_FILE_MAX);
		if (json_type(json_at(files, i)) != JSON_STRING || !b64url_read(json_str(json_at(files, i)), w))
			return err_set(e, COFFER_E_INPUT, "%s: a file is no base64url of at most %u bytes", where, RECEIPT_FILE_MAX);
	}
	return COFFER_OK;
}

static enum coffer_rc read_item(const struct json *o, struct receipt_item *out, struct err *e)
{
	static const char *const names[] = { "before", "by", "kind", "proof", "subject", NULL };
	static const char where[] = "receipt: said";
	static const struct mhash none;
	struct span kind;

	TRY(json_closed(o, names, where, e));
	TRY(form_party(o, "by", where, out->by, e));
	TRY(json_need_str(o, "kind", where, &kind, e));
	if (!said_by_name(kind, &out->kind))
		return err_set(e, COFFER_E_INPUT, "%s: no such kind", where);
	TRY(form_digest(o, "subject", where, out->subject, e));
	out->has_before = json_get(o, "before") != NULL;
	if (out->has_before)
		TRY(form_digest(o, "before", where, out->before.b, e));
	if (out->has_before && mhash_eq(&out->before, &none))
		return err_set(e, COFFER_E_INPUT, "%s: nothing was said before", where);
	return read_bytes(o, "proof", where, SMT_PROOF_MAX, &out->proof, e);
}

static enum coffer_rc read_said(const struct json *o, struct receipt *r, struct err *e)
{
	const struct json *list;
	enum coffer_rc rc = COFFER_OK;

	if (!json_get(o, "said"))
		return COFFER_OK;
	TRY(form_list(o, "said", WHERE, (struct form_range){ 1, SAID_MAX }, &list, e));
	r->said = calloc(json_len(list), sizeof(*r->said));
	if (!r->said)
		return err_set(e, COFFER_E_SYSTEM, "receipt: out of memory");
	r->has_said = true;
	for (; r->n_said < json_len(list) && rc == COFFER_OK; r->n_said++) /* what is there of the last is freed */
		rc = read_item(json_at(list, r->n_said), &r->said[r->n_said], e);
	return rc;
}

static enum coffer_rc check_form(const struct json_doc *doc, struct span text, struct err *e)
{
	CLEANUP(wr_close) struct wr again = wr_open(RECEIPT_MAX + 1);

	json_canon(json_root(doc), &again);
	wr_u8(&again, '\n');
	if (!wr_ok(&again) || !span_eq(wr_span(&again), text))
		return err_set(e, COFFER_E_INPUT, "receipt: not in the one form it has (JCS and a newline)");
	return COFFER_OK;
}

enum coffer_rc receipt_read(struct span text, struct receipt *out, struct err *e)
{
	static const char *const names[] = { "asset", "checkpoint", "evidence", "form", "genesis", "release", "said", "statements", NULL };
	static const char *const release[] = { "leaf", "opening", "path", NULL };
	CLEANUP(receipt_clear) struct receipt r = { 0 };
	const struct json *o, *part;
	struct span form;

	if (text.n == 0 || text.p[text.n - 1] != '\n')
		return err_set(e, COFFER_E_INPUT, "receipt: it does not end with a newline");
	TRY(json_parse((struct span){ text.p, text.n - 1 }, RECEIPT_MAX, &r.doc, e));
	TRY(check_form(r.doc, text, e));
	o = json_root(r.doc);
	TRY(json_closed(o, names, WHERE, e));
	TRY(json_need_str(o, "form", WHERE, &form, e));
	if (!span_eq_str(form, RECEIPT_FORM))
		return err_set(e, COFFER_E_INPUT, "receipt: of a form that this version does not know");
	TRY(json_need_str(o, "checkpoint", WHERE, &r.checkpoint, e));
	TRY(json_need_obj(o, "genesis", WHERE, &part, e));
	TRY(dsse_parse_json(part, &r.genesis, e));
	TRY(json_need_obj(o, "asset", WHERE, &part, e));
	TRY(read_asset(part, &r, e));
	TRY(json_need_obj(o, "release", WHERE, &part, e));
	TRY(json_closed(part, release, "receipt: release", e));
	TRY(read_entry(part, "receipt: release", &r.release, e));
	TRY(read_statements(o, &r, e));
	TRY(read_said(o, &r, e));
	TRY(read_evidence(json_get(o, "evidence"), &r.evidence, e));
	*out = r;
	r = (struct receipt){ 0 };
	return COFFER_OK;
}
