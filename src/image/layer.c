#include "image/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "image/ring.h"
#include "image/tree.h"

#define PLAIN_BYTES ((size_t)64 << 10)

struct layer {
	const struct layer_job *job;
	struct ring *ring;
	/* producer */
	struct crypt_stream *crypt;
	struct inflate *inflate;
	uint64_t in, out;   /* stored and inflated bytes */
	uint64_t max_out;
	struct err spoilt;  /* the first thing wrong behind decryption */
	uint8_t plain[PLAIN_BYTES];
	/* consumer */
	int fd;
	struct unpack *unpack;
	struct err done;    /* the consumer's verdict */
};

static void layer_free(struct layer *l)
{
	if (!l)
		return;
	crypt_free(l->crypt);
	inflate_free(l->inflate);
	unpack_free(l->unpack);
	ring_free(l->ring);
	closep(&l->fd);
	free(l);
}
DEFINE_CLEANUP(struct layer *, layer_free)

/* ---- consumer ---- */

static enum coffer_rc consume(struct layer *l, struct err *e)
{
	CLEANUP(hash_freep) struct hash_stream *hash = hash_open(HASH_SHA256);
	uint8_t got[HASH_MAX];

	for (;;) {
		struct span s = ring_take(l->ring);

		if (s.n == 0)
			break;
		hash_add(hash, s);
		TRY(unpack_add(l->unpack, s, e));
	}
	if (!ring_complete(l->ring))
		return err_set(e, COFFER_E_UPSTREAM, "the layer was given up");
	hash_end(MOVE(hash), got);
	if (memcmp(got, l->job->diff_id, 32) != 0) /* public: digests */
		return err_deny(
		    e, "digest", "layer %zu does not unpack to the archive its config names (diff_id)", l->job->index);
	return unpack_end(l->unpack, e);
}

static void *consumer_main(void *arg)
{
	struct layer *l = arg;

	if (consume(l, &l->done) != COFFER_OK)
		ring_fail(l->ring, &l->done);
	return NULL;
}

/* Signals stay with the threads that expect them. */
static bool start_consumer(struct layer *l, pthread_t *t)
{
	sigset_t all, old;
	bool ok;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	ok = pthread_create(t, NULL, consumer_main, l) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ok;
}

/* ---- producer ---- */

static enum coffer_rc on_inflated(void *arg, struct span piece, struct err *e)
{
	struct layer *l = arg;

	l->out += piece.n;
	if (l->out > LAYER_RATIO_FREE && (l->out - LAYER_RATIO_FREE) / LAYER_RATIO > l->in)
		return err_set(e, COFFER_E_LIMIT, "layer %zu is compressed beyond any honest ratio (over %d to 1)", l->job->index,
		    LAYER_RATIO);
	return ring_put(l->ring, piece, e);
}

/* Errors that lie in the bytes; others (disk, memory) end the transfer at once. */
static bool is_verdict(enum coffer_rc rc)
{
	return rc == COFFER_E_INPUT || rc == COFFER_E_DENIED || rc == COFFER_E_LIMIT;
}

static enum coffer_rc inflate_piece(struct layer *l, struct span s, struct err *e)
{
	enum coffer_rc rc;

	if (l->spoilt.rc != COFFER_OK)
		return COFFER_OK;
	l->in += s.n;
	rc = inflate_add(l->inflate, s, e);
	if (!is_verdict(rc))
		return rc;
	l->spoilt = *e;
	return COFFER_OK;
}

static enum coffer_rc on_stored(void *arg, struct span piece, struct err *e)
{
	struct layer *l = arg;

	if (!l->crypt)
		return inflate_piece(l, piece, e);
	while (piece.n > 0) {
		struct span part = { piece.p, piece.n < PLAIN_BYTES ? piece.n : PLAIN_BYTES };

		TRY(crypt_add(l->crypt, part, l->plain, e));
		TRY(inflate_piece(l, (struct span){ l->plain, part.n }, e));
		piece = span_skip(piece, part.n);
	}
	return COFFER_OK;
}

static enum coffer_rc produce(struct layer *l, struct err *e)
{
	TRY(l->job->source(l->job->source_arg, on_stored, l, e));
	if (l->crypt)
		TRY(crypt_verify(l->crypt, e));
	if (l->spoilt.rc != COFFER_OK) {
		*e = l->spoilt;
		return e->rc;
	}
	return inflate_end(l->inflate, e);
}

/* ---- both ---- */

static enum coffer_rc run(struct layer *l, struct err *e)
{
	enum coffer_rc rc;
	pthread_t t;

	if (!start_consumer(l, &t))
		return err_set(e, COFFER_E_SYSTEM, "cannot start a thread");
	rc = produce(l, e);
	ring_close(l->ring, rc == COFFER_OK);
	(void)pthread_join(t, NULL);
	if (rc == COFFER_OK && l->done.rc != COFFER_OK) {
		*e = l->done;
		rc = e->rc;
	}
	return rc;
}

/* The archive is larger than its files: headers and padding. */
static uint64_t archive_bound(const struct unpack_budget *b)
{
	uint64_t headers = b->entries < UINT64_MAX / 4096 ? b->entries * 2048 : UINT64_MAX / 2;

	return b->bytes < UINT64_MAX / 4 && headers < UINT64_MAX / 4 ? b->bytes + headers + (1 << 20) : UINT64_MAX / 2;
}

static enum coffer_rc layer_new(const struct layer_job *j, int fd, struct layer **out, struct err *e)
{
	CLEANUP(layer_freep) struct layer *l = calloc(1, sizeof(*l));

	if (!l) {
		(void)close(fd);
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	}
	l->fd = fd;
	l->job = j;
	l->max_out = archive_bound(j->budget);
	TRY(ring_new(&l->ring, e));
	TRY(inflate_open(j->compression, l->max_out, on_inflated, l, &l->inflate, e));
	if (j->lock)
		TRY(crypt_decrypt(j->lock, &l->crypt, e));
	TRY(unpack_open(fd, j->budget, &l->unpack, e));
	*out = MOVE(l);
	return COFFER_OK;
}

static enum coffer_rc work_in(const struct layer_job *j, const char *name, bool *root_opaque, struct err *e)
{
	CLEANUP(layer_freep) struct layer *l = NULL;
	int fd = -1;

	if (mkdirat(j->dir_fd, name, 0700) == 0)
		fd = openat(j->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, COFFER_E_SYSTEM, "cannot make the folder of layer %zu: %s", j->index, strerror(errno));
	TRY(layer_new(j, fd, &l, e));
	if (fchmod(fd, 0755) != 0) /* an archive without an entry for its root */
		return err_set(e, COFFER_E_SYSTEM, "cannot set the mode of layer %zu: %s", j->index, strerror(errno));
	TRY(run(l, e));
	*root_opaque = unpack_root_opaque(l->unpack);
	return COFFER_OK;
}

static enum coffer_rc put_in_place(const struct layer_job *j, const char *work, const char *name, struct err *e)
{
	if (renameat(j->dir_fd, work, j->dir_fd, name) != 0)
		return err_set(e, COFFER_E_SYSTEM, "cannot name the folder of layer %zu: %s", j->index, strerror(errno));
	return COFFER_OK;
}

enum coffer_rc layer_unpack(const struct layer_job *j, bool *root_opaque, struct err *e)
{
	char work[32], name[32];
	enum coffer_rc rc;
	bool opaque = false;

	(void)snprintf(work, sizeof(work), ".%zu", j->index);
	(void)snprintf(name, sizeof(name), "%zu", j->index);
	rc = work_in(j, work, &opaque, e);
	if (rc == COFFER_OK)
		rc = put_in_place(j, work, name, e);
	if (rc != COFFER_OK) {
		struct err ignored = { 0 };
		struct err why;

		(void)!tree_remove(j->dir_fd, work, &ignored); /* the first error is the one to tell */
		(void)err_wrap(e, "layer %zu", j->index);
		why = *e;
		return rc == COFFER_E_INPUT ? err_deny(e, "unpack", "%s", why.msg) : rc;
	}
	*root_opaque = opaque;
	return COFFER_OK;
}
