#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "trust/form.h"
#include "trust/statement.h"

#define WHERE "delegation"

static const struct { enum delegated_role role; const char *name; } roles[] = {
	{ ROLE_BOOT_IMAGE, "boot-image" },
	{ ROLE_SERVICE, "attestation-service" },
	{ ROLE_VERIFICATION, "image-verification" },
	{ ROLE_APPROVAL, "approval" },
};
#define N_ROLES (sizeof(roles) / sizeof(roles[0]))

const char *role_name(enum delegated_role r)
{
	for (size_t i = 0; i < N_ROLES; i++)
		if (roles[i].role == r)
			return roles[i].name;
	return "unknown";
}

bool role_by_name(struct span s, enum delegated_role *out)
{
	for (size_t i = 0; i < N_ROLES; i++) {
		if (!span_eq_str(s, roles[i].name))
			continue;
		*out = roles[i].role;
		return true;
	}
	return false;
}

/* A whole path, or one cut off behind a slash: "kbs:///hospital/", "kbs:///hospital/note/". */
static enum coffer_rc read_scope(struct span s, const char *of, char out[static ASSET_PATH_MAX], struct err *e)
{
	static const char *const rest[] = { "", "x", "x/x" };
	bool cut = span_ends(s, "/");
	struct asset_path p;

	for (size_t i = cut ? 1 : 0; i < (cut ? 3 : 1) && s.n < ASSET_PATH_MAX; i++) {
		CLEANUP(freep) char *whole = str_fmt("%.*s%s", (int)s.n, (const char *)s.p, rest[i]);
		struct err ignored;

		if (!whole || form_asset(span_of(whole), WHERE, &p, &ignored) != COFFER_OK || strcmp(p.owner, of) != 0)
			continue;
		memset(out, 0, ASSET_PATH_MAX);
		memcpy(out, s.p, s.n);
		return COFFER_OK;
	}
	return err_set(e, COFFER_E_INPUT, WHERE ": member \"scope\" holds something that is neither an asset of \"of\" nor a"
	    " beginning of its paths that ends with a slash");
}

/* What of services and images a scope names: a service's id; a repository, or a beginning of repositories that ends with a slash. */
static enum coffer_rc read_name(struct span s, enum delegated_role role, char out[static ASSET_PATH_MAX], struct err *e)
{
	bool service = role == ROLE_SERVICE;

	if (service ? !party_ok(s) : !form_ascii_ok(s, ASSET_PATH_MAX - 1) || span_eq_str(s, "/"))
		return err_set(e, COFFER_E_INPUT, WHERE ": member \"scope\" holds something that is no %s", service ? "service's id" :
		    "repository, nor a beginning of repositories that ends with a slash, of at most 207 bytes");
	memset(out, 0, ASSET_PATH_MAX);
	memcpy(out, s.p, s.n);
	return COFFER_OK;
}

/* Of approvals always there: an owner says of what. Of services and images it may be absent: all of them. */
static enum coffer_rc read_scopes(const struct json *b, struct delegation *d, struct err *e)
{
	const struct json *list = NULL;

	if (d->role == ROLE_BOOT_IMAGE && json_get(b, "scope"))
		return err_set(e, COFFER_E_INPUT, WHERE ": member \"scope\" is not for role boot-image");
	if (d->role != ROLE_APPROVAL && !json_get(b, "scope"))
		return COFFER_OK;
	TRY(form_list(b, "scope", WHERE, (struct form_range){ 1, DELEGATION_SCOPES_MAX }, &list, e));
	TRY(form_unique(list, "scope", WHERE, e));
	for (size_t i = 0; i < json_len(list); i++) {
		struct span s = json_str(json_at(list, i));

		TRY(d->role == ROLE_APPROVAL ? read_scope(s, d->of, d->scope[d->n_scopes++], e) : read_name(s, d->role, d->scope[d->n_scopes++], e));
	}
	return COFFER_OK;
}

/* Subjects: who may, then for whom, then what: serials count for each of these alone. */
static enum coffer_rc check_subjects(const struct statement *s, const struct delegation *d, struct err *e)
{
	CLEANUP(freep) char *of = str_fmt("of:%s", d->of);
	CLEANUP(freep) char *role = str_fmt("role:%s", role_name(d->role));

	if (!of || !role)
		return err_set(e, COFFER_E_SYSTEM, WHERE ": out of memory");
	if (s->n_subjects != 3 || !span_eq_str(s->subject[0].name, d->to) || !span_eq_str(s->subject[1].name, of) ||
	    !span_eq_str(s->subject[2].name, role))
		return err_set(e, COFFER_E_INPUT, WHERE ": the statement's subjects are not \"to\", \"of:...\" and \"role:...\"");
	return COFFER_OK;
}

enum coffer_rc delegation_read(const struct statement *s, struct delegation *out, struct err *e)
{
	static const char *const names[] = { "of", "to", "role", "scope", "depth", "until", NULL };
	struct delegation d = { 0 };
	struct span role;

	if (s->kind != ST_DELEGATION)
		return err_set(e, COFFER_E_INPUT, WHERE ": the statement's kind is %s", statement_kind_name(s->kind));
	TRY(json_closed(s->body, names, WHERE, e));
	TRY(form_party(s->body, "of", WHERE, d.of, e));
	TRY(form_party(s->body, "to", WHERE, d.to, e));
	if (strcmp(d.to, d.of) == 0 || strcmp(d.to, s->issuer) == 0)
		return err_set(e, COFFER_E_INPUT, WHERE ": member \"to\" is who has the power already");
	TRY(json_need_str(s->body, "role", WHERE, &role, e));
	if (!role_by_name(role, &d.role))
		return err_set(e, COFFER_E_INPUT, WHERE ": member \"role\" is no role that is delegated");
	TRY(read_scopes(s->body, &d, e));
	TRY(form_number(s->body, "depth", WHERE, (struct form_range){ 0, DELEGATION_DEPTH_MAX }, &d.depth, e));
	TRY(form_time(s->body, "until", WHERE, &d.until, e));
	TRY(check_subjects(s, &d, e));
	*out = d;
	return COFFER_OK;
}

bool delegation_covers(const struct delegation *d, struct span what)
{
	if (d->role == ROLE_BOOT_IMAGE || (d->role != ROLE_APPROVAL && d->n_scopes == 0))
		return true;
	for (size_t i = 0; i < d->n_scopes; i++) {
		struct span scope = span_of(d->scope[i]);

		if (span_ends(scope, "/") ? span_starts(what, d->scope[i]) : span_eq(what, scope))
			return true;
	}
	return false;
}
