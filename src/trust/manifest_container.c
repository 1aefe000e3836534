#include <string.h>

#include "base/str.h"
#include "fmt/enc.h"
#include "trust/manifest_int.h"

#define ATTESTATIONS_MAX 8

#define ARGS_MAX 256
#define PATH_LEN_MAX 512
#define REFERENCE_MAX 512
#define ENV_NAME_MAX 128
#define ID_MAX 4294967294u /* (uid_t)-1 is not an id */
#define GROUPS_MAX 32
#define CAPS_MAX 64
#define OUTPUT_BYTES_MAX (1u << 20)

static const struct { enum purpose purpose; const char *name; } purposes[] = {
	{ PURPOSE_IMAGE_KEY, "image-key" }, { PURPOSE_REGISTRY, "registry-credential" }, { PURPOSE_POLICY, "policy" },
	{ PURPOSE_VOLUME, "volume" }, { PURPOSE_FILE, "file" }, { PURPOSE_ENV, "env" }, { PURPOSE_API, "api" },
};
#define N_PURPOSES (sizeof(purposes) / sizeof(purposes[0]))

const char *purpose_name(enum purpose p)
{
	for (size_t i = 0; i < N_PURPOSES; i++)
		if (purposes[i].purpose == p)
			return purposes[i].name;
	return "unknown";
}

bool purpose_by_name(struct span s, enum purpose *out)
{
	for (size_t i = 0; i < N_PURPOSES; i++) {
		if (!span_eq_str(s, purposes[i].name))
			continue;
		*out = purposes[i].purpose;
		return true;
	}
	return false;
}

/* No empty, "." or ".." segment: two spellings of one path would pass for two paths. */
bool man_path_ok(struct span s)
{
	if (!form_text_ok(s, PATH_LEN_MAX) || s.n < 2 || s.p[0] != '/')
		return false;
	for (struct span rest = span_skip(s, 1);;) {
		size_t n = span_find(rest, '/');
		struct span part = { rest.p, n };

		if (n == 0 || span_eq_str(part, ".") || span_eq_str(part, ".."))
			return false;
		if (n == rest.n)
			return true;
		rest = span_skip(rest, n + 1);
	}
}

enum coffer_rc man_name(const struct json *o, const char *where, struct span *out, struct err *e)
{
	struct span s;

	TRY(json_need_str(o, "name", where, &s, e));
	if (!party_ok(s)) /* one alphabet for ids and names: they become file names and container ids */
		return err_set(e, COFFER_E_INPUT, "%s: the name is not [a-z0-9][a-z0-9-]{0,62}", where);
	*out = s;
	return COFFER_OK;
}

/* ---- image ---- */

static enum coffer_rc read_reference(const struct json *image, struct man_container *c, struct err *e)
{
	static const char at[] = "@sha256:";
	struct span s;
	size_t name;

	TRY(json_need_str(image, "reference", "image", &s, e));
	name = span_find(s, '@');
	if (!form_ascii_ok(s, REFERENCE_MAX) || name == 0 || !span_starts(span_skip(s, name), at) ||
	    !form_hex32(span_skip(s, name + sizeof(at) - 1), c->image_digest))
		return err_set(e, COFFER_E_INPUT, "image: the reference is not repository@sha256:<digest>");
	c->image_reference = s;
	return COFFER_OK;
}

static enum coffer_rc read_attestations(const struct json *image, struct man_container *c, struct err *e)
{
	if (!json_get(image, "attestations"))
		return COFFER_OK;
	TRY(form_list(image, "attestations", "image", (struct form_range){ 1, ATTESTATIONS_MAX }, &c->attestations, e));
	TRY(form_unique(c->attestations, "attestations", "image", e));
	for (size_t i = 0; i < json_len(c->attestations); i++)
		if (!form_predicate_ok(json_str(json_at(c->attestations, i))))
			return err_set(e, COFFER_E_INPUT, "image: member \"attestations\" holds something that is no predicate type");
	return COFFER_OK;
}

/* From 1: every release states that much, so that nobody writes what asks nothing. */
static enum coffer_rc read_minimum(const struct json *image, struct man_container *c, struct err *e)
{
	if (!json_get(image, "minimum-version"))
		return COFFER_OK;
	return form_number(image, "minimum-version", "image", (struct form_range){ 1, FORM_NUMBER_MAX }, &c->image_minimum, e);
}

static enum coffer_rc read_image(const struct json *v, struct man_container *c, struct err *e)
{
	static const char *const names[] = { "reference", "provider", "method", "attestations", "minimum-version", NULL };
	static const char *const method_names[] = { "type", "key", NULL };
	const struct json *image = NULL, *method = NULL;

	TRY(json_need_obj(v, "image", "container", &image, e));
	TRY(json_closed(image, names, "image", e));
	TRY(read_reference(image, c, e));
	TRY(form_party(image, "provider", "image", c->image_provider, e));
	TRY(read_attestations(image, c, e));
	TRY(read_minimum(image, c, e));
	TRY(json_need_obj(image, "method", "image", &method, e));
	TRY(json_closed(method, method_names, "image method", e));
	TRY(json_need_str(method, "type", "image method", &c->method_type, e));
	TRY(json_need_str(method, "key", "image method", &c->method_key, e));
	if (!form_method_ok(c->method_type, c->method_key))
		return err_set(e, COFFER_E_INPUT, "image method: not sigstoreSigned with a PEM public key");
	return COFFER_OK;
}

/* ---- process ---- */

static struct span env_name(const struct json *v)
{
	struct span s = json_str(v);

	return (struct span){ s.p, span_find(s, '=') };
}

static enum coffer_rc read_env(const struct json *v, struct man_container *c, struct err *e)
{
	TRY(form_list(v, "env", "container", (struct form_range){ 0, ARGS_MAX }, &c->env, e));
	for (size_t i = 0; i < json_len(c->env); i++) {
		struct span name = env_name(json_at(c->env, i));

		if (name.n == json_str(json_at(c->env, i)).n || !form_ascii_ok(name, ENV_NAME_MAX))
			return err_set(e, COFFER_E_INPUT, "container: member \"env\" holds something that is not NAME=value");
		for (size_t k = 0; k < i; k++)
			if (span_eq(env_name(json_at(c->env, k)), name))
				return err_set(e, COFFER_E_INPUT, "container: member \"env\" sets one name twice");
	}
	return COFFER_OK;
}

static enum coffer_rc read_args(const struct json *v, struct man_container *c, struct err *e)
{
	TRY(form_list(v, "args", "container", (struct form_range){ 1, ARGS_MAX }, &c->args, e));
	for (size_t i = 0; i < json_len(c->args); i++)
		if (json_type(json_at(c->args, i)) != JSON_STRING)
			return err_set(e, COFFER_E_INPUT, "container: member \"args\" holds something that is not a string");
	if (json_str(json_at(c->args, 0)).n == 0)
		return err_set(e, COFFER_E_INPUT, "container: member \"args\" names no program");
	TRY(json_need_str(v, "cwd", "container", &c->cwd, e));
	if (!span_eq_str(c->cwd, "/") && !man_path_ok(c->cwd))
		return err_set(e, COFFER_E_INPUT, "container: member \"cwd\" is not an absolute path in normal form");
	return COFFER_OK;
}

static enum coffer_rc read_user(const struct json *v, struct man_container *c, struct err *e)
{
	static const char *const names[] = { "uid", "gid", "groups", NULL };
	const struct form_range ids = { 0, ID_MAX };
	const struct json *user = NULL;
	uint64_t group;

	TRY(json_need_obj(v, "user", "container", &user, e));
	TRY(json_closed(user, names, "user", e));
	TRY(form_number(user, "uid", "user", ids, &c->uid, e));
	TRY(form_number(user, "gid", "user", ids, &c->gid, e));
	TRY(form_list(user, "groups", "user", (struct form_range){ 0, GROUPS_MAX }, &c->groups, e));
	for (size_t i = 0; i < json_len(c->groups); i++)
		if (!json_u64(json_at(c->groups, i), &group) || group > ID_MAX)
			return err_set(e, COFFER_E_INPUT, "user: member \"groups\" holds something that is not a group id");
	return COFFER_OK;
}

static bool capability_ok(struct span s)
{
	bool ok = span_starts(s, "CAP_") && s.n > 4 && s.n <= 40;

	for (size_t i = 0; ok && i < s.n; i++)
		ok = (s.p[i] >= 'A' && s.p[i] <= 'Z') || s.p[i] == '_';
	return ok;
}

static enum coffer_rc read_rights(const struct json *v, struct man_container *c, struct err *e)
{
	TRY(form_list(v, "capabilities", "container", (struct form_range){ 0, CAPS_MAX }, &c->capabilities, e));
	TRY(form_unique(c->capabilities, "capabilities", "container", e));
	for (size_t i = 0; i < json_len(c->capabilities); i++) {
		struct span s = json_str(json_at(c->capabilities, i));

		if (!capability_ok(s))
			return err_set(e, COFFER_E_INPUT, "container: member \"capabilities\" holds \"%.*s\", which is not CAP_<NAME>, as CAP_CHOWN is", (int)(s.n < 40 ? s.n : 40),
			    s.p ? (const char *)s.p : "");
	}
	if (!json_bool(json_get(v, "read-only-root"), &c->read_only_root))
		return err_set(e, COFFER_E_INPUT, "container: member \"read-only-root\" is missing or not true or false");
	return COFFER_OK;
}

/* ---- what it is given ---- */

static enum coffer_rc read_mount(const struct json *v, struct man_mount *m, struct err *e)
{
	static const char *const names[] = { "destination", "volume", "read-only", NULL };

	TRY(json_closed(v, names, "mount", e));
	TRY(json_need_str(v, "destination", "mount", &m->destination, e));
	TRY(json_need_str(v, "volume", "mount", &m->volume, e));
	if (!man_path_ok(m->destination))
		return err_set(e, COFFER_E_INPUT, "mount: the destination is not an absolute path in normal form");
	if (!json_bool(json_get(v, "read-only"), &m->read_only))
		return err_set(e, COFFER_E_INPUT, "mount: member \"read-only\" is missing or not true or false");
	return COFFER_OK;
}

static enum coffer_rc read_mounts(const struct json *v, struct man_container *c, struct err *e)
{
	const struct json *list = NULL;

	TRY(form_list(v, "mounts", "container", (struct form_range){ 0, MAN_MOUNTS_MAX }, &list, e));
	for (size_t i = 0; i < json_len(list); i++) {
		TRY(read_mount(json_at(list, i), &c->mount[i], e));
		for (size_t k = 0; k < i; k++)
			if (span_eq(c->mount[k].destination, c->mount[i].destination))
				return err_set(e, COFFER_E_INPUT, "container: two mounts at one destination");
		c->n_mounts++;
	}
	return COFFER_OK;
}

static enum coffer_rc read_entitlement(const struct json *v, struct man_entitlement *t, struct err *e)
{
	static const char *const names[] = { "asset", "slot", "purpose", "volume", NULL };
	struct span purpose;

	TRY(json_closed(v, names, "entitlement", e));
	TRY(man_asset_or_slot(v, "entitlement", &t->asset, &t->slot, e));
	TRY(json_need_str(v, "purpose", "entitlement", &purpose, e));
	if (!purpose_by_name(purpose, &t->purpose))
		return err_set(e, COFFER_E_INPUT, "entitlement: a purpose that is not known here");
	if (t->purpose == PURPOSE_VOLUME)
		return json_need_str(v, "volume", "entitlement", &t->volume, e);
	if (json_get(v, "volume"))
		return err_set(e, COFFER_E_INPUT, "entitlement: only purpose \"volume\" names a volume");
	return COFFER_OK;
}

static enum coffer_rc read_entitlements(const struct json *v, struct man_container *c, struct err *e)
{
	const struct json *list = NULL;

	TRY(form_list(v, "entitlements", "container", (struct form_range){ 0, MAN_ENTITLEMENTS_MAX }, &list, e));
	for (size_t i = 0; i < json_len(list); i++) {
		const struct man_entitlement *t = &c->entitlement[i];

		TRY(read_entitlement(json_at(list, i), &c->entitlement[i], e));
		for (size_t k = 0; k < i; k++)
			if (asset_path_eq(&c->entitlement[k].asset, &t->asset) && span_eq(c->entitlement[k].slot, t->slot) &&
			    c->entitlement[k].purpose == t->purpose && span_eq(c->entitlement[k].volume, t->volume))
				return err_set(e, COFFER_E_INPUT, "container: the same entitlement twice");
		c->n_entitlements++;
	}
	return COFFER_OK;
}

static enum coffer_rc read_output(const struct json *v, struct man_output *o, struct err *e)
{
	static const char *const names[] = { "name", "path", "to", "key", "max-bytes", NULL };

	TRY(json_closed(v, names, "output", e));
	TRY(man_name(v, "output", &o->name, e));
	TRY(json_need_str(v, "path", "output", &o->path, e));
	if (!man_path_ok(o->path))
		return err_set(e, COFFER_E_INPUT, "output: the path is not absolute and in normal form");
	TRY(form_party(v, "to", "output", o->to, e));
	TRY(form_p256(v, "key", "output", &o->key, e));
	return form_number(v, "max-bytes", "output", (struct form_range){ 1, OUTPUT_BYTES_MAX }, &o->max_bytes, e);
}

static enum coffer_rc read_outputs(const struct json *v, struct man_container *c, struct err *e)
{
	const struct json *list = NULL;

	TRY(form_list(v, "outputs", "container", (struct form_range){ 0, MAN_OUTPUTS_MAX }, &list, e));
	for (size_t i = 0; i < json_len(list); i++) {
		TRY(read_output(json_at(list, i), &c->output[i], e));
		for (size_t k = 0; k < i; k++)
			if (span_eq(c->output[k].name, c->output[i].name))
				return err_set(e, COFFER_E_INPUT, "container: two outputs of one name");
		c->n_outputs++;
	}
	return COFFER_OK;
}

/* The largest times and the weakest act: asks nothing of its own. */
static enum coffer_rc read_on_lapse(const struct json *v, struct man_container *c, struct err *e)
{
	const struct json *o = json_get(v, "on-lapse");

	c->on_lapse = (struct lease_terms){ .lease = LEASE_DAY, .check = LEASE_CHECK_MAX, .grace = LEASE_DAY };
	c->lapse_said = o != NULL;
	return o ? lease_read_manifest(o, &c->on_lapse, e) : COFFER_OK;
}

enum coffer_rc man_container_read(const struct json *v, struct man_container *c, struct err *e)
{
	static const char *const names[] = { "name", "role", "image", "args", "cwd", "env", "user", "capabilities",
		"read-only-root", "mounts", "entitlements", "outputs", "on-lapse", NULL };

	TRY(json_closed(v, names, "container", e));
	TRY(man_name(v, "container", &c->name, e));
	TRY(json_need_str(v, "role", "container", &c->role, e));
	if (!span_eq_str(c->role, "business") && !span_eq_str(c->role, "utility"))
		return err_set(e, COFFER_E_INPUT, "container: the role is neither business nor utility");
	TRY(read_image(v, c, e));
	TRY(read_args(v, c, e));
	TRY(read_env(v, c, e));
	TRY(read_user(v, c, e));
	TRY(read_rights(v, c, e));
	TRY(read_mounts(v, c, e));
	TRY(read_entitlements(v, c, e));
	TRY(read_on_lapse(v, c, e));
	return read_outputs(v, c, e);
}

/* ---- volumes ---- */

enum coffer_rc man_volume_read(const struct json *v, struct man_volume *out, struct err *e)
{
	static const char *const names[] = { "name", "kind", "asset", "slot", NULL };
	struct span kind;

	TRY(json_closed(v, names, "volume", e));
	TRY(man_name(v, "volume", &out->name, e));
	TRY(json_need_str(v, "kind", "volume", &kind, e));
	if (span_eq_str(kind, "sealed")) {
		out->kind = VOL_SEALED;
		return man_asset_or_slot(v, "volume", &out->asset, &out->slot, e);
	}
	if (!span_eq_str(kind, "empty"))
		return err_set(e, COFFER_E_INPUT, "volume: the kind is neither sealed nor empty");
	if (json_get(v, "asset") || json_get(v, "slot"))
		return err_set(e, COFFER_E_INPUT, "volume: an empty volume has no asset");
	out->kind = VOL_EMPTY;
	return COFFER_OK;
}
