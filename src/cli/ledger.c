#include "cli/ledger.h"

#include <string.h>

#include "base/own.h"
#include "cli/head.h"
#include "os/file.h"
#include "trust/ledger/follow.h"

#define BUNDLE_MAX ((size_t)TILE_WIDTH * (LEAF_MAX + 2)) /* bytes of a bundle of leaves */

void ledger_end(struct ledger *l)
{
	service_close(l->conn);
	wr_close(&l->note);
}

enum coffer_rc ledger_open(const struct cli *c, struct ledger *l, struct err *e)
{
	TRY(home_load(c, &l->h, e));
	TRY(home_connect(&l->h, &l->conn, e));
	TRY(service_parties(l->conn, &l->all, e));
	TRY(genesis_policy(parties_genesis(l->all), &l->policy, e));
	l->note = wr_open(NOTE_MAX);
	TRY(heads_get(l->conn, "/ledger/checkpoint", NOTE_MAX, &l->note, e));
	TRY(checkpoint_open(wr_span(&l->note), &l->policy.p, &l->seen, e));
	l->of.conn = l->conn;
	l->tiles = heads_tiles(&l->of, l->seen.cp.head.size);
	return COFFER_OK;
}

/* One that was seen before may have been signed by the witnesses of before an amendment. */
static enum coffer_rc open_earlier(const struct ledger *l, struct span note, struct merkle_head *out, struct err *e)
{
	for (size_t i = l->all->n_amended + 1; i-- > 0;) {
		struct genesis_policy policy;
		struct ledger_seen seen;

		TRY(genesis_policy(i ? &l->all->amended[i - 1].g : l->all->founded, &policy, e));
		if (checkpoint_open(note, &policy.p, &seen, e) != COFFER_OK)
			continue;
		*out = seen.cp.head;
		return COFFER_OK;
	}
	return e->rc;
}

/* Zero size and empty root when nothing was kept. */
static enum coffer_rc read_kept(const struct ledger *l, struct merkle_head *out, struct err *e)
{
	CLEANUP(wr_close) struct wr note = { 0 };
	char path[600];

	*out = (struct merkle_head){ 0 };
	merkle_empty(&out->root);
	TRY(head_path(&l->h, "checkpoint", path, sizeof(path), e));
	if (!file_exists(path))
		return COFFER_OK;
	TRY(file_read(path, NOTE_MAX, &note, e));
	return open_earlier(l, wr_span(&note), out, e) == COFFER_OK ? COFFER_OK : err_wrap(e, "%s", path);
}

/* The head that was seen, and the file that shows it. */
static enum coffer_rc compare(struct ledger *l, const struct seen_head *seen, const char *file, struct err *e)
{
	enum coffer_rc rc = follow_head(&(struct merkle_source){ tile_read, &l->tiles }, seen, &l->seen.cp.head, e);

	return head_evidence(&l->h, rc, wr_span(&l->note), file, e);
}

/* The frontier of the kept tree, out of tiles that the new root will vouch for. */
static enum coffer_rc frontier(struct ledger *l, uint64_t size, struct merkle_frontier *f, struct err *e)
{
	f->size = size;
	for (unsigned level = 0; level < MERKLE_LEVELS; level++)
		if (size >> level & 1)
			TRY(tile_read(&l->tiles, level, (size >> level) - 1, &f->top[level], e));
	return COFFER_OK;
}

static struct tile bundle_of(const struct ledger *l, uint64_t index)
{
	struct tile t = { .entries = true, .n = index / TILE_WIDTH, .width = TILE_WIDTH };
	uint64_t left = l->seen.cp.head.size - t.n * TILE_WIDTH;

	if (left < TILE_WIDTH)
		t.width = (unsigned)left;
	return t;
}

static enum coffer_rc read_bundle(struct ledger *l, const struct tile *t, struct wr *w, struct span *entry, struct err *e)
{
	char name[TILE_PATH_MAX], path[TILE_PATH_MAX + 16];

	tile_path(t, name);
	(void)snprintf(path, sizeof(path), "/ledger/%s", name);
	TRY(heads_get(l->conn, path, BUNDLE_MAX, w, e));
	return tile_entries_read(wr_span(w), t->width, entry) ? COFFER_OK
	    : err_deny(e, "ledger-entry", "%s has not the form of entries", name);
}

static enum coffer_rc last_of(struct ledger *l, uint64_t index, struct leaf *out, struct err *e)
{
	struct ledger_proved p;

	TRY(ledger_prove(l, index, &p, e));
	return leaf_read((struct span){ p.entry, p.entry_n }, out) ? COFFER_OK
	    : err_deny(e, "ledger-entry", "entry %llu is no leaf", (unsigned long long)index);
}

/* Every entry since the kept head, on top of it: they must give the root that is signed. */
static enum coffer_rc read_new(struct ledger *l, const struct merkle_head *old, struct err *e)
{
	const struct merkle_head *head = &l->seen.cp.head;
	struct ledger_follow f = { 0 };
	struct mhash root;

	TRY(frontier(l, old->size, &f.f, e));
	if (old->size > 0)
		TRY(last_of(l, old->size - 1, &f.last, e));
	while (f.f.size < head->size) {
		CLEANUP(wr_close) struct wr w = wr_open(BUNDLE_MAX);
		struct tile t = bundle_of(l, f.f.size);
		struct span entry[TILE_WIDTH];

		TRY(read_bundle(l, &t, &w, entry, e));
		for (uint64_t i = f.f.size % TILE_WIDTH; i < t.width; i++)
			TRY(follow_add(&f, entry[i], e));
	}
	merkle_frontier_root(&f.f, &root);
	return mhash_eq(&root, &head->root) ? COFFER_OK
	    : err_deny(e, "ledger-tiles", "tiles and entries do not give the root that the service signed: its operator has to say why; keep what you saw, and compare with others ('coffer ledger compare')");
}

enum coffer_rc ledger_follow(struct ledger *l, uint64_t *from, struct err *e)
{
	struct seen_head old = { .what = HEAD_OURS };
	char path[600];

	TRY(head_path(&l->h, "checkpoint", path, sizeof(path), e));
	TRY(read_kept(l, &old.head, e));
	TRY(compare(l, &old, path, e));
	TRY(read_new(l, &old.head, e));
	*from = old.head.size;
	return file_write(path, wr_span(&l->note), 0644, e);
}

enum coffer_rc ledger_leaves(struct ledger *l, ledger_leaf each, void *arg, struct err *e)
{
	const struct merkle_head *head = &l->seen.cp.head;
	struct ledger_follow f = { 0 };
	struct mhash root;

	while (f.f.size < head->size) {
		CLEANUP(wr_close) struct wr w = wr_open(BUNDLE_MAX);
		struct tile t = bundle_of(l, f.f.size);
		struct span entry[TILE_WIDTH];

		TRY(read_bundle(l, &t, &w, entry, e));
		for (uint64_t i = 0; i < t.width; i++) {
			TRY(follow_add(&f, entry[i], e));
			TRY(each(&f.last, arg, e));
		}
	}
	merkle_frontier_root(&f.f, &root);
	return mhash_eq(&root, &head->root) ? COFFER_OK
	    : err_deny(e, "ledger-tiles", "tiles and entries do not give the root that the service signed: its operator has to say why; keep what you saw, and compare with others ('coffer ledger compare')");
}

enum coffer_rc ledger_compare(struct ledger *l, const char *file, uint64_t *size, struct err *e)
{
	struct seen_head theirs = { .what = "another party saw" };
	CLEANUP(wr_close) struct wr note = { 0 };

	TRY(file_read_arg(file, NOTE_MAX, &note, e));
	if (open_earlier(l, wr_span(&note), &theirs.head, e) != COFFER_OK)
		return err_wrap(e, "%s", file);
	*size = theirs.head.size;
	return compare(l, &theirs, file, e);
}

enum coffer_rc ledger_prove(struct ledger *l, uint64_t index, struct ledger_proved *out, struct err *e)
{
	const struct merkle_source s = { tile_read, &l->tiles };
	const struct merkle_head *head = &l->seen.cp.head;
	CLEANUP(wr_close) struct wr w = wr_open(BUNDLE_MAX);
	struct span entry[TILE_WIDTH];
	struct mhash leaf;
	struct tile t;

	if (index >= head->size)
		return err_set(e, COFFER_E_NOTFOUND, "the ledger has %llu entries, from 0 on; 'coffer ledger show' lists yours", (unsigned long long)head->size);
	t = bundle_of(l, index);
	TRY(read_bundle(l, &t, &w, entry, e));
	TRY(merkle_prove(&s, index, head->size, &out->path, e));
	merkle_leaf(entry[index % TILE_WIDTH], &leaf);
	if (entry[index % TILE_WIDTH].n > LEAF_MAX || !merkle_included(index, head->size, &leaf, &out->path, &head->root))
		return err_deny(e, "ledger-inclusion", "entry %llu is not in the tree that the service signed", (unsigned long long)index);
	out->entry_n = entry[index % TILE_WIDTH].n;
	memcpy(out->entry, entry[index % TILE_WIDTH].p, out->entry_n);
	return COFFER_OK;
}
