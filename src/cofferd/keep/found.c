/* The folder of a service's keys, store and mark: made once, looked at before each start. */
#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/keep.h"
#include "os/file.h"

struct files { char *keys, *db, *mark; };

static void files_clear(struct files *f)
{
	free(f->keys);
	free(f->db);
	free(f->mark);
}

static enum coffer_rc files_of(const char *dir, struct files *f, struct err *e)
{
	*f = (struct files){ str_fmt("%s/keep.keys", dir), str_fmt("%s/keep.db", dir), str_fmt("%s/keep.mark", dir) };
	return f->keys && f->db && f->mark ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "keep: out of memory");
}

/* Keys last: a folder with keys is complete, and what a cut left behind is not taken for one. */
enum coffer_rc keep_found(const struct keep_keys *keys, const char *dir, struct err *e)
{
	CLEANUP(files_clear) struct files f = { 0 };
	CLEANUP(store_closep) struct store *s = NULL;
	uint8_t mac[32];

	TRY(files_of(dir, &f, e));
	if (file_exists(f.keys) || file_exists(f.mark))
		return err_deny(e, "keys", "%s holds a service already; nothing of it is replaced", dir);
	TRY(store_make(f.db, &s, e));
	keys_derive(keys, KEYS_USE_JOURNAL, mac);
	TRY(mark_write(f.mark, mac, 0, e));
	return keys_save(keys, dir, e);
}

enum coffer_rc keep_look(const char *dir, struct err *e)
{
	CLEANUP(files_clear) struct files f = { 0 };
	const char *missing, *there;

	TRY(files_of(dir, &f, e));
	if (!file_exists(f.keys) && !file_exists(f.db) && !file_exists(f.mark))
		return err_set(e, COFFER_E_NOTFOUND, "%s: no keys; 'cofferd keygen' makes them", f.keys);
	missing = !file_exists(f.keys) ? f.keys : !file_exists(f.db) ? f.db : !file_exists(f.mark) ? f.mark : NULL;
	there = missing == f.keys ? f.db : f.keys;
	if (!missing)
		return COFFER_OK;
	return err_set(e, COFFER_E_NOTFOUND,
		       "%s is missing (%s is of a service that ran before). Its operator restores it from a copy%s; or begins anew: an "
		       "empty state folder, 'cofferd keygen', and a genesis that names the new keys",
		       missing, there, missing == f.mark ? ", or runs 'cofferd accept-loss'" : "");
}

static enum coffer_rc enter_loss(struct journal *j, uint64_t to, int64_t now, struct err *e)
{
	CLEANUP(tx_end) struct tx tx = { 0 };
	CLEANUP(wr_close) struct wr data = wr_open(256);

	wr_fmt(&data, "{\"lost\":%llu}", (unsigned long long)(to - journal_entries(j)));
	TRY(wr_done(&data, "journal entry", e));
	TRY(tx_begin(j, &tx, e));
	TRY(journal_append(j, "restored", wr_span(&data), now, e));
	return tx_commit(&tx, e);
}

enum coffer_rc keep_accept(const char *dir, int64_t now, uint64_t *from, uint64_t *to, struct err *e)
{
	CLEANUP(files_clear) struct files f = { 0 };
	CLEANUP(keys_clear) struct keep_keys keys = { 0 };
	CLEANUP(store_closep) struct store *s = NULL;
	struct mark *m = NULL;
	struct journal j;
	uint8_t mac[32];

	TRY(files_of(dir, &f, e));
	TRY(keys_load(dir, &keys, e));
	TRY(store_open(f.db, &s, e));
	keys_derive(&keys, KEYS_USE_JOURNAL, mac);
	TRY(journal_open(s, mac, &j, e));
	*from = *to = journal_entries(&j);
	if (file_exists(f.mark)) {
		TRY(mark_open(f.mark, mac, &m, e));
		*to = mark_entries(m);
		mark_close(m);
		if (*to <= *from)
			return err_set(e, COFFER_E_INPUT, "%s: no entry is lost; there is nothing to accept", f.db);
	}
	TRY(enter_loss(&j, *to, now, e));
	return mark_write(f.mark, mac, journal_entries(&j), e);
}
