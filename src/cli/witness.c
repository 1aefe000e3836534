#include "cli/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/home.h"
#include "crypto/hash.h"
#include "crypto/pem.h"
#include "fmt/enc.h"
#include "os/file.h"

#define PATH_LEN 640

void witness_end(struct witness *w)
{
	privkey_free(w->secret);
	w->secret = NULL;
	closep(&w->lock);
	w->lock = -1;
}

static void path_of(const char *dir, const char *name, char out[static PATH_LEN])
{
	(void)snprintf(out, PATH_LEN, "%s/%s", dir, name);
}

static void log_path(const struct witness *w, const struct note_key *log, const char *what, char out[static PATH_LEN])
{
	char hex[HEX32_LEN];
	uint8_t d[32];

	sha256(span_of(log->name), d);
	hex32(d, hex);
	(void)snprintf(out, PATH_LEN, "%s/%.32s.%s", w->dir, hex, what);
}

enum coffer_rc witness_found(const char *dir, struct span name, struct span pass, const struct privkey *key, struct note_key *out,
    struct err *e)
{
	CLEANUP(wr_close) struct wr pem = wr_open(16u << 10), vkey = wr_open(1024);
	char path[PATH_LEN];

	if (strlen(dir) >= sizeof(((struct witness *)0)->dir))
		return err_set(e, COFFER_E_INPUT, "the folder's path is too long");
	TRY(note_key_new(name, NOTE_COSIGNATURE, privkey_public(key), out, e));
	TRY(file_mkdirs(dir, 0700, e));
	path_of(dir, "witness.pem", path);
	if (file_exists(path))
		return err_set(e, COFFER_E_INPUT, "%s is there already; a witness keeps its key", path);
	TRY(pem_write_private(key, pass, &pem, e));
	note_vkey_write(out, &vkey);
	wr_str(&vkey, "\n");
	TRY(wr_done(&vkey, "witness.vkey", e));
	TRY(file_write(path, wr_span(&pem), 0600, e));
	path_of(dir, "witness.vkey", path);
	return file_write(path, wr_span(&vkey), 0644, e);
}

/* ---- opening ---- */

static enum coffer_rc load_key(struct cli *c, struct witness *w, struct err *e)
{
	CLEANUP(secret_free) struct secret pass = { 0 };
	CLEANUP(wr_close) struct wr pem = { 0 }, vkey = { 0 };
	char path[PATH_LEN];
	struct span text;

	path_of(w->dir, "witness.pem", path);
	if (!file_exists(path))
		return err_set(e, COFFER_E_NOTFOUND, "%s holds no witness; coffer witness init makes one", w->dir);
	TRY(file_read(path, 16u << 10, &pem, e));
	if (!span_starts(wr_span(&pem), "-----BEGIN PRIVATE KEY-----"))
		TRY(passphrase_get(c, false, &pass, e));
	if (pem_read_private(wr_span(&pem), (struct span){ pass.p, pass.n }, &w->secret, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	path_of(w->dir, "witness.vkey", path);
	TRY(file_read(path, 1024, &vkey, e));
	text = wr_span(&vkey);
	text.n = span_find(text, '\n');
	if (note_vkey_read(text, &w->key, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	if (w->key.alg != NOTE_COSIGNATURE || !note_signer_ok(&(struct note_signer){ &w->key, w->secret }))
		return err_set(e, COFFER_E_INPUT, "%s is not the public half of witness.pem", path);
	return COFFER_OK;
}

enum coffer_rc witness_open(struct cli *c, const char *dir, struct witness *w, struct err *e)
{
	*w = (struct witness){ .lock = -1 };
	if (strlen(dir) >= sizeof(w->dir))
		return err_set(e, COFFER_E_INPUT, "the folder's path is too long");
	(void)snprintf(w->dir, sizeof(w->dir), "%s", dir);
	TRY(load_key(c, w, e));
	w->lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->lock < 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", dir, strerror(errno));
	if (flock(w->lock, LOCK_EX | LOCK_NB) != 0)
		return err_set(e, COFFER_E_LIMIT, "%s: another witness runs on this folder", dir);
	return COFFER_OK;
}

enum coffer_rc witness_watch(struct witness *w, const struct note_key *log, struct err *e)
{
	struct witness_log l = { .key = *log };
	const struct ledger_policy policy = { .log = &l.key };
	CLEANUP(wr_close) struct wr note = { 0 };
	struct ledger_seen seen;
	char path[PATH_LEN];

	if (log->alg != NOTE_ED25519)
		return err_set(e, COFFER_E_INPUT, "%s is not the key of a log", log->name);
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->log[i].key.name, log->name) == 0)
			return err_set(e, COFFER_E_INPUT, "log %s is named twice", log->name);
	if (w->n == WITNESS_LOGS_MAX)
		return err_set(e, COFFER_E_LIMIT, "more than %d logs", WITNESS_LOGS_MAX);
	merkle_empty(&l.head.root);
	log_path(w, log, "checkpoint", path);
	if (file_exists(path)) {
		TRY(file_read(path, NOTE_MAX, &note, e));
		if (checkpoint_open(wr_span(&note), &policy, &seen, e) != COFFER_OK)
			return err_wrap(e, "%s", path);
		l.head = seen.cp.head;
	}
	w->log[w->n++] = l;
	return COFFER_OK;
}

/* ---- answering ---- */

/* Evidence, for whoever looks; what is there first stays. */
static void keep_fork(const struct witness *w, const struct witness_said *said)
{
	struct err e = { 0 };
	char path[PATH_LEN];

	log_path(w, &w->log[said->log].key, "forked", path);
	if (!file_exists(path) && file_write(path, said->note, 0644, &e) != COFFER_OK)
		(void)fprintf(stderr, "coffer witness: %s\n", e.msg);
	(void)fprintf(stderr, "coffer witness: FORK: %s signed two trees of %llu entries; %s and the .checkpoint beside it prove it\n",
	    w->log[said->log].key.name, (unsigned long long)said->head.size, path);
}

/* Durable first, then signed: a witness that lost what it signed could sign a fork. */
static enum coffer_rc sign(struct witness *w, const struct witness_said *said, struct wr *out, struct err *e)
{
	const struct note_signer signer = { &w->key, w->secret };
	struct witness_log *l = &w->log[said->log];
	char path[PATH_LEN];

	log_path(w, &l->key, "checkpoint", path);
	if (said->head.size != l->head.size || !file_exists(path))
		TRY(file_write(path, said->note, 0644, e));
	l->head = said->head;
	return checkpoint_cosign(&signer, said->text, (uint64_t)clock_now(), out, e);
}

static void add_checkpoint(struct witness *w, struct span body, struct http_out *out)
{
	struct witness_said said;
	struct err e = { 0 };

	if (witness_judge(w->log, w->n, body, &said, &e) == COFFER_OK && sign(w, &said, &out->body, &e) != COFFER_OK) {
		wr_close(&out->body);
		out->body = wr_open(1024);
		said.status = 500;
	}
	out->status = said.status;
	if (said.status == 200)
		return;
	(void)fprintf(stderr, "coffer witness: %d: %s\n", said.status, e.msg);
	if (said.fork)
		keep_fork(w, &said);
	if (said.status == 409) {
		out->type = WITNESS_SIZE_TYPE;
		wr_fmt(&out->body, "%llu\n", (unsigned long long)said.head.size);
	} else {
		wr_fmt(&out->body, "%s\n", said.status == 500 ? "the witness cannot keep the checkpoint" : e.msg);
	}
}

enum coffer_rc witness_answer(void *arg, size_t caller, const struct http_in *q, struct http_out *out, struct err *e)
{
	(void)caller;
	(void)e;
	*out = (struct http_out){ .status = 404, .type = "text/plain", .body = wr_open(8192) };
	if (!span_eq_str(q->path, "/add-checkpoint") || q->query.n > 0)
		wr_str(&out->body, "POST /add-checkpoint is all there is\n");
	else if (!span_eq_str(q->method, "POST"))
		out->status = 405;
	else
		add_checkpoint(arg, q->body, out);
	return COFFER_OK;
}
