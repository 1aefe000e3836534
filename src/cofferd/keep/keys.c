#include "cofferd/keep/keys.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/jwk.h"
#include "os/file.h"

#define MAGIC "COFFERK2"
#define MAGIC_LEN 8
#define KEY_LEN 32
#define FILE_LEN (MAGIC_LEN + 5 * KEY_LEN)

void keys_clear(struct keep_keys *k)
{
	privkey_free(k->receive);
	privkey_free(k->reply);
	privkey_free(k->token);
	privkey_free(k->ledger);
	secret_free(&k->storage);
	*k = (struct keep_keys){ 0 };
}

enum coffer_rc keys_new(struct keep_keys *out, struct err *e)
{
	CLEANUP(keys_clear) struct keep_keys k = { 0 };

	TRY(privkey_new(KEY_P256, &k.receive, e));
	TRY(privkey_new(KEY_P256, &k.reply, e));
	TRY(privkey_new(KEY_P256, &k.token, e));
	TRY(privkey_new(KEY_ED25519, &k.ledger, e));
	TRY(secret_new(KEY_LEN, &k.storage, e));
	random_bytes(k.storage.p, KEY_LEN);
	*out = k;
	k = (struct keep_keys){ 0 };
	return COFFER_OK;
}

static enum coffer_rc key_path(const char *dir, char **out, struct err *e)
{
	*out = str_fmt("%s/keep.keys", dir);
	return *out ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "keys: out of memory");
}

enum coffer_rc keys_save(const struct keep_keys *k, const char *dir, struct err *e)
{
	const struct privkey *const part[] = { k->receive, k->reply, k->token, k->ledger };
	CLEANUP(freep) char *path = NULL;
	CLEANUP(secret_free) struct secret box = { 0 };

	TRY(key_path(dir, &path, e));
	if (file_exists(path))
		return err_deny(e, "keys", "%s exists; it is never replaced", path);
	TRY(secret_new(FILE_LEN, &box, e));
	memcpy(box.p, MAGIC, MAGIC_LEN);
	for (size_t i = 0; i < 4; i++) {
		CLEANUP(secret_free) struct secret raw = { 0 };

		TRY(privkey_to_raw(part[i], &raw, e));
		if (raw.n != KEY_LEN)
			return err_set(e, COFFER_E_BUG, "keys: scalar of %zu bytes", raw.n);
		memcpy(box.p + MAGIC_LEN + i * KEY_LEN, raw.p, KEY_LEN);
	}
	memcpy(box.p + FILE_LEN - KEY_LEN, k->storage.p, KEY_LEN);
	return file_write(path, (struct span){ box.p, box.n }, 0600, e);
}

enum coffer_rc keys_load(const char *dir, struct keep_keys *out, struct err *e)
{
	CLEANUP(freep) char *path = NULL;
	CLEANUP(secret_free) struct secret box = { 0 };
	CLEANUP(keys_clear) struct keep_keys k = { 0 };
	struct privkey **const part[] = { &k.receive, &k.reply, &k.token, &k.ledger };
	struct stat st;
	struct rd r;

	TRY(key_path(dir, &path, e));
	TRY(file_read_secret(path, FILE_LEN, &box, e));
	if (stat(path, &st) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
	if (st.st_mode & 077)
		return err_deny(e, "keys", "%s: others may read it (mode %o); make it 600", path, st.st_mode & 07777u);
	r = rd_open((struct span){ box.p, box.n });
	if (!span_eq_str(rd_span(&r, MAGIC_LEN), MAGIC) || box.n != FILE_LEN)
		return err_set(e, COFFER_E_INPUT, "%s: not a key file of this version", path);
	for (size_t i = 0; i < 4; i++)
		TRY(privkey_from_raw(part[i] == &k.ledger ? KEY_ED25519 : KEY_P256, rd_span(&r, KEY_LEN), part[i], e));
	TRY(secret_new(KEY_LEN, &k.storage, e));
	rd_copy(&r, k.storage.p, KEY_LEN);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "%s: not a key file of this version", path);
	*out = k;
	k = (struct keep_keys){ 0 };
	return COFFER_OK;
}

void keys_public(const struct keep_keys *k, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_name(&j, "ledger-key");
	jwk_write(&j, privkey_public(k->ledger));
	jw_name(&j, "receive");
	jwk_write(&j, privkey_public(k->receive));
	jw_name(&j, "reply");
	jwk_write(&j, privkey_public(k->reply));
	jw_name(&j, "token");
	jwk_write(&j, privkey_public(k->token));
	jw_obj_end(&j);
}

void keys_derive(const struct keep_keys *k, const char *use, uint8_t out[static 32])
{
	hkdf_sha256((struct span){ k->storage.p, k->storage.n }, (struct span){ 0 }, span_of(use), out, 32);
}

enum coffer_rc keys_rest(const struct keep_keys *k, struct secret *out, struct err *e)
{
	TRY(secret_new(32, out, e));
	keys_derive(k, "coffer asset at rest v1", out->p);
	return COFFER_OK;
}
