/* cofferd-net: the one process that reads what strangers send. It holds the TLS key and nothing else; it
 * frames requests for `keep` and cannot open a file, make a socket or start a program.
 *
 * Descriptors from the parent: 3 keep, 4 the parent, 5 the listening socket, 6 TLS key (PEM), 7 certificate (PEM), 8 fetch, 9 attest (where it is).
 */
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/net/http.h"
#include "cofferd/net/tlskey.h"
#include "os/sandbox.h"

#define FD_KEEP 3
#define FD_PARENT 4
#define FD_LISTEN 5
#define FD_KEY 6
#define FD_CERT 7
#define FD_FETCH 8
#define FD_ATTEST 9
#define SWEEP_MS 200
#define PEM_MAX (16u << 10)

static enum coffer_rc read_pem(int fd, struct wr *out, struct err *e)
{
	uint8_t buf[4096];
	ssize_t n;

	*out = wr_open(PEM_MAX);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		wr_put(out, (struct span){ buf, (size_t)n });
	explicit_bzero(buf, sizeof(buf));
	(void)close(fd);
	wr_u8(out, 0);
	if (n < 0 || !wr_ok(out) || out->n < 2)
		return err_set(e, COFFER_E_SYSTEM, "descriptor %d holds no key or certificate", fd);
	return COFFER_OK;
}

/* What GnuTLS and the C library do once, they do now: inside the sandbox no file can be opened. */
static enum coffer_rc warm_up(struct err *e)
{
	const struct rlimit files = { (rlim_t)2 * CONNS_MAX, (rlim_t)2 * CONNS_MAX };
	gnutls_priority_t p;
	uint8_t r[16];

	(void)signal(SIGPIPE, SIG_IGN);
	(void)setrlimit(RLIMIT_NOFILE, &files); /* fewer descriptors mean fewer connections, nothing worse */
	if (gnutls_global_init() != 0 || gnutls_rnd(GNUTLS_RND_NONCE, r, sizeof(r)) != 0 ||
	    gnutls_priority_init(&p, TLS_PRIORITIES, NULL) != 0)
		return err_set(e, COFFER_E_SYSTEM, "GnuTLS does not start");
	gnutls_priority_deinit(p);
	(void)clock_now();
	return COFFER_OK;
}

static enum coffer_rc tell_ready(struct err *e)
{
	if (write(FD_PARENT, "R", 1) != 1)
		return err_set(e, COFFER_E_SYSTEM, "the parent is gone");
	return COFFER_OK;
}

/* Until the parent, keep or fetch closes its end. */
static void watch(struct net *net)
{
	struct pollfd p[3] = { { .fd = FD_PARENT, .events = POLLIN }, { .fd = FD_KEEP, .events = 0 }, { .fd = FD_FETCH, .events = 0 } };

	while (!keeper_dead(&net->keep) && !collateral_dead(&net->fetch)) {
		size_t n;

		if (poll(p, 3, SWEEP_MS) < 0 && errno != EINTR)
			return;
		if (p[0].revents || p[1].revents || p[2].revents)
			return;
		n = conns_sweep(&net->conns, clock_monotonic_ms());
		if (n > 0 && net->log_all)
			(void)fprintf(stderr, "cofferd-net: %zu connections ended at their deadline\n", n);
	}
}

static enum coffer_rc run(struct net *net, struct err *e)
{
	CLEANUP(wr_close) struct wr key = { 0 }, cert = { 0 };
	struct http_server *server = NULL;
	struct tls_key *tls = NULL;
	bool fetch_gone;

	TRY(read_pem(FD_KEY, &key, e));
	TRY(read_pem(FD_CERT, &cert, e));
	TRY(keeper_init(&net->keep, FD_KEEP, e));
	TRY(collateral_init(&net->fetch, FD_FETCH, e));
	TRY(attested_init(&net->attest, net->attests ? FD_ATTEST : -1, e));
	conns_init(&net->conns);
	TRY(shelf_init(&net->shelf, e));
	TRY(warm_up(e));
	TRY(tls_key_new((const char *)key.p, (const char *)cert.p, &tls, e)); /* lives as long as the process */
	TRY(sandbox_drop_root(e));
	TRY(sandbox_enter_net(e));
	TRY(clerk_start(&net->keep, &net->fetch, &net->witnesses, e));
	TRY(http_server_start(&(struct http_start){ .net = net, .listen_fd = FD_LISTEN }, &server, e));
	TRY(tell_ready(e));
	watch(net);
	fetch_gone = collateral_dead(&net->fetch);
	clerk_stop(net->witnesses);
	attested_end(&net->attest);
	collateral_end(&net->fetch); /* a witness that does not answer holds up nothing */
	http_server_stop(server);
	clerk_free(net->witnesses);
	if (keeper_dead(&net->keep))
		return err_set(e, COFFER_E_SYSTEM, "keep is gone");
	if (fetch_gone)
		return err_set(e, COFFER_E_SYSTEM, "fetch is gone");
	return COFFER_OK;
}

int main(int argc, char **argv)
{
	struct net net = { 0 };
	struct err e = { 0 };
	uint64_t age = 0;

	(void)setvbuf(stderr, NULL, _IOLBF, 4096);
	if (argc != 4 || !span_u64(span_of(argv[2]), &age) || age == 0 || age > UINT32_MAX) {
		(void)fprintf(stderr, "usage: cofferd-net info|warn MAX-AGE attest|plain (started by cofferd)\n");
		return 1;
	}
	net.log_all = strcmp(argv[1], "info") == 0;
	net.max_age = (uint32_t)age;
	net.attests = strcmp(argv[3], "attest") == 0;
	if (run(&net, &e) != COFFER_OK) {
		(void)fprintf(stderr, "cofferd-net: %s\n", e.msg);
		return 1;
	}
	return 0;
}
