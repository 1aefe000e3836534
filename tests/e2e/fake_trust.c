/* Stands in for trust service and registry below the real agent, so that everything else of a launch can be tested without them:
 * keys are the SHA-256 of their path, and an image is busybox in two layers. Never linked into a program that is installed. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/crun.h"
#include "base/own.h"
#include "base/str.h"
#include "client/rcar.h"
#include "crypto/hash.h"
#include "image/pull.h"
#include "os/file.h"

struct service_conn { int unused; };
struct rcar { struct privkey *key; int nth; };

enum coffer_rc service_open(const struct service_opts *o, struct service_conn **out, struct err *e)
{
	(void)o;
	*out = calloc(1, sizeof(**out));
	return *out ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

void service_close(struct service_conn *c)
{
	free(c);
}

enum coffer_rc rcar_attest(struct service_conn *c, const struct attester *a, struct span initdata, struct rcar **out, struct err *e)
{
	CLEANUP(wr_close) struct wr evidence = wr_open(1u << 20);
	CLEANUP(rcar_freep) struct rcar *r = calloc(1, sizeof(*r));
	static int sessions;
	uint8_t reg[32];

	(void)c;
	if (!r)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	r->nth = ++sessions;
	sha256(initdata, reg);
	TRY(a->evidence(a->arg, span_of("report"), reg, &evidence, e));
	TRY(privkey_new(KEY_P256, &r->key, e));
	*out = MOVE(r);
	return COFFER_OK;
}

void rcar_free(struct rcar *r)
{
	if (r)
		privkey_free(r->key);
	free(r);
}

const char *rcar_token(const struct rcar *r)
{
	return r ? "e30.e30.AA" : NULL;
}

const struct privkey *rcar_request_key(const struct rcar *r)
{
	return r->key;
}

void rcar_asset_clear(struct rcar_asset *a)
{
	secret_free(&a->content);
}

/* A host that says nothing for as long as a container lives. */
static void host_waits(void)
{
	siginfo_t s;

	(void)waitid(P_ALL, 0, &s, WEXITED | WNOWAIT);
}

enum coffer_rc rcar_get(struct rcar *r, const struct asset_path *path, uint64_t version, struct span container, enum purpose purpose,
    struct rcar_asset *out, struct err *e)
{
	(void)r;
	(void)version;
	(void)purpose;
	if (span_ends(span_of(path->text), "/awaited") && span_eq_str(container, "two"))
		host_waits();
	if (span_ends(span_of(path->text), "/stalled")) {
		host_waits();
		return err_set(e, COFFER_E_UPSTREAM, "the host let the agent wait");
	}
	if (span_ends(span_of(path->text), "/stranger"))
		return err_deny(e, "policy", "this evidence gives no right to that resource; decision 00");
	if (span_ends(span_of(path->text), "/rude"))
		return err_deny(e, "R10", "\033[2J\nno%0450d", 0);
	if (span_ends(span_of(path->text), "/withheld"))
		return err_deny(e, "R9", "the owner has not approved");
	TRY(secret_new(32, &out->content, e));
	sha256(span_of(path->text), out->content.p);
	out->version = 1;
	out->lease = lease_default();
	if (strstr(path->text, "brief"))
		out->lease = (struct lease_terms){ .lease = strstr(path->text, "forgotten") ? 300 : 1, .check = 1, .grace = 1, .stop = !strstr(path->text, "wipe") };
	return COFFER_OK;
}

void service_timeout(struct service_conn *c, int64_t ms)
{
	(void)c;
	(void)ms;
}

/* What the path says is what happens: "silent", "forged", "forgotten" (by a service that was started anew), "revoked", "paused"; and else
 * it is held. */
enum coffer_rc rcar_fresh(struct rcar *r, struct fresh_ask *ask, struct fresh_seen *seen, struct fresh_answer *out, struct err *e)
{
	struct fresh_answer a = { .n = ask->n };

	(void)seen;
	for (size_t i = 0; i < ask->n; i++) {
		CLEANUP(freep) char *path = span_dup(ask->item[i].path);

		if (path && strstr(path, "silent"))
			return err_set(e, COFFER_E_UPSTREAM, "the network is cut");
		if (path && strstr(path, "forged"))
			return err_deny(e, "lease", "a freshness answer that the service's reply key did not sign");
		if (path && strstr(path, "forgotten") && r->nth == 1)
			return err_deny(e, "session", "no attested session; attest again");
		a.said[i].status = path && strstr(path, "revoked") ? FRESH_REVOKED : path && strstr(path, "paused") ? FRESH_PAUSED : FRESH_HELD;
		if (a.said[i].status != FRESH_HELD)
			memcpy(a.said[i].check, "R11", 3);
	}
	*out = a;
	return COFFER_OK;
}

/* What the stand-in for a pull needs from elsewhere: it is behind the puller's door, from where nothing but its folder can be opened. */
static int busybox = -1, spoof = -1, told_to = -1;

__attribute__((constructor)) static void open_first(void)
{
	busybox = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
	spoof = open(SPOOF, O_RDONLY | O_CLOEXEC); /* not in a VM */
	told_to = open("/bench/told", O_WRONLY | O_CLOEXEC); /* where somebody measures */
}

/* When a pull begins and ends, its process included: whoever times what is around it takes it off. */
static void told(const char *word)
{
	if (told_to >= 0 && write(told_to, word, strlen(word)) < 0)
		abort();
}

/* The kernel waits and no signal ends it, as for a disk that does not answer: until the plain file of the first volume, in memory beside the images, is empty
 * or one has waited long enough. */
static enum coffer_rc frozen(const char *dir, struct err *e)
{
	CLEANUP(freep) char *plain = str_fmt("%s/../../volume/0", dir);
	pid_t pid = plain ? (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, 0) : -1;
	struct stat st;

	if (pid == 0) {
		for (int i = 0; i < 400 && stat(plain, &st) == 0 && st.st_size > 0; i++)
			(void)usleep(100000);
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
	return err_set(e, COFFER_E_UPSTREAM, "the host let the kernel wait");
}

enum coffer_rc __real_puller_run(const struct image_pull *o, size_t *n_layers, struct err *e); /* the linker's --wrap */
enum coffer_rc __wrap_puller_run(const struct image_pull *o, size_t *n_layers, struct err *e);

enum coffer_rc __wrap_puller_run(const struct image_pull *o, size_t *n_layers, struct err *e)
{
	enum coffer_rc rc;

	if (strstr(o->reference, "/stalled@")) {
		host_waits();
		return err_set(e, COFFER_E_UPSTREAM, "the host let the agent wait");
	}
	if (strstr(o->reference, "/brief@") || strstr(o->reference, "/fifo@"))
		crun_wait_ms = 10000;
	if (strstr(o->reference, "/frozen@"))
		return frozen(o->dir, e);
	told("pull\n");
	rc = __real_puller_run(o, n_layers, e);
	told("pulled\n");
	return rc;
}

static enum coffer_rc copy(int in, const char *dir, const char *name, struct err *e)
{
	static uint8_t piece[1u << 16];
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);
	CLEANUP(closep) int out = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755) : -1;
	ssize_t n = 0;

	while (in >= 0 && out >= 0 && (n = read(in, piece, sizeof(piece))) > 0)
		if (write(out, piece, (size_t)n) != n)
			break;
	return in >= 0 && out >= 0 && n == 0 && fchmod(out, 0755) == 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "%s: %s", name, strerror(errno));
}

static enum coffer_rc put(const char *dir, const char *name, struct span s, unsigned mode, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);

	return path ? file_write(path, s, mode, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

/* What a runtime reads of an image opens only when somebody writes there, which nobody does. */
static enum coffer_rc pipes(const char *dir, struct err *e)
{
	CLEANUP(freep) char *etc = str_fmt("%s/etc", dir);
	CLEANUP(freep) char *passwd = str_fmt("%s/etc/passwd", dir);
	CLEANUP(freep) char *group = str_fmt("%s/etc/group", dir);

	if (!etc || !passwd || !group)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(file_mkdirs(etc, 0755, e));
	return mkfifo(passwd, 0644) == 0 && mkfifo(group, 0644) == 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "a pipe: %s", strerror(errno));
}

/* What the registry of a reference says, as the agent's own connections reach it. */
static enum coffer_rc reach(const char *reference, const char *dir, struct err *e)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	CLEANUP(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *port = strchr(reference, ':');
	char said[100];
	ssize_t n = -1;

	to.sin_port = htons((uint16_t)strtoul(port ? port + 1 : "", NULL, 10));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && write(fd, "hi", 2) == 2)
		n = read(fd, said, sizeof(said));
	return n > 0 ? put(dir, "reached", (struct span){ (uint8_t *)said, (size_t)n }, 0644, e) : err_set(e, COFFER_E_UPSTREAM, "%s: %s", reference, strerror(errno));
}

enum coffer_rc image_pull(const struct image_pull *o, struct image_pulled *out, struct err *e)
{
	CLEANUP(freep) char *bin = str_fmt("%s/0/bin", o->dir);
	CLEANUP(freep) char *sh = str_fmt("%s/0/bin/sh", o->dir);
	CLEANUP(freep) char *upper = str_fmt("%s/1", o->dir);
	CLEANUP(secret_free) struct secret key = { 0 };

	if (!bin || !sh || !upper || o->policy.n == 0)
		return err_set(e, COFFER_E_SYSTEM, "out of memory, or no policy");
	if (strstr(o->reference, "/prying@")) {
		CLEANUP(closep) int elsewhere = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

		return err_deny(e, "pried", "%s", elsewhere < 0 && errno == EACCES ? "nothing is there to read" : "it reads what is not its own");
	}
	if (strstr(o->reference, "/dying@"))
		abort();
	if (strstr(o->reference, "/unsigned@"))
		return err_deny(e, "signature", "no signature is good enough");
	if (strstr(o->reference, "/foreign@"))
		TRY(o->get_key(o->key_arg, "kbs:///somebody/image-key/else", &key, e));
	TRY(o->get_key(o->key_arg, "kbs:///imaker/image-key/app", &key, e));
	TRY(file_mkdirs(bin, 0755, e));
	TRY(file_mkdirs(upper, 0755, e));
	TRY(copy(busybox, bin, "busybox", e));
	TRY(put(upper, "upper-layer", span_of("2"), 0644, e));
	if (strstr(o->reference, "/fifo@"))
		TRY(pipes(upper, e));
	if (strstr(o->reference, "/reach@"))
		TRY(reach(o->reference, upper, e));
	if (o->progress)
		o->progress(o->progress_arg, &(struct image_progress){ 1, 2, 3u << 20, 7u << 19 });
	if (spoof >= 0)
		TRY(copy(spoof, bin, "spoof", e));
	if (symlink("busybox", sh) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s", strerror(errno));
	*out = (struct image_pulled){ .n_layers = 2 };
	return COFFER_OK;
}

void image_pulled_clear(struct image_pulled *p)
{
	json_freep(&p->config);
}
