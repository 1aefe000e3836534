#include <string.h>

#include "base/str.h"
#include "trust/form.h"
#include "trust/statement.h"

static bool type_ok(struct span s)
{
	return span_eq_str(s, "key") || span_eq_str(s, "data") || span_eq_str(s, "image-key") ||
	       span_eq_str(s, "registry-credential") || span_eq_str(s, "attestation");
}

bool asset_names(const struct asset_body *a, const char *party)
{
	for (size_t i = 0; i < a->n_of; i++)
		if (strcmp(a->of[i], party) == 0)
			return true;
	return false;
}

static enum coffer_rc read_of(const struct json *b, struct asset_body *a, struct err *e)
{
	const struct json *list = NULL;

	TRY(form_list(b, "of", "asset", (struct form_range){ 1, ASSET_OWNERS_MAX }, &list, e));
	TRY(form_unique(list, "of", "asset", e));
	for (size_t i = 0; i < json_len(list); i++) {
		struct span s = json_str(json_at(list, i));

		if (!party_ok(s))
			return err_set(e, COFFER_E_INPUT, "asset: member \"of\" holds something that is not a party id");
		memcpy(a->of[a->n_of++], s.p, s.n);
	}
	if (!asset_names(a, a->path.owner))
		return err_set(e, COFFER_E_INPUT, "asset: the path's owner is not among \"of\"");
	return form_number(b, "k", "asset", (struct form_range){ 1, a->n_of }, &a->k, e);
}

/* {"rego": text}: bytes for eval to judge; here nobody reads them. */
static enum coffer_rc read_policy(const struct json *b, struct asset_body *a, struct err *e)
{
	static const char *const names[] = { "rego", NULL };
	const struct json *p = NULL;

	if (!json_get(b, "policy"))
		return COFFER_OK;
	TRY(json_need_obj(b, "policy", "asset", &p, e));
	TRY(json_closed(p, names, "asset policy", e));
	TRY(json_need_str(p, "rego", "asset policy", &a->policy, e));
	if (a->policy.n == 0 || a->policy.n > ASSET_POLICY_MAX)
		return err_set(e, COFFER_E_LIMIT, "asset policy: a policy has 1 to %u bytes", ASSET_POLICY_MAX);
	return COFFER_OK;
}

enum coffer_rc asset_read(const struct statement *s, struct asset_body *out, struct err *e)
{
	static const char *const names[] = { "path", "type", "version", "k", "of", "least-action", "lease", "policy", "amendment", NULL };
	struct asset_body a = { .lease = lease_default() };
	struct span path, type, action;

	if (s->kind != ST_ASSET)
		return err_set(e, COFFER_E_INPUT, "asset: the statement's kind is %s", statement_kind_name(s->kind));
	TRY(json_closed(s->body, names, "asset", e));
	TRY(json_need_str(s->body, "path", "asset", &path, e));
	TRY(form_asset(path, "asset", &a.path, e));
	if (!span_eq(path, s->subject[0].name))
		return err_set(e, COFFER_E_INPUT, "asset: the path is not the statement's subject");
	TRY(json_need_str(s->body, "type", "asset", &type, e));
	if (!type_ok(type))
		return err_set(e, COFFER_E_INPUT, "asset: the type is none of key, data, image-key, registry-credential, attestation");
	memcpy(a.type, type.p, type.n);
	TRY(form_number(s->body, "version", "asset", (struct form_range){ 1, FORM_NUMBER_MAX }, &a.version, e));
	if (a.version > s->serial)
		return err_set(e, COFFER_E_INPUT, "asset: the version is above the statement's serial");
	TRY(read_of(s->body, &a, e));
	TRY(json_need_str(s->body, "least-action", "asset", &action, e));
	a.lease.stop = span_eq_str(action, "stop");
	if (!a.lease.stop && !span_eq_str(action, "wipe"))
		return err_set(e, COFFER_E_INPUT, "asset: least-action is neither \"stop\" nor \"wipe\"");
	TRY(lease_read_asset(json_get(s->body, "lease"), &a.lease, e));
	a.lease_said = !a.lease.stop || json_get(s->body, "lease");
	TRY(read_policy(s->body, &a, e));
	a.amended = json_get(s->body, "amendment") != NULL;
	if (a.amended)
		TRY(form_digest(s->body, "amendment", "asset", a.amendment, e));
	*out = a;
	return COFFER_OK;
}
