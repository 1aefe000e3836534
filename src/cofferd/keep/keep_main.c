/* The holder of keys and store. How it is started: proto/keep_config.h. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/keep.h"
#include "cofferd/keep/prune.h"
#include "cofferd/keep/serve.h"
#include "cofferd/keep/witnessed.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"
#include "crypto/jwe.h"
#include "os/ipc.h"
#include "os/sandbox.h"
#include "proto/self.h"

#define PRUNE_DAYS_MAX 36500

static int fail(const struct err *e)
{
	(void)fprintf(stderr, "cofferd-keep: %s\n", e->msg);
	return 1;
}

/* ---- --make-keys, --public-keys ---- */

static enum coffer_rc print_public(const struct keep_keys *k, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);

	keys_public(k, &w);
	TRY(wr_done(&w, "public keys", e));
	return printf("%.*s\n", (int)w.n, (const char *)w.p) > 0 && fflush(stdout) == 0 ? COFFER_OK
	       : err_set(e, COFFER_E_SYSTEM, "standard output: %s", strerror(errno));
}

static enum coffer_rc make_keys(const char *dir, struct err *e)
{
	CLEANUP(keys_clear) struct keep_keys k = { 0 };

	TRY(keys_new(&k, e));
	TRY(keep_found(&k, dir, e));
	return print_public(&k, e);
}

static enum coffer_rc show_keys(const char *dir, struct err *e)
{
	CLEANUP(keys_clear) struct keep_keys k = { 0 };

	TRY(keys_load(dir, &k, e));
	return print_public(&k, e);
}

static enum coffer_rc accept_loss(const char *dir, struct err *e)
{
	uint64_t from = 0, to = 0;

	TRY(keep_accept(dir, clock_now(), &from, &to, e));
	if (to > from)
		(void)printf("entries %llu to %llu are lost; ", (unsigned long long)from, (unsigned long long)to - 1);
	return printf("the loss is in the journal. What the lost entries revoked, deleted or replaced is in force again\n") > 0 &&
			       fflush(stdout) == 0
		       ? COFFER_OK
		       : err_set(e, COFFER_E_SYSTEM, "standard output: %s", strerror(errno));
}

static enum coffer_rc fsck(const char *dir, bool repair, struct err *e)
{
	struct fsck_found f = { 0 };

	TRY(keep_fsck(dir, repair, clock_now(), &f, e));
	if (f.mended)
		(void)printf("was damaged: %s\nmended: what the entries give of it was computed again from them\n", f.damage);
	return printf("%llu entries; everything holds\n", (unsigned long long)f.entries) > 0 && fflush(stdout) == 0
	    ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "standard output: %s", strerror(errno));
}

/* Days, so that no token of a session is good any longer whose evidence goes. */
static enum coffer_rc prune(const char *days, const char *dir, struct err *e)
{
	struct prune_found f = { 0 };
	int64_t now = clock_now();
	uint64_t n;

	if (!span_u64(span_of(days), &n) || n < 1 || n > PRUNE_DAYS_MAX)
		return err_set(e, COFFER_E_INPUT, "prune: %s is no number of days from 1 to %d", days, PRUNE_DAYS_MAX);
	TRY(keep_prune(dir, now - (int64_t)n * 86400, now, &f, e));
	(void)printf("evidence of %llu sessions pruned, %llu bytes are free for more; the journal has it\n", (unsigned long long)f.pruned,
	    (unsigned long long)f.bytes);
	if (f.left > 0)
		(void)printf("of %llu releases it stays: their owners have not fetched the receipts that long ago; they do with: coffer receipt get\n",
		    (unsigned long long)f.left);
	return fflush(stdout) == 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "standard output: %s", strerror(errno));
}

/* ---- --run ---- */

/* Libraries fetch algorithms, read configuration files and seed themselves at first use: all of it must have happened
 * before the door closes. */
static enum coffer_rc warm_up(struct err *e)
{
	CLEANUP(keys_clear) struct keep_keys k = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	uint8_t sig[SIG_LEN], buf[16] = { 0 }, tag[GCM_TAG], iv[GCM_IV] = { 0 };
	struct store *s = NULL;

	TRY(keys_new(&k, e));
	TRY(key_sign(k.reply, SPAN(buf), sig, e));
	if (!key_verify(privkey_public(k.reply), SPAN(buf), SPAN(sig)))
		return err_set(e, COFFER_E_BUG, "keep: a signature of ours does not verify");
	TRY(key_sign(k.ledger, SPAN(buf), sig, e));
	if (!key_verify(privkey_public(k.ledger), SPAN(buf), SPAN(sig)))
		return err_set(e, COFFER_E_BUG, "keep: a signature of ours does not verify");
	TRY(jwe_seal(privkey_public(k.receive), SPAN(buf), NULL, &w, e));
	TRY(gcm_seal(k.storage.p, iv, (struct span){ 0 }, SPAN(buf), buf, tag, e));
	TRY(store_make(STORE_MEMORY, &s, e));
	store_close(s);
	(void)clock_now();
	return COFFER_OK;
}

static enum coffer_rc read_config(struct wr *frame, struct keep_config *c, struct err *e)
{
	uint8_t tag = 0;

	TRY(ipc_recv(KEEP_FD_PARENT, KEEP_CONFIG_MAX, &tag, frame, e));
	if (tag != KEEP_CONFIG)
		return err_set(e, COFFER_E_INPUT, "keep: the parent sent message %u, not the configuration", (unsigned)tag);
	return keep_config_read(wr_span(frame), c, e);
}

static enum coffer_rc start(const struct keep_config *c, struct keep *k, struct err *e)
{
	CLEANUP(freep) char *dir = span_dup(c->state_dir);
	CLEANUP(keys_clear) struct keep_keys keys = { 0 };

	if (!dir)
		return err_set(e, COFFER_E_SYSTEM, "keep: out of memory");
	TRY(keep_look(dir, e));
	TRY(warm_up(e));
	TRY(sandbox_enter_keep(dir, e));
	TRY(keys_load(dir, &keys, e));
	TRY(keep_open(dir, &keys, c, clock_now(), k, e));
	k->eval = KEEP_FD_EVAL;
	return COFFER_OK;
}

static enum coffer_rc configure(struct keep *k, struct err *e)
{
	CLEANUP(wr_close) struct wr frame = { 0 };
	struct keep_config c = { 0 };
	enum coffer_rc rc;

	TRY(read_config(&frame, &c, e));
	rc = start(&c, k, e);
	dsse_clear(&c.genesis);
	return rc;
}

static enum coffer_rc serve(struct keep *k, struct err *e)
{
	CLEANUP(serve_close) struct serve s = { 0 };
	bool go = true;

	serve_open(&s, k, KEEP_FD_NET, KEEP_FD_PARENT);
	while (go)
		TRY(serve_round(&s, &go, e));
	return COFFER_OK;
}

/* Which keys the machine may vouch for: those of this process, and no others that anybody names. */
static void say_self(const struct keep *k, struct wr *w)
{
	struct service s = { .receive = *privkey_public(k->keys.receive), .reply = *privkey_public(k->keys.reply),
		.token = *privkey_public(k->keys.token), .ledger_key = *privkey_public(k->keys.ledger) };
	uint8_t binding[KEEP_READY_SELF] = { 0 };

	memcpy(s.id, k->id, sizeof(s.id));
	memcpy(s.tls, k->tls, sizeof(s.tls));
	if (k->id[0])
		self_binding(k->genesis, &s, binding);
	wr_put(w, SPAN(binding));
}

static int run(void)
{
	CLEANUP(keep_close) struct keep k = { 0 };
	CLEANUP(wr_close) struct wr ready = wr_open(KEEP_READY_MAX);
	struct err e = { 0 }, ignore = { 0 };
	enum coffer_rc rc = configure(&k, &e);

	if (rc == COFFER_OK) {
		say_self(&k, &ready);
		rc = witnessed_addresses(&k, &ready, &e);
	}
	if (rc != COFFER_OK) {
		if (ipc_send(KEEP_FD_PARENT, (uint8_t)rc, span_of(e.msg), &ignore) == COFFER_OK)
			return 1; /* who started it says it */
		return fail(&e);
	}
	if (ipc_send(KEEP_FD_PARENT, COFFER_OK, wr_span(&ready), &e) != COFFER_OK)
		return fail(&e);
	return serve(&k, &e) == COFFER_OK ? 0 : fail(&e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };

	if (argc == 2 && strcmp(argv[1], "--run") == 0)
		return run();
	if (argc == 3 && strcmp(argv[1], "--make-keys") == 0)
		return make_keys(argv[2], &e) == COFFER_OK ? 0 : fail(&e);
	if (argc == 3 && strcmp(argv[1], "--public-keys") == 0)
		return show_keys(argv[2], &e) == COFFER_OK ? 0 : fail(&e);
	if (argc == 3 && strcmp(argv[1], "--accept-loss") == 0)
		return accept_loss(argv[2], &e) == COFFER_OK ? 0 : fail(&e);
	if (argc == 3 && (strcmp(argv[1], "--fsck") == 0 || strcmp(argv[1], "--fsck-repair") == 0))
		return fsck(argv[2], strcmp(argv[1], "--fsck-repair") == 0, &e) == COFFER_OK ? 0 : fail(&e);
	if (argc == 4 && strcmp(argv[1], "--prune-evidence") == 0)
		return prune(argv[2], argv[3], &e) == COFFER_OK ? 0 : fail(&e);
	(void)fprintf(stderr, "usage: cofferd-keep --make-keys DIR | --public-keys DIR | --accept-loss DIR | --fsck DIR | --fsck-repair DIR |\n"
	                      "       --prune-evidence DAYS DIR | --run\n"
	                      "It is started by cofferd.\n");
	return 2;
}
