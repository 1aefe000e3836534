/* The document of what was shown: written by the service, read by whoever has a receipt. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "decide/shown.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "proto/rcar_json.h"

#define WHERE "evidence: document"

/* ---- writing ---- */

static void put_bytes(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(SHOWN_DOC_MAX);

	b64url_write(&w, s);
	j->w->bad = j->w->bad || !wr_ok(&w);
	jw_m_str(j, name, wr_span(&w));
}

static void put_hex(struct json_wr *j, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(128);

	hex_write(&w, s);
	jw_str(j, wr_span(&w));
}

static void put_digest(struct json_wr *j, const char *name, const uint8_t digest[static 32])
{
	jw_name(j, name);
	put_hex(j, (struct span){ digest, 32 });
}

static void put_files(struct json_wr *j, const struct shown *s, const struct shown_digests *d)
{
	jw_name(j, "files");
	jw_arr(j);
	for (size_t i = 0; i < s->n_files; i++)
		put_hex(j, SPAN(d->file[i]));
	jw_arr_end(j);
}

static void put_members(struct json_wr *j, const struct shown *s)
{
	jw_name(j, "members");
	jw_obj(j);
	for (size_t i = 0; i < s->n_members; i++) {
		jw_namen(j, s->member[i].name);
		jw_str(j, s->member[i].value);
	}
	jw_obj_end(j);
}

/* Members in JCS order. */
enum coffer_rc shown_write(const struct shown *s, const struct shown_digests *d, struct wr *out, struct err *e)
{
	struct json_wr j = jw_open(out, false);

	jw_obj(&j);
	put_bytes(&j, "additional", s->additional);
	put_bytes(&j, "ak", s->ak);
	jw_m_str(&j, "build", s->build);
	put_digest(&j, "claims", d->claims);
	put_bytes(&j, "evidence", s->evidence);
	jw_m_u64(&j, "expires", (uint64_t)s->expires);
	put_files(&j, s, d);
	jw_m_text(&j, "form", SHOWN_FORM);
	jw_m_u64(&j, "hash", s->hash);
	if (d->has_initdata)
		put_digest(&j, "initdata", d->initdata);
	else
		jw_m_text(&j, "initdata", "");
	put_members(&j, s);
	jw_name(&j, "nonce");
	put_hex(&j, SPAN(s->nonce));
	jw_m_text(&j, "platform", tee_name(s->tee));
	put_bytes(&j, "references", s->references);
	jw_m_str(&j, "service", s->service);
	jw_name(&j, "session");
	put_hex(&j, SPAN(s->session));
	jw_m_u64(&j, "time", (uint64_t)s->time);
	jw_obj_end(&j);
	return wr_done(out, "evidence to keep", e);
}

/* A byte of members, service and build may become six; a digest is 64 bytes; in two kilobytes are names, numbers and what is between. */
#define ESCAPED 6u
#define DIGESTS ((size_t)(KEEP_FILES_MAX + 3u) * 70u)
#define BETWEEN 2048u

bool shown_fits(const struct shown *s)
{
	const struct span coded[] = { s->additional, s->ak, s->evidence, s->references };
	size_t n = ESCAPED * (s->service.n + s->build.n) + DIGESTS + BETWEEN;

	for (size_t i = 0; i < sizeof(coded) / sizeof(coded[0]); i++)
		n += coded[i].n / 3 * 4 + 4;
	for (size_t i = 0; i < s->n_members; i++)
		n += ESCAPED * (s->member[i].name.n + s->member[i].value.n + 1);
	return n <= SHOWN_DOC_MAX;
}

/* ---- reading ---- */

void shown_clear(struct shown_doc *d)
{
	wr_close(&d->additional);
	wr_close(&d->ak);
	wr_close(&d->evidence);
	wr_close(&d->references);
	*d = (struct shown_doc){ 0 };
}

static enum coffer_rc get_bytes(const struct json *o, const char *name, struct wr *to, struct span *out, struct err *e)
{
	struct span text;

	TRY(json_need_str(o, name, WHERE, &text, e));
	*to = wr_open(SHOWN_DOC_MAX);
	if (!b64url_read(text, to))
		return err_set(e, COFFER_E_INPUT, WHERE ": member \"%s\" is no base64url", name);
	*out = wr_span(to);
	return COFFER_OK;
}

static enum coffer_rc get_hex(const struct json *o, const char *name, uint8_t *out, size_t n, struct err *e)
{
	struct span text;

	TRY(json_need_str(o, name, WHERE, &text, e));
	return text.n == 2 * n && hex_fixed(text, out, n) ? COFFER_OK
							  : err_set(e, COFFER_E_INPUT, WHERE ": member \"%s\" is not hex of %zu bytes", name, n);
}

static enum coffer_rc get_files(const struct json *o, struct shown_doc *d, struct err *e)
{
	const struct json *list;

	TRY(json_need_arr(o, "files", WHERE, &list, e));
	if (json_len(list) > KEEP_FILES_MAX)
		return err_set(e, COFFER_E_INPUT, WHERE ": more than %d files", KEEP_FILES_MAX);
	for (size_t i = 0; i < json_len(list); i++) {
		struct span s = json_str(json_at(list, i));

		if (s.n != 64 || !hex_fixed(s, d->file[i], 32))
			return err_set(e, COFFER_E_INPUT, WHERE ": a file is named by 64 hex digits");
		d->s.n_files++;
	}
	return COFFER_OK;
}

static enum coffer_rc get_members(const struct json *o, struct shown_doc *d, struct err *e)
{
	const struct json *list;

	TRY(json_need_obj(o, "members", WHERE, &list, e));
	if (json_len(list) == 0 || json_len(list) > KEEP_MEMBERS_MAX)
		return err_set(e, COFFER_E_INPUT, WHERE ": 1 to %d members", KEEP_MEMBERS_MAX);
	for (size_t i = 0; i < json_len(list); i++) {
		struct keep_member *m = &d->member[d->s.n_members++];

		m->name = json_name(list, i);
		m->value = json_str(json_at(list, i));
		if (json_type(json_at(list, i)) != JSON_STRING || m->value.n > KEEP_MEMBER_VALUE_MAX)
			return err_set(e, COFFER_E_INPUT, WHERE ": a member of the key set is no text of at most %d bytes", KEEP_MEMBER_VALUE_MAX);
	}
	return COFFER_OK;
}

static enum coffer_rc get_times(const struct json *o, struct shown *s, struct err *e)
{
	uint64_t time = 0, expires = 0, hash = 0;

	TRY(json_need_u64(o, "time", WHERE, &time, e));
	TRY(json_need_u64(o, "expires", WHERE, &expires, e));
	TRY(json_need_u64(o, "hash", WHERE, &hash, e));
	if (time > INT32_MAX * UINT64_C(1000) || expires > INT32_MAX * UINT64_C(1000) || hash > UINT8_MAX)
		return err_set(e, COFFER_E_INPUT, WHERE ": no such time or hash");
	s->time = (int64_t)time;
	s->expires = (int64_t)expires;
	s->hash = (uint8_t)hash;
	return COFFER_OK;
}

static enum coffer_rc get_names(const struct json *o, struct shown *s, struct err *e)
{
	struct span form, platform;

	TRY(json_need_str(o, "form", WHERE, &form, e));
	if (!span_eq_str(form, SHOWN_FORM))
		return err_set(e, COFFER_E_INPUT, WHERE ": of a form that this version does not know");
	TRY(json_need_str(o, "platform", WHERE, &platform, e));
	if (!tee_by_name(platform, &s->tee))
		return err_set(e, COFFER_E_INPUT, WHERE ": of a platform that this version does not know");
	TRY(json_need_str(o, "service", WHERE, &s->service, e));
	TRY(json_need_str(o, "build", WHERE, &s->build, e));
	return s->service.n < PARTY_MAX && s->build.n < 64 ? COFFER_OK : err_set(e, COFFER_E_INPUT, WHERE ": a name is too long");
}

static enum coffer_rc get_initdata(const struct json *o, struct shown_doc *d, struct err *e)
{
	d->has_initdata = !json_get(o, "initdata") || !span_eq_str(json_str(json_get(o, "initdata")), "");
	return d->has_initdata ? get_hex(o, "initdata", d->initdata, sizeof(d->initdata), e) : COFFER_OK;
}

static enum coffer_rc read_all(const struct json *o, struct shown_doc *d, struct err *e)
{
	static const char *const names[] = { "additional", "ak", "build", "claims", "evidence", "expires", "files", "form", "hash", "initdata",
		"members", "nonce", "platform", "references", "service", "session", "time", NULL };
	struct shown *s = &d->s;

	TRY(json_closed(o, names, WHERE, e));
	TRY(get_names(o, s, e));
	TRY(get_times(o, s, e));
	TRY(get_hex(o, "nonce", s->nonce, sizeof(s->nonce), e));
	TRY(get_hex(o, "session", s->session, sizeof(s->session), e));
	TRY(get_members(o, d, e));
	TRY(get_files(o, d, e));
	TRY(get_bytes(o, "additional", &d->additional, &s->additional, e));
	TRY(get_bytes(o, "ak", &d->ak, &s->ak, e));
	TRY(get_hex(o, "claims", d->claims, sizeof(d->claims), e));
	TRY(get_bytes(o, "evidence", &d->evidence, &s->evidence, e));
	TRY(get_initdata(o, d, e));
	return get_bytes(o, "references", &d->references, &s->references, e);
}

enum coffer_rc shown_read(const struct json *o, struct shown_doc *out, struct err *e)
{
	CLEANUP(shown_clear) struct shown_doc d = { 0 };

	TRY(read_all(o, &d, e));
	*out = d;
	out->s.member = out->member;
	d = (struct shown_doc){ 0 };
	return COFFER_OK;
}
