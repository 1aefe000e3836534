#include "cli/selftest/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "fmt/json.h"

#define KIND "coffer selftest"
#define VERSION 1
#define PROBE_VERSION 1
#define IDENTIFIES_MAX 16

static void item_clear(struct bundle_item *i)
{
	wr_close(&i->report_data);
	wr_close(&i->evidence);
	wr_close(&i->log);
	wr_close(&i->ek);
	wr_close(&i->verdict);
}

void bundle_clear(struct bundle *b)
{
	for (size_t i = 0; i < b->n_items; i++)
		item_clear(&b->item[i]);
	for (size_t i = 0; i < b->n_files; i++)
		wr_close(&b->file[i].bytes);
	*b = (struct bundle){ 0 };
}

void bundle_free(struct bundle *b)
{
	if (b)
		bundle_clear(b);
	free(b);
}

/* ---- reading ---- */

static enum coffer_rc bad(const char *name, const char *what, struct err *e)
{
	return err_set(e, COFFER_E_INPUT, "bundle: member \"%s\" %s", name, what);
}

/* Printable ASCII: it will be shown. */
static enum coffer_rc text(const struct json *o, const char *name, char *out, size_t room, struct err *e)
{
	struct span s;

	TRY(json_need_str(o, name, "bundle", &s, e));
	if (s.n >= room)
		return bad(name, "is too long", e);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return bad(name, "is not plain text", e);
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	out[s.n] = 0;
	return COFFER_OK;
}

static enum coffer_rc keep(struct span s, const char *name, size_t max, struct wr *out, struct err *e)
{
	if (s.n == 0 || s.n > max)
		return bad(name, "is empty or too long", e);
	*out = wr_open(max);
	wr_put(out, s);
	return wr_done(out, name, e);
}

static enum coffer_rc whole(const struct json *o, const char *name, size_t max, struct wr *out, struct err *e)
{
	struct span s;

	TRY(json_need_str(o, name, "bundle", &s, e));
	return keep(s, name, max, out, e);
}

static enum coffer_rc base64(const struct json *o, const char *name, size_t max, struct wr *out, struct err *e)
{
	struct span s;

	TRY(json_need_str(o, name, "bundle", &s, e));
	*out = wr_open(max);
	if (!b64_read(s, out) || !wr_ok(out) || out->n == 0)
		return bad(name, "is not base64, or too long", e);
	return COFFER_OK;
}

static enum coffer_rc hex(const struct json *o, const char *name, size_t max, struct wr *out, struct err *e)
{
	struct span s;

	TRY(json_need_str(o, name, "bundle", &s, e));
	*out = wr_open(max);
	if (!hex_read(s, out) || !wr_ok(out) || out->n == 0)
		return bad(name, "is not hex, or too long", e);
	return COFFER_OK;
}

static enum coffer_rc read_item(const struct json *v, bool judged, struct bundle_item *out, struct err *e)
{
	static const char *const names[] = { "platform", "report-data", "evidence", "event-log", "ek-certificate", "verdict", NULL };

	TRY(json_closed(v, names, "evidence", e));
	TRY(text(v, "platform", out->platform, sizeof(out->platform), e));
	TRY(hex(v, "report-data", 64, &out->report_data, e));
	TRY(whole(v, "evidence", BUNDLE_EVIDENCE_MAX, &out->evidence, e));
	if (json_get(v, "event-log"))
		TRY(base64(v, "event-log", BUNDLE_EVIDENCE_MAX, &out->log, e));
	if (json_get(v, "ek-certificate"))
		TRY(base64(v, "ek-certificate", BUNDLE_FILE_MAX, &out->ek, e));
	if (!json_get(v, "verdict"))
		return COFFER_OK;
	return judged ? whole(v, "verdict", BUNDLE_VERDICT_MAX, &out->verdict, e) : bad("verdict", "is not asked for", e);
}

static enum coffer_rc list(const struct json *o, const char *name, size_t max, const struct json **out, struct err *e)
{
	TRY(json_need_arr(o, name, "bundle", out, e));
	return json_len(*out) <= max ? COFFER_OK : err_set(e, COFFER_E_LIMIT, "bundle: \"%s\" has more than %zu items", name, max);
}

static enum coffer_rc read_items(const struct json *root, bool judged, struct bundle *out, struct err *e)
{
	static const char *const names[] = { "platform", "why", NULL };
	const struct json *items, *absent;

	TRY(list(root, "evidence", BUNDLE_ITEMS_MAX, &items, e));
	TRY(list(root, "absent", BUNDLE_ITEMS_MAX, &absent, e));
	for (size_t i = 0; i < json_len(items); i++) {
		out->n_items = i + 1; /* half-built ones are cleared too */
		TRY(read_item(json_at(items, i), judged, &out->item[i], e));
	}
	for (size_t i = 0; i < json_len(absent); i++) {
		struct bundle_absent *a = &out->absent[out->n_absent++];

		TRY(json_closed(json_at(absent, i), names, "absent", e));
		TRY(text(json_at(absent, i), "platform", a->platform, sizeof(a->platform), e));
		TRY(text(json_at(absent, i), "why", a->why, sizeof(a->why), e));
	}
	return COFFER_OK;
}

static enum coffer_rc read_facts(const struct json *root, struct bundle *out, struct err *e)
{
	static const char *const names[] = { "name", "there", "what", NULL };
	const struct json *facts;

	TRY(list(root, "machine", BUNDLE_FACTS_MAX, &facts, e));
	for (size_t i = 0; i < json_len(facts); i++) {
		const struct json *v = json_at(facts, i);
		struct bundle_fact *f = &out->fact[out->n_facts++];

		TRY(json_closed(v, names, "machine", e));
		TRY(text(v, "name", f->name, sizeof(f->name), e));
		TRY(text(v, "what", f->what, sizeof(f->what), e));
		if (!json_bool(json_get(v, "there"), &f->there))
			return bad("there", "is not true or false", e);
	}
	return COFFER_OK;
}

static enum coffer_rc read_files(const struct json *root, struct bundle *out, struct err *e)
{
	static const char *const names[] = { "root", "data", NULL };
	const struct json *files;

	TRY(list(root, "collateral", BUNDLE_FILES_MAX, &files, e));
	for (size_t i = 0; i < json_len(files); i++) {
		struct bundle_file *f = &out->file[out->n_files++];

		TRY(json_closed(json_at(files, i), names, "collateral", e));
		if (!json_bool(json_get(json_at(files, i), "root"), &f->root))
			return bad("root", "is not true or false", e);
		TRY(base64(json_at(files, i), "data", BUNDLE_FILE_MAX, &f->bytes, e));
	}
	return COFFER_OK;
}

static enum coffer_rc read_version(const struct json *root, uint64_t want, struct err *e)
{
	uint64_t version = 0;

	TRY(json_need_u64(root, "version", "bundle", &version, e));
	return version == want ? COFFER_OK : bad("version", "is one that this version of coffer does not know", e);
}

static enum coffer_rc read_whole(const struct json *root, struct bundle *out, struct err *e)
{
	static const char *const names[] = { "bundle", "version", "coffer", "time", "label", "identifies", "machine", "absent", "evidence", "collateral", NULL };
	const struct json *ids;
	uint64_t time = 0;

	if (!span_eq_str(json_str(json_get(root, "bundle")), KIND))
		return err_set(e, COFFER_E_INPUT, "this is no bundle of 'coffer selftest'");
	TRY(read_version(root, VERSION, e));
	TRY(json_closed(root, names, "bundle", e));
	TRY(text(root, "coffer", out->version, sizeof(out->version), e));
	TRY(text(root, "label", out->label, sizeof(out->label), e));
	TRY(json_need_u64(root, "time", "bundle", &time, e));
	if (time > INT64_C(253402300799)) /* the year 9999 */
		return bad("time", "is too large", e);
	out->time = (int64_t)time;
	TRY(list(root, "identifies", IDENTIFIES_MAX, &ids, e)); /* for people; what is in it says itself */
	TRY(read_facts(root, out, e));
	TRY(read_items(root, true, out, e));
	return read_files(root, out, e);
}

enum coffer_rc bundle_read(struct span s, struct bundle *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	enum coffer_rc rc;

	TRY(json_parse(s, BUNDLE_MAX, &doc, e));
	rc = read_whole(json_root(doc), out, e);
	if (rc != COFFER_OK)
		bundle_clear(out);
	return rc;
}

static enum coffer_rc read_probe(const struct json *root, struct bundle *out, struct err *e)
{
	static const char *const names[] = { "version", "evidence", "absent", NULL };

	TRY(json_closed(root, names, "probe", e));
	TRY(read_version(root, PROBE_VERSION, e));
	return read_items(root, false, out, e);
}

enum coffer_rc bundle_read_probe(struct span s, struct bundle *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	enum coffer_rc rc;

	TRY(json_parse(s, BUNDLE_MAX, &doc, e));
	rc = read_probe(json_root(doc), out, e);
	if (rc != COFFER_OK)
		bundle_clear(out);
	return rc;
}

/* ---- writing ---- */

static void put_item(struct json_wr *j, const struct bundle_item *i)
{
	jw_obj(j);
	jw_m_text(j, "platform", i->platform);
	jw_m_hex(j, "report-data", wr_span(&i->report_data));
	jw_m_str(j, "evidence", wr_span(&i->evidence));
	if (i->log.n > 0)
		jw_m_b64(j, "event-log", wr_span(&i->log));
	if (i->ek.n > 0)
		jw_m_b64(j, "ek-certificate", wr_span(&i->ek));
	if (i->verdict.n > 0)
		jw_m_str(j, "verdict", wr_span(&i->verdict));
	jw_obj_end(j);
}

static void put_facts(struct json_wr *j, const struct bundle *b)
{
	jw_name(j, "machine");
	jw_arr(j);
	for (size_t i = 0; i < b->n_facts; i++) {
		jw_obj(j);
		jw_m_text(j, "name", b->fact[i].name);
		jw_m_bool(j, "there", b->fact[i].there);
		jw_m_text(j, "what", b->fact[i].what);
		jw_obj_end(j);
	}
	jw_arr_end(j);
	jw_name(j, "absent");
	jw_arr(j);
	for (size_t i = 0; i < b->n_absent; i++) {
		jw_obj(j);
		jw_m_text(j, "platform", b->absent[i].platform);
		jw_m_text(j, "why", b->absent[i].why);
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

static void put_files(struct json_wr *j, const struct bundle *b)
{
	jw_name(j, "collateral");
	jw_arr(j);
	for (size_t i = 0; i < b->n_files; i++) {
		jw_obj(j);
		jw_m_bool(j, "root", b->file[i].root);
		jw_m_b64(j, "data", wr_span(&b->file[i].bytes));
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

enum coffer_rc bundle_write(const struct bundle *b, const char *const *identifies, struct wr *out, struct err *e)
{
	struct json_wr j = jw_open(out, true);

	jw_obj(&j);
	jw_m_text(&j, "bundle", KIND);
	jw_m_u64(&j, "version", VERSION);
	jw_m_text(&j, "coffer", b->version);
	jw_m_u64(&j, "time", (uint64_t)b->time);
	jw_m_text(&j, "label", b->label);
	jw_name(&j, "identifies");
	jw_arr(&j);
	for (size_t i = 0; identifies[i] && i < IDENTIFIES_MAX; i++)
		jw_text(&j, identifies[i]);
	jw_arr_end(&j);
	put_facts(&j, b);
	jw_name(&j, "evidence");
	jw_arr(&j);
	for (size_t i = 0; i < b->n_items; i++)
		put_item(&j, &b->item[i]);
	jw_arr_end(&j);
	put_files(&j, b);
	jw_obj_end(&j);
	wr_str(out, "\n");
	return wr_done(out, "bundle", e);
}
