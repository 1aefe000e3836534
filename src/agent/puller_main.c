/* The puller's end. */
#include <string.h>

#include "agent/puller.h"
#include "agent/puller_int.h"
#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "os/ipc.h"
#include "os/sandbox.h"

#define PATH_BYTES_MAX 4096

struct request {
	struct wr        body;
	struct json_doc *plain;
	char            *reference, *dir;
	struct image_pull pull;
};

static void request_clear(struct request *r)
{
	wr_close(&r->body);
	json_free(r->plain);
	freep(&r->reference);
	freep(&r->dir);
}

/* A key, or why there is none. */
static enum coffer_rc receive(struct secret *out, struct err *e)
{
	CLEANUP(wr_close) struct wr body = wr_open(PULLER_SECRET_MAX);
	uint8_t tag = 0;

	TRY(ipc_recv(PULLER_FD, PULLER_SECRET_MAX, &tag, &body, e));
	if (tag == PULLER_FAILED)
		return puller_read_failed(wr_span(&body), e);
	if (tag != PULLER_SECRET)
		return err_set(e, COFFER_E_BUG, "pull: no answer of the agent's");
	TRY(secret_new(body.n, out, e));
	memcpy(out->p, body.p, body.n);
	return COFFER_OK;
}

static enum coffer_rc get_key(void *arg, const char *kid, struct secret *out, struct err *e)
{
	(void)arg;
	if (strlen(kid) > PULLER_KID_MAX - 1)
		return err_deny(e, "decrypt", "a layer's key has a name of %zu bytes", strlen(kid));
	TRY(ipc_send(PULLER_FD, PULLER_KEY, span_of(kid), e));
	return receive(out, e);
}

static enum coffer_rc get_pem(void *arg, struct secret *out, struct err *e)
{
	(void)arg;
	TRY(ipc_send(PULLER_FD, PULLER_PEM, (struct span){ 0 }, e));
	return receive(out, e);
}

static void tell(void *arg, const struct image_progress *p)
{
	CLEANUP(wr_close) struct wr w = wr_open(64);
	struct err e;

	(void)arg;
	wr_be32(&w, (uint32_t)p->layer);
	wr_be32(&w, (uint32_t)p->n_layers);
	wr_be64(&w, p->bytes);
	wr_be64(&w, p->total);
	(void)(ipc_send(PULLER_FD, PULLER_PROGRESS, wr_span(&w), &e) == COFFER_OK); /* if nobody hears it, the end is not heard either */
}

static enum coffer_rc read_request(struct request *q, struct err *e)
{
	uint8_t tag = 0;
	struct rd r;
	struct span reference, policy, plain, dir;

	TRY(ipc_recv(PULLER_FD, PULLER_REQUEST_MAX, &tag, &q->body, e));
	r = rd_open(wr_span(&q->body));
	reference = rd_blob32(&r, PATH_BYTES_MAX);
	rd_copy(&r, q->pull.digest, sizeof(q->pull.digest));
	policy = rd_blob32(&r, PULLER_REQUEST_MAX);
	plain = rd_blob32(&r, PULLER_REQUEST_MAX);
	dir = rd_blob32(&r, PATH_BYTES_MAX);
	q->pull.get_pem = rd_u8(&r) ? get_pem : NULL;
	if (!rd_done(&r) || tag != PULLER_PULL)
		return err_set(e, COFFER_E_BUG, "pull: no request of the agent's");
	TRY(json_parse(plain, PULLER_REQUEST_MAX, &q->plain, e));
	q->reference = span_dup(reference);
	q->dir = span_dup(dir);
	if (!q->reference || !q->dir)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	q->pull.reference = q->reference;
	q->pull.dir = q->dir;
	q->pull.policy = policy;
	q->pull.plain_http = json_root(q->plain);
	q->pull.get_key = get_key;
	q->pull.progress = tell;
	return COFFER_OK;
}

static enum coffer_rc pull(size_t *n_layers, struct err *e)
{
	CLEANUP(request_clear) struct request q = { .pull = { 0 } };
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	uint8_t warm[32] = { 0 };

	TRY(read_request(&q, e));
	sha256(SPAN(warm), warm); /* the crypto library starts now: its settings are files */
	TRY(sandbox_enter_puller(q.pull.dir, e));
	TRY(image_pull(&q.pull, &got, e));
	*n_layers = got.n_layers;
	return COFFER_OK;
}

int puller_main(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(PULLER_SAID_MAX);
	struct err e = { 0 };
	size_t n = 0;
	enum coffer_rc rc = pull(&n, &e);

	if (rc == COFFER_OK)
		wr_be32(&w, (uint32_t)n);
	else
		puller_put_failed(&w, rc, &e);
	return ipc_send(PULLER_FD, rc == COFFER_OK ? PULLER_PULLED : PULLER_FAILED, wr_span(&w), &e) == COFFER_OK ? 0 : 5;
}
