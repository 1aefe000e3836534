/* The agent's pure parts: initdata device, image policy, runtime configuration, outputs, logs, callers of the API. */
#include "tests/t.h"
#include "tests/unit/guest_man.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/initdata.h"
#include "agent/serve.h"
#include "agent/spec.h"
#include "base/own.h"
#include "fmt/inflate.h"
#include "image/tree.h"

/* ---- initdata device ---- */

static void device(struct wr *w, const char *text, const char *magic, int64_t shift)
{
	struct wr z = wr_open(4096);
	struct err e = { 0 };

	CHECK(gzip(span_of(text), &z, &e) == COFFER_OK);
	wr_str(w, magic);
	wr_le64(w, (uint64_t)((int64_t)z.n + shift));
	wr_put(w, wr_span(&z));
	while (w->n % 512 != 0)
		wr_u8(w, 0);
	wr_close(&z);
}

static enum coffer_rc device_read(const struct wr *w, struct wr *out)
{
	struct err e = { 0 };

	return initdata_device_read(wr_span(w), out, &e);
}

static void device_whole_is_read_and_every_cut_is_refused(void)
{
	struct wr w = wr_open(1u << 16), out = wr_open(1u << 16);

	device(&w, "version = 1", "initdata", 0);
	CHECK(device_read(&w, &out) == COFFER_OK && span_eq_str(wr_span(&out), "version = 1"));
	for (size_t n = 0; n < w.n; n++) {
		uint8_t *p = malloc(n ? n : 1);
		struct err e = { 0 };

		memcpy(p, w.p, n);
		CHECK(initdata_device_read((struct span){ p, n }, &out, &e) == COFFER_E_INPUT);
		free(p);
	}
	wr_close(&w);
	wr_close(&out);
}

static void device_of_odd_form_is_refused(void)
{
	struct wr w = wr_open(1u << 16), out = wr_open(1u << 16), big = wr_open(4u << 20);
	struct err e = { 0 };

	device(&w, "x", "initdatb", 0);
	CHECK(device_read(&w, &out) == COFFER_E_INPUT);
	wr_close(&w);
	w = wr_open(1u << 16);
	device(&w, "x", "initdata", 1);
	CHECK(device_read(&w, &out) != COFFER_OK);
	w.p[8 + 7] = 0x80; /* a length of 2^63 */
	CHECK(device_read(&w, &out) == COFFER_E_INPUT);
	wr_close(&w);
	w = wr_open(1u << 16);
	device(&w, "x", "initdata", 0);
	w.p[w.n - 1] = 1;
	CHECK(device_read(&w, &out) == COFFER_E_INPUT);
	w.p[w.n - 1] = 0;
	for (int i = 0; i < 512; i++)
		wr_u8(&w, 0);
	CHECK(device_read(&w, &out) == COFFER_E_INPUT);
	for (int i = 0; i < 1 << 21; i++)
		wr_u8(&big, ' ');
	wr_close(&w);
	w = wr_open(1u << 20);
	wr_str(&w, "initdata");
	{
		struct wr z = wr_open(1u << 20);

		CHECK(gzip(wr_span(&big), &z, &e) == COFFER_OK);
		wr_le64(&w, z.n);
		wr_put(&w, wr_span(&z));
		wr_close(&z);
	}
	while (w.n % 512 != 0)
		wr_u8(&w, 0);
	CHECK(device_read(&w, &out) == COFFER_E_LIMIT); /* a bomb */
	wr_close(&w);
	wr_close(&out);
	wr_close(&big);
}

/* ---- policy.json ---- */

static void image_policy_rejects_all_but_the_manifests_key(void)
{
	struct manifest m = { .n_containers = 0 };
	struct json_doc *d = NULL;
	struct wr w = wr_open(65536);
	struct err e = { 0 };
	const struct json *scopes, *rule;

	man_load(&m);
	CHECK(image_policy(&m.container[0], &w, &e) == COFFER_OK);
	CHECK(json_parse(wr_span(&w), 65536, &d, &e) == COFFER_OK);
	CHECK(span_eq_str(json_str(json_get(json_at(json_get(json_root(d), "default"), 0), "type")), "reject"));
	scopes = json_get(json_get(json_root(d), "transports"), "docker");
	CHECK(json_len(scopes) == 1 && span_eq_str(json_name(scopes, 0), "127.0.0.1:5000/app") && json_len(json_at(scopes, 0)) == 1);
	rule = json_at(json_at(scopes, 0), 0);
	CHECK(span_eq_str(json_str(json_get(rule, "type")), "sigstoreSigned") && json_str(json_get(rule, "keyData")).n > 0);
	CHECK(span_eq_str(json_str(json_get(json_get(rule, "signedIdentity"), "dockerRepository")), "127.0.0.1:5000/app"));
	m.container[0].method_type = span_of("insecureAcceptAnything");
	CHECK(image_policy(&m.container[0], &w, &e) == COFFER_E_DENIED && strcmp(e.check, "policy") == 0);
	m.container[0].method_type = span_of("sigstoreSigned");
	m.container[0].method_key.n = 0;
	CHECK(image_policy(&m.container[0], &w, &e) == COFFER_E_DENIED && strcmp(e.check, "policy") == 0);
	json_free(d);
	wr_close(&w);
	manifest_clear(&m);
}

/* ---- config.json ---- */

static const char *source(void *arg, size_t v)
{
	(void)arg;
	return v == 0 ? "/state/volume/0" : "/state/volume/1";
}

static void spec_holds_what_the_manifest_says(void)
{
	struct manifest m = { .n_containers = 0 };
	struct json_doc *d = NULL;
	struct wr w = wr_open(1u << 20);
	struct err e = { 0 };
	const struct json *o, *p, *mounts, *l;

	man_load(&m);
	CHECK(spec_write(&m, &m.container[0], source, NULL, &w, &e) == COFFER_OK);
	CHECK(json_parse(wr_span(&w), 1u << 20, &d, &e) == COFFER_OK);
	o = json_root(d);
	p = json_get(o, "process");
	mounts = json_get(o, "mounts");
	l = json_get(o, "linux");
	{
		bool nnp = false, ro = false;
		uint64_t uid = 0;

		CHECK(json_bool(json_get(p, "noNewPrivileges"), &nnp) && nnp);
		CHECK(json_bool(json_get(json_get(o, "root"), "readonly"), &ro) && ro);
		CHECK(json_u64(json_get(json_get(p, "user"), "uid"), &uid) && uid == 5);
	}
	CHECK(json_len(json_get(p, "args")) == 2 && json_len(json_get(p, "env")) == 1);
	CHECK(json_len(json_get(json_get(p, "capabilities"), "bounding")) == 1 && !json_get(json_get(p, "capabilities"), "ambient"));
	CHECK(json_len(mounts) == 6 + 2 && span_eq_str(json_str(json_get(json_at(mounts, 6), "source")), "/state/volume/0"));
	CHECK(manifest_lists(json_get(json_at(mounts, 6), "options"), span_of("ro")));
	CHECK(manifest_lists(json_get(json_at(mounts, 6), "options"), span_of("noexec")));
	CHECK(manifest_lists(json_get(json_at(mounts, 7), "options"), span_of("rw")));
	CHECK(json_len(json_get(l, "namespaces")) == 4 && json_len(json_get(l, "maskedPaths")) > 5 && !json_get(o, "hooks"));
	CHECK(manifest_lists(json_get(json_at(json_get(json_get(l, "seccomp"), "syscalls"), 0), "names"), span_of("keyctl")));
	json_free(d);
	wr_close(&w);
	manifest_clear(&m);
}

static enum coffer_rc spec_with(struct manifest *m, struct err *e)
{
	struct wr w = wr_open(1u << 20);
	enum coffer_rc rc = spec_write(m, &m->container[0], source, NULL, &w, e);

	wr_close(&w);
	return rc;
}

static void spec_of_a_bad_manifest_is_refused(void)
{
	static const char *const places[] = { "/proc", "/proc/self", "/sys/fs", "/dev", "/dev/shm", "/", "data", "", "/a/../proc", "/a//b", "/./a", "/a/" };
	struct manifest m = { .n_containers = 0 };
	struct json_doc *none = NULL, *cap = NULL;
	struct err e = { 0 };

	man_load(&m);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		m.container[0].mount[0].destination = span_of(places[i]);
		CHECK(spec_with(&m, &e) == COFFER_E_DENIED && strcmp(e.check, "policy") == 0);
	}
	m.container[0].mount[0].destination = span_of("/process"); /* only looks like it */
	CHECK(spec_with(&m, &e) == COFFER_OK);
	CHECK(json_parse(span_of("[]"), 16, &none, &e) == COFFER_OK && json_parse(span_of("[\"SYS_ADMIN\\\"\"]"), 64, &cap, &e) == COFFER_OK);
	m.container[0].capabilities = json_root(cap);
	CHECK(spec_with(&m, &e) == COFFER_E_DENIED);
	m.container[0].capabilities = json_root(none);
	m.container[0].args = json_root(none);
	CHECK(spec_with(&m, &e) == COFFER_E_DENIED && strstr(e.msg, "no program"));
	json_free(none);
	json_free(cap);
	manifest_clear(&m);
}

/* analyse is entitled to an asset for api: it may rule the network, its neighbour may not. */
static void spec_gives_nobody_the_network_of_anothers_api(void)
{
	struct wr w = wr_open(1u << 20);
	struct manifest m = { .n_containers = 0 };
	struct err e = { 0 };

	man_load(&m);
	m.container[1].capabilities = m.container[0].capabilities;
	CHECK(spec_write(&m, &m.container[0], source, NULL, &w, &e) == COFFER_OK);
	CHECK(spec_write(&m, &m.container[1], source, NULL, &w, &e) == COFFER_E_DENIED && strcmp(e.check, "policy") == 0 &&
	    strstr(e.msg, "CAP_NET_ADMIN beside container analyse"));
	m.container[0].n_entitlements--; /* the one for api is the last */
	CHECK(spec_write(&m, &m.container[1], source, NULL, &w, &e) == COFFER_OK);
	wr_close(&w);
	manifest_clear(&m);
}

/* The host runs commands in the helper alone: there nobody may write into a process on its way into the container. */
static void spec_lets_nobody_write_into_what_the_host_runs(void)
{
	static const char one[] = "[\"CAP_SYS_PTRACE\"]", lines[] = "[{\"container\":\"helper\",\"args\":[\"/bin/help\",\"-v\"]}]";
	struct wr w = wr_open(1u << 20);
	struct manifest m = { .n_containers = 0 };
	struct err e = { 0 };
	struct json_doc *caps = NULL, *exec = NULL;

	man_load(&m);
	CHECK(json_parse(span_of(one), 64, &caps, &e) == COFFER_OK && json_parse(span_of(lines), 128, &exec, &e) == COFFER_OK);
	m.container[1].capabilities = m.container[0].capabilities = json_root(caps);
	CHECK(spec_write(&m, &m.container[1], source, NULL, &w, &e) == COFFER_OK);
	m.host_exec = json_root(exec);
	CHECK(spec_write(&m, &m.container[0], source, NULL, &w, &e) == COFFER_OK);
	CHECK(spec_write(&m, &m.container[1], source, NULL, &w, &e) == COFFER_E_DENIED && strcmp(e.check, "policy") == 0 && strstr(e.msg, "CAP_SYS_PTRACE in container helper"));
	json_free(caps);
	json_free(exec);
	wr_close(&w);
	manifest_clear(&m);
}

static void spec_mounts_nothing_in_what_another_writes(void)
{
	struct wr w = wr_open(1u << 20);
	struct manifest m = { .n_containers = 0 };
	struct err e = { 0 };

	man_load(&m);
	m.container[0].mount[0].destination = span_of("/out/deep/data");
	CHECK(spec_write(&m, &m.container[0], source, NULL, &w, &e) == COFFER_OK);
	m.container[1].mount[0] = m.container[0].mount[1];
	m.container[1].n_mounts = 1;
	CHECK(spec_write(&m, &m.container[0], source, NULL, &w, &e) == COFFER_E_DENIED && strcmp(e.check, "policy") == 0 &&
	    strstr(e.msg, "a mount in volume out"));
	m.container[1].mount[0].read_only = true;
	CHECK(spec_write(&m, &m.container[0], source, NULL, &w, &e) == COFFER_OK);
	m.container[1].mount[0].read_only = false;
	m.container[0].mount[0].destination = span_of("/outer");
	CHECK(spec_write(&m, &m.container[0], source, NULL, &w, &e) == COFFER_OK);
	wr_close(&w);
	manifest_clear(&m);
}

/* ---- outputs ---- */

static void output_place_is_the_deepest_empty_volume(void)
{
	struct manifest m = { .n_containers = 0 };
	struct man_output o;
	struct span rest;
	struct err e = { 0 };
	size_t v = 9;

	man_load(&m);
	o = m.container[0].output[0];
	CHECK(output_place(&m, &m.container[0], &o, &v, &rest, &e) == COFFER_OK && v == 1 && span_eq_str(rest, "result.txt"));
	o.path = span_of("/data/x"); /* sealed, not empty */
	CHECK(output_place(&m, &m.container[0], &o, &v, &rest, &e) == COFFER_E_DENIED && strcmp(e.check, "output") == 0);
	o.path = span_of("/etc/passwd");
	CHECK(output_place(&m, &m.container[0], &o, &v, &rest, &e) == COFFER_E_DENIED);
	o.path = span_of("/out");
	CHECK(output_place(&m, &m.container[0], &o, &v, &rest, &e) == COFFER_E_DENIED);
	o.path = span_of("/outer/x");
	CHECK(output_place(&m, &m.container[0], &o, &v, &rest, &e) == COFFER_E_DENIED);
	m.container[0].mount[0].destination = span_of("/out/deep");
	o.path = span_of("/out/deep/x");
	CHECK(output_place(&m, &m.container[0], &o, &v, &rest, &e) == COFFER_E_DENIED);
	manifest_clear(&m);
}

static bool reads(int dir, const char *name, uint64_t max, struct err *e)
{
	struct wr w = wr_open(4096);
	bool ok = output_read(dir, span_of(name), max, &w, e) == COFFER_OK;

	wr_close(&w);
	return ok;
}

static void put(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT, 0600);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	(void)close(fd);
}

static void output_read_stays_in_the_volume(void)
{
	char where[] = "/tmp/test-output-XXXXXX";
	struct err e = { 0 };
	int dir;

	CHECK(mkdtemp(where));
	dir = open(where, O_RDONLY | O_DIRECTORY);
	CHECK(mkdirat(dir, "vol", 0700) == 0);
	put(dir, "secret", "secret");
	{
		int vol = openat(dir, "vol", O_RDONLY | O_DIRECTORY);

		put(vol, "good", "1234");
		CHECK(symlinkat("good", vol, "link") == 0 && symlinkat("../secret", vol, "out") == 0 && mkfifoat(vol, "pipe", 0600) == 0);
		CHECK(mkdirat(vol, "d", 0700) == 0 && linkat(dir, "secret", vol, "hard", 0) == 0);
		CHECK(reads(vol, "good", 4, &e));
		CHECK(!reads(vol, "good", 3, &e) && strstr(e.msg, "longer"));
		CHECK(!reads(vol, "link", 99, &e) && strcmp(e.check, "output") == 0);
		CHECK(!reads(vol, "out", 99, &e) && !reads(vol, "../secret", 99, &e) && !reads(vol, "/etc/passwd", 99, &e));
		CHECK(!reads(vol, "pipe", 99, &e) && strstr(e.msg, "regular"));
		CHECK(!reads(vol, "d", 99, &e) && strstr(e.msg, "regular"));
		CHECK(!reads(vol, "hard", 99, &e) && strstr(e.msg, "names"));
		CHECK(!reads(vol, "absent", 99, &e) && strstr(e.msg, "not written"));
		(void)close(vol);
	}
	(void)close(dir);
	CHECK(tree_remove(AT_FDCWD, where, &e) == COFFER_OK);
}

/* ---- logs ---- */

static void logbuf_keeps_the_newest_bytes(void)
{
	struct logbuf b;
	struct wr w = wr_open(LOGBUF_MAX);
	uint8_t *big = malloc(LOGBUF_MAX + 5);

	CHECK(big && logbuf_open(&b));
	for (size_t i = 0; i < LOGBUF_MAX + 5; i++)
		big[i] = (uint8_t)i;
	logbuf_put(&b, span_of("old"));
	logbuf_put(&b, (struct span){ big, LOGBUF_MAX - 1 });
	CHECK(b.n == LOGBUF_MAX && logbuf_take(&b, 1, &w) == 1 && w.p[0] == 'd');
	logbuf_put(&b, (struct span){ big, LOGBUF_MAX + 5 });
	CHECK(b.n == LOGBUF_MAX && logbuf_take(&b, 3, &w) == 3 && w.p[1] == 5 && w.p[3] == 7);
	logbuf_close(&b);
	logbuf_put(&b, span_of("x")); /* closed: nowhere to go */
	CHECK(b.n == 0);
	free(big);
	wr_close(&w);
}

/* ---- callers of the API ---- */

static bool answers(struct agent *a, size_t caller, const char *path, const char *want)
{
	const struct http_in q = { .method = span_of("GET"), .path = span_of(path) };
	struct http_out r = { .status = 0 };
	struct err e = { 0 };
	bool ok = api_serve(a, caller, &q, &r, &e) == COFFER_OK && r.status == 403 && span_starts(wr_span(&r.body), want);

	if (!ok)
		printf("# %d %.*s\n", r.status, (int)wr_span(&r.body).n, (const char *)wr_span(&r.body).p);
	wr_close(&r.body);
	return ok;
}

static size_t waiting(int fd)
{
	int n = 0;

	return ioctl(fd, FIONREAD, &n) == 0 ? (size_t)n : 0;
}

/* Who writes faster than the agent reads would otherwise have it to himself. */
static void log_is_read_a_share_at_a_time(void)
{
	struct container c = { .log = { { .fd = -1 }, { .fd = -1 } } };
	uint8_t page[4096] = { 'y' };
	size_t before = 0, turns = 0;
	int p[2] = { -1, -1 };

	CHECK(pipe2(p, O_CLOEXEC | O_NONBLOCK) == 0 && fcntl(p[1], F_SETPIPE_SZ, 1 << 20) >= 1 << 20 && logbuf_open(&c.log[0].buf));
	while (write(p[1], page, sizeof(page)) == (ssize_t)sizeof(page))
		before += sizeof(page);
	c.log[0].fd = p[0];
	log_drain(c.log);
	CHECK(waiting(p[0]) > 0 && waiting(p[0]) < before && c.log[0].fd >= 0);
	(void)close(p[1]);
	for (; c.log[0].fd >= 0 && turns < before; turns++)
		log_drain(c.log);
	CHECK(c.log[0].fd < 0 && c.log[0].buf.n > 0);
	logbuf_close(&c.log[0].buf);
}

static void api_serves_running_containers_what_they_are_entitled_to(void)
{
	struct agent *a = calloc(1, sizeof(*a));
	static const enum ctr_state idle[] = { CTR_NEW, CTR_CREATED, CTR_STOPPED, CTR_REMOVED };

	CHECK(a);
	if (!a)
		return;
	man_load(&a->man);
	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
		a->b.ctr[0].state = idle[i];
		CHECK(answers(a, 0, "/cdh/resource/hospital/note/greeting", "gate: container analyse does not run"));
	}
	a->b.ctr[0].state = a->b.ctr[1].state = CTR_RUNNING;
	CHECK(answers(a, 0, "/cdh/resource/hospital/data-key/patients", "gate: the manifest does not entitle container analyse"));
	CHECK(answers(a, 1, "/cdh/resource/hospital/note/greeting", "gate: the manifest does not entitle container helper"));
	manifest_clear(&a->man);
	free(a);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(device_whole_is_read_and_every_cut_is_refused), T(device_of_odd_form_is_refused),
		T(image_policy_rejects_all_but_the_manifests_key), T(spec_holds_what_the_manifest_says), T(spec_of_a_bad_manifest_is_refused),
		T(output_place_is_the_deepest_empty_volume), T(output_read_stays_in_the_volume), T(logbuf_keeps_the_newest_bytes),
		T(spec_gives_nobody_the_network_of_anothers_api), T(api_serves_running_containers_what_they_are_entitled_to),
		T(log_is_read_a_share_at_a_time), T(spec_lets_nobody_write_into_what_the_host_runs), T(spec_mounts_nothing_in_what_another_writes),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
