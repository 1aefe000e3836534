#include "cli/run_spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

#define LIST_MAX 1024

struct list { char **s; size_t n; };

struct run_spec {
	Grpc__CreateContainerRequest request;
	Grpc__Spec              spec;
	Grpc__Process           process;
	Grpc__User              user;
	Grpc__LinuxCapabilities caps;
	Grpc__Root              root;
	Grpc__Mount             mount[POD_MOUNTS_MAX], *mounts[POD_MOUNTS_MAX];
	char                   *option[POD_MOUNTS_MAX];
	struct list             args, env, cap;
	uint32_t               *groups;
	char                   *id, *cwd;
};

static void list_free(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->s[i]);
	free(l->s);
}

void run_spec_free(struct run_spec *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < POD_MOUNTS_MAX; i++) {
		if (!s->mounts[i])
			continue;
		free(s->mount[i].destination);
		free(s->mount[i].source);
		free(s->mount[i].type);
		free(s->option[i]);
	}
	list_free(&s->args);
	list_free(&s->env);
	list_free(&s->cap);
	free(s->groups);
	free(s->id);
	free(s->cwd);
	free(s);
}

static bool list_new(struct list *l, size_t n)
{
	l->s = n <= LIST_MAX ? calloc(n ? n : 1, sizeof(*l->s)) : NULL;
	return l->s != NULL;
}

static bool list_add(struct list *l, char *owned)
{
	if (owned)
		l->s[l->n++] = owned;
	return owned != NULL;
}

static bool process_lists(struct run_spec *s, const struct pod_container *c)
{
	if (!list_new(&s->args, pod_n_args(c)) || !list_new(&s->env, json_len(c->env)) || !list_new(&s->cap, json_len(c->capabilities)))
		return false;
	for (size_t i = 0; i < pod_n_args(c); i++)
		if (!list_add(&s->args, span_dup(pod_arg(c, i))))
			return false;
	for (size_t i = 0; i < json_len(c->env); i++)
		if (!list_add(&s->env, pod_env(c, i)))
			return false;
	for (size_t i = 0; i < json_len(c->capabilities); i++)
		if (!list_add(&s->cap, pod_capability(c, i)))
			return false;
	return true;
}

static bool fill_mounts(struct run_spec *s, const struct pod_container *c)
{
	for (size_t i = 0; i < c->n_mounts; i++) {
		Grpc__Mount *m = &s->mount[i];

		grpc__mount__init(m);
		s->mounts[i] = m;
		m->destination = span_dup(c->mount[i].path);
		m->source = span_dup(c->mount[i].volume);
		m->type = strdup("bind");
		s->option[i] = strdup(c->mount[i].read_only ? "ro" : "rw");
		m->options = &s->option[i];
		m->n_options = 1;
		if (!m->destination || !m->source || !m->type || !s->option[i])
			return false;
	}
	return true;
}

static bool fill_user(struct run_spec *s, const struct pod_container *c)
{
	s->user.uid = (uint32_t)c->uid;
	s->user.gid = (uint32_t)c->gid;
	s->groups = calloc(json_len(c->groups) + 1, sizeof(*s->groups));
	for (size_t i = 0; s->groups && i < json_len(c->groups); i++) {
		uint64_t g = 0;

		if (!json_u64(json_at(c->groups, i), &g))
			return false;
		s->groups[i] = (uint32_t)g;
	}
	s->user.additionalgids = s->groups;
	s->user.n_additionalgids = json_len(c->groups);
	return s->groups != NULL;
}

static void fill_capabilities(struct run_spec *s)
{
	s->caps.bounding = s->caps.effective = s->caps.permitted = s->cap.s;
	s->caps.n_bounding = s->caps.n_effective = s->caps.n_permitted = s->cap.n;
}

static void init_all(struct run_spec *s)
{
	grpc__create_container_request__init(&s->request);
	grpc__spec__init(&s->spec);
	grpc__process__init(&s->process);
	grpc__user__init(&s->user);
	grpc__linux_capabilities__init(&s->caps);
	grpc__root__init(&s->root);
	s->request.oci = &s->spec;
	s->spec.process = &s->process;
	s->spec.root = &s->root;
	s->process.user = &s->user;
	s->process.capabilities = &s->caps;
	s->process.nonewprivileges = true;
}

enum coffer_rc run_spec_new(const struct pod_container *c, struct run_spec **out, struct err *e)
{
	CLEANUP(run_spec_freep) struct run_spec *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	init_all(s);
	s->id = span_dup(c->name);
	s->cwd = span_dup(c->cwd);
	if (!s->id || !s->cwd || !process_lists(s, c) || !fill_mounts(s, c) || !fill_user(s, c))
		return err_set(e, COFFER_E_INPUT, "container %.*s: a list is too long, or a text holds a NUL", (int)c->name.n,
		    (const char *)c->name.p);
	fill_capabilities(s);
	s->request.container_id = s->id;
	s->process.args = s->args.s;
	s->process.n_args = s->args.n;
	s->process.env = s->env.s;
	s->process.n_env = s->env.n;
	s->process.cwd = s->cwd;
	s->root.readonly = c->read_only_root;
	s->spec.mounts = s->mounts;
	s->spec.n_mounts = c->n_mounts;
	*out = MOVE(s);
	return COFFER_OK;
}

const Grpc__CreateContainerRequest *run_spec_request(const struct run_spec *s)
{
	return &s->request;
}
