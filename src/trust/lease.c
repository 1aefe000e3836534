#include "trust/lease.h"

#include "base/str.h"
#include "trust/form.h"

struct lease_terms lease_default(void)
{
	return (struct lease_terms){ .lease = 300, .check = 60, .grace = 900, .stop = true };
}

enum coffer_rc lease_read_asset(const struct json *v, struct lease_terms *out, struct err *e)
{
	static const char *const names[] = { "lease", "check", "grace", NULL };
	struct lease_terms t = *out;

	if (!v)
		return COFFER_OK;
	TRY(json_closed(v, names, "asset lease", e));
	TRY(form_number(v, "lease", "asset lease", (struct form_range){ 1, LEASE_DAY }, &t.lease, e));
	TRY(form_number(v, "check", "asset lease", (struct form_range){ 1, LEASE_CHECK_MAX }, &t.check, e));
	TRY(form_number(v, "grace", "asset lease", (struct form_range){ 0, LEASE_DAY }, &t.grace, e));
	*out = t;
	return COFFER_OK;
}

enum coffer_rc lease_read_manifest(const struct json *v, struct lease_terms *out, struct err *e)
{
	static const char *const names[] = { "action", "check", "grace", "term", NULL };
	struct lease_terms t = { .lease = LEASE_DAY };
	struct span action;

	TRY(json_closed(v, names, "on-lapse", e));
	TRY(json_need_str(v, "action", "on-lapse", &action, e));
	t.stop = span_eq_str(action, "stop");
	if (!t.stop && !span_eq_str(action, "wipe"))
		return err_set(e, COFFER_E_INPUT, "on-lapse: the action is neither stop nor wipe");
	TRY(form_number(v, "check", "on-lapse", (struct form_range){ 1, LEASE_CHECK_MAX }, &t.check, e));
	TRY(form_number(v, "grace", "on-lapse", (struct form_range){ 0, LEASE_DAY }, &t.grace, e));
	TRY(form_number(v, "term", "on-lapse", (struct form_range){ 0, LEASE_TERM_MAX }, &t.term, e));
	*out = t;
	return COFFER_OK;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

struct lease_terms lease_strictest(const struct lease_terms *asset, const struct lease_terms *manifest)
{
	struct lease_terms t = { .lease = least(asset->lease, manifest->lease), .check = least(asset->check, manifest->check),
		.grace = least(asset->grace, manifest->grace), .stop = asset->stop || manifest->stop };

	t.term = least(manifest->term, t.grace); /* the time to end in is no time beyond */
	return t;
}
