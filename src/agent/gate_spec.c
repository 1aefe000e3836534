#include "agent/boundary.h"

#include <string.h>

#include "base/str.h"
#include "proto/agent.pb-c.h"

static enum coffer_rc differs(const struct man_container *c, const char *field, struct err *e)
{
	return err_deny(e, "gate", "container %.*s: %s is not the manifest's", (int)c->name.n, (const char *)c->name.p, field);
}

static enum coffer_rc extra(const struct man_container *c, const char *field, struct err *e)
{
	return err_deny(e, "gate", "container %.*s: %s is not granted by the manifest", (int)c->name.n, (const char *)c->name.p, field);
}

/* Same strings, same order, same number. */
static bool same_list(const struct json *want, char *const *got, size_t n)
{
	if (json_len(want) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!span_eq_str(json_str(json_at(want, i)), got[i]))
			return false;
	return true;
}

static bool same_user(const struct man_container *c, const Grpc__User *u)
{
	if (!u || u->uid != c->uid || u->gid != c->gid || u->username[0] || u->n_additionalgids != json_len(c->groups))
		return false;
	for (size_t i = 0; i < u->n_additionalgids; i++) {
		uint64_t g = 0;

		if (!json_u64(json_at(c->groups, i), &g) || g != u->additionalgids[i])
			return false;
	}
	return true;
}

static bool same_capabilities(const struct man_container *c, const Grpc__LinuxCapabilities *k)
{
	if (!k)
		return json_len(c->capabilities) == 0;
	return same_list(c->capabilities, k->bounding, k->n_bounding) && same_list(c->capabilities, k->effective, k->n_effective) &&
	    same_list(c->capabilities, k->permitted, k->n_permitted) && k->n_inheritable == 0 && k->n_ambient == 0;
}

enum coffer_rc gate_process(const struct man_container *c, const struct json *args, const Grpc__Process *p, struct err *e)
{
	if (!p)
		return differs(c, "process", e);
	if (!same_list(args, p->args, p->n_args))
		return differs(c, "process.args", e);
	if (!same_list(c->env, p->env, p->n_env))
		return differs(c, "process.env", e);
	if (!span_eq_str(c->cwd, p->cwd))
		return differs(c, "process.cwd", e);
	if (!same_user(c, p->user))
		return differs(c, "process.user", e);
	if (!same_capabilities(c, p->capabilities))
		return differs(c, "process.capabilities", e);
	if (!p->nonewprivileges)
		return differs(c, "process.noNewPrivileges", e);
	if (p->terminal || p->consolesize)
		return extra(c, "a terminal", e);
	if (p->n_rlimits > 0)
		return extra(c, "process.rlimits", e);
	if (p->apparmorprofile[0] || p->selinuxlabel[0] || p->oomscoreadj != 0)
		return extra(c, "a profile, label or score", e);
	return COFFER_OK;
}

static bool same_mount(const struct man_mount *want, const Grpc__Mount *m)
{
	return span_eq_str(want->destination, m->destination) && span_eq_str(want->volume, m->source) &&
	    strcmp(m->type, "bind") == 0 && m->n_options == 1 && strcmp(m->options[0], want->read_only ? "ro" : "rw") == 0;
}

static enum coffer_rc same_mounts(const struct man_container *c, const Grpc__Spec *s, struct err *e)
{
	if (s->n_mounts != c->n_mounts)
		return differs(c, "the number of mounts", e);
	for (size_t i = 0; i < c->n_mounts; i++)
		if (!same_mount(&c->mount[i], s->mounts[i]))
			return err_deny(e, "gate", "container %.*s: mount %zu is not the manifest's", (int)c->name.n,
			    (const char *)c->name.p, i);
	return COFFER_OK;
}

/* Asking for the namespaces that every container gets anyway is all that may be asked. */
static bool plain_namespace(const Grpc__LinuxNamespace *n)
{
	return !n->path[0] && (strcmp(n->type, "pid") == 0 || strcmp(n->type, "ipc") == 0 || strcmp(n->type, "uts") == 0 ||
	    strcmp(n->type, "mount") == 0);
}

static enum coffer_rc plain_linux(const struct man_container *c, const Grpc__Linux *l, struct err *e)
{
	if (!l)
		return COFFER_OK;
	for (size_t i = 0; i < l->n_namespaces; i++)
		if (!plain_namespace(l->namespaces[i]))
			return extra(c, "a namespace of the host's choice", e);
	if (l->n_devices > 0)
		return extra(c, "linux.devices", e);
	if (l->n_sysctl > 0)
		return extra(c, "linux.sysctl", e);
	if (l->n_uidmappings > 0 || l->n_gidmappings > 0)
		return extra(c, "a user mapping", e);
	if (l->resources || l->cgroupspath[0])
		return extra(c, "linux.resources", e);
	if (l->seccomp)
		return extra(c, "linux.seccomp", e);
	if (l->rootfspropagation[0] || l->mountlabel[0])
		return extra(c, "a mount label or propagation", e);
	if (l->n_maskedpaths > 0 || l->n_readonlypaths > 0)
		return extra(c, "a list of masked paths", e);
	return COFFER_OK;
}

enum coffer_rc gate_spec(const struct man_container *c, const Grpc__Spec *s, struct err *e)
{
	TRY(gate_process(c, c->args, s->process, e));
	if (!s->root || s->root->readonly != c->read_only_root)
		return differs(c, "root.readonly", e);
	TRY(same_mounts(c, s, e));
	if (s->hooks && (s->hooks->n_prestart || s->hooks->n_poststart || s->hooks->n_poststop))
		return extra(c, "a hook", e);
	if (s->n_annotations > 0)
		return extra(c, "an annotation", e);
	return plain_linux(c, s->linux, e);
}
