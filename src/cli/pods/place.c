#include "cli/pods/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/cli.h"
#include "image/tree.h"
#include "os/cgroup.h"
#include "os/file.h"

#define LOCK "lock"      /* of a pod */
#define ROOT_LOCK ".lock" /* of the folder of all: nobody claims or removes while another does */
#define SUFFIX_MAX 1000
#define KILL_MS 10000
#define TERM_MS 5000

/* ---- the folder of all ---- */

static enum coffer_rc default_root(char out[static POD_PATH_MAX], struct err *e)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0)
		(void)snprintf(out, POD_PATH_MAX, "/run/coffer");
	else if (!xdg || xdg[0] != '/' || snprintf(out, POD_PATH_MAX, "%s/coffer", xdg) >= POD_PATH_MAX)
		return cli_bad(e, "$XDG_RUNTIME_DIR is not set: say with --state DIR where pods are kept");
	return COFFER_OK;
}

/* For what is to be typed of these pods: " --state DIR" where they are not where they are by default. */
struct said { char text[POD_PATH_MAX + 16]; };
static const char *with_state(const char *root, struct said *s)
{
	char usual[POD_PATH_MAX];
	struct err none = { 0 };

	s->text[0] = 0;
	if (default_root(usual, &none) != COFFER_OK || strcmp(usual, root) != 0)
		(void)snprintf(s->text, sizeof(s->text), " --state %s", root);
	return s->text;
}

static enum coffer_rc open_root(const char *path, int *out, struct err *e)
{
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_set(e, errno == ENOENT ? COFFER_E_NOTFOUND : COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: not a folder of this user's alone", path);
	*out = MOVE_FD(fd);
	return COFFER_OK;
}

enum coffer_rc pods_path(const char *given, char out[static POD_PATH_MAX], struct err *e)
{
	if (!given)
		return default_root(out, e);
	if (!given[0] || snprintf(out, POD_PATH_MAX, "%s", given) >= POD_PATH_MAX)
		return cli_bad(e, "--state: not a path of 1 to %d bytes", POD_PATH_MAX - 1);
	return COFFER_OK;
}

enum coffer_rc pods_root(const char *given, bool make, char out[static POD_PATH_MAX], struct err *e)
{
	CLEANUP(closep) int fd = -1;
	char path[POD_PATH_MAX];

	TRY(pods_path(given, path, e));
	if (make)
		TRY(file_mkdirs(path, 0700, e));
	TRY(open_root(path, &fd, e));
	memcpy(out, path, sizeof(path));
	return COFFER_OK;
}

static enum coffer_rc lock_root(const char *root, int *dir, int *lock, struct err *e)
{
	TRY(open_root(root, dir, e));
	*lock = openat(*dir, ROOT_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*lock < 0 || flock(*lock, LOCK_EX) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s/" ROOT_LOCK ": %s", root, strerror(errno));
	return COFFER_OK;
}

/* ---- what is there ---- */

void pod_place_close(struct pod_place *p)
{
	closep(&p->lock);
	p->lock = -1;
}

static bool is_locked(int dir)
{
	CLEANUP(closep) int fd = openat(dir, LOCK, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
}

static void dead(struct pod_record *r, const char *why)
{
	r->state = POD_DEAD;
	r->code = 5;
	(void)snprintf(r->reason, sizeof(r->reason), "%s", why);
}

static void judge(struct pod_seen *s, bool has_record)
{
	char boot[PROCESS_BOOT_LEN] = "";
	struct err unused;

	if (!has_record) {
		s->r = (struct pod_record){ .state = POD_STARTING };
		if (!s->lives)
			dead(&s->r, "its launcher was killed before it began");
		return;
	}
	if (s->lives || (s->r.state != POD_STARTING && s->r.state != POD_RUNNING))
		return;
	if (process_boot(boot, &unused) == COFFER_OK && strcmp(boot, s->r.boot) != 0) {
		s->r.n_processes = 0; /* numbers of another start of the machine */
		dead(&s->r, "the machine was started anew");
		return;
	}
	dead(&s->r, "its launcher was killed");
}

static enum coffer_rc look(int root_fd, const char *root, const char *name, struct pod_seen *out, struct err *e)
{
	CLEANUP(closep) int dir = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	CLEANUP(wr_close) struct wr text = wr_open(POD_RECORD_MAX);
	struct err unread = { 0 };
	struct said at;

	if (dir < 0)
		return err_set(e, COFFER_E_NOTFOUND, "no pod \"%.64s\": see `coffer ps%s`", name, with_state(root, &at));
	*out = (struct pod_seen){ .lives = is_locked(dir) };
	if (snprintf(out->name, sizeof(out->name), "%s", name) >= (int)sizeof(out->name) ||
	    snprintf(out->path, sizeof(out->path), "%s/%s", root, name) >= POD_PATH_MAX)
		return err_set(e, COFFER_E_INPUT, "%s/%.64s: too long", root, name);
	judge(out, file_read_below(dir, POD_RECORD, POD_RECORD_MAX, &text, &unread) == COFFER_OK &&
	    pod_record_read(wr_span(&text), &out->r, &unread) == COFFER_OK);
	return COFFER_OK;
}

enum coffer_rc pods_look(const char *root, const char *name, struct pod_seen *out, struct err *e)
{
	CLEANUP(closep) int fd = -1;

	if (!party_ok(span_of(name)))
		return cli_bad(e, "\"%.64s\" is no name of a pod: [a-z0-9][a-z0-9-]{0,62}", name);
	TRY(open_root(root, &fd, e));
	return look(fd, root, name, out, e);
}

static int is_name(const struct dirent *d)
{
	return party_ok(span_of(d->d_name));
}

static enum coffer_rc list(int fd, const char *root, pods_each each, void *arg, struct err *e)
{
	CLEANUP(freep) struct pod_seen *s = malloc(sizeof(*s));
	struct dirent **found = NULL;
	int n = s ? scandirat(fd, ".", &found, is_name, alphasort) : -1;
	bool more = true;

	if (n < 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", root, strerror(errno));
	for (int i = 0; i < n; i++) {
		struct err gone = { 0 }; /* meanwhile */

		if (more && look(fd, root, found[i]->d_name, s, &gone) == COFFER_OK)
			more = each(arg, s);
		free(found[i]);
	}
	free(found);
	return COFFER_OK;
}

enum coffer_rc pods_list(const char *root, pods_each each, void *arg, struct err *e)
{
	CLEANUP(closep) int fd = -1;

	TRY(open_root(root, &fd, e));
	return list(fd, root, each, arg, e);
}

bool pod_launcher(const struct pod_seen *s, struct process *out)
{
	for (size_t i = 0; s->lives && i < s->r.n_processes; i++)
		if (strcmp(s->r.process[i].role, "launcher") == 0) {
			*out = s->r.process[i].p;
			return true;
		}
	return false;
}

/* ---- removing, with the folder of all locked ---- */

/* A guest's guard, told to end, ends when nothing of the guest runs; killed, it would leave a guest that still dies, and holds its group. */
static enum coffer_rc end_process(const struct pod_process *p, struct err *e)
{
	struct err slow = { 0 };

	if (strcmp(p->role, "guest") == 0 && process_end(&p->p, SIGTERM, TERM_MS, &slow) == COFFER_OK)
		return COFFER_OK;
	if (process_end(&p->p, SIGKILL, KILL_MS, e) == COFFER_OK)
		return COFFER_OK;
	return err_wrap(e, "the pod's folder stays, its %s", p->role);
}

static enum coffer_rc end_processes(const struct pod_seen *s, struct err *e)
{
	for (size_t i = 0; i < s->r.n_processes; i++)
		TRY(end_process(&s->r.process[i], e));
	return COFFER_OK;
}

static enum coffer_rc remove_seen(int root_fd, const struct pod_seen *s, struct err *e)
{
	bool unknown = s->lives && s->r.n_processes == 0;

	if (unknown)
		return err_set(e, COFFER_E_UPSTREAM, "pod %s is just being started: try again", s->name);
	TRY(end_processes(s, e));
	if (geteuid() == 0)
		cgroup_sweep(CGROUP_GUEST);
	return tree_remove(root_fd, s->name, e);
}

enum coffer_rc pods_remove(const char *root, const char *name, bool force, struct err *e)
{
	CLEANUP(closep) int dir = -1;
	CLEANUP(closep) int lock = -1;
	CLEANUP(freep) struct pod_seen *s = malloc(sizeof(*s));
	struct said at;

	if (!s)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (!party_ok(span_of(name)))
		return cli_bad(e, "\"%.64s\" is no name of a pod: [a-z0-9][a-z0-9-]{0,62}", name);
	TRY(lock_root(root, &dir, &lock, e));
	TRY(look(dir, root, name, s, e));
	if (s->lives && !force)
		return cli_bad(e, "pod %s is %s: `coffer stop %s%s` first, or --force", name, pod_state_name(s->r.state), name, with_state(root, &at));
	return remove_seen(dir, s, e);
}

/* ---- a new one ---- */

struct sweep { int dir; };

static bool sweep_one(void *arg, const struct pod_seen *s)
{
	const struct sweep *w = arg;
	struct err why = { 0 };

	if (!s->lives && !s->r.keep && remove_seen(w->dir, s, &why) != COFFER_OK)
		(void)fprintf(stderr, "coffer run: %s of a killed launcher stays: %s\n", s->path, why.msg);
	return true;
}

/* false: there is one already. */
static enum coffer_rc make(int dir, const char *root, const char *name, struct pod_place *out, bool *made, struct err *e)
{
	CLEANUP(closep) int fd = -1;
	CLEANUP(closep) int lock = -1;

	*made = false;
	if (snprintf(out->path, sizeof(out->path), "%s/%s", root, name) >= POD_PATH_MAX)
		return err_set(e, COFFER_E_INPUT, "%s/%s: too long", root, name);
	(void)snprintf(out->name, sizeof(out->name), "%s", name);
	if (mkdirat(dir, name, 0700) != 0)
		return errno == EEXIST ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "%s: %s", out->path, strerror(errno));
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	lock = fd < 0 ? -1 : openat(fd, LOCK, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) != 0) /* who looks on holds it for a moment */
		return err_set(e, COFFER_E_SYSTEM, "%s/" LOCK ": %s", out->path, strerror(errno));
	out->lock = MOVE_FD(lock);
	*made = true;
	return COFFER_OK;
}

/* A dead one of the name makes room. */
static enum coffer_rc make_room(int dir, const char *root, const char *name, bool *room, struct err *e)
{
	CLEANUP(freep) struct pod_seen *s = malloc(sizeof(*s));

	*room = false;
	if (!s)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(look(dir, root, name, s, e));
	if (s->lives || s->r.state != POD_DEAD)
		return COFFER_OK;
	*room = true;
	return remove_seen(dir, s, e);
}

static enum coffer_rc claim(int dir, const char *root, const char *name, struct pod_place *out, bool *made, struct err *e)
{
	bool room = false;

	TRY(make(dir, root, name, out, made, e));
	if (*made)
		return COFFER_OK;
	TRY(make_room(dir, root, name, &room, e));
	return room ? make(dir, root, name, out, made, e) : COFFER_OK;
}

static enum coffer_rc claim_numbered(int dir, const char *root, const char *base, struct pod_place *out, struct err *e)
{
	char name[POD_NAME_MAX];
	bool made = false;

	struct said at;

	(void)snprintf(name, sizeof(name), "%s", base);
	for (int i = 2; i <= SUFFIX_MAX; i++) {
		TRY(claim(dir, root, name, out, &made, e));
		if (made)
			return COFFER_OK;
		(void)snprintf(name, sizeof(name), "%.58s-%d", base, i);
	}
	return err_set(e, COFFER_E_LIMIT, "%d pods named %s: remove some by `coffer rm POD%s`, or --name", SUFFIX_MAX, base, with_state(root, &at));
}

static enum coffer_rc taken(int dir, const char *root, const char *name, struct err *e)
{
	CLEANUP(freep) struct pod_seen *s = malloc(sizeof(*s));
	struct said at;

	if (!s)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(look(dir, root, name, s, e));
	return cli_bad(e, "there is a pod %s already, %s: `coffer rm %s%s%s`%s, or another --name", name, pod_state_name(s->r.state), name, s->lives ? " --force" : "", with_state(root, &at),
	    s->lives ? " ends and removes it" : "");
}

enum coffer_rc pods_claim(const char *root, const struct pod_claim *c, struct pod_place *out, struct err *e)
{
	CLEANUP(pod_place_close) struct pod_place p = { .lock = -1 };
	CLEANUP(closep) int dir = -1;
	CLEANUP(closep) int lock = -1;
	struct sweep w;
	bool made = false;

	if (!party_ok(span_of(c->name ? c->name : c->base)))
		return cli_bad(e, "\"%.64s\" is no name of a pod: [a-z0-9][a-z0-9-]{0,62}", c->name ? c->name : c->base);
	TRY(lock_root(root, &dir, &lock, e));
	w.dir = dir;
	TRY(list(dir, root, sweep_one, &w, e));
	if (!c->name) {
		TRY(claim_numbered(dir, root, c->base, &p, e));
	} else {
		TRY(claim(dir, root, c->name, &p, &made, e));
		if (!made)
			return taken(dir, root, c->name, e);
	}
	*out = p;
	p.lock = -1;
	return COFFER_OK;
}

enum coffer_rc pods_save(const struct pod_place *p, const struct pod_record *r, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/" POD_RECORD, p->path);
	CLEANUP(wr_close) struct wr text = wr_open(POD_RECORD_MAX);

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(pod_record_write(r, &text, e));
	return file_write(path, wr_span(&text), 0600, e);
}
