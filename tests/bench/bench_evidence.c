/* Verifications of evidence per second and platform, against what their signature checks alone cost in the same run. The checks are
 * taken down from the verification itself (evidence_checks.h): the same keys, messages and signatures, each once.
 *
 * From the bytes of evidence to verdict and claims:
 *   warm   one process judges one evidence after another. Kept: the collateral as it was read (roots, certificates, lists), pinned
 *          keys, what OpenSSL loads. Not kept: anything of the evidence, nor that a signature held: all are checked anew.
 *   bytes  the same, and the collateral is read from its bytes each time, as cofferd-eval does for each request.
 *   cold   the first of a new process, from bytes. Loading the program does not count.
 * The machine may be noisy, and noise only adds: judge and checks take many turns of a few milliseconds, one after the other, and of
 * both the turn is given that a tenth of them were faster than. CPU time of the process. Evidence is made by the kits of the tests, with keys of the vendors' kinds and sizes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "os/spawn.h"
#include "tests/bench/evidence_checks.h"
#include "tests/bench/evidence_made.h"

#define MADE_MAX (1u << 20)
#define TURNS 200
#define TURN_US 2000
#define BATCH_MAX 32
#define COLD_TURNS 5

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench_evidence: %s\n", what);
	exit(1);
}

/* ---- one row ---- */

struct row {
	const char       *name;
	struct wr         bytes;
	struct made       m;
	struct collateral col;   /* of the warm */
};

static void read_collateral(const struct made *m, struct collateral *col)
{
	struct err e = { 0 };

	for (size_t i = 0; i < m->n_files; i++)
		must(collateral_add(m->file[i], false, col, &e) == COFFER_OK, "collateral");
}

static void row_load(const char *dir, const char *name, struct row *r)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);
	struct err e = { 0 };

	*r = (struct row){ .name = name };
	must(file_read(path, MADE_MAX, &r->bytes, &e) == COFFER_OK && made_read(wr_span(&r->bytes), &r->m), path);
	must(made_pin(&r->m), "root");
}

static void row_clear(struct row *r)
{
	collateral_clear(&r->col);
	wr_close(&r->bytes);
}

static void appraise_once(const struct row *r, const struct collateral *col)
{
	CLEANUP(ev_out_clear) struct ev_out o = { 0 };
	struct ev_in in = { .evidence = r->m.evidence, .col = col, .now = r->m.now, .report_data = r->m.report_data,
		.no_values = true }; /* as cofferd-eval asks */
	struct err e = { 0 };
	enum coffer_rc rc = tee_driver_find(r->m.platform)->appraise(&in, &o, &e);

	for (size_t i = 0; i < o.n; i++)
		if (o.verdict != VERDICT_VALID && !o.check[i].holds)
			fprintf(stderr, "bench_evidence: %s: %s: %s\n", r->name, o.check[i].id, o.check[i].found);
	must(rc == COFFER_OK && o.verdict == VERDICT_VALID && o.claims.n > 0, r->name);
}

static void judge_warm(const struct row *r)
{
	appraise_once(r, &r->col);
}

static void judge_bytes(const struct row *r)
{
	CLEANUP(collateral_clear) struct collateral col = { 0 };

	read_collateral(&r->m, &col);
	appraise_once(r, &col);
}

static void replay(const struct row *r)
{
	must(checks_replay(), r->name);
}

/* ---- turns ---- */

typedef void work(const struct row *r);

static int less(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double fast(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), less);
	return v[n / 10];
}

static void figure(const struct row *r, const char *what, double us, double alone_us)
{
	printf("evidence.%s.%s\t%.0f\t1/s/core\t%.0f\t%.2f\n", r->name, what, 1e6 / us, 1e6 / alone_us, alone_us / us);
	(void)fflush(stdout);
}

static double turn(work *f, const struct row *r, size_t n)
{
	double t0;

	checks_ready(f == replay ? n : 0);
	t0 = now();
	for (size_t i = 0; i < n; i++)
		f(r);
	return (now() - t0) / (double)n * 1e6;
}

/* How many in a turn. */
static size_t batch(work *f, const struct row *r)
{
	double us = turn(f, r, 4);

	return us * BATCH_MAX < TURN_US ? BATCH_MAX : us > TURN_US ? 1 : (size_t)(TURN_US / us);
}

/* Ours and the checks alone, in turns; returns what the checks alone take. */
static double against(const struct row *r, const char *what, work *f)
{
	double ours[TURNS], alone[TURNS], limit;
	size_t n = batch(f, r);

	for (size_t i = 0; i < TURNS; i++) {
		ours[i] = turn(f, r, n);
		alone[i] = turn(replay, r, n);
	}
	limit = fast(alone, TURNS);
	figure(r, what, fast(ours, TURNS), limit);
	return limit;
}

/* In a process of its own, which is pinned to the row's root. */
static double cold_us(const char *dir, const char *name)
{
	const char *const argv[] = { "/proc/self/exe", "--first", dir, name, NULL };
	const int fds[] = { -1, 1, 2 };
	const struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3 };
	CLEANUP(freep) char *out = NULL;
	struct err e = { 0 };
	int st = 1;

	must(spawn_run(&s, 64, &out, &st, &e) == COFFER_OK && st == 0, "--first");
	return strtod(out, NULL);
}

static void cold(const char *dir, const struct row *r, double alone_us)
{
	double us[COLD_TURNS], mid;

	for (size_t i = 0; i < COLD_TURNS; i++)
		us[i] = cold_us(dir, r->name);
	qsort(us, COLD_TURNS, sizeof(us[0]), less);
	mid = us[COLD_TURNS / 2];
	figure(r, "cold", mid, alone_us);
}

static void measure(const char *dir, const char *name)
{
	struct row r;
	double alone;

	row_load(dir, name, &r);
	read_collateral(&r.m, &r.col);
	judge_warm(&r);
	checks_begin();
	judge_warm(&r);
	checks_end();
	printf("evidence.%s.signatures\t%zu\tchecks\t%zu\t%.2f\n", name, checks_made(), checks_distinct(),
	    (double)checks_distinct() / (double)checks_made());
	alone = against(&r, "warm", judge_warm);
	(void)against(&r, "bytes", judge_bytes);
	cold(dir, &r, alone);
	row_clear(&r);
}

/* Each row in its own process: a process has one set of pinned keys. */
static void measure_apart(const char *dir, const char *name)
{
	const char *const argv[] = { "/proc/self/exe", "--measure", dir, name, NULL };
	const int fds[] = { -1, 1, 2 };
	const struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3 };
	struct err e = { 0 };
	pid_t pid;
	int st = 1;

	must(spawn_start(&s, &pid, &e) == COFFER_OK && spawn_wait(pid, &st, &e) == COFFER_OK && st == 0, name);
}

/* ---- the program ---- */

static void make_all(const char *dir)
{
	for (size_t i = 0; made_row(i); i++) {
		CLEANUP(freep) char *path = str_fmt("%s/%s", dir, made_row(i));
		CLEANUP(wr_close) struct wr w = wr_open(MADE_MAX);
		struct err e = { 0 };

		made_write(i, &w);
		must(wr_ok(&w) && file_write(path, wr_span(&w), 0600, &e) == COFFER_OK, path);
	}
}

static void remove_all(const char *dir)
{
	for (size_t i = 0; made_row(i); i++) {
		CLEANUP(freep) char *path = str_fmt("%s/%s", dir, made_row(i));

		(void)remove(path);
	}
	(void)remove(dir);
}

static void first(const char *dir, const char *name)
{
	struct row r;
	double t0;

	row_load(dir, name, &r);
	t0 = now();
	judge_bytes(&r);
	printf("%.0f\n", (now() - t0) * 1e6);
	row_clear(&r);
}

static void count(const char *dir, const char *name, size_t times)
{
	struct row r;

	row_load(dir, name, &r);
	read_collateral(&r.m, &r.col);
	for (size_t i = 0; i < times; i++)
		judge_warm(&r);
	row_clear(&r);
}

/* Of what count() does, the checks alone. */
static void count_checks(const char *dir, const char *name, size_t times)
{
	struct row r;

	row_load(dir, name, &r);
	read_collateral(&r.m, &r.col);
	judge_warm(&r); /* what is kept is there before the checks are taken down */
	checks_begin();
	judge_warm(&r);
	checks_end();
	for (size_t i = 0; i < times; i++) {
		checks_ready(1);
		replay(&r);
	}
	row_clear(&r);
}

/* bench_evidence                      all rows
 * bench_evidence ROW                  one
 * bench_evidence --make DIR           the evidence of all rows, a file each
 * bench_evidence --measure DIR ROW    one, of that evidence
 * bench_evidence --first DIR ROW      microseconds of the first verification of this process
 * bench_evidence --count DIR ROW N    N warm verifications, no output (evidence_instructions.py)
 * bench_evidence --checks DIR ROW N   their signature checks alone */
int main(int argc, char **argv)
{
	char made[] = "/tmp/coffer-bench-evidence.XXXXXX";

	if (argc == 3 && strcmp(argv[1], "--make") == 0) {
		make_all(argv[2]);
		return 0;
	}
	if (argc >= 4) {
		size_t n = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;

		if (strcmp(argv[1], "--first") == 0)
			first(argv[2], argv[3]);
		else if (strcmp(argv[1], "--measure") == 0)
			measure(argv[2], argv[3]);
		else if (strcmp(argv[1], "--count") == 0)
			count(argv[2], argv[3], n);
		else if (strcmp(argv[1], "--checks") == 0)
			count_checks(argv[2], argv[3], n);
		return 0;
	}
	must(mkdtemp(made) != NULL, "mkdtemp");
	make_all(made);
	for (size_t i = 0; made_row(i); i++)
		if (argc < 2 || strcmp(argv[1], made_row(i)) == 0)
			measure_apart(made, made_row(i));
	remove_all(made);
	return 0;
}
