/* coffer ledger find: the entries on one's own assets, by their tags among the public leaves; what the service tells of them is held against
 * that. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/opened.h"
#include "cli/publish.h"
#include "cli/tagged.h"
#include "cli/verbs.h"
#include "fmt/enc.h"
#include "fmt/json.h"

#define ASSETS_MAX 1024
#define ENTRIES_MAX (1u << 24)

const struct opt_spec opts_ledger_find[] = { OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

struct find {
	struct ledger   l;
	struct privkey *key, *reads;
	struct asset_path *asset;  /* owned, as all lists */
	uint8_t (*said)[32];       /* asset[i]'s statements' ids, parallel lists */
	size_t         *said_of;
	size_t          n_assets, n_said;
	struct tagged  *leaf;
	size_t          n_leaves, leaf_cap;
	struct told    *told;
	size_t          n_told, told_cap;
};

static void find_end(struct find *f)
{
	ledger_end(&f->l);
	privkey_free(f->key);
	privkey_free(f->reads);
	free(f->asset);
	free(f->said);
	free(f->said_of);
	free(f->leaf);
	free(f->told);
}

/* ---- assets ---- */

static enum coffer_rc take_asset(struct find *f, struct span path, size_t *at, struct err *e)
{
	struct asset_path p;

	TRY(asset_path_parse(path, &p, e));
	if (strcmp(p.owner, f->l.h.party) != 0)
		return err_deny(e, "kind", "%s belongs to %s: its entries carry tags that only its owner can tell; 'coffer ledger show' has those that concern you", p.text, p.owner);
	for (*at = 0; *at < f->n_assets; (*at)++)
		if (asset_path_eq(&f->asset[*at], &p))
			return COFFER_OK;
	if (f->n_assets == ASSETS_MAX)
		return err_set(e, COFFER_E_LIMIT, "more than %d assets; name those you want", ASSETS_MAX);
	f->asset[f->n_assets++] = p;
	return COFFER_OK;
}

/* Of one's own statements: which asset each is about. */
static enum coffer_rc take_statement(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct find *f = arg;
	void *ids = realloc(f->said, (f->n_said + 1) * sizeof(*f->said)), *of;

	(void)env;
	f->said = ids ? ids : f->said;
	of = realloc(f->said_of, (f->n_said + 1) * sizeof(*f->said_of));
	f->said_of = of ? of : f->said_of;
	if (!ids || !of)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(take_asset(f, s->subject[0].name, &f->said_of[f->n_said], e));
	memcpy(f->said[f->n_said++], s->id, 32);
	return COFFER_OK;
}

static enum coffer_rc assets(struct cli *c, struct find *f, struct err *e)
{
	CLEANUP(freep) char *query = str_fmt("kind=asset&issuer=%s&all=1", f->l.h.party);
	size_t at;

	f->asset = calloc(ASSETS_MAX, sizeof(*f->asset));
	if (!f->asset || !query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	for (size_t i = 0; i < c->n_pos; i++)
		TRY(cli_arg(take_asset(f, span_of(c->pos[i]), &at, e), e));
	return statements_query(NULL, &f->l.h, f->key, f->l.conn, query, take_statement, f, e);
}

/* ---- leaves ---- */

static enum coffer_rc take_leaf(const struct leaf *leaf, void *arg, struct err *e)
{
	struct find *f = arg;

	for (unsigned i = 0; i < leaf->n_tags; i++) {
		if (f->n_leaves == f->leaf_cap) {
			size_t cap = f->leaf_cap ? 2 * f->leaf_cap : 1024;
			void *more = cap <= ENTRIES_MAX ? realloc(f->leaf, cap * sizeof(*f->leaf)) : NULL;

			if (!more)
				return err_set(e, COFFER_E_LIMIT, "the ledger has more entries than fit here");
			f->leaf = more;
			f->leaf_cap = cap;
		}
		memcpy(f->leaf[f->n_leaves].tag, leaf->tag[i], TAG_LEN);
		f->leaf[f->n_leaves++].index = leaf->index;
	}
	return COFFER_OK;
}

/* ---- what the service tells ---- */

static struct told *room(struct find *f)
{
	if (f->n_told == f->told_cap) {
		size_t cap = f->told_cap ? 2 * f->told_cap : 64;
		void *more = realloc(f->told, cap * sizeof(*f->told));

		if (!more)
			return NULL;
		f->told = more;
		f->told_cap = cap;
	}
	f->told[f->n_told] = (struct told){ 0 };
	return &f->told[f->n_told];
}

/* The asset an entry is about; empty for what concerns none of this party's. */
static struct span asset_of(const struct find *f, const struct json *record)
{
	const struct json *data = json_get(record, "data");
	struct span id = json_str(json_get(data, "id")), path = json_str(json_get(data, "asset"));
	uint8_t raw[32];

	if (path.n > 0)
		return path;
	for (size_t i = 0; hex_fixed(id, raw, sizeof(raw)) && i < f->n_said; i++)
		if (span_eq(SPAN(raw), SPAN(f->said[i])))
			return span_of(f->asset[f->said_of[i]].text);
	return (struct span){ 0 };
}

static enum coffer_rc take_told(struct ledger *l, uint64_t index, struct span opening, void *arg, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct find *f = arg;
	struct told *t = room(f);
	struct leaf_opening o;
	struct span asset, type;

	(void)l;
	if (!t)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (!leaf_opening_read(opening, &o))
		return err_set(e, COFFER_E_BUG, "ledger: an opening changed");
	TRY(json_parse(o.record, LEAF_RECORD_MAX, &doc, e));
	asset = asset_of(f, json_root(doc));
	type = json_str(json_get(json_root(doc), "type"));
	if (asset.n == 0 || asset.n >= sizeof(t->asset) || type.n >= sizeof(t->type))
		return COFFER_OK;
	t->index = index;
	memcpy(t->asset, asset.p, asset.n);
	memcpy(t->type, type.p, type.n);
	f->n_told++;
	return COFFER_OK;
}

/* ---- to be read ---- */

static bool asked_for(const struct cli *c, const char *asset)
{
	for (size_t i = 0; i < c->n_pos; i++)
		if (strcmp(c->pos[i], asset) == 0)
			return true;
	return c->n_pos == 0;
}

static void print(const struct cli *c, const struct find *f)
{
	size_t n = 0, bare = 0;

	if (c->json)
		(void)printf("{\"entries\":[");
	for (size_t i = 0; i < f->n_told; i++) {
		const struct told *t = &f->told[i];

		if (!asked_for(c, t->asset))
			continue;
		if (c->json)
			(void)printf("%s{\"index\":%llu,\"type\":\"%s\",\"asset\":\"%s\",\"tagged\":%s}", n ? "," : "", (unsigned long long)t->index, t->type,
			    t->asset, t->tagged ? "true" : "false");
		else
			(void)printf("%llu  %s  %s%s\n", (unsigned long long)t->index, t->type, t->asset, t->tagged ? "" : "  (no tag of yours)");
		n++;
		bare += !t->tagged;
	}
	if (c->json)
		(void)printf("],\"untagged\":%zu}\n", bare);
	else
		(void)printf("end of the ledger's %llu entries: %zu on %s, all that carry your tags among them; %zu that the service shows carry none\n",
		    (unsigned long long)f->l.seen.cp.head.size, n, c->n_pos ? "these assets" : "your assets", bare);
}

enum coffer_rc cmd_ledger_find(struct cli *c, struct err *e)
{
	CLEANUP(find_end) struct find f = { 0 };
	CLEANUP(secret_free) struct secret owner = { 0 };
	uint64_t from = 0;

	TRY(ledger_open(c, &f.l, e));
	TRY(ledger_follow(&f.l, &from, e));
	TRY(home_sign_key(c, &f.l.h, &f.key, e));
	TRY(home_encrypt_key(c, &f.l.h, &f.reads, e));
	TRY(assets(c, &f, e));
	TRY(ledger_leaves(&f.l, take_leaf, &f, e));
	tagged_sort(f.leaf, f.n_leaves);
	TRY(opened_all(&f.l, f.key, take_told, &f, e));
	TRY(tag_owner_key(f.reads, &service_keys(f.l.conn)->receive, f.l.h.genesis, &owner, e));
	for (size_t i = 0; i < f.n_assets; i++)
		TRY(tagged_hold(&(struct tagged_ask){ f.leaf, f.n_leaves, f.told, f.n_told }, &f.asset[i], &owner, e));
	print(c, &f);
	return COFFER_OK;
}
