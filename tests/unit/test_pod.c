#include "tests/t.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/pod.h"
#include "fmt/yaml.h"

#define HEAD "apiVersion: v1\nkind: Pod\nmetadata: {name: risk, annotations: {" POD_INITDATA ": abc, " POD_TERMS ": t}}\nspec:\n"
#define VOLUMES "  volumes:\n  - {name: patients, hostPath: {path: /srv/p.sealed, type: File}}\n  - {name: out, emptyDir: {}}\n"
#define CONTAINER "  containers:\n  - name: analyse\n    image: r/app\n"
#define GOOD HEAD "  securityContext: {runAsUser: 1, runAsGroup: 2, supplementalGroups: [3]}\n" VOLUMES CONTAINER \
	"    command: [/bin/a]\n    args: [-v]\n    env: [{name: PATH, value: /bin}]\n    workingDir: /w\n" \
	"    volumeMounts: [{name: patients, mountPath: /data, readOnly: true}, {name: out, mountPath: /out}]\n" \
	"    securityContext: {runAsUser: 5, readOnlyRootFilesystem: true, capabilities: {add: [NET_ADMIN], drop: [ALL]}}\n"

static enum coffer_rc read_pod(const char *text, struct json_doc **doc, struct pod *p, struct err *e)
{
	enum coffer_rc rc = yaml_parse(span_of(text), POD_TEXT_MAX, doc, e);

	if (rc != COFFER_OK)
		printf("# yaml: %s\n", e->msg);
	return rc == COFFER_OK ? pod_read(json_root(*doc), p, e) : COFFER_E_BUG;
}

static bool refused(const char *text, const char *why)
{
	struct json_doc *doc = NULL;
	struct pod p;
	struct err e = { 0 };
	bool ok = read_pod(text, &doc, &p, &e) == COFFER_E_INPUT && strstr(e.msg, why);

	if (!ok)
		printf("# %s: %s\n", why, e.msg);
	json_free(doc);
	return ok;
}

static void pod_maps_to_what_the_manifest_says(void)
{
	struct json_doc *doc = NULL;
	struct pod p;
	struct err e = { 0 };
	const struct pod_container *c = &p.container[0];
	char *env, *cap;
	uint64_t g = 0;

	CHECK(read_pod(GOOD, &doc, &p, &e) == COFFER_OK);
	CHECK(span_eq_str(p.name, "risk") && span_eq_str(p.initdata, "abc") && span_eq_str(p.terms, "t"));
	CHECK(p.n_containers == 1 && p.n_volumes == 2 && pod_n_args(c) == 2 && span_eq_str(pod_arg(c, 0), "/bin/a") && span_eq_str(pod_arg(c, 1), "-v"));
	env = pod_env(c, 0);
	cap = pod_capability(c, 0);
	CHECK(env && strcmp(env, "PATH=/bin") == 0 && cap && strcmp(cap, "CAP_NET_ADMIN") == 0);
	CHECK(span_eq_str(c->cwd, "/w") && c->uid == 5 && c->gid == 2 && json_u64(json_at(c->groups, 0), &g) && g == 3);
	CHECK(c->read_only_root && c->n_mounts == 2 && c->mount[0].read_only && !c->mount[1].read_only);
	CHECK(pod_volume(&p, span_of("patients"))->is_file && !pod_volume(&p, span_of("out"))->is_file);
	free(env);
	free(cap);
	json_free(doc);
}

static void pod_without_options_has_defaults(void)
{
	struct json_doc *doc = NULL;
	struct pod p;
	struct err e = { 0 };
	const struct pod_container *c = &p.container[0];

	CHECK(read_pod("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n" CONTAINER, &doc, &p, &e) == COFFER_OK);
	CHECK(pod_n_args(c) == 0 && span_eq_str(c->cwd, "/") && c->uid == 0 && c->gid == 0 && json_len(c->groups) == 0 && !c->read_only_root);
	CHECK(p.initdata.n == 0 && p.terms.n == 0);
	json_free(doc);
}

static void pod_with_an_unknown_field_is_refused(void)
{
	CHECK(refused(GOOD "x: 1\n", "x"));
	CHECK(refused(HEAD "  hostNetwork: true\n" CONTAINER, "hostNetwork"));
	CHECK(refused(HEAD "  initContainers: []\n" CONTAINER, "initContainers"));
	CHECK(refused(HEAD CONTAINER "    ports: []\n", "ports"));
	CHECK(refused(HEAD CONTAINER "    livenessProbe: {}\n", "livenessProbe"));
	CHECK(refused(HEAD CONTAINER "    env: [{name: A, valueFrom: {}}]\n", "valueFrom"));
	CHECK(refused(HEAD CONTAINER "    securityContext: {seccompProfile: {}}\n", "seccompProfile"));
	CHECK(refused(HEAD VOLUMES CONTAINER "    volumeMounts: [{name: out, mountPath: /o, subPath: x}]\n", "subPath"));
	CHECK(refused(HEAD "  volumes: [{name: a, secret: {}}]\n" CONTAINER, "secret"));
	CHECK(refused(HEAD "  volumes: [{name: a, emptyDir: {medium: Memory}}]\n" CONTAINER, "medium"));
	CHECK(refused("apiVersion: v1\nkind: Pod\nmetadata: {name: p, ownerReferences: []}\nspec:\n" CONTAINER, "ownerReferences"));
}

static void pod_with_a_wrong_value_is_refused(void)
{
	CHECK(refused("apiVersion: v1\nkind: Deployment\nmetadata: {name: p}\nspec:\n" CONTAINER, "v1 Pod"));
	CHECK(refused(HEAD "  restartPolicy: Always\n" CONTAINER, "restartPolicy"));
	CHECK(refused(HEAD "  automountServiceAccountToken: true\n" CONTAINER, "automountServiceAccountToken"));
	CHECK(refused(HEAD CONTAINER "    securityContext: {privileged: true}\n", "privileged"));
	CHECK(refused(HEAD CONTAINER "    securityContext: {allowPrivilegeEscalation: true}\n", "allowPrivilegeEscalation"));
	CHECK(refused(HEAD CONTAINER "    securityContext: {runAsUser: 4294967295}\n", "runAsUser"));
	CHECK(refused(HEAD CONTAINER "    securityContext: {supplementalGroups: [a]}\n", "supplementalGroups"));
	CHECK(refused(HEAD CONTAINER "    securityContext: {readOnlyRootFilesystem: 1}\n", "readOnlyRootFilesystem"));
	CHECK(refused(HEAD CONTAINER "    command: [1]\n", "command"));
	CHECK(refused(HEAD CONTAINER "    env: [{name: A=B, value: c}]\n", "'='"));
	CHECK(refused(HEAD CONTAINER "    volumeMounts: [{name: gone, mountPath: /o}]\n", "no volume"));
	CHECK(refused(HEAD VOLUMES CONTAINER "    volumeMounts: [{name: out, mountPath: o}]\n", "absolute"));
	CHECK(refused(HEAD CONTAINER "  - {name: analyse, image: r}\n", "two containers"));
	CHECK(refused(HEAD "  volumes: [{name: a, emptyDir: {}}, {name: a, emptyDir: {}}]\n" CONTAINER, "two volumes"));
	CHECK(refused(HEAD "  volumes: [{name: a}]\n" CONTAINER, "exactly one"));
	CHECK(refused(HEAD "  volumes: [{name: a, emptyDir: {}, hostPath: {path: /x, type: File}}]\n" CONTAINER, "exactly one"));
	CHECK(refused(HEAD "  volumes: [{name: a, hostPath: {path: /x, type: Directory}}]\n" CONTAINER, "File"));
	CHECK(refused(HEAD "  containers: []\n", "1 to 16"));
	CHECK(refused(HEAD "  containers: [{name: A, image: r}]\n", "DNS label"));
	CHECK(refused(HEAD "  containers: [{name: a-, image: r}]\n", "DNS label"));
	CHECK(refused(HEAD "  containers: [{name: a}]\n", "image"));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(pod_maps_to_what_the_manifest_says), T(pod_without_options_has_defaults), T(pod_with_an_unknown_field_is_refused),
		T(pod_with_a_wrong_value_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
