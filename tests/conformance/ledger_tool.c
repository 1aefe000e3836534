/* The writer and the reader of src/trust/ledger for test_ledger.py, which has its own of both.
 *
 *   ledger_tool write DIR SIZE   a log of SIZE entries below DIR: keys, checkpoint, tiles, proofs, a map and its proofs
 *   ledger_tool read DIR         "ok" when DIR/proof proves the entry DIR/leaf under the keys of DIR/keys (log, then witnesses;
 *                                all of them), else the check that refused */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "trust/ledger/proof.h"
#include "trust/ledger/smt.h"
#include "trust/ledger/tile.h"

#define SIZE_LIMIT 70000
#define MAP_NODES  4096
#define KEYS_MAX   8

static struct err err;
static const char *dir;

static void must(bool ok, const char *what)
{
	if (!ok) {
		(void)fprintf(stderr, "%s: %s\n", what, err.msg);
		exit(1);
	}
}
#define MUST(call) must((call) == COFFER_OK, #call)

static void save(const char *name, struct span s)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);
	FILE *f;

	must(path != NULL, "memory");
	for (char *p = strchr(path + strlen(dir) + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		(void)mkdir(path, 0700);
		*p = '/';
	}
	f = fopen(path, "wbe");
	must(f && fwrite(s.p, 1, s.n, f) == s.n && fclose(f) == 0, path);
}

static struct wr load(const char *name)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", dir, name);
	struct wr w = wr_open(1 << 20);
	uint8_t b[4096];
	FILE *f = path ? fopen(path, "rbe") : NULL;
	size_t n;

	must(f != NULL, name);
	while ((n = fread(b, 1, sizeof(b), f)) > 0)
		wr_put(&w, (struct span){ b, n });
	(void)fclose(f);
	must(wr_ok(&w), name);
	return w;
}

static size_t entry(uint64_t i, char out[static 64])
{
	return (size_t)snprintf(out, 64, "entry %llu%.*s", (unsigned long long)i, (int)(i % 30),
	    "..............................");
}

static struct privkey *key(uint8_t seed)
{
	struct privkey *k = NULL;
	uint8_t raw[32];

	memset(raw, seed, sizeof(raw));
	MUST(privkey_from_raw(KEY_ED25519, SPAN(raw), &k, &err));
	return k;
}

/* ---- write ---- */

static struct mhash *level[3]; /* tile levels 0, 1, 2 */

static void grow(uint64_t size, struct merkle_frontier *f)
{
	struct mhash done[MERKLE_LEVELS];

	for (unsigned l = 0; l < 3; l++)
		must((level[l] = calloc(SIZE_LIMIT + 1, sizeof(struct mhash))) != NULL, "memory");
	for (uint64_t i = 0; i < size; i++) {
		char text[64];
		size_t n = entry(i, text);

		merkle_leaf((struct span){ (const uint8_t *)text, n }, &level[0][i]);
		n = merkle_append(f, &level[0][i], done);
		for (unsigned l = 1; l < 3 && n > (size_t)8 * l; l++)
			level[l][i >> 8 * l] = done[8 * l];
	}
}

static void write_tiles(uint64_t size)
{
	struct tile_iter it = tile_new(0, size);
	struct tile t;

	while (tile_next(&it, &t)) {
		CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
		char path[TILE_PATH_MAX], text[64];

		for (uint64_t i = t.n * TILE_WIDTH; i < t.n * TILE_WIDTH + t.width; i++) {
			if (t.entries)
				MUST(tile_entry_add(&w, (struct span){ (const uint8_t *)text, entry(i, text) }, &err));
			else
				wr_put(&w, SPAN(level[t.level][i].b));
		}
		tile_path(&t, path);
		save(path, wr_span(&w));
	}
}

static enum coffer_rc fetch(void *ctx, const struct tile *t, struct wr *out, struct err *e)
{
	char path[TILE_PATH_MAX];
	struct wr w;

	(void)ctx;
	(void)e;
	tile_path(t, path);
	w = load(path);
	wr_put(out, wr_span(&w));
	wr_close(&w);
	return COFFER_OK;
}

static void write_keys(const struct note_key *k, size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);

	for (size_t i = 0; i < n; i++) {
		note_vkey_write(&k[i], &w);
		wr_u8(&w, '\n');
	}
	save("keys", wr_span(&w));
}

static void write_checkpoint(const struct merkle_frontier *f, struct wr *note)
{
	static const char *const names[3] = { "log.example/one", "w1.example", "w2.example" };
	CLEANUP(wr_close) struct wr text = wr_open(4096);
	struct checkpoint c = { .origin = span_of(names[0]), .head.size = f->size };
	struct note_key k[3];

	merkle_frontier_root(f, &c.head.root);
	MUST(checkpoint_write(&c, &text, &err));
	MUST(note_begin(wr_span(&text), note, &err));
	for (uint8_t i = 0; i < 3; i++) {
		CLEANUP(privkey_freep) struct privkey *p = key((uint8_t)(i + 1));

		MUST(note_key_new(span_of(names[i]), i ? NOTE_COSIGNATURE : NOTE_ED25519, privkey_public(p), &k[i], &err));
		if (i)
			MUST(checkpoint_cosign(&(struct note_signer){ &k[i], p }, wr_span(&text), 1700000000u + i, note, &err));
		else
			MUST(note_sign(&(struct note_signer){ &k[i], p }, wr_span(&text), note, &err));
	}
	write_keys(k, 3);
	save("checkpoint", wr_span(note));
}

static void write_proofs(uint64_t size, const struct wr *note)
{
	struct tile_source ts = { fetch, NULL, size, NULL };
	struct merkle_source s = { tile_read, &ts };

	for (uint64_t i = 0; i < size; i += 1 + size / 9) {
		CLEANUP(tlog_proof_clear) struct tlog_proof p = { .extra = wr_open(64), .index = i, .note = wr_span(note) };
		CLEANUP(wr_close) struct wr w = wr_open(TLOG_PROOF_MAX), c = wr_open(4096);
		struct merkle_proof consistent;
		char name[64];

		if (i)
			wr_str(&p.extra, "extra");
		MUST(merkle_prove(&s, i, size, &p.path, &err));
		MUST(tlog_proof_write(&p, &w, &err));
		(void)snprintf(name, sizeof(name), "inclusion/%llu", (unsigned long long)i);
		save(name, wr_span(&w));
		MUST(merkle_prove_consistent(&s, i, size, &consistent, &err));
		for (size_t j = 0; j < consistent.n; j++)
			wr_put(&c, SPAN(consistent.h[j].b));
		(void)snprintf(name, sizeof(name), "consistency/%llu", (unsigned long long)i);
		save(name, wr_span(&c));
	}
}

static struct { struct mhash hash; uint8_t rec[SMT_RECORD]; } nodes[MAP_NODES];
static size_t n_nodes;

static enum coffer_rc get(void *ctx, const struct mhash *hash, uint8_t out[static SMT_RECORD], struct err *e)
{
	(void)ctx;
	for (size_t i = 0; i < n_nodes; i++) {
		if (!mhash_eq(&nodes[i].hash, hash))
			continue;
		memcpy(out, nodes[i].rec, SMT_RECORD);
		return COFFER_OK;
	}
	return err_set(e, COFFER_E_NOTFOUND, "no node");
}

static enum coffer_rc put(void *ctx, const struct mhash *hash, const uint8_t rec[static SMT_RECORD], struct err *e)
{
	(void)ctx;
	if (n_nodes == MAP_NODES)
		return err_set(e, COFFER_E_LIMIT, "map full");
	nodes[n_nodes].hash = *hash;
	memcpy(nodes[n_nodes++].rec, rec, SMT_RECORD);
	return COFFER_OK;
}

/* Keys are the leaf hashes of entries 0..99 of any size, values the next one's; 100..119 are absent. */
static void write_map(void)
{
	struct smt_store s = { get, put, NULL };
	struct mhash root = { 0 }, key[121];

	for (uint64_t i = 0; i < 121; i++) {
		char text[64];

		merkle_leaf((struct span){ (const uint8_t *)text, entry(i, text) }, &key[i]);
	}
	for (size_t i = 0; i < 100; i++)
		MUST(smt_set(&s, &root, &key[i], &key[i + 1], &err));
	save("map/root", SPAN(root.b));
	for (size_t i = 0; i < 120; i++) {
		CLEANUP(wr_close) struct wr w = wr_open(SMT_PROOF_MAX);
		struct smt_proof p;
		char name[32];

		MUST(smt_prove(&s, &root, &key[i], &p, &err));
		smt_proof_write(&p, &w);
		(void)snprintf(name, sizeof(name), "map/%zu", i);
		save(name, wr_span(&w));
	}
}

static int write_all(uint64_t size)
{
	CLEANUP(wr_close) struct wr note = wr_open(NOTE_MAX), front = wr_open(4096);
	struct merkle_frontier f = { 0 };

	must(size <= SIZE_LIMIT, "size");
	grow(size, &f);
	write_tiles(size);
	write_checkpoint(&f, &note);
	merkle_frontier_write(&f, &front);
	save("frontier", wr_span(&front));
	write_proofs(size, &note);
	write_map();
	for (unsigned l = 0; l < 3; l++)
		free(level[l]);
	return 0;
}

/* ---- read ---- */

static int read_proof(void)
{
	CLEANUP(wr_close) struct wr text = load("proof"), leaf = load("leaf"), keys = load("keys");
	CLEANUP(tlog_proof_clear) struct tlog_proof p = { 0 };
	struct note_key k[KEYS_MAX];
	struct ledger_seen seen;
	struct mhash h;
	size_t n = 0;

	for (struct span s = wr_span(&keys); s.n > 0 && n < KEYS_MAX; n++) {
		size_t end = span_find(s, '\n');

		MUST(note_vkey_read((struct span){ s.p, end }, &k[n], &err));
		s = span_skip(s, end + 1);
	}
	struct ledger_policy policy = { &k[0], k + 1, n - 1, n - 1 };
	merkle_leaf(wr_span(&leaf), &h);
	if (tlog_proof_parse(wr_span(&text), &p, &err) != COFFER_OK)
		return puts("form") < 0;
	if (tlog_proof_verify(&p, &h, &policy, &seen, &err) != COFFER_OK)
		return puts(err.rc == COFFER_E_DENIED ? err.check : "form") < 0;
	return puts("ok") < 0;
}

int main(int argc, char **argv)
{
	uint64_t size;

	if (argc < 3)
		return 2;
	dir = argv[2];
	if (argc == 4 && !strcmp(argv[1], "write") && span_u64(span_of(argv[3]), &size))
		return write_all(size);
	if (argc == 3 && !strcmp(argv[1], "read"))
		return read_proof();
	return 2;
}
