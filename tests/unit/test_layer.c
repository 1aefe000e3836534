/* Runs as root, as unpacking does. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "crypto/hash.h"
#include "image/layer.h"
#include "image/tree.h"
#include "tests/t.h"
#include "tests/tarmake.h"

struct box {
	char path[64];
	int fd;
	struct wr tar;    /* plain archive */
	struct wr stored; /* as the registry has it */
	uint8_t diff_id[32];
	uint8_t digest[32]; /* what the source holds the stored bytes against */
	struct unpack_budget budget;
	struct err e;
	size_t piece;
	size_t given;
	bool wrong_digest;
};

static void box_clear(struct box *b)
{
	struct err e = { 0 };

	if (b->fd >= 0 && tree_empty(b->fd, &e) != COFFER_OK)
		printf("# %s\n", e.msg);
	closep(&b->fd);
	(void)rmdir(b->path);
	wr_close(&b->tar);
	wr_close(&b->stored);
}

static struct box box_new(void)
{
	struct box b = { .path = "/tmp/coffer-layer-XXXXXX", .budget = { .bytes = 1 << 28, .entries = 10000 }, .tar = wr_open(1 << 28),
	    .stored = wr_open(1 << 28), .fd = -1, .piece = 1000 };

	if (mkdtemp(b.path))
		b.fd = open(b.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return b;
}
#define BOX(b) CLEANUP(box_clear) struct box b = box_new()

static void add_file(struct box *b, const char *name, size_t n, unsigned seed)
{
	tm_header(&b->tar, &(struct tm_entry){ .type = '0', .name = name, .size = n });
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		wr_u8(&b->tar, (uint8_t)(seed >> 24 & 0x3f)); /* compressible, not much */
	}
	tm_pad(&b->tar);
}

static void store(struct box *b, enum inflate_kind k)
{
	struct err e = { 0 };

	tm_end(&b->tar);
	sha256(wr_span(&b->tar), b->diff_id);
	if (k == INFLATE_GZIP)
		CHECK(gzip(wr_span(&b->tar), &b->stored, &e) == COFFER_OK);
	else if (k == INFLATE_ZSTD)
		CHECK(zstd_compress(wr_span(&b->tar), &b->stored, &e) == COFFER_OK);
	else
		wr_put(&b->stored, wr_span(&b->tar));
}

static enum coffer_rc source(void *arg, layer_sink sink, void *sink_arg, struct err *e)
{
	struct box *b = arg;
	struct span s = wr_span(&b->stored);

	while (s.n > 0) {
		struct span part = { s.p, s.n < b->piece ? s.n : b->piece };

		b->given += part.n;
		TRY(sink(sink_arg, part, e));
		s = span_skip(s, part.n);
	}
	return b->wrong_digest ? err_deny(e, "digest", "not these bytes") : COFFER_OK;
}

static enum coffer_rc run(struct box *b, enum inflate_kind k, const struct crypt_layer *lock)
{
	bool opaque = false;
	struct layer_job j = { .dir_fd = b->fd, .index = 0, .compression = k, .lock = lock, .diff_id = b->diff_id, .budget = &b->budget,
	    .source = source, .source_arg = b };

	return layer_unpack(&j, &opaque, &b->e);
}

static bool nothing_left(const struct box *b)
{
	return faccessat(b->fd, "0", F_OK, 0) != 0 && faccessat(b->fd, ".0", F_OK, 0) != 0;
}

static bool denied(const struct box *b, const char *check)
{
	if (b->e.rc != COFFER_E_DENIED || strcmp(b->e.check, check) != 0)
		printf("# %d [%s] %s\n", (int)b->e.rc, b->e.check, b->e.msg);
	return b->e.rc == COFFER_E_DENIED && strcmp(b->e.check, check) == 0;
}

static void layer_all_compressions_unpack_the_same(void)
{
	static const enum inflate_kind kinds[] = { INFLATE_NONE, INFLATE_GZIP, INFLATE_ZSTD };

	for (size_t i = 0; i < 3; i++) {
		struct stat st;
		BOX(b);

		add_file(&b, "small", 10, 1);
		add_file(&b, "d/large", 5 << 20, 2); /* many times round the ring */
		store(&b, kinds[i]);
		CHECK(run(&b, kinds[i], NULL) == COFFER_OK);
		CHECK(fstatat(b.fd, "0/d/large", &st, 0) == 0 && st.st_size == 5 << 20);
		CHECK(fstatat(b.fd, "0", &st, 0) == 0 && (st.st_mode & 07777) == 0755 && faccessat(b.fd, ".0", F_OK, 0) != 0);
	}
}

static void layer_wrong_diff_id_is_denied_and_removed(void)
{
	BOX(b);

	add_file(&b, "f", 1000, 1);
	store(&b, INFLATE_GZIP);
	b.diff_id[31] ^= 1;
	CHECK(run(&b, INFLATE_GZIP, NULL) == COFFER_E_DENIED && denied(&b, "digest") && nothing_left(&b));
}

static void layer_wrong_stored_digest_is_denied_and_removed(void)
{
	BOX(b);

	add_file(&b, "f", 1000, 1);
	store(&b, INFLATE_GZIP);
	b.wrong_digest = true;
	CHECK(run(&b, INFLATE_GZIP, NULL) == COFFER_E_DENIED && denied(&b, "digest") && nothing_left(&b));
}

static void layer_altered_bytes_are_named_as_such_not_by_their_symptom(void)
{
	BOX(b);

	add_file(&b, "f", 3 << 20, 1);
	store(&b, INFLATE_GZIP);
	b.stored.p[b.stored.n / 2] ^= 0x40;
	b.wrong_digest = true;
	CHECK(run(&b, INFLATE_GZIP, NULL) == COFFER_E_DENIED && denied(&b, "digest") && b.given == b.stored.n && nothing_left(&b));
	b.wrong_digest = false; /* the publisher's own bytes are broken */
	CHECK(run(&b, INFLATE_GZIP, NULL) == COFFER_E_DENIED && denied(&b, "unpack") && nothing_left(&b));
}

static void layer_every_cut_is_denied(void)
{
	BOX(b);
	size_t whole;

	add_file(&b, "f", 100, 1);
	store(&b, INFLATE_GZIP);
	whole = b.stored.n;
	for (size_t n = 0; n < whole; n += n < 30 ? 1 : 7) {
		b.stored.n = n;
		CHECK(run(&b, INFLATE_GZIP, NULL) == COFFER_E_DENIED && nothing_left(&b));
	}
}

static void layer_forbidden_archive_is_denied_and_removed(void)
{
	BOX(b);

	add_file(&b, "fine", 1 << 20, 1);
	TM(&b.tar, .type = '0', .name = "../evil", .data = "x");
	add_file(&b, "more", 4 << 20, 1);
	store(&b, INFLATE_GZIP);
	CHECK(run(&b, INFLATE_GZIP, NULL) == COFFER_E_DENIED && denied(&b, "unpack") && nothing_left(&b));
}

static void layer_bomb_is_stopped(void)
{
	BOX(b);
	static const uint8_t zero[4096];

	tm_header(&b.tar, &(struct tm_entry){ .type = '0', .name = "zeros", .size = 100 << 20 });
	for (size_t i = 0; i < 100 << 20; i += sizeof(zero))
		wr_put(&b.tar, SPAN(zero));
	store(&b, INFLATE_ZSTD);
	CHECK(b.stored.n < 20000);
	CHECK(run(&b, INFLATE_ZSTD, NULL) == COFFER_E_LIMIT && nothing_left(&b));
	b.budget.bytes = 50 << 20;
	CHECK(run(&b, INFLATE_ZSTD, NULL) == COFFER_E_LIMIT && nothing_left(&b));
}

static enum coffer_rc lock_up(struct box *b, struct crypt_layer *lock)
{
	CLEANUP(crypt_freep) struct crypt_stream *s = NULL;
	uint8_t digest[32];
	struct err e = { 0 };

	sha256(wr_span(&b->stored), digest);
	TRY(crypt_private_new(digest, &lock->priv, &e));
	TRY(crypt_encrypt(&lock->priv, &s, &e));
	TRY(crypt_add(s, wr_span(&b->stored), b->stored.p, &e));
	crypt_finish(s, &lock->pub);
	return COFFER_OK;
}

static void layer_encrypted_is_opened(void)
{
	CLEANUP(crypt_layer_clear) struct crypt_layer lock = { 0 };
	BOX(b);

	b.piece = 100000; /* more than one round of decryption */
	add_file(&b, "f", 3 << 20, 1);
	store(&b, INFLATE_GZIP);
	CHECK(lock_up(&b, &lock) == COFFER_OK);
	CHECK(run(&b, INFLATE_GZIP, &lock) == COFFER_OK && faccessat(b.fd, "0/f", F_OK, 0) == 0);
}

static void layer_encrypted_and_altered_is_denied_by_the_mac(void)
{
	static const size_t at[] = { 0, 5, 100000, 1000000 };

	for (size_t i = 0; i < 5; i++) {
		CLEANUP(crypt_layer_clear) struct crypt_layer lock = { 0 };
		BOX(b);

		add_file(&b, "f", 3 << 20, 1);
		store(&b, INFLATE_GZIP);
		CHECK(lock_up(&b, &lock) == COFFER_OK);
		if (i < 4)
			b.stored.p[at[i]] ^= 1;
		else
			lock.pub.hmac[0] ^= 1;
		CHECK(run(&b, INFLATE_GZIP, &lock) == COFFER_E_DENIED && denied(&b, "decrypt") && nothing_left(&b));
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(layer_all_compressions_unpack_the_same), T(layer_wrong_diff_id_is_denied_and_removed),
		T(layer_wrong_stored_digest_is_denied_and_removed), T(layer_altered_bytes_are_named_as_such_not_by_their_symptom),
		T(layer_every_cut_is_denied), T(layer_forbidden_archive_is_denied_and_removed), T(layer_bomb_is_stopped),
		T(layer_encrypted_is_opened), T(layer_encrypted_and_altered_is_denied_by_the_mac),
	};

	if (geteuid() != 0) {
		printf("1..0 # SKIP unpacking needs root\n");
		return 0;
	}
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
