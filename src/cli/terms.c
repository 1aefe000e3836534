#include "cli/terms.h"

#include "base/own.h"
#include "fmt/yaml.h"

void terms_clear(struct terms *t)
{
	json_free(t->doc);
	*t = (struct terms){ 0 };
}

/* An optional list whose items are objects with exactly these members (those after the '|' may be absent). */
static enum coffer_rc object_list(
    const struct json *root, const char *name, const char *const *members, const struct json **out, struct err *e)
{
	const struct json *list = json_get(root, name);

	if (!list)
		return COFFER_OK;
	if (json_type(list) != JSON_ARRAY)
		return err_set(e, COFFER_E_INPUT, "terms: \"%s\" is not a list", name);
	for (size_t i = 0; i < json_len(list); i++)
		TRY(json_closed(json_at(list, i), members, name, e));
	*out = list;
	return COFFER_OK;
}

static enum coffer_rc string_list(const struct json *o, const char *name, bool needed, const struct json **out, struct err *e)
{
	const struct json *list = json_get(o, name);

	if (!list)
		return needed ? err_set(e, COFFER_E_INPUT, "terms: \"%s\" is missing", name) : COFFER_OK;
	if (json_type(list) != JSON_ARRAY)
		return err_set(e, COFFER_E_INPUT, "terms: \"%s\" is not a list", name);
	for (size_t i = 0; i < json_len(list); i++)
		if (json_type(json_at(list, i)) != JSON_STRING)
			return err_set(e, COFFER_E_INPUT, "terms: \"%s\" holds something else than text", name);
	*out = list;
	return COFFER_OK;
}

static enum coffer_rc host_part(const struct json *root, struct terms *t, struct err *e)
{
	static const char *const names[] = { "logs", "signals", "exec", NULL };
	static const char *const exec[] = { "container", "args", NULL };
	const struct json *host = json_get(root, "host");
	uint64_t n;

	if (!host)
		return COFFER_OK;
	TRY(json_closed(host, names, "host", e));
	TRY(string_list(host, "logs", false, &t->logs, e));
	TRY(object_list(host, "exec", exec, &t->exec, e));
	for (size_t i = 0; i < json_len(t->exec); i++) {
		const struct json *args;

		TRY(string_list(json_at(t->exec, i), "args", true, &args, e));
	}
	t->signals = json_get(host, "signals");
	if (t->signals && json_type(t->signals) != JSON_ARRAY)
		return err_set(e, COFFER_E_INPUT, "terms: \"signals\" is not a list");
	for (size_t i = 0; i < json_len(t->signals); i++)
		if (!json_u64(json_at(t->signals, i), &n))
			return err_set(e, COFFER_E_INPUT, "terms: a signal is a number");
	return COFFER_OK;
}

static enum coffer_rc registries_part(const struct json *root, struct terms *t, struct err *e)
{
	static const char *const names[] = { "plain-http", NULL };
	const struct json *r = json_get(root, "registries");

	if (!r)
		return COFFER_OK;
	TRY(json_closed(r, names, "registries", e));
	return string_list(r, "plain-http", false, &t->plain_http, e);
}

enum coffer_rc terms_parse(struct span yaml, struct terms *out, struct err *e)
{
	static const char *const names[] = { "platforms", "images", "entitlements", "outputs", "host", "registries", "roles",
		"on-lapse", NULL };
	static const char *const lapse[] = { "container", "action", "check", "grace", "term", NULL };
	static const char *const image[] = { "container", "provider", "attestations", "minimum-version", NULL };
	static const char *const role[] = { "container", "role", NULL };
	static const char *const entitlement[] = { "container", "asset", "slot", "purpose", "volume", NULL };
	static const char *const output[] = { "container", "name", "path", "to", "max-bytes", NULL };
	CLEANUP(terms_clear) struct terms t = { 0 };
	const struct json *root;

	if (yaml_parse(yaml, 64u << 10, &t.doc, e) != COFFER_OK)
		return err_wrap(e, "annotation " POD_TERMS);
	root = json_root(t.doc);
	TRY(json_closed(root, names, "terms", e));
	TRY(string_list(root, "platforms", true, &t.platforms, e));
	TRY(object_list(root, "images", image, &t.images, e));
	TRY(object_list(root, "roles", role, &t.roles, e));
	TRY(object_list(root, "entitlements", entitlement, &t.entitlements, e));
	TRY(object_list(root, "outputs", output, &t.outputs, e));
	TRY(object_list(root, "on-lapse", lapse, &t.on_lapse, e));
	TRY(host_part(root, &t, e));
	TRY(registries_part(root, &t, e));
	*out = t;
	t = (struct terms){ 0 };
	return COFFER_OK;
}
