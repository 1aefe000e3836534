/* cofferd-fetch: brings vendors' certificates, revocation lists and TCB documents. See proto/fetch.h.
 *
 * This process serves from an offline store and a cache, and starts a child for each fetch; a child alone speaks with the network.
 * Nothing of what it hands on is believed here: eval checks every signature, and keep those of the witnesses to whom fetch carries the
 * ledger's heads.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/fetch/desk.h"
#include "cofferd/fetch/post.h"
#include "crypto/hash.h"
#include "os/ipc.h"
#include "os/sandbox.h"

#define CA_MAX (4u << 20)

static bool is_kind(int fd, mode_t kind)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

static enum coffer_rc read_ca(struct wr *out, struct err *e)
{
	uint8_t buf[16384];
	ssize_t n = 0;

	*out = wr_open(CA_MAX);
	if (!is_kind(FETCH_FD_CA, S_IFREG))
		return COFFER_OK;
	while ((n = read(FETCH_FD_CA, buf, sizeof(buf))) > 0)
		wr_put(out, (struct span){ buf, (size_t)n });
	if (n < 0 || out->n == 0)
		return err_set(e, COFFER_E_INPUT, "ca-file cannot be read or is empty");
	return wr_done(out, "ca-file", e);
}

struct fetch { struct desk desk; struct postbox posts; };

static enum coffer_rc read_args(int argc, char **argv, struct fetch *f, struct err *e)
{
	struct desk *d = &f->desk;

	if (argc != 5 || (strcmp(argv[4], "on") != 0 && strcmp(argv[4], "off") != 0))
		return err_set(
		    e, COFFER_E_INPUT, "usage: cofferd-fetch AMD-URL INTEL-URL INTEL-ROOT-URL on|off (started by cofferd)");
	for (size_t o = 0; o < VENDOR_ORIGINS; o++)
		TRY(vendor_source(&d->sources, (enum vendor_origin)o, argv[1 + o], e));
	d->network = strcmp(argv[4], "on") == 0;
	d->sources.timeout_ms = DESK_FETCH_MS - 2000; /* so that it can still say why */
	return COFFER_OK;
}

/* Which witnesses there are. */
static enum coffer_rc take_order(struct fetch *f, bool *end, struct err *e)
{
	CLEANUP(wr_close) struct wr order = { 0 };
	struct fetch_witnesses w;
	uint8_t tag = 0;
	enum coffer_rc got = ipc_recv(FETCH_FD_PARENT, FETCH_ADDRESSES_MAX, &tag, &order, e);

	*end = got == COFFER_E_UPSTREAM; /* the parent has gone */
	if (*end)
		return COFFER_OK;
	if (got != COFFER_OK)
		return got;
	if (tag != FETCH_WITNESSES)
		return err_set(e, COFFER_E_INPUT, "the parent sent message %u", (unsigned)tag);
	TRY(fetch_witnesses_read(wr_span(&order), &w, e));
	return postbox_address(&f->posts, &w, e);
}

static enum coffer_rc take_request(struct fetch *f, bool *end, struct err *e)
{
	CLEANUP(wr_close) struct wr request = { 0 };
	struct fetch_post post;
	struct fetch_req q;
	uint8_t tag = 0;
	enum coffer_rc got = ipc_recv(FETCH_FD_NET, FETCH_POST_MAX + 1024, &tag, &request, e);

	*end = got == COFFER_E_UPSTREAM; /* net has gone */
	if (*end)
		return COFFER_OK;
	if (got != COFFER_OK)
		return got;
	if (tag == FETCH_POST) {
		TRY(fetch_post_read(wr_span(&request), &post, e));
		return postbox_ask(&f->posts, &post, e);
	}
	if (tag != FETCH_GET)
		return err_set(e, COFFER_E_INPUT, "net sent message %u", (unsigned)tag);
	TRY(fetch_req_read(wr_span(&request), &q, e));
	return desk_ask(&f->desk, &q, e);
}

static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static enum coffer_rc serve(struct fetch *f, struct err *e)
{
	struct desk *d = &f->desk;
	bool end = false;

	while (!end) {
		struct pollfd p[2 + DESK_FLIGHTS_MAX + POSTS_MAX] = { { FETCH_FD_NET, POLLIN, 0 }, { FETCH_FD_PARENT, POLLIN, 0 } };
		nfds_t n = 2;

		for (size_t k = 0; k < DESK_FLIGHTS_MAX; k++)
			if (d->flight[k].used)
				p[n++] = (struct pollfd){ d->flight[k].w.fd, POLLIN, 0 };
		for (size_t k = 0; k < POSTS_MAX; k++)
			if (f->posts.of[k].used)
				p[n++] = (struct pollfd){ f->posts.of[k].w.fd, POLLIN, 0 };
		if (poll(p, n, sooner(desk_timeout(d), postbox_timeout(&f->posts))) < 0 && errno != EINTR)
			return err_set(e, COFFER_E_SYSTEM, "poll: %s", strerror(errno));
		if (p[1].revents)
			TRY(take_order(f, &end, e));
		if (end)
			return COFFER_OK;
		TRY(desk_turn(d, e));
		TRY(postbox_turn(&f->posts, e));
		if (p[0].revents)
			TRY(take_request(f, &end, e));
	}
	return COFFER_OK;
}

static enum coffer_rc run(int argc, char **argv, struct fetch *f, struct wr *ca, struct err *e)
{
	struct desk *d = &f->desk;
	int offline = is_kind(FETCH_FD_OFFLINE, S_IFDIR) ? FETCH_FD_OFFLINE : -1;
	uint8_t warm[32] = { 0 };

	TRY(read_args(argc, argv, f, e));
	TRY(sandbox_drop_root(e));
	TRY(read_ca(ca, e));
	d->sources.ca_pem = wr_span(ca);
	d->out = FETCH_FD_NET;
	f->posts.ca_pem = wr_span(ca);
	f->posts.out = FETCH_FD_NET;
	sha256(SPAN(warm), warm); /* the crypto library starts now: its settings are files */
	TRY(sandbox_enter_fetch(".", offline, e));
	TRY(cache_open(&d->cache, offline, e));
	if (write(FETCH_FD_PARENT, "R", 1) != 1)
		return err_set(e, COFFER_E_SYSTEM, "the parent is gone");
	return serve(f, e);
}

int main(int argc, char **argv)
{
	static struct fetch f = { .desk.cache = { .dir = -1, .offline = -1 } };
	CLEANUP(wr_close) struct wr ca = { 0 };
	struct err e = { 0 };
	enum coffer_rc rc;

	(void)setvbuf(stderr, NULL, _IOLBF, 4096);
	(void)signal(SIGPIPE, SIG_IGN);
	rc = run(argc, argv, &f, &ca, &e);
	desk_close(&f.desk);
	postbox_close(&f.posts);
	if (rc != COFFER_OK)
		(void)fprintf(stderr, "cofferd-fetch: %s\n", e.msg);
	return rc == COFFER_OK ? 0 : 1;
}
