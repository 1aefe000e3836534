/* coffer ledger watch: the ledger looked at again and again, and whatever of it concerns this party told as it comes. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/entry_text.h"
#include "cli/opened.h"
#include "cli/verbs.h"
#include "fmt/enc.h"

#define EVERY_DEFAULT 60
#define EVERY_MAX 86400

const struct opt_spec opts_ledger_watch[] = {
	{ "every", "S", "seconds between looks (default: 60)", false, false },
	{ "count", "N", "looks, then the end (default: until a signal)", false, false },
	OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

struct watch {
	struct privkey *key;    /* once asked for */
	int             signal;
	int64_t         every;  /* ms */
	uint64_t        left;   /* looks; UINT64_MAX: no end */
	uint64_t        from;   /* entries told already */
	bool            json;
};

static void watch_end(struct watch *w)
{
	privkey_free(w->key);
	closep(&w->signal);
}

static enum coffer_rc read_options(const struct cli *c, struct watch *w, struct err *e)
{
	const char *every = cli_opt(c, "every"), *count = cli_opt(c, "count");
	uint64_t s = EVERY_DEFAULT;

	if (every && (!span_u64(span_of(every), &s) || s == 0 || s > EVERY_MAX))
		return cli_bad(e, "--every %s: not 1 to %d seconds", every, EVERY_MAX);
	w->every = (int64_t)s * 1000;
	w->left = UINT64_MAX;
	if (count && (!span_u64(span_of(count), &w->left) || w->left == 0))
		return cli_bad(e, "--count %s: a number from 1", count);
	w->json = c->json;
	return COFFER_OK;
}

static enum coffer_rc catch_signals(struct watch *w, struct err *e)
{
	sigset_t s;

	(void)sigemptyset(&s);
	(void)sigaddset(&s, SIGINT);
	(void)sigaddset(&s, SIGTERM);
	w->signal = sigprocmask(SIG_BLOCK, &s, NULL) == 0 ? signalfd(-1, &s, SFD_CLOEXEC) : -1;
	return w->signal >= 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "signals: %s", strerror(errno));
}

static enum coffer_rc tell(struct ledger *l, uint64_t index, struct span opening, void *arg, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(ENTRY_TEXT_MAX);
	const struct watch *w = arg;
	struct leaf_opening o;

	(void)l;
	if (!leaf_opening_read(opening, &o))
		return err_set(e, COFFER_E_BUG, "ledger: an opening changed");
	if (w->json) {
		(void)printf("{\"index\":%llu,\"record\":%.*s}\n", (unsigned long long)index, (int)o.record.n, (const char *)o.record.p);
		return COFFER_OK;
	}
	TRY(entry_text(index, o.record, &text, e));
	(void)fwrite(text.p, 1, text.n, stdout);
	return COFFER_OK;
}

static enum coffer_rc look(struct cli *c, struct watch *w, struct err *e)
{
	CLEANUP(ledger_end) struct ledger l = { 0 };
	uint64_t before = 0;
	char root[HEX32_LEN];

	TRY(ledger_open(c, &l, e));
	TRY(ledger_follow(&l, &before, e));
	if (!w->key)
		TRY(home_sign_key(c, &l.h, &w->key, e));
	TRY(opened_from(&l, w->key, w->from, tell, w, e));
	hex32(l.seen.cp.head.root.b, root);
	if (l.seen.cp.head.size != w->from && !w->json)
		(void)printf("%llu entries, root %s\n", (unsigned long long)l.seen.cp.head.size, root);
	w->from = l.seen.cp.head.size;
	return fflush(stdout) == 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "standard output: %s", strerror(errno));
}

/* Away is no news; a ledger that is refused is, and ends it. */
static enum coffer_rc bear(enum coffer_rc rc, struct err *e)
{
	if (rc != COFFER_E_UPSTREAM && rc != COFFER_E_LIMIT)
		return rc;
	(void)fprintf(stderr, "coffer ledger watch: %s; asking again\n", e->msg);
	*e = (struct err){ 0 };
	return COFFER_OK;
}

static bool told_to_end(const struct watch *w)
{
	struct pollfd p = { .fd = w->signal, .events = POLLIN };

	return poll(&p, 1, (int)w->every) > 0;
}

enum coffer_rc cmd_ledger_watch(struct cli *c, struct err *e)
{
	CLEANUP(watch_end) struct watch w = { .signal = -1 };

	TRY(read_options(c, &w, e));
	TRY(catch_signals(&w, e));
	for (;;) {
		TRY(bear(look(c, &w, e), e));
		if (w.left != UINT64_MAX && --w.left == 0)
			return COFFER_OK;
		if (told_to_end(&w))
			return COFFER_OK;
	}
}
