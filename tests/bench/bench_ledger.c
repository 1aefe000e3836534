/* The ledger of `keep` at a million entries (ENTRIES=n for another number): appending in groups that share one durable commit, and one by
 * one; proofs out of the stored tiles; a reader that follows what is new. The limits are measured here too: how often this disk makes a
 * page durable, and how fast SHA-256 takes the bytes that each entry makes it hash. In the folder BENCH_DIR, else build/. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/journal.h"
#include "crypto/hash.h"
#include "trust/ledger/leaf.h"

#define GROUP  256
#define ALONE  2000
#define PROOFS 2000
#define RECORD                                                                                                                      \
	"{\"asset\":\"kbs:///hospital/note/greeting\",\"container\":\"analyse\",\"decision\":\"00112233445566778899aabbccddeeff\"," \
	"\"key\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\",\"purpose\":\"file\",\"reply\":"              \
	"\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\",\"version\":1}"

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(bool ok, const struct err *e)
{
	if (ok)
		return;
	(void)fprintf(stderr, "bench_ledger: %s\n", e ? e->msg : "failed");
	exit(1);
}

static void row(const char *name, double value, const char *unit, const char *limit, double ratio)
{
	(void)printf("%s\t%.6g\t%s\t%s\t%.3g\n", name, value, unit, limit, ratio);
	(void)fflush(stdout);
}

/* Pages made durable a second, each appended to a file of its own kind as the WAL is. */
static double fsync_rate(const char *dir)
{
	CLEANUP(freep) char *path = str_fmt("%s/fsync", dir);
	static const uint8_t page[4096];
	int fd = path ? open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600) : -1;
	double from = now();
	unsigned n = 0;

	must(fd >= 0, NULL);
	for (; n < 1000 || now() - from < 1; n++)
		must(write(fd, page, sizeof(page)) == (ssize_t)sizeof(page) && fdatasync(fd) == 0, NULL);
	(void)close(fd);
	(void)unlink(path);
	return n / (now() - from);
}

/* Entries a second if nothing but their hashes were made: chain, commitment, leaf, a node, and the two MACs of the head. */
static double hash_rate(void)
{
	uint8_t buf[512] = { 0 }, d[32];
	double from = now();
	unsigned n = 0;

	for (; n < 20000; n++) {
		static const size_t made[] = { 430, 430, 150, 65, 136, 96 };

		for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
			sha256((struct span){ buf, made[i] }, d);
		buf[0] = d[0];
	}
	return n / (now() - from);
}

static void append(struct journal *j, uint64_t n, unsigned group)
{
	for (uint64_t i = 0; i < n;) {
		struct tx tx = { 0 };
		struct err e = { 0 };

		must(tx_begin(j, &tx, &e) == COFFER_OK, &e);
		for (unsigned g = 0; g < group && i < n; g++, i++)
			must(
			    journal_append(j, "release", span_of(RECORD), 1793750400 + (int64_t)(i / 5000), &e) == COFFER_OK, &e);
		must(tx_commit(&tx, &e) == COFFER_OK, &e);
	}
}

/* ---- readers ---- */

static enum coffer_rc fetch(void *ctx, const struct tile *t, struct wr *out, struct err *e)
{
	return tree_tile(ctx, t, out, e);
}

/* What this process computed or had the kernel do for it: neither waiting for the disk nor for a processor that others use. */
static double worked(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* How often the process gave its processor up because it had to wait, for the disk here; and how often it was taken away. */
struct lost { long waits, taken; };
static struct lost lost(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (struct lost){ u.ru_nvcsw, u.ru_nivcsw };
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* ms[] is put in order. */
static void percentiles(const char *name, double ms[static PROOFS], const char *limit)
{
	static const struct { const char *of; size_t at; } of[] = { { "p50", PROOFS / 2 }, { "p99", PROOFS * 99 / 100 }, { "worst", PROOFS - 1 } };

	qsort(ms, PROOFS, sizeof(ms[0]), by_value);
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		CLEANUP(freep) char *called = str_fmt("%s.%s", name, of[i].of);

		must(called != NULL, NULL);
		row(called, ms[of[i].at], "ms", limit, ms[of[i].at]);
	}
}

static void prove(struct journal *j)
{
	static double wall[PROOFS], cpu[PROOFS];
	CLEANUP(freep) struct tile_cache *cache = calloc(1, sizeof(*cache));
	struct tile_source src = { fetch, &j->tree, journal_entries(j), cache };
	const struct merkle_source s = { tile_read, &src };
	struct merkle_head head;
	struct lost before = lost(), after;
	double from = now();
	uint64_t at = 1;

	tree_head(&j->tree, &head);
	for (unsigned i = 0; i < PROOFS; i++) {
		struct merkle_proof p;
		struct err e = { 0 };
		double began = now(), busy = worked();

		at = (at * 6364136223846793005u + 1442695040888963407u) % head.size;
		must(merkle_prove(&s, at, head.size, &p, &e) == COFFER_OK, &e);
		cpu[i] = (worked() - busy) * 1e3;
		wall[i] = (now() - began) * 1e3;
	}
	row("ledger.prove", (now() - from) / PROOFS * 1e3, "ms", "1 ms", (now() - from) / PROOFS * 1e3);
	after = lost(); /* of time on the clock, what is beyond the work and no wait is that of others on the machine */
	percentiles("ledger.prove", wall, "1 ms");
	percentiles("ledger.prove.cpu", cpu, "1 ms");
	row("ledger.prove.waits", (double)(after.waits - before.waits), "for the disk, of 2000", "-", 0);
	row("ledger.prove.taken", (double)(after.taken - before.taken), "times the processor, of 2000", "-", 0);
}

/* What `coffer ledger verify` does for the newest entries: consistency with the head it kept, and each entry on top. */
static void follow(struct journal *j, uint64_t fresh)
{
	struct tile_source src = { fetch, &j->tree, journal_entries(j), NULL };
	const struct merkle_source s = { tile_read, &src };
	struct merkle_head head, old = { .size = journal_entries(j) - fresh };
	struct merkle_frontier f = { .size = old.size };
	struct merkle_proof p;
	struct err e = { 0 };
	struct mhash root;
	double from;

	tree_head(&j->tree, &head);
	must(merkle_source_root(&s, old.size, &old.root, &e) == COFFER_OK, &e);
	from = now();
	must(merkle_prove_consistent(&s, old.size, head.size, &p, &e) == COFFER_OK && merkle_consistent(&old, &head, &p), &e);
	for (unsigned l = 0; l < MERKLE_LEVELS; l++)
		if (old.size >> l & 1)
			must(tile_read(&src, l, (old.size >> l) - 1, &f.top[l], &e) == COFFER_OK, &e);
	while (f.size < head.size) {
		CLEANUP(wr_close) struct wr w = wr_open(TILE_WIDTH * (LEAF_MAX + 2));
		struct tile t = { .entries = true, .n = f.size / TILE_WIDTH, .width = TILE_WIDTH };
		struct span entry[TILE_WIDTH];

		if (head.size - t.n * TILE_WIDTH < TILE_WIDTH)
			t.width = (unsigned)(head.size - t.n * TILE_WIDTH);
		must(tree_tile(&j->tree, &t, &w, &e) == COFFER_OK && tile_entries_read(wr_span(&w), t.width, entry), &e);
		for (uint64_t i = f.size % TILE_WIDTH; i < t.width; i++) {
			struct mhash leaf, done[MERKLE_LEVELS];

			merkle_leaf(entry[i], &leaf);
			must(merkle_append(&f, &leaf, done) > 0, NULL);
		}
	}
	merkle_frontier_root(&f, &root);
	must(mhash_eq(&root, &head.root), NULL);
	row("ledger.follow", (now() - from) * 1e3, "ms for 1000 new entries", "-", 0);
}

int main(void)
{
	const char *base = getenv("BENCH_DIR"), *number = getenv("ENTRIES");
	CLEANUP(freep) char *dir = str_fmt("%s/bench-ledger.XXXXXX", base ? base : "build");
	uint64_t n = number ? strtoull(number, NULL, 10) : 1000000;
	double from, rate, syncs, hashes;
	struct store *store = NULL;
	struct journal j;
	struct err e = { 0 };

	must(dir && mkdtemp(dir) && n > 2000, NULL);
	CLEANUP(freep) char *db = str_fmt("%s/keep.db", dir), *clean = str_fmt("rm -rf %s", dir);
	must(db && clean && store_make(db, &store, &e) == COFFER_OK, &e);
	must(journal_open(store, (const uint8_t[32]){ 1 }, &j, &e) == COFFER_OK, &e);
	syncs = fsync_rate(dir);
	hashes = hash_rate();
	row("ledger.fsync", syncs, "/s", "-", 0);
	row("ledger.hashes", hashes, "entries/s", "-", 0);
	from = now();
	append(&j, n, GROUP);
	rate = (double)n / (now() - from);
	/* a group waits for one fsync, and its entries for their hashes */
	row("ledger.append.grouped", rate, "/s", "1 / (1/hashes + 1/(256 fsyncs))", rate * (1 / hashes + 1 / (GROUP * syncs)));
	from = now();
	append(&j, ALONE, 1);
	rate = ALONE / (now() - from);
	row("ledger.append.alone", rate, "/s", "1 / (1/hashes + 1/fsync)", rate * (1 / hashes + 1 / syncs));
	prove(&j);
	follow(&j, 1000);
	from = now();
	must(journal_open(store, (const uint8_t[32]){ 1 }, &j, &e) == COFFER_OK, &e);
	row("ledger.open", (double)journal_entries(&j) / (now() - from), "entries/s, all checked", "hashes",
	    (double)journal_entries(&j) / (now() - from) / hashes);
	store_close(store);
	return system(clean) == 0 ? 0 : 1;
}
