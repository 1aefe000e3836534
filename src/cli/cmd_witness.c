/* coffer witness: sees to it that a service shows everybody one ledger. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/home.h"
#include "cli/verbs.h"
#include "cli/witness.h"
#include "os/file.h"
#include "os/listen.h"
#include "trust/chain.h"
#include "trust/dsse.h"
#include "trust/witnesses.h"

#define TURN_MS 1000

const struct opt_spec opts_witness_init[] = {
	{ "name", "NAME", "the witness's name, as witness.example/one", false, true },
	OPT_PASSPHRASE,
	{ "no-passphrase", NULL, "store the private key unencrypted; whoever reads the folder then is this witness", false, false },
	{ NULL, NULL, NULL, false, false },
};
const struct opt_spec opts_witness_run[] = {
	{ "listen", "ADDR:PORT", "literal address and port (default 127.0.0.1:8460; TLS is a proxy's)", false, false },
	{ "genesis", "FILE", "signed genesis of a service whose ledger is witnessed", true, false },
	{ "log", "VKEY", "another log to witness, by its key: name+id+base64", true, false },
	OPT_PASSPHRASE,
	{ NULL, NULL, NULL, false, false },
};

enum coffer_rc cmd_witness_init(struct cli *c, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	CLEANUP(secret_free) struct secret pass = { 0 };
	CLEANUP(wr_close) struct wr vkey = wr_open(1024);
	const char *name = cli_opt(c, "name");
	struct note_key k;

	if (!note_name_ok(span_of(name)))
		return cli_bad(e, "--name %s: 1 to %d characters without blank and plus sign", name, NOTE_NAME_MAX);
	if (!cli_flag(c, "no-passphrase"))
		TRY(passphrase_get(c, true, &pass, e));
	TRY(privkey_new(KEY_ED25519, &key, e));
	TRY(witness_found(c->pos[0], span_of(name), (struct span){ pass.p, pass.n }, key, &k, e));
	note_vkey_write(&k, &vkey);
	TRY(wr_done(&vkey, "key", e));
	if (c->json)
		(void)printf("{\"witness\":\"%.*s\"}\n", (int)vkey.n, (const char *)vkey.p);
	else
		(void)printf("%.*s\n", (int)vkey.n, (const char *)vkey.p);
	return COFFER_OK;
}

static enum coffer_rc watch_genesis(struct witness *w, const char *path, struct err *e)
{
	CLEANUP(freep) struct genesis *g = calloc(1, sizeof(*g));
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(wr_close) struct wr text = { 0 };
	struct note_key log;
	uint8_t id[32];

	if (!g)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(file_read(path, DSSE_ENVELOPE_MAX, &text, e));
	if (dsse_parse(wr_span(&text), &env, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	dsse_id(&env, id);
	if (chain_genesis(&env, id, g, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	TRY(note_key_new(span_of(g->origin), NOTE_ED25519, &g->ledger_key, &log, e));
	return witness_watch(w, &log, e);
}

static enum coffer_rc watch_all(struct cli *c, struct witness *w, struct err *e)
{
	const char *s;

	for (size_t i = 0; (s = cli_opt_at(c, "genesis", i)) != NULL; i++)
		TRY(watch_genesis(w, s, e));
	for (size_t i = 0; (s = cli_opt_at(c, "log", i)) != NULL; i++) {
		struct note_key log;

		if (note_vkey_read(span_of(s), &log, e) != COFFER_OK)
			return cli_bad(e, "--log %s: %s", s, e->msg);
		TRY(witness_watch(w, &log, e));
	}
	return w->n > 0 ? COFFER_OK : cli_bad(e, "no log to witness: --genesis FILE or --log VKEY");
}

static enum coffer_rc signals(int *out, struct err *e)
{
	sigset_t s;

	(void)sigemptyset(&s);
	(void)sigaddset(&s, SIGTERM);
	(void)sigaddset(&s, SIGINT);
	*out = sigprocmask(SIG_BLOCK, &s, NULL) == 0 ? signalfd(-1, &s, SFD_CLOEXEC) : -1;
	return *out >= 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "signalfd: %s", strerror(errno));
}

static enum coffer_rc serve(struct http_serve *s, int sig, struct err *e)
{
	struct pollfd p[1 + HTTP_SERVE_CONNS_MAX + HTTP_SERVE_LISTENERS_MAX];

	for (;;) {
		size_t n = 1 + http_serve_poll(s, p + 1);

		p[0] = (struct pollfd){ .fd = sig, .events = POLLIN };
		if (poll(p, n, TURN_MS) < 0 && errno != EINTR)
			return err_set(e, COFFER_E_SYSTEM, "poll: %s", strerror(errno));
		if (p[0].revents)
			return COFFER_OK;
		http_serve_step(s);
	}
}

enum coffer_rc cmd_witness_run(struct cli *c, struct err *e)
{
	const char *where = cli_opt(c, "listen") ? cli_opt(c, "listen") : "127.0.0.1:8460";
	CLEANUP(witness_end) struct witness w = { .lock = -1 };
	CLEANUP(http_serve_closep) struct http_serve *s = NULL;
	CLEANUP(closep) int fd = -1, sig = -1;
	char address[80];

	TRY(witness_open(c, c->pos[0], &w, e));
	TRY(watch_all(c, &w, e));
	TRY(listen_on(where, &fd, e));
	TRY(listen_name(fd, address, sizeof(address), e));
	TRY(signals(&sig, e));
	TRY(http_serve_new(&fd, 1, &(struct http_serve_how){ witness_answer, &w }, &s, e));
	fd = -1;
	(void)printf("witness %s of %zu logs listening on http://%s\n", w.key.name, w.n, address);
	(void)fflush(stdout);
	return serve(s, sig, e);
}
