#include "cli/pod.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

static enum coffer_rc odd(const char *where, const char *what, struct err *e)
{
	return err_set(e, COFFER_E_INPUT, "%s: %s", where, what);
}

/* DNS label, RFC 1123. */
static bool label_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (!word && (c != '-' || i == 0 || i + 1 == s.n))
			return false;
	}
	return s.n > 0 && s.n <= 63;
}

static enum coffer_rc need_label(const struct json *o, const char *where, struct span *out, struct err *e)
{
	TRY(json_need_str(o, "name", where, out, e));
	return label_ok(*out) ? COFFER_OK : odd(where, "name is no DNS label", e);
}

static enum coffer_rc opt_text(const struct json *o, const char *name, const char *where, struct span *out, struct err *e)
{
	return json_get(o, name) ? json_need_str(o, name, where, out, e) : COFFER_OK;
}

static enum coffer_rc opt_bool(const struct json *o, const char *name, const char *where, bool *out, struct err *e)
{
	const struct json *v = json_get(o, name);

	if (v && !json_bool(v, out))
		return err_set(e, COFFER_E_INPUT, "%s: %s is neither true nor false", where, name);
	return COFFER_OK;
}

/* Absent or false: what it switches on is not to be had. */
static enum coffer_rc only_false(const struct json *o, const char *name, const char *where, struct err *e)
{
	bool on = false;

	TRY(opt_bool(o, name, where, &on, e));
	return on ? err_set(e, COFFER_E_INPUT, "%s: %s may only be false here", where, name) : COFFER_OK;
}

static enum coffer_rc opt_id(const struct json *o, const char *name, const char *where, uint64_t *out, struct err *e)
{
	if (!json_get(o, name))
		return COFFER_OK;
	TRY(json_need_u64(o, name, where, out, e));
	return *out < UINT32_MAX ? COFFER_OK : err_set(e, COFFER_E_INPUT, "%s: %s is no id", where, name);
}

static enum coffer_rc opt_list(const struct json *o, const char *name, const char *where, enum json_type each,
    const struct json **out, struct err *e)
{
	if (!json_get(o, name))
		return COFFER_OK;
	TRY(json_need_arr(o, name, where, out, e));
	for (size_t i = 0; i < json_len(*out); i++) {
		uint64_t id;

		if (json_type(json_at(*out, i)) != each ||
		    (each == JSON_NUMBER && (!json_u64(json_at(*out, i), &id) || id >= UINT32_MAX)))
			return err_set(e, COFFER_E_INPUT, "%s: %s[%zu] has the wrong type", where, name, i);
	}
	return COFFER_OK;
}

struct context { uint64_t uid, gid; const struct json *groups; };

static enum coffer_rc user_context(const struct json *s, const char *where, struct context *c, struct err *e)
{
	TRY(opt_id(s, "runAsUser", where, &c->uid, e));
	TRY(opt_id(s, "runAsGroup", where, &c->gid, e));
	return opt_list(s, "supplementalGroups", where, JSON_NUMBER, &c->groups, e);
}

static enum coffer_rc security(const struct json *o, struct pod_container *c, struct context ctx, struct err *e)
{
	static const char *const names[] = { "runAsUser", "runAsGroup", "supplementalGroups", "readOnlyRootFilesystem",
		"allowPrivilegeEscalation", "privileged", "capabilities", NULL };
	static const char *const cap_names[] = { "add", "drop", NULL };
	static const char where[] = "container.securityContext";
	const struct json *s = json_get(o, "securityContext"), *caps, *unused = NULL;

	if (s) {
		TRY(json_closed(s, names, where, e));
		TRY(user_context(s, where, &ctx, e));
		TRY(opt_bool(s, "readOnlyRootFilesystem", where, &c->read_only_root, e));
		TRY(only_false(s, "allowPrivilegeEscalation", where, e));
		TRY(only_false(s, "privileged", where, e));
		caps = json_get(s, "capabilities");
		if (caps) {
			TRY(json_closed(caps, cap_names, "capabilities", e));
			TRY(opt_list(caps, "add", "capabilities", JSON_STRING, &c->capabilities, e));
			TRY(opt_list(caps, "drop", "capabilities", JSON_STRING, &unused, e));
		}
	}
	c->uid = ctx.uid;
	c->gid = ctx.gid;
	c->groups = ctx.groups;
	return COFFER_OK;
}

static enum coffer_rc environment(const struct json *o, struct pod_container *c, struct err *e)
{
	static const char *const names[] = { "name", "value", NULL };

	if (!json_get(o, "env"))
		return COFFER_OK;
	TRY(json_need_arr(o, "env", "container", &c->env, e));
	for (size_t i = 0; i < json_len(c->env); i++) {
		struct span name, value;

		TRY(json_closed(json_at(c->env, i), names, "env", e));
		TRY(json_need_str(json_at(c->env, i), "name", "env", &name, e));
		TRY(json_need_str(json_at(c->env, i), "value", "env", &value, e));
		if (name.n == 0 || span_find(name, '=') != name.n)
			return odd("env", "name is empty or has '='", e);
	}
	return COFFER_OK;
}

static enum coffer_rc mounts(const struct json *o, const struct pod *p, struct pod_container *c, struct err *e)
{
	static const char *const names[] = { "name", "mountPath", "readOnly", NULL };
	const struct json *a = NULL;

	if (!json_get(o, "volumeMounts"))
		return COFFER_OK;
	TRY(json_need_arr(o, "volumeMounts", "container", &a, e));
	if (json_len(a) > POD_MOUNTS_MAX)
		return odd("container", "too many volumeMounts", e);
	for (size_t i = 0; i < json_len(a); i++) {
		struct pod_mount *m = &c->mount[c->n_mounts++];
		const struct pod_volume *v;

		TRY(json_closed(json_at(a, i), names, "volumeMount", e));
		TRY(json_need_str(json_at(a, i), "name", "volumeMount", &m->volume, e));
		TRY(json_need_str(json_at(a, i), "mountPath", "volumeMount", &m->path, e));
		TRY(opt_bool(json_at(a, i), "readOnly", "volumeMount", &m->read_only, e));
		v = pod_volume(p, m->volume);
		if (!v)
			return odd("volumeMount", "the pod has no volume of this name", e);
		if (m->path.n < 2 || m->path.p[0] != '/')
			return odd("volumeMount", "mountPath is not absolute", e);
		m->read_only = m->read_only || v->is_file;
	}
	return COFFER_OK;
}

static enum coffer_rc container(
    const struct json *o, const struct pod *p, struct context ctx, struct pod_container *c, struct err *e)
{
	static const char *const names[] = { "name", "image", "imagePullPolicy", "command", "args", "env", "workingDir",
		"volumeMounts", "securityContext", NULL };
	struct span unused;

	c->cwd = span_of("/");
	TRY(json_closed(o, names, "container", e));
	TRY(need_label(o, "container", &c->name, e));
	TRY(json_need_str(o, "image", "container", &c->image, e));
	TRY(opt_text(o, "imagePullPolicy", "container", &unused, e)); /* the guest pulls, every time */
	TRY(opt_list(o, "command", "container", JSON_STRING, &c->command, e));
	TRY(opt_list(o, "args", "container", JSON_STRING, &c->args, e));
	TRY(environment(o, c, e));
	TRY(opt_text(o, "workingDir", "container", &c->cwd, e));
	TRY(mounts(o, p, c, e));
	return security(o, c, ctx, e);
}

static enum coffer_rc volume(const struct json *o, struct pod_volume *v, struct err *e)
{
	static const char *const names[] = { "name", "emptyDir", "hostPath", NULL };
	static const char *const path_names[] = { "path", "type", NULL };
	static const char *const none[] = { NULL };
	const struct json *empty = json_get(o, "emptyDir"), *path = json_get(o, "hostPath");
	struct span type;

	TRY(json_closed(o, names, "volume", e));
	TRY(need_label(o, "volume", &v->name, e));
	if (!empty == !path)
		return odd("volume", "needs exactly one of emptyDir and hostPath", e);
	v->is_file = path != NULL;
	if (empty)
		return json_closed(empty, none, "volume.emptyDir", e);
	TRY(json_closed(path, path_names, "volume.hostPath", e));
	TRY(json_need_str(path, "path", "volume.hostPath", &v->host_path, e));
	TRY(json_need_str(path, "type", "volume.hostPath", &type, e));
	if (!span_eq_str(type, "File") || v->host_path.n == 0)
		return odd("volume.hostPath", "is a File with a path, which carries a sealed data file", e);
	return COFFER_OK;
}

static enum coffer_rc volumes(const struct json *spec, struct pod *p, struct err *e)
{
	const struct json *a = NULL;

	if (!json_get(spec, "volumes"))
		return COFFER_OK;
	TRY(json_need_arr(spec, "volumes", "spec", &a, e));
	if (json_len(a) > POD_VOLUMES_MAX)
		return odd("spec", "too many volumes", e);
	for (size_t i = 0; i < json_len(a); i++) {
		TRY(volume(json_at(a, i), &p->volume[i], e));
		if (pod_volume(p, p->volume[i].name))
			return odd("spec", "two volumes of one name", e);
		p->n_volumes++;
	}
	return COFFER_OK;
}

static enum coffer_rc containers(const struct json *spec, struct context ctx, struct pod *p, struct err *e)
{
	const struct json *a = NULL;

	TRY(json_need_arr(spec, "containers", "spec", &a, e));
	if (json_len(a) == 0 || json_len(a) > POD_CONTAINERS_MAX)
		return odd("spec", "a pod has 1 to 16 containers", e);
	for (size_t i = 0; i < json_len(a); i++) {
		TRY(container(json_at(a, i), p, ctx, &p->container[i], e));
		for (size_t k = 0; k < i; k++)
			if (span_eq(p->container[k].name, p->container[i].name))
				return odd("spec", "two containers of one name", e);
		p->n_containers++;
	}
	return COFFER_OK;
}

static enum coffer_rc pod_spec(const struct json *o, struct pod *p, struct err *e)
{
	static const char *const names[] = { "containers", "volumes", "securityContext", "restartPolicy", "runtimeClassName",
		"automountServiceAccountToken", "enableServiceLinks", NULL };
	static const char *const ctx_names[] = { "runAsUser", "runAsGroup", "supplementalGroups", NULL };
	const struct json *s = json_get(o, "securityContext");
	struct span restart = span_of("Never"), unused;
	struct context ctx = { 0 };

	TRY(json_closed(o, names, "spec", e));
	TRY(opt_text(o, "restartPolicy", "spec", &restart, e));
	TRY(opt_text(o, "runtimeClassName", "spec", &unused, e));
	TRY(only_false(o, "automountServiceAccountToken", "spec", e));
	TRY(only_false(o, "enableServiceLinks", "spec", e));
	if (!span_eq_str(restart, "Never"))
		return odd("spec", "restartPolicy may only be Never", e);
	if (s) {
		TRY(json_closed(s, ctx_names, "spec.securityContext", e));
		TRY(user_context(s, "spec.securityContext", &ctx, e));
	}
	TRY(volumes(o, p, e));
	return containers(o, ctx, p, e);
}

static enum coffer_rc metadata(const struct json *o, struct pod *p, struct err *e)
{
	static const char *const names[] = { "name", "namespace", "labels", "annotations", NULL };
	const struct json *a = json_get(o, "annotations");

	TRY(json_closed(o, names, "metadata", e));
	TRY(need_label(o, "metadata", &p->name, e));
	if (a && json_type(a) != JSON_OBJECT)
		return odd("metadata", "annotations is not an object", e);
	TRY(opt_text(a, POD_INITDATA, "annotations", &p->initdata, e));
	return opt_text(a, POD_TERMS, "annotations", &p->terms, e);
}

enum coffer_rc pod_read(const struct json *v, struct pod *out, struct err *e)
{
	static const char *const names[] = { "apiVersion", "kind", "metadata", "spec", NULL };
	const struct json *meta, *spec;
	struct span version, kind;
	CLEANUP(freep) struct pod *p = calloc(1, sizeof(*p));

	if (!p)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(json_closed(v, names, "pod", e));
	TRY(json_need_str(v, "apiVersion", "pod", &version, e));
	TRY(json_need_str(v, "kind", "pod", &kind, e));
	if (!span_eq_str(version, "v1") || !span_eq_str(kind, "Pod"))
		return odd("pod", "this is not a v1 Pod", e);
	TRY(json_need_obj(v, "metadata", "pod", &meta, e));
	TRY(json_need_obj(v, "spec", "pod", &spec, e));
	TRY(metadata(meta, p, e));
	TRY(pod_spec(spec, p, e));
	*out = *p;
	return COFFER_OK;
}

size_t pod_n_args(const struct pod_container *c)
{
	return json_len(c->command) + json_len(c->args);
}

struct span pod_arg(const struct pod_container *c, size_t i)
{
	size_t n = json_len(c->command);

	return json_str(i < n ? json_at(c->command, i) : json_at(c->args, i - n));
}

char *pod_env(const struct pod_container *c, size_t i)
{
	struct span name = json_str(json_get(json_at(c->env, i), "name")),
		    value = json_str(json_get(json_at(c->env, i), "value"));

	return str_fmt("%.*s=%.*s", (int)name.n, (const char *)name.p, (int)value.n, (const char *)value.p);
}

char *pod_capability(const struct pod_container *c, size_t i)
{
	struct span s = json_str(json_at(c->capabilities, i));

	return str_fmt("%s%.*s", span_starts(s, "CAP_") ? "" : "CAP_", (int)s.n, (const char *)s.p);
}

const struct pod_volume *pod_volume(const struct pod *p, struct span name)
{
	for (size_t i = 0; i < p->n_volumes; i++)
		if (span_eq(p->volume[i].name, name))
			return &p->volume[i];
	return NULL;
}
