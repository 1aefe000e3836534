/* Load for bench_service.py, by the library our agent uses. WORKERS processes each repeat, for MS milliseconds, what one
 * launch does: connect, check the service, attest, ask for one asset. With SESSIONS > 0 each instead attests that often
 * over one connection and asks for nothing, so that the sessions stay open. With "releases" each attests once and then asks for the
 * asset over and over; with "statements FILES" worker i posts, one after another, what FILES.i holds (a line each), and MS is not looked at.
 * Prints the number of rounds, of the times from a request for an asset (or of a statement) to its checked reply the median and the 99th percentile, in
 * microseconds, and how long it all took, from the first of these requests to the last reply. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "client/rcar.h"
#include "evidence/sample.h"
#include "fmt/enc.h"
#include "os/file.h"

#define TIMES_MAX 200000
#define FILE_MAX  (32u << 20)

struct load {
	struct service_opts o;
	struct asset_path   path;
	struct span         initdata, container;
	enum purpose        purpose;
	long                workers, ms, sessions; /* sessions > 0: attest that often and nothing else */
	bool                releases;
	const char         *statements; /* NULL: none */
	long                number;     /* of this worker */
};

struct done { uint32_t us; int64_t end_us; }; /* of the machine's monotonic clock */

static enum coffer_rc evidence(void *arg, struct span report_data, const uint8_t reg[static 32], struct wr *json, struct err *e)
{
	(void)arg;
	return sample_write(report_data, reg, json, e);
}

static const struct attester sample = { .tee = "sample", .evidence = evidence };

static int64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + (int64_t)t.tv_nsec / 1000;
}

static enum coffer_rc tell(int out, int64_t since, struct err *e)
{
	const int64_t now = now_us();
	const struct done d = { (uint32_t)(now - since), now };

	return write(out, &d, sizeof(d)) == (ssize_t)sizeof(d) ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "the parent is gone");
}

static enum coffer_rc get_one(const struct load *l, struct rcar *r, int out, struct err *e)
{
	CLEANUP(rcar_asset_clear) struct rcar_asset a = { 0 };
	int64_t since = now_us();

	TRY(rcar_get(r, &l->path, 0, l->container, l->purpose, &a, e));
	return tell(out, since, e);
}

static enum coffer_rc round_trip(const struct load *l, int out, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *c = NULL;
	CLEANUP(rcar_freep) struct rcar *r = NULL;

	TRY(service_open(&l->o, &c, e));
	TRY(rcar_attest(c, &sample, l->initdata, &r, e));
	return get_one(l, r, out, e);
}

static enum coffer_rc work(const struct load *l, int out, struct err *e)
{
	int64_t end = clock_monotonic_ms() + l->ms;

	while (clock_monotonic_ms() < end)
		TRY(round_trip(l, out, e));
	return COFFER_OK;
}

static enum coffer_rc release(const struct load *l, int out, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *c = NULL;
	CLEANUP(rcar_freep) struct rcar *r = NULL;
	int64_t end;

	TRY(service_open(&l->o, &c, e));
	TRY(rcar_attest(c, &sample, l->initdata, &r, e));
	end = clock_monotonic_ms() + l->ms;
	while (clock_monotonic_ms() < end)
		TRY(get_one(l, r, out, e));
	return COFFER_OK;
}

static enum coffer_rc post_one(struct service_conn *c, struct span line, int out, struct err *e)
{
	const struct service_req q = { .method = "POST", .path = "/coffer/v0/statements", .body = line };
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	int64_t since = now_us();

	TRY(service_call(c, &q, 4096, &res, e));
	return tell(out, since, e);
}

static enum coffer_rc post(const struct load *l, int out, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s.%ld", l->statements, l->number);
	CLEANUP(service_closep) struct service_conn *c = NULL;
	CLEANUP(wr_close) struct wr all = wr_open(FILE_MAX);
	struct span left;

	TRY(service_open(&l->o, &c, e));
	TRY(file_read(path, FILE_MAX, &all, e));
	for (left = wr_span(&all); left.n > 0;) {
		size_t n = span_find(left, '\n');

		TRY(post_one(c, (struct span){ left.p, n }, out, e));
		left = span_skip(left, n + 1);
	}
	return COFFER_OK;
}

static enum coffer_rc open_sessions(const struct load *l, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *c = NULL;

	TRY(service_open(&l->o, &c, e));
	for (long i = 0; i < l->sessions; i++) {
		CLEANUP(rcar_freep) struct rcar *r = NULL;

		TRY(rcar_attest(c, &sample, l->initdata, &r, e));
	}
	return COFFER_OK;
}

static enum coffer_rc do_all(const struct load *l, int out, struct err *e)
{
	if (l->sessions > 0)
		return open_sessions(l, e);
	if (l->statements)
		return post(l, out, e);
	return l->releases ? release(l, out, e) : work(l, out, e);
}

static int child(const struct load *l, int out)
{
	struct err e = { 0 };

	if (do_all(l, out, &e) == COFFER_OK)
		return 0;
	(void)fprintf(stderr, "load_service: %s: %s\n", e.check, e.msg);
	return 1;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Until the last worker has closed its end. */
static void report(int in)
{
	uint32_t *t = calloc(TIMES_MAX, sizeof(*t));
	int64_t from = INT64_MAX, to = 0;
	struct done d;
	size_t n = 0;

	while (t && n < TIMES_MAX && read(in, &d, sizeof(d)) == (ssize_t)sizeof(d)) {
		t[n++] = d.us;
		from = d.end_us - d.us < from ? d.end_us - d.us : from;
		to = d.end_us > to ? d.end_us : to;
	}
	if (n > 0) {
		qsort(t, n, sizeof(*t), by_value);
		(void)printf("%zu %u %u %lld\n", n, t[n / 2], t[n - 1 - n / 100], (long long)(to - from));
	}
	free(t);
}

static int run(struct load *l)
{
	int p[2], status, failed = 0;

	if (pipe(p) != 0)
		return 1;
	for (long i = 0; i < l->workers; i++) {
		pid_t pid;

		l->number = i;
		pid = fork();
		if (pid == 0)
			_exit(child(l, p[1]));
		failed |= pid < 0;
	}
	(void)close(p[1]);
	report(p[0]);
	while (wait(&status) > 0)
		failed |= status != 0;
	return failed;
}

static enum coffer_rc configure(char **argv, struct load *l, struct wr *initdata, struct err *e)
{
	l->o = (struct service_opts){ .url = span_of(argv[1]), .now = clock_now(), .timeout_ms = 10000 };
	if (!hex_fixed(span_of(argv[2]), l->o.genesis, 32) || !purpose_by_name(span_of(argv[6]), &l->purpose))
		return err_set(e, COFFER_E_INPUT, "usage");
	TRY(file_read(argv[3], MAN_INITDATA_MAX, initdata, e));
	TRY(asset_path_parse(span_of(argv[4]), &l->path, e));
	l->initdata = wr_span(initdata);
	l->container = span_of(argv[5]);
	l->workers = strtol(argv[7], NULL, 10);
	l->ms = strtol(argv[8], NULL, 10);
	l->sessions = strtol(argv[9], NULL, 10);
	return COFFER_OK;
}

int main(int argc, char **argv)
{
	CLEANUP(wr_close) struct wr initdata = wr_open(MAN_INITDATA_MAX);
	struct load l = { 0 };
	struct err e = { 0 };

	l.releases = argc == 11 && strcmp(argv[10], "releases") == 0;
	l.statements = argc == 12 && strcmp(argv[10], "statements") == 0 ? argv[11] : NULL;
	if (argc != 10 && !l.releases && !l.statements) {
		(void)fprintf(stderr, "usage: load_service URL GENESIS INITDATA PATH CONTAINER PURPOSE WORKERS MS SESSIONS [releases | statements FILES]\n");
		return 2;
	}
	if (configure(argv, &l, &initdata, &e) == COFFER_OK)
		return run(&l);
	(void)fprintf(stderr, "load_service: %s\n", e.msg);
	return 1;
}
