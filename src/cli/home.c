#include "cli/home.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "cli/head.h"
#include "fmt/enc.h"
#include "os/file.h"

#define CONFIG_MAX (64u << 10)
#define PASS_MAX 1024u

enum coffer_rc home_dir(const struct cli *c, char *out, size_t n, struct err *e)
{
	const char *dir = c->home ? c->home : getenv("COFFER_HOME");
	const char *user = getenv("HOME");
	int len;

	if (dir && *dir)
		len = snprintf(out, n, "%s", dir);
	else if (user && *user)
		len = snprintf(out, n, "%s/.config/coffer", user);
	else
		return cli_bad(e, "no folder for keys: give --home DIR or set COFFER_HOME");
	if (len < 0 || (size_t)len >= n)
		return err_set(e, COFFER_E_LIMIT, "the folder's name is too long");
	return COFFER_OK;
}

enum coffer_rc home_file(const struct home *h, const char *name, char *out, size_t n, struct err *e)
{
	int len = snprintf(out, n, "%s/%s", h->dir, name);

	if (len < 0 || (size_t)len >= n)
		return err_set(e, COFFER_E_LIMIT, "%s/%s: the name is too long", h->dir, name);
	return COFFER_OK;
}

static enum coffer_rc text_member(const struct json *v, const char *name, const char *path, char *out, size_t n, struct err *e)
{
	struct span s = json_str(json_get(v, name));

	if (!json_get(v, name))
		return COFFER_OK;
	if (s.n == 0 || s.n >= n)
		return err_set(e, COFFER_E_INPUT, "%s: \"%s\" is empty, too long or no text", path, name);
	memcpy(out, s.p, s.n);
	return COFFER_OK;
}

static enum coffer_rc read_config(const struct json *v, const char *path, struct home *h, struct err *e)
{
	static const char *const names[] = { "party", "genesis", "service", "key", "reader", "next-key", NULL };
	const struct json *g = json_get(v, "genesis"), *s = json_get(v, "service");
	struct span party;

	TRY(json_closed(v, names, path, e));
	TRY(json_need_str(v, "party", path, &party, e));
	if (!party_ok(party))
		return err_set(e, COFFER_E_INPUT, "%s: \"party\" is not a party id", path);
	memcpy(h->party, party.p, party.n);
	if (g) {
		h->has_genesis = hex_fixed(json_str(g), h->genesis, 32);
		if (!h->has_genesis)
			return err_set(e, COFFER_E_INPUT, "%s: \"genesis\" is not a SHA-256 in hex", path);
	}
	if (s) {
		struct span url = json_str(s);

		if (url.n == 0 || url.n >= sizeof(h->service))
			return err_set(e, COFFER_E_INPUT, "%s: \"service\" is not a URL", path);
		memcpy(h->service, url.p, url.n);
	}
	TRY(text_member(v, "key", path, h->key, sizeof(h->key), e));
	TRY(text_member(v, "next-key", path, h->next_key, sizeof(h->next_key), e));
	return text_member(v, "reader", path, h->reader, sizeof(h->reader), e);
}

enum coffer_rc home_load(const struct cli *c, struct home *out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct home h = { .cli = c };
	char path[600];

	TRY(home_dir(c, h.dir, sizeof(h.dir), e));
	TRY(home_file(&h, "config.json", path, sizeof(path), e));
	if (file_read(path, CONFIG_MAX, &text, e) != COFFER_OK)
		return e->rc != COFFER_E_NOTFOUND ? e->rc : err_set(e, COFFER_E_NOTFOUND,
		    "%s is not there: make this party first with 'coffer init' (or name its folder with --home)", path);
	if (json_parse(wr_span(&text), CONFIG_MAX, &doc, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	TRY(read_config(json_root(doc), path, &h, e));
	*out = h;
	return COFFER_OK;
}

enum coffer_rc home_save(const struct home *h, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(CONFIG_MAX);
	struct json_wr j = jw_open(&w, true);
	char hex[HEX32_LEN], path[600];

	jw_obj(&j);
	jw_m_text(&j, "party", h->party);
	if (h->has_genesis) {
		hex32(h->genesis, hex);
		jw_m_text(&j, "genesis", hex);
	}
	if (h->service[0])
		jw_m_text(&j, "service", h->service);
	if (h->key[0])
		jw_m_text(&j, "key", h->key);
	if (h->next_key[0])
		jw_m_text(&j, "next-key", h->next_key);
	if (h->reader[0])
		jw_m_text(&j, "reader", h->reader);
	jw_obj_end(&j);
	wr_str(&w, "\n");
	TRY(wr_done(&w, "config.json", e));
	TRY(home_file(h, "config.json", path, sizeof(path), e));
	return file_write(path, wr_span(&w), 0644, e);
}

/* Reads what is typed up to the end of the line; false: whoever types interrupted it. A signal waits until the terminal is as it was. */
static bool type_line(struct secret *line, size_t *n, int signals)
{
	struct pollfd p[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = signals, .events = POLLIN } };

	for (*n = 0; *n < line->n; ++*n) {
		while (poll(p, 2, -1) < 0 && errno == EINTR)
			continue;
		if (p[1].revents)
			return false;
		if (read(STDIN_FILENO, line->p + *n, 1) != 1 || line->p[*n] == '\n')
			break;
	}
	return true;
}

/* Reads one line from the terminal without echo, straight into locked memory. */
enum coffer_rc secret_ask(const char *prompt, const char *needs, struct secret *out, struct err *e)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	CLEANUP(secret_free) struct secret line = { 0 };
	CLEANUP(closep) int signals = -1;
	struct termios old, quiet;
	sigset_t ends, before;
	size_t n = 0;
	bool whole;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &old) != 0)
		return cli_bad(e, "%s", needs);
	TRY(secret_new(PASS_MAX, &line, e));
	(void)sigemptyset(&ends);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		(void)sigaddset(&ends, ending[i]);
	(void)sigprocmask(SIG_BLOCK, &ends, &before);
	signals = signalfd(-1, &ends, SFD_CLOEXEC);
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	(void)fputs(prompt, stderr);
	whole = type_line(&line, &n, signals);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	(void)fputs("\n", stderr);
	(void)sigprocmask(SIG_SETMASK, &before, NULL); /* where one waits, this ends here */
	if (!whole)
		return err_set(e, COFFER_E_SYSTEM, "interrupted");
	if (n == 0)
		return err_set(e, COFFER_E_INPUT, "an empty line is refused");
	TRY(secret_new(n, out, e));
	memcpy(out->p, line.p, n);
	return COFFER_OK;
}

enum coffer_rc secret_first_line(const char *path, const char *what, struct secret *out, struct err *e)
{
	CLEANUP(secret_free) struct secret all = { 0 };
	struct span text;
	size_t n;

	if (file_read_secret(path, PASS_MAX, &all, e) != COFFER_OK)
		return err_wrap(e, "%s", what);
	text = (struct span){ all.p, all.n };
	n = span_find(text, '\n');
	if (n == 0)
		return err_set(e, COFFER_E_INPUT, "%s: the first line is empty; an empty %s is refused", path, what);
	TRY(secret_new(n, out, e));
	memcpy(out->p, text.p, n);
	return COFFER_OK;
}

static enum coffer_rc ask(const char *prompt, struct secret *out, struct err *e)
{
	return secret_ask(prompt, "a passphrase is needed: give --passphrase-file FILE or set COFFER_PASSPHRASE_FILE", out, e);
}

enum coffer_rc home_confirm(const struct cli *c, const char *question, const char *instead, struct err *e)
{
	char line[16] = "";

	if (cli_flag(c, "yes"))
		return COFFER_OK;
	if (!isatty(STDIN_FILENO))
		return cli_bad(e, "nobody is there to ask, and nothing was signed: read what is shown on a terminal, or give --yes once you have%s%s",
		    instead ? ", or " : "", instead ? instead : "");
	(void)fprintf(stderr, "%s Type yes: ", question);
	if (!fgets(line, sizeof(line), stdin) || strcmp(line, "yes\n") != 0)
		return err_deny(e, "shown", "not confirmed; nothing was signed");
	return COFFER_OK;
}

enum coffer_rc passphrase_get(const struct cli *c, bool fresh, struct secret *out, struct err *e)
{
	CLEANUP(secret_free) struct secret again = { 0 };
	const char *file = cli_opt(c, "passphrase-file");

	if (!file)
		file = getenv("COFFER_PASSPHRASE_FILE");
	if (file && *file)
		return secret_first_line(file, "passphrase", out, e);
	TRY(ask("passphrase: ", out, e));
	if (!fresh)
		return COFFER_OK;
	TRY(ask("passphrase again: ", &again, e));
	if (!ct_eq((struct span){ out->p, out->n }, (struct span){ again.p, again.n }))
		return err_set(e, COFFER_E_INPUT, "the two passphrases differ");
	return COFFER_OK;
}

/* Who mends it is not who reads it. */
static enum coffer_rc unreached(const struct home *h, struct err *e)
{
	char why[ERR_MSG_MAX];

	if (e->rc != COFFER_E_UPSTREAM)
		return e->rc;
	(void)snprintf(why, sizeof(why), "%s", e->msg);
	return err_set(e, COFFER_E_UPSTREAM, "%.1500s; the operator of the service starts it, or tells its address: 'coffer genesis use FILE --service URL' (now %s)", why, h->service);
}

enum coffer_rc home_connect_to(const struct home *h, const uint8_t *tls, struct service_conn **out, struct err *e)
{
	struct service_opts o = { .url = span_of(h->service), .now = clock_now(), .tls = tls };
	CLEANUP(service_closep) struct service_conn *c = NULL;

	if (!h->has_genesis || !h->service[0])
		return err_set(e, COFFER_E_NOTFOUND,
		    "%s names no genesis and service yet: run 'coffer genesis use FILE --service URL'", h->dir);
	memcpy(o.genesis, h->genesis, sizeof(o.genesis));
	if (service_open(&o, &c, e) != COFFER_OK)
		return unreached(h, e);
	TRY(head_look(h, c, e));
	*out = MOVE(c);
	return COFFER_OK;
}

enum coffer_rc home_connect(const struct home *h, struct service_conn **out, struct err *e)
{
	return home_connect_to(h, NULL, out, e);
}
