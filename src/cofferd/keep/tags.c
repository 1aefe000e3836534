#include "cofferd/keep/tags.h"

#include "base/own.h"
#include "base/str.h"
#include "trust/ledger/tag.h"

/* How many entries on this asset had tags by this key of its owner; counted up. */
static enum coffer_rc count(struct keep *k, const struct asset_path *p, const struct pubkey *key, uint64_t *before, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store,
	    "INSERT INTO asset_tag(path, key, n) VALUES(?,?,1) ON CONFLICT(path, key) DO UPDATE SET n=n+1 RETURNING n");
	uint8_t thumb[32];
	bool row = false;

	pubkey_thumbprint(key, thumb);
	q_text(&q, span_of(p->text));
	q_blob(&q, SPAN(thumb));
	TRY(q_row(&q, &row, e));
	if (!row || q_col_i64(&q, 0) < 1)
		return err_set(e, COFFER_E_BUG, "store: a count without a row");
	*before = (uint64_t)q_col_i64(&q, 0) - 1;
	return q_row(&q, &row, e);
}

enum coffer_rc tags_owner_key(struct keep *k, const struct pubkey *owner, const struct secret **out, struct err *e)
{
	CLEANUP(secret_free) struct secret made = { 0 };
	struct tag_key *at = &k->tag_key[k->tag_key_next];

	for (size_t i = 0; i < KEEP_TAG_KEYS; i++) {
		*out = &k->tag_key[i].key;
		if (k->tag_key[i].key.p && pubkey_eq(&k->tag_key[i].owner, owner))
			return COFFER_OK;
	}
	TRY(tag_owner_key(k->keys.receive, owner, k->genesis, &made, e));
	secret_free(&at->key);
	*at = (struct tag_key){ *owner, made };
	made = (struct secret){ 0 };
	k->tag_key_next = (k->tag_key_next + 1) % KEEP_TAG_KEYS;
	*out = &at->key;
	return COFFER_OK;
}

void tags_clear(struct keep *k)
{
	for (size_t i = 0; i < KEEP_TAG_KEYS; i++) {
		secret_free(&k->tag_key[i].key);
		k->tag_key[i] = (struct tag_key){ 0 };
	}
}

enum coffer_rc tags_next(struct keep *k, const struct asset_path *p, struct err *e)
{
	const struct party *owner = registry_party(&k->registry, span_of(p->owner), k->now);
	const struct secret *shared;
	uint8_t asset[TAG_LEN];
	uint64_t i = 0;

	if (!owner || !owner->has_encryption)
		return COFFER_OK;
	TRY(count(k, p, &owner->encryption, &i, e));
	TRY(tags_owner_key(k, &owner->encryption, &shared, e));
	tag_asset_key(shared, span_of(p->text), asset);
	tag_of(asset, i, k->journal.tag);
	k->journal.tagged = true;
	return COFFER_OK;
}
