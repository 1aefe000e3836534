#include "evidence/evidence.h"

#include <string.h>

#include "base/secret.h"
#include "base/str.h"
#include "fmt/enc.h"

const char *verdict_name(enum verdict v)
{
	switch (v) {
	case VERDICT_VALID:      return "valid";
	case VERDICT_INVALID:    return "invalid";
	case VERDICT_MALFORMED:  return "malformed";
	case VERDICT_STALE:      return "stale";
	case VERDICT_COLLATERAL: return "collateral-unavailable";
	}
	return "invalid";
}

void ev_out_clear(struct ev_out *o)
{
	wr_close(&o->claims);
	wr_close(&o->values);
	wr_close(&o->parts.report);
	wr_close(&o->parts.signature);
	wr_close(&o->parts.key);
	wr_close(&o->parts.registers);
	wr_close(&o->parts.activated);
	wr_close(&o->parts.quote);
	for (size_t i = 0; i < EV_PATH_MAX; i++)
		wr_close(&o->parts.path[i]);
	o->claims = o->values = (struct wr){ 0 };
	o->parts = (struct ev_parts){ 0 };
	o->facts = (struct hw_facts){ 0 };
	o->verdict = VERDICT_VALID;
	o->n = o->report_data_n = o->init_register_n = 0; /* what they count is not looked at any more: 12 KiB stay as they are */
}

void ev_part(struct wr *part, struct span bytes)
{
	wr_close(part);
	*part = wr_open(bytes.n);
	wr_put(part, bytes);
}

void ev_part_path(struct ev_out *o, const struct cert_path *path)
{
	o->parts.n_path = path->n <= EV_PATH_MAX ? path->n : 0;
	for (size_t i = 0; i < o->parts.n_path; i++)
		ev_part(&o->parts.path[i], cert_bytes(path->c[i]));
}

void ev_begin(struct ev_out *o, size_t max)
{
	o->claims = wr_open(max);
	o->values = wr_open(max);
}

enum coffer_rc ev_done(const struct ev_out *o, struct err *e)
{
	TRY(wr_done(&o->claims, "claims", e));
	return wr_done(&o->values, "values", e);
}

/* Evidence chooses these bytes and people read them on terminals. */
static void copy_text(char *dst, size_t n, const char *s)
{
	size_t i = 0;

	for (; s[i] && i + 1 < n; i++)
		dst[i] = (char)(s[i] < 0x20 || s[i] > 0x7e ? '?' : s[i]);
	dst[i] = '\0';
}

bool ev_need(struct ev_out *o, const char *id, bool holds, enum verdict otherwise, const char *expected, const char *found)
{
	struct ev_check *c = &o->check[o->n < EV_CHECKS_MAX ? o->n : EV_CHECKS_MAX - 1];

	if (o->n == EV_CHECKS_MAX) { /* a driver with too many checks is a bug: nothing of it is valid */
		holds = false;
		otherwise = VERDICT_INVALID;
	} else {
		o->n++;
	}
	c->holds = holds;
	c->otherwise = otherwise;
	copy_text(c->id, sizeof(c->id), id);
	copy_text(c->expected, sizeof(c->expected), expected);
	copy_text(c->found, sizeof(c->found), found);
	if (!holds && o->verdict == VERDICT_VALID)
		o->verdict = otherwise;
	return holds;
}

static void hex_cut(struct span s, char *out, size_t n)
{
	size_t fits = (n - 4) / 2;

	hex_text((struct span){ s.p, s.n < fits ? s.n : fits }, out);
	if (s.n > fits)
		memcpy(out + 2 * fits, "...", 4);
}

bool ev_need_hex(struct ev_out *o, const char *id, struct span expected, struct span found)
{
	char want[160], got[160];

	hex_cut(expected, want, sizeof(want));
	hex_cut(found, got, sizeof(got));
	return ev_need(o, id, span_eq(expected, found), VERDICT_INVALID, want, got);
}

void ev_malformed(struct ev_out *o, const struct err *e)
{
	(void)ev_need(o, "form", false, VERDICT_MALFORMED, "well-formed evidence", e->msg);
}

/* A platform's field may be longer than what is wanted: the rest must be zero, or somebody else put it there. */
static bool padded_eq(struct span want, struct span field)
{
	bool ok = want.n <= field.n && span_eq(want, (struct span){ field.p, want.n });

	for (size_t i = want.n; ok && i < field.n; i++)
		ok = field.p[i] == 0;
	return ok;
}

static void binding(struct ev_out *o, const char *id, struct span want, struct span field)
{
	char w[160], f[160];

	if (!want.p)
		return;
	hex_cut(want, w, sizeof(w));
	hex_cut(field, f, sizeof(f));
	(void)ev_need(o, id, field.n > 0 && padded_eq(want, field), VERDICT_INVALID, w, field.n > 0 ? f : "nothing");
}

void ev_bindings(struct ev_out *o, const struct ev_in *in, struct span report_data, struct span init_register)
{
	binding(o, "report_data", in->report_data, report_data);
	binding(o, "init_data", in->init_data, init_register);
}
