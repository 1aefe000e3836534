#include "cofferd/keep/cosigned.h"

#include <string.h>

#include "base/own.h"
#include "trust/ledger/tile.h"

enum coffer_rc cosigned_keep(struct store *s, size_t level, struct span note, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, "INSERT OR REPLACE INTO meta(name, value) VALUES('cosigned.' || ?, ?)");

	q_i64(&q, (int64_t)level);
	q_blob(&q, note);
	return q_run(&q, e);
}

enum coffer_rc cosigned_read(struct store *s, size_t level, struct wr *note, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(s, "SELECT value FROM meta WHERE name IN ('cosigned.' || ?, 'cosigned') ORDER BY length(name) DESC LIMIT 1");
	bool row = false;

	q_i64(&q, (int64_t)level);
	TRY(q_row(&q, &row, e));
	if (row && q_col(&q, 0).n <= COSIGNED_MAX)
		wr_put(note, q_col(&q, 0));
	return wr_done(note, "kept head", e);
}

static enum coffer_rc tile_of_tree(void *ctx, const struct tile *t, struct wr *out, struct err *e)
{
	return tree_tile(ctx, t, out, e);
}

uint64_t cosigned_size(const struct journal *j, const struct genesis_policy *p, struct span note)
{
	struct tree tree = j->tree;
	struct tile_source tiles = { tile_of_tree, &tree, journal_entries(j), NULL };
	const struct merkle_source src = { tile_read, &tiles };
	struct err ignore = { 0 };
	struct ledger_seen seen;
	struct mhash root;

	if (checkpoint_open(note, &p->p, &seen, &ignore) != COFFER_OK || seen.cp.head.size > journal_entries(j))
		return 0;
	if (merkle_source_root(&src, seen.cp.head.size, &root, &ignore) != COFFER_OK)
		return 0;
	if (memcmp(root.b, seen.cp.head.root.b, sizeof(root.b)) != 0) /* public: heads */
		return 0;
	return seen.cp.head.size;
}
