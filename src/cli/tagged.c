#include "cli/tagged.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static int by_tag(const void *a, const void *b)
{
	return memcmp(((const struct tagged *)a)->tag, ((const struct tagged *)b)->tag, TAG_LEN); /* public */
}

void tagged_sort(struct tagged *leaf, size_t n)
{
	if (n > 0)
		qsort(leaf, n, sizeof(*leaf), by_tag);
}

static struct told *told_at(const struct tagged_ask *q, uint64_t index)
{
	for (size_t lo = 0, hi = q->n_told; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;

		if (q->told[mid].index == index)
			return &q->told[mid];
		if (q->told[mid].index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static enum coffer_rc account(const struct tagged_ask *q, const struct asset_path *p, uint64_t index, struct err *e)
{
	struct told *t = told_at(q, index);

	if (!t)
		return err_deny(e, "ledger-withheld", "entry %llu carries the tag of %s, and the service does not show what it is",
		    (unsigned long long)index, p->text);
	if (strcmp(t->asset, p->text) != 0)
		return err_deny(e, "ledger-tags", "entry %llu carries the tag of %s, and is about %s", (unsigned long long)index, p->text, t->asset);
	t->tagged = true;
	return COFFER_OK;
}

enum coffer_rc tagged_hold(const struct tagged_ask *q, const struct asset_path *p, const struct secret *owner, struct err *e)
{
	struct tagged want;
	uint8_t key[TAG_LEN];

	tag_asset_key(owner, span_of(p->text), key);
	for (uint64_t i = 0;; i++) {
		const struct tagged *got;

		tag_of(key, i, want.tag);
		got = q->n_leaves ? bsearch(&want, q->leaf, q->n_leaves, sizeof(*q->leaf), by_tag) : NULL;
		if (!got)
			return COFFER_OK;
		TRY(account(q, p, got->index, e));
	}
}
