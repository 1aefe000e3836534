#include "policy/builtin/timezone.h"

#define STEPS_ASK    64 /* the embedder may have to open a file */
#define BYTES_A_STEP 32

bool timezone_find(struct call *c, struct span name, struct timezone_of *out)
{
	struct span file = { 0 };
	struct err e = { 0 };

	*out = (struct timezone_of){ 0 };
	if (name.n == 0 || span_eq_str(name, "UTC") || span_eq_str(name, "Local"))
		return true;
	if (!heap_steps(c->h, STEPS_ASK))
		return false;
	if (!tzif_name_ok(name) || !c->host || !c->host->zone || !c->host->zone(c->host->zone_state, name, &file)) {
		(void)bi_fail(c, "unknown time zone");
		return false;
	}
	if (!heap_steps(c->h, file.n / BYTES_A_STEP))
		return false;
	out->named = tzif_parse(file, &out->tz, &e) == COFFER_OK;
	if (!out->named)
		(void)bi_fail(c, "%s", e.msg);
	return out->named;
}

struct moment timezone_show(const struct timezone_of *z, struct moment m)
{
	struct tzif_local t = { 0 };

	if (z->named)
		t = tzif_at(&z->tz, m.sec);
	m.offset = t.offset;
	m.zone = t.name;
	return m;
}

struct moment timezone_moment(const struct timezone_of *z, struct civil c, int32_t nsec)
{
	struct moment m = moment_of(c, nsec, 0);

	if (z->named)
		m.sec -= tzif_offset_of(&z->tz, m.sec);
	return timezone_show(z, m);
}
