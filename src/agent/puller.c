#include "agent/puller.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/puller_int.h"
#include "base/own.h"
#include "base/str.h"
#include "fmt/json.h"
#include "image/tree.h"
#include "os/ipc.h"
#include "os/spawn.h"

#define SELF "/proc/self/exe"

struct puller { int fd; pid_t pid; };

/* It has said its last or is not listened to any more: nothing that it still does counts. */
static void puller_end(struct puller *p)
{
	closep(&p->fd);
	if (p->pid > 0) {
		(void)kill(p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	p->pid = 0;
}

static enum coffer_rc start(struct puller *p, struct err *e)
{
	static const char *const argv[] = { SELF, PULLER_ARG, NULL };
	CLEANUP(closep) int theirs = -1;
	int pair[2];
	struct spawn s = { .argv = argv, .die_with_parent = true };

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_set(e, COFFER_E_SYSTEM, "starting a pull: %s", strerror(errno));
	p->fd = pair[0];
	theirs = pair[1];
	s.fds = (const int[]){ -1, -1, -1, theirs };
	s.n_fds = PULLER_FD + 1;
	return spawn_start(&s, &p->pid, e);
}

static enum coffer_rc ask(const struct puller *p, const struct image_pull *o, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(PULLER_REQUEST_MAX), plain = wr_open(PULLER_REQUEST_MAX);
	struct json_wr j = jw_open(&plain, false);

	jw_arr(&j);
	for (size_t i = 0; i < json_len(o->plain_http); i++)
		jw_str(&j, json_str(json_at(o->plain_http, i)));
	jw_arr_end(&j);
	TRY(wr_done(&plain, "registries", e));
	wr_blob32(&w, span_of(o->reference));
	wr_put(&w, SPAN(o->digest));
	wr_blob32(&w, o->policy);
	wr_blob32(&w, wr_span(&plain));
	wr_blob32(&w, span_of(o->dir));
	wr_u8(&w, o->get_pem != NULL);
	TRY(wr_done(&w, "pull", e));
	return ipc_send(p->fd, PULLER_PULL, wr_span(&w), e);
}

/* What the pull cannot do without is refused to it: the reason comes back as its own, by way of a process that reads strangers' bytes. So it is kept here. */
static enum coffer_rc answer(const struct puller *p, const struct image_pull *o, uint8_t tag, struct span kid, struct err *kept, struct err *e)
{
	CLEANUP(secret_free) struct secret key = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(PULLER_SAID_MAX);
	CLEANUP(freep) char *name = span_dup(kid);
	enum coffer_rc rc;

	*kept = (struct err){ 0 };
	if (!name)
		rc = err_deny(kept, "decrypt", "the name of a key is no text, or there is no memory for it");
	else
		rc = tag == PULLER_KEY ? o->get_key(o->key_arg, name, &key, kept) : o->get_pem(o->key_arg, &key, kept);
	if (rc == COFFER_OK)
		return ipc_send(p->fd, PULLER_SECRET, (struct span){ key.p, key.n }, e);
	puller_put_failed(&w, rc, kept);
	TRY(wr_done(&w, "refusal", e));
	return ipc_send(p->fd, PULLER_FAILED, wr_span(&w), e);
}

static enum coffer_rc progress(const struct image_pull *o, struct span body, struct err *e)
{
	struct rd r = rd_open(body);
	struct image_progress p = { .layer = rd_be32(&r), .n_layers = rd_be32(&r) };

	p.bytes = (uint64_t)rd_be32(&r) << 32;
	p.bytes |= rd_be32(&r);
	p.total = (uint64_t)rd_be32(&r) << 32;
	p.total |= rd_be32(&r);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_UPSTREAM, "pull: progress of a length that it does not have");
	if (o->progress)
		o->progress(o->progress_arg, &p);
	return COFFER_OK;
}

static enum coffer_rc pulled(struct span body, size_t *n_layers, struct err *e)
{
	struct rd r = rd_open(body);

	*n_layers = rd_be32(&r);
	return rd_done(&r) ? COFFER_OK : err_set(e, COFFER_E_UPSTREAM, "pull: an end of a length that it does not have");
}

/* Until its last frame. */
static enum coffer_rc serve(const struct puller *p, const struct image_pull *o, size_t *n_layers, struct err *e)
{
	CLEANUP(wr_close) struct wr body = { 0 };
	struct err kept = { 0 };

	for (;;) {
		uint8_t tag = 0;

		if (ipc_recv(p->fd, PULLER_KID_MAX, &tag, &body, e) != COFFER_OK)
			return err_set(e, COFFER_E_SYSTEM, "the process that pulls the image ended before it was done; the image, or its registry, sent what it does not bear");
		if (tag == PULLER_KEY || (tag == PULLER_PEM && o->get_pem))
			TRY(answer(p, o, tag, wr_span(&body), &kept, e));
		else if (tag == PULLER_PROGRESS)
			TRY(progress(o, wr_span(&body), e));
		else if (tag == PULLER_PULLED)
			return pulled(wr_span(&body), n_layers, e);
		else if (tag == PULLER_FAILED && kept.rc != COFFER_OK)
			return *e = kept, kept.rc;
		else if (tag == PULLER_FAILED)
			return puller_read_failed(wr_span(&body), e);
		else
			return err_set(e, COFFER_E_UPSTREAM, "pull: a frame of no kind");
	}
}

/* It cleans up behind itself, but for when it was ended. */
static void leave_nothing(const char *dir)
{
	CLEANUP(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct err e;

	if (fd >= 0)
		(void)(tree_empty(fd, &e) == COFFER_OK);
}

enum coffer_rc puller_run(const struct image_pull *o, size_t *n_layers, struct err *e)
{
	CLEANUP(puller_end) struct puller p = { .fd = -1 };
	enum coffer_rc rc = start(&p, e);

	if (rc == COFFER_OK)
		rc = ask(&p, o, e);
	if (rc == COFFER_OK)
		rc = serve(&p, o, n_layers, e);
	puller_end(&p);
	if (rc != COFFER_OK)
		leave_nothing(o->dir);
	return rc;
}

/* ---- failures, of both ends ---- */

void puller_put_failed(struct wr *w, enum coffer_rc rc, const struct err *e)
{
	wr_u8(w, (uint8_t)rc);
	wr_blob32(w, span_of(e->check));
	wr_blob32(w, span_of(e->msg));
}

static void printable(char *s)
{
	for (; *s; s++)
		if ((uint8_t)*s < 0x20 || (uint8_t)*s == 0x7f)
			*s = '?';
}

enum coffer_rc puller_read_failed(struct span body, struct err *e)
{
	struct rd r = rd_open(body);
	uint8_t rc = rd_u8(&r);
	struct span check = rd_blob32(&r, sizeof(e->check) - 1), msg = rd_blob32(&r, sizeof(e->msg) - 1);

	if (!rd_done(&r) || rc == COFFER_OK || rc > COFFER_E_BUG || (rc == COFFER_E_DENIED) != (check.n > 0))
		return err_set(e, COFFER_E_UPSTREAM, "pull: a failure that is none");
	*e = (struct err){ .rc = (enum coffer_rc)rc };
	memcpy(e->check, check.p ? check.p : (const uint8_t *)"", check.n);
	memcpy(e->msg, msg.p ? msg.p : (const uint8_t *)"", msg.n);
	printable(e->check);
	printable(e->msg);
	return e->rc;
}
