/* The layer pipeline on a real archive of about 150 MB from /usr: decrypt + HMAC + digests + inflate + unpack to tmpfs, against
 * its own slowest stage alone and against `umoci unpack` of the same layer. Run as root, on an idle machine.
 * Each line: name, value, unit, limit or peer, ratio. */
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "image/layer.h"
#include "image/layout.h"
#include "image/tree.h"
#include "os/file.h"
#include "os/spawn.h"
#include "tests/tarmake.h"

#define LAYER_BYTES ((size_t)150 << 20)
#define ROUNDS 5
#define PIECE ((size_t)64 << 10)

static struct wr archive; /* nftw has no argument to pass on */

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* CPU seconds of all threads: what a loaded machine cannot falsify. */
static double cpu(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(enum coffer_rc rc, const struct err *e, const char *what)
{
	if (rc == COFFER_OK)
		return;
	fprintf(stderr, "bench_image: %s: %s\n", what, e->msg);
	exit(1);
}

static int add_file(const char *path, const struct stat *st, int type, struct FTW *w)
{
	CLEANUP(wr_close) struct wr text = wr_open(8 << 20);
	struct err e;

	(void)w;
	if (archive.n >= LAYER_BYTES)
		return 1;
	if (type != FTW_F || !S_ISREG(st->st_mode) || strlen(path) > 100 || st->st_size > 8 << 20 || file_read(path, 8 << 20, &text, &e) != COFFER_OK)
		return 0;
	tm_header(&archive, &(struct tm_entry){ .type = '0', .name = path + 1, .mode = st->st_mode & 07777, .mtime = st->st_mtime, .size = text.n });
	wr_put(&archive, wr_span(&text));
	tm_pad(&archive);
	return 0;
}

static void run(const char *const *argv, const char *what)
{
	CLEANUP(freep) char *out = NULL;
	const int fds[3] = { -1, -1, -1 };
	struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3, .die_with_parent = true };
	struct err e = { 0 };
	int status = 1;

	must(spawn_run(&s, 4096, &out, &status, &e), &e, what);
	if (status != 0) {
		fprintf(stderr, "bench_image: %s: %s\n", what, out);
		exit(1);
	}
}

struct bench {
	const char *name;
	enum inflate_kind kind;
	char *dir; /* on tmpfs */
	int dir_fd;
	struct wr plain;  /* compressed */
	struct wr stored; /* and encrypted */
	struct crypt_layer lock;
	uint8_t diff_id[32];
};

static void compress(struct bench *b, const char *const *argv, const char *result)
{
	struct err e = { 0 };

	run(argv, b->name);
	b->plain = wr_open(LAYER_BYTES * 2);
	must(file_read(result, LAYER_BYTES * 2, &b->plain, &e), &e, b->name);
	(void)unlink(result);
}

static void encrypt(struct bench *b)
{
	CLEANUP(crypt_freep) struct crypt_stream *s = NULL;
	uint8_t digest[32];
	struct err e = { 0 };

	b->stored = wr_open(LAYER_BYTES * 2);
	wr_put(&b->stored, wr_span(&b->plain));
	sha256(wr_span(&b->plain), digest);
	must(crypt_private_new(digest, &b->lock.priv, &e), &e, "encrypt");
	must(crypt_encrypt(&b->lock.priv, &s, &e), &e, "encrypt");
	must(crypt_add(s, wr_span(&b->plain), b->stored.p, &e), &e, "encrypt");
	crypt_finish(s, &b->lock.pub);
}

/* As the registry client does: digest over what came, pieces of a socket's size. */
static enum coffer_rc source(void *arg, layer_sink sink, void *sink_arg, struct err *e)
{
	const struct bench *b = arg;
	struct hash_stream *h = hash_open(HASH_SHA256);
	uint8_t got[HASH_MAX];

	for (struct span s = wr_span(&b->stored); s.n > 0; s = span_skip(s, PIECE)) {
		struct span part = { s.p, s.n < PIECE ? s.n : PIECE };
		enum coffer_rc rc;

		hash_add(h, part);
		rc = sink(sink_arg, part, e);
		if (rc != COFFER_OK) {
			hash_free(h);
			return rc;
		}
	}
	hash_end(h, got);
	return COFFER_OK;
}

static double whole(struct bench *b)
{
	struct unpack_budget budget = { UINT64_C(1) << 34, 1000000, false };
	struct layer_job j = { .dir_fd = b->dir_fd, .compression = b->kind, .lock = &b->lock, .diff_id = b->diff_id, .budget = &budget,
	    .source = source, .source_arg = b };
	struct err e = { 0 };
	bool opaque;
	double t0 = now(), t;

	must(layer_unpack(&j, &opaque, &e), &e, "layer");
	t = now() - t0;
	must(tree_remove(b->dir_fd, "0", &e), &e, "clean");
	return t;
}

struct first {
	struct crypt_stream *crypt;
	struct inflate *inflate;
	uint8_t buf[PIECE];
};

static enum coffer_rc drop(void *arg, struct span piece, struct err *e)
{
	(void)arg;
	(void)piece;
	(void)e;
	return COFFER_OK;
}

static enum coffer_rc decrypt_piece(void *arg, struct span piece, struct err *e)
{
	struct first *f = arg;

	TRY(crypt_add(f->crypt, piece, f->buf, e));
	return inflate_add(f->inflate, (struct span){ f->buf, piece.n }, e);
}

static double first_stage(struct bench *b)
{
	static struct first f;
	struct err e = { 0 };
	double t0 = now();

	must(crypt_decrypt(&b->lock, &f.crypt, &e), &e, "decrypt");
	must(inflate_open(b->kind, UINT64_MAX, drop, NULL, &f.inflate, &e), &e, "inflate");
	must(source(b, decrypt_piece, &f, &e), &e, "decrypt");
	must(crypt_verify(f.crypt, &e), &e, "verify");
	must(inflate_end(f.inflate, &e), &e, "inflate");
	crypt_freep(&f.crypt);
	inflate_freep(&f.inflate);
	return now() - t0;
}

static double second_stage(struct bench *b)
{
	CLEANUP(unpack_freep) struct unpack *u = NULL;
	struct unpack_budget budget = { UINT64_C(1) << 34, 1000000, false };
	struct hash_stream *h = hash_open(HASH_SHA256);
	uint8_t got[HASH_MAX];
	struct err e = { 0 };
	double t0 = now(), t;

	must(unpack_open(b->dir_fd, &budget, &u, &e), &e, "unpack");
	for (struct span s = wr_span(&archive); s.n > 0; s = span_skip(s, 2 * PIECE)) {
		struct span part = { s.p, s.n < 2 * PIECE ? s.n : 2 * PIECE };

		hash_add(h, part);
		must(unpack_add(u, part, &e), &e, "unpack");
	}
	must(unpack_end(u, &e), &e, "unpack");
	hash_end(h, got);
	t = now() - t0;
	must(tree_empty(b->dir_fd, &e), &e, "clean");
	return t;
}

struct cost {
	double wall, cpu; /* seconds, least of all rounds */
};

static struct cost best(double (*f)(struct bench *), struct bench *b)
{
	struct cost min = { 1e9, 1e9 };

	for (int i = 0; i < ROUNDS; i++) {
		double c0 = cpu(), t = f(b), c = cpu() - c0;

		min.wall = t < min.wall ? t : min.wall;
		min.cpu = c < min.cpu ? c : min.cpu;
	}
	return min;
}

/* An image of this one layer, for umoci. */
static void write_layout(struct bench *b, const char *dir)
{
	CLEANUP(layout_freep) struct layout *l = NULL;
	CLEANUP(freep) char *config = NULL, *manifest = NULL;
	char hex[3][HEX32_LEN];
	uint8_t d[32];
	struct err e = { 0 };

	must(layout_create(dir, &l, &e), &e, "layout");
	hex32(b->diff_id, hex[0]);
	config = str_fmt("{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:%s\"]}}", hex[0]);
	must(layout_put(l, span_of(config), d, &e), &e, "layout");
	hex32(d, hex[1]);
	must(layout_put(l, wr_span(&b->plain), d, &e), &e, "layout");
	hex32(d, hex[2]);
	manifest = str_fmt("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG
	    "\",\"digest\":\"sha256:%s\",\"size\":%zu},\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:%s\",\"size\":%zu}]}",
	    hex[1], strlen(config), hex[2], b->plain.n);
	must(layout_tag(l, "x", MEDIA_OCI_MANIFEST, span_of(manifest), d, &e), &e, "layout");
}

static double umoci(struct bench *b)
{
	CLEANUP(freep) char *image = str_fmt("%s/../img:x", b->dir);
	CLEANUP(freep) char *bundle = str_fmt("%s/bundle", b->dir);
	const char *const argv[] = { "/usr/bin/umoci", "unpack", "--image", image, bundle, NULL };
	struct err e = { 0 };
	double t0 = now(), t;

	run(argv, "umoci");
	t = now() - t0;
	must(tree_empty(b->dir_fd, &e), &e, "clean");
	return t;
}

static double report(struct bench *b)
{
	double mb = (double)archive.n / 1e6;
	struct cost t = best(whole, b), one = best(first_stage, b), two = best(second_stage, b);
	double slowest = one.wall > two.wall ? one.wall : two.wall;

	printf("image-%s-pipeline\t%.0f\tMB/s\t>=0.90 of the slowest stage\t%.2f\n", b->name, mb / t.wall, slowest / t.wall);
	printf("image-%s-stage-decrypt-inflate\t%.0f\tMB/s\t-\t-\n", b->name, mb / one.wall);
	printf("image-%s-stage-hash-unpack\t%.0f\tMB/s\t-\t-\n", b->name, mb / two.wall);
	/* removing the files again is in all three that unpack */
	printf("image-%s-cpu\t%.3f\ts\tboth stages alone\t%.2f\n", b->name, t.cpu, t.cpu / (one.cpu + two.cpu));
	return t.wall;
}

int main(void)
{
	char top[] = "/dev/shm/coffer-bench-XXXXXX";
	CLEANUP(freep) char *dir = NULL, *tar = NULL, *gz = NULL, *zst = NULL, *img = NULL;
	struct bench g = { .name = "gzip", .kind = INFLATE_GZIP }, z = { .name = "zstd", .kind = INFLATE_ZSTD };
	struct err e = { 0 };
	double t;

	archive = wr_open(LAYER_BYTES + (64 << 20));
	if (geteuid() != 0 || !mkdtemp(top)) {
		fprintf(stderr, "bench_image: needs root and /dev/shm\n");
		return 77;
	}
	dir = str_fmt("%s/out", top);
	img = str_fmt("%s/img", top);
	tar = str_fmt("%s/layer.tar", top);
	gz = str_fmt("%s/layer.tar.gz", top);
	zst = str_fmt("%s/layer.tar.zst", top);
	(void)mkdir(dir, 0700);
	(void)nftw("/usr", add_file, 32, FTW_PHYS | FTW_MOUNT);
	tm_end(&archive);
	must(wr_done(&archive, "archive", &e), &e, "archive");
	must(file_write(tar, wr_span(&archive), 0600, &e), &e, "archive");
	sha256(wr_span(&archive), g.diff_id);
	memcpy(z.diff_id, g.diff_id, 32);
	compress(&g, (const char *const[]){ "/bin/gzip", "-6", "-k", tar, NULL }, gz);
	compress(&z, (const char *const[]){ "/usr/bin/zstd", "-q", "-3", tar, NULL }, zst);
	(void)unlink(tar);
	g.dir = z.dir = dir;
	g.dir_fd = z.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	encrypt(&g);
	encrypt(&z);

	(void)report(&z);
	t = report(&g);
	if (access("/usr/bin/umoci", X_OK) == 0) {
		double peer;

		write_layout(&g, img);
		peer = best(umoci, &g).wall;
		printf("image-gzip-umoci\t%.2f\ts\tumoci unpack (no decryption), >=5\t%.1f\n", peer, peer / t);
	}
	{
		CLEANUP(closep) int root = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		must(tree_remove(root, strrchr(top, '/') + 1, &e), &e, "clean");
	}
	wr_close(&archive);
	return 0;
}
