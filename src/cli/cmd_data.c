/* coffer data: sealed data files. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/home.h"
#include "cli/publish.h"
#include "cli/verbs.h"
#include "crypto/hash.h"
#include "os/file.h"
#include "trust/data_file.h"

const struct opt_spec opts_data_seal[] = {
	{ "asset", "PATH", "the data key's path, as kbs:///<you>/data-key/<name>", false, true },
	{ "key-out", "FILE", "where to write the fresh 32-byte data key (mode 0600; an existing file is refused)", false, true },
	{ "out", "FILE", "the sealed file (default: FILE.sealed)", false, false },
	{ "version", "N", "version the key will have as an asset (default: asked of the trust service)", false, false },
	OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_data_open[] = {
	{ "asset", "PATH", "the data key's path", false, true },
	{ "version", "N", "version of the key (default: the one that the file names)", false, false },
	{ "key-file", "FILE", "the 32-byte data key", false, true },
	{ "out", "FILE", "where to write the plain file", false, true },
	{ NULL, NULL, NULL, false, false } };

struct ends {
	int         in, out;
	const char *in_name, *out_name;
	char        tmp[1024]; /* the file under construction, beside its final name */
};

static const char *volatile unfinished; /* for whoever interrupts: removed, as after any other failure */

static void interrupted(int sig)
{
	const char *path = unfinished;

	if (path)
		(void)unlink(path);
	(void)raise(sig); /* its own action again, once this has returned */
}

static void on_interrupt(const char *path)
{
	const struct sigaction a = { .sa_handler = interrupted, .sa_flags = (int)SA_RESETHAND };

	unfinished = path;
	(void)sigaction(SIGINT, &a, NULL);
	(void)sigaction(SIGTERM, &a, NULL);
	(void)sigaction(SIGHUP, &a, NULL);
}

static void ends_close(struct ends *x)
{
	unfinished = NULL;
	closep(&x->in);
	closep(&x->out);
	if (x->tmp[0])
		(void)unlink(x->tmp);
}

static enum coffer_rc ends_open(struct ends *x, unsigned mode, struct err *e)
{
	if (file_exists(x->out_name))
		return err_set(e, COFFER_E_INPUT, "%s is there already; nothing is overwritten", x->out_name);
	x->in = open(x->in_name, O_RDONLY | O_CLOEXEC);
	if (x->in < 0)
		return err_set(e, errno == ENOENT ? COFFER_E_NOTFOUND : COFFER_E_SYSTEM, "%s: %s", x->in_name, strerror(errno));
	if (snprintf(x->tmp, sizeof(x->tmp), "%s.XXXXXX", x->out_name) >= (int)sizeof(x->tmp)) {
		x->tmp[0] = 0;
		return err_set(e, COFFER_E_LIMIT, "%s: the name is too long", x->out_name);
	}
	x->out = mkostemp(x->tmp, O_CLOEXEC);
	if (x->out >= 0)
		on_interrupt(x->tmp);
	if (x->out < 0) {
		x->tmp[0] = 0;
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", x->out_name, strerror(errno));
	}
	if (fchmod(x->out, mode) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", x->out_name, strerror(errno));
	return COFFER_OK;
}

/* Whole, on disk, under its own name: only now is there a file. */
static enum coffer_rc ends_commit(struct ends *x, struct err *e)
{
	if (fsync(x->out) != 0 || rename(x->tmp, x->out_name) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", x->out_name, strerror(errno));
	unfinished = NULL;
	x->tmp[0] = 0;
	return COFFER_OK;
}

static enum coffer_rc read_fd(void *arg, uint8_t *p, size_t cap, size_t *n, struct err *e)
{
	const struct ends *x = arg;
	ssize_t got;

	do
		got = read(x->in, p, cap);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", x->in_name, strerror(errno));
	*n = (size_t)got;
	return COFFER_OK;
}

static enum coffer_rc write_fd(void *arg, struct span s, struct err *e)
{
	const struct ends *x = arg;

	while (s.n) {
		ssize_t put = write(x->out, s.p, s.n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_set(e, COFFER_E_SYSTEM, "%s: %s", x->out_name, strerror(errno));
		s = span_skip(s, (size_t)put);
	}
	return COFFER_OK;
}

static enum coffer_rc version_opt(const struct cli *c, uint64_t *out, struct err *e)
{
	const char *s = cli_opt(c, "version");

	if (s && (!span_u64(span_of(s), out) || *out == 0))
		return cli_bad(e, "--version %s: a number from 1", s);
	return COFFER_OK;
}

static enum coffer_rc ask_version(const struct cli *c, const struct asset_path *p, uint64_t *out, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(asset_newest_clear) struct asset_newest last = { 0 };
	struct home h;

	TRY(home_load(c, &h, e));
	if (strcmp(p->owner, h.party) != 0)
		return err_deny(e, "owner", "%s belongs to %s; you are %s", p->text, p->owner, h.party);
	TRY(home_sign_key(c, &h, &key, e));
	if (home_connect(&h, &conn, e) != COFFER_OK)
		return err_wrap(e, "asking for the key's next version (or give --version)");
	TRY(asset_newest(&h, key, conn, p, &last, e));
	*out = last.version + 1;
	return COFFER_OK;
}

static enum coffer_rc file_size(const struct ends *x, uint64_t *out, struct err *e)
{
	struct stat st;

	if (fstat(x->in, &st) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", x->in_name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, COFFER_E_INPUT, "%s: not a regular file", x->in_name);
	*out = (uint64_t)st.st_size;
	return COFFER_OK;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

enum coffer_rc cmd_data_seal(struct cli *c, struct err *e)
{
	CLEANUP(freep) char *out_name = cli_opt(c, "out") ? str_fmt("%s", cli_opt(c, "out")) : str_fmt("%s.sealed", c->pos[0]);
	CLEANUP(secret_free) struct secret key = { 0 };
	CLEANUP(ends_close) struct ends x = { .in = -1, .out = -1, .in_name = c->pos[0], .out_name = out_name };
	struct data_io io = { read_fd, &x, write_fd, &x };
	const char *key_out = cli_opt(c, "key-out");
	struct data_header h = { 0 };

	if (!out_name)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (strcmp(key_out, out_name) == 0)
		return cli_bad(e, "--key-out and --out name the same file");
	if (file_exists(key_out))
		return err_set(e, COFFER_E_INPUT, "%s is there already; a data key is never overwritten", key_out);
	TRY(cli_arg(asset_path_parse(span_of(cli_opt(c, "asset")), &h.asset, e), e));
	TRY(version_opt(c, &h.version, e));
	if (h.version == 0)
		TRY(ask_version(c, &h.asset, &h.version, e));
	(void)snprintf(h.name, sizeof(h.name), "%s", base_name(c->pos[0]));
	TRY(ends_open(&x, 0644, e));
	TRY(file_size(&x, &h.size, e));
	TRY(secret_new(DATA_KEY_LEN, &key, e));
	random_bytes(key.p, key.n);
	TRY(data_file_seal(&h, key.p, &io, e));
	TRY(file_write(key_out, (struct span){ key.p, key.n }, 0600, e)); /* first the key: a file nobody can open helps no one */
	TRY(ends_commit(&x, e));
	if (c->json)
		(void)printf("{\"asset\":\"%s\",\"version\":%llu,\"bytes\":%llu}\n", h.asset.text, (unsigned long long)h.version,
		    (unsigned long long)h.size);
	else
		(void)printf("sealed %s (%llu bytes) in %s under version %llu of %s, which this key becomes when it is the next that is put: coffer asset put %s --type key --file %s\n", c->pos[0],
		    (unsigned long long)h.size, out_name, (unsigned long long)h.version, h.asset.text, h.asset.text, key_out);
	return COFFER_OK;
}

/* Of whoever has the key: that the file is what it says is checked with it. */
static enum coffer_rc named_version(const struct ends *x, uint64_t *out, struct err *e)
{
	uint8_t first[DATA_HEADER_MAX + 12];
	ssize_t n = pread(x->in, first, sizeof(first), 0);
	struct data_header h;
	size_t used = 0;

	if (n < 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", x->in_name, strerror(errno));
	TRY(data_header_parse((struct span){ first, (size_t)n }, &h, &used, e));
	*out = h.version;
	return COFFER_OK;
}

enum coffer_rc cmd_data_open(struct cli *c, struct err *e)
{
	CLEANUP(secret_free) struct secret key = { 0 };
	CLEANUP(ends_close) struct ends x = { .in = -1, .out = -1, .in_name = c->pos[0], .out_name = cli_opt(c, "out") };
	struct data_io io = { read_fd, &x, write_fd, &x };
	struct data_want want = { .version = 0 };
	struct data_header h;

	TRY(cli_arg(asset_path_parse(span_of(cli_opt(c, "asset")), &want.asset, e), e));
	TRY(version_opt(c, &want.version, e));
	TRY(file_read_secret(cli_opt(c, "key-file"), 1024, &key, e));
	if (key.n != DATA_KEY_LEN)
		return err_set(e, COFFER_E_INPUT, "%s: a data key is exactly %d bytes", cli_opt(c, "key-file"), DATA_KEY_LEN);
	TRY(ends_open(&x, 0600, e));
	if (want.version == 0)
		TRY(named_version(&x, &want.version, e));
	TRY(data_file_open(&want, key.p, &io, &h, e));
	TRY(ends_commit(&x, e));
	(void)printf(c->json ? "{\"asset\":\"%s\",\"bytes\":%llu}\n" : "opened a file under %s (%llu bytes)\n", h.asset.text,
	    (unsigned long long)h.size);
	return COFFER_OK;
}
