#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/parent.h"
#include "crypto/hash.h"
#include "crypto/jwk.h"
#include "crypto/pem.h"
#include "crypto/x509.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "os/spawn.h"
#include "trust/statement.h"

#define OUTPUT_MAX (64u << 10)
#define PEM_MAX (16u << 10)
#define CERT_S (INT64_C(10) * 365 * 86400) /* seconds; clients check the key, not the dates */

enum coffer_rc program_find(const char *name, char *out, size_t n, struct err *e)
{
	const char *part = strchr(name, '-'); /* "-keep": the build has it in keep/ */
	char self[512];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *in[] = { "", "../libexec/coffer/", part ? part + 1 : "", "" };
	char *slash;

	if (len <= 0)
		return err_set(e, COFFER_E_SYSTEM, "where this program is cannot be told");
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < 3; i++) {
		if (snprintf(out, n, "%s/%s%s%s", self, in[i], i == 2 ? "/" : "", name) < (int)n && access(out, X_OK) == 0)
			return COFFER_OK;
	}
	return err_set(e, COFFER_E_NOTFOUND, "%s is neither beside cofferd nor in ../libexec/coffer", name);
}

/* ---- keep's keys ---- */

void keep_dir(const struct config *c, char out[static KEEP_DIR_MAX])
{
	(void)snprintf(out, KEEP_DIR_MAX, "%s/keep", c->state);
}

static enum coffer_rc keep_keys(const struct config *c, struct json_doc **out, struct err *e)
{
	CLEANUP(freep) char *output = NULL;
	char program[600], dir[KEEP_DIR_MAX], keys[KEEP_DIR_MAX + 16];
	int status = 0;

	TRY(program_find("cofferd-keep", program, sizeof(program), e));
	keep_dir(c, dir);
	TRY(file_mkdirs(dir, 0700, e));
	(void)snprintf(keys, sizeof(keys), "%s/keep.keys", dir);
	{
		const char *const argv[] = { program, file_exists(keys) ? "--public-keys" : "--make-keys", dir, NULL };
		const int fds[] = { -1, -1, -1 };
		const struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3, .die_with_parent = true };

		TRY(spawn_run(&s, OUTPUT_MAX, &output, &status, e));
	}
	if (status != 0)
		return err_set(e, COFFER_E_SYSTEM, "cofferd-keep: %s", output ? output : "it failed");
	if (json_parse(span_of(output), OUTPUT_MAX, out, e) != COFFER_OK)
		return err_wrap(e, "cofferd-keep's answer");
	return COFFER_OK;
}

/* keep does it, on its own folder, and says what it found. */
static enum coffer_rc have_keep(const struct config *c, const char *what, const char *with, const char *sorry, struct err *e)
{
	char program[600], dir[KEEP_DIR_MAX];
	const char *const argv[] = { program, what, with ? with : dir, with ? dir : NULL, NULL };
	const int fds[] = { -1, 1, 2 };
	const struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3, .die_with_parent = true };
	pid_t pid = -1;
	int status = 0;

	TRY(program_find("cofferd-keep", program, sizeof(program), e));
	keep_dir(c, dir);
	TRY(spawn_start(&s, &pid, e));
	TRY(spawn_wait(pid, &status, e));
	return status == 0 ? COFFER_OK : err_deny(e, "R12", "%s; cofferd-keep says why above", sorry);
}

enum coffer_rc accept_loss(const struct config *c, struct err *e)
{
	return have_keep(c, "--accept-loss", NULL, "nothing was accepted", e);
}

enum coffer_rc fsck(const struct config *c, bool repair, struct err *e)
{
	return have_keep(c, repair ? "--fsck-repair" : "--fsck", NULL, "the store is damaged, or in use", e);
}

enum coffer_rc prune_evidence(const struct config *c, const char *days, struct err *e)
{
	return have_keep(c, "--prune-evidence", days, "nothing was pruned: the store is in use, or damaged", e);
}

static enum coffer_rc keep_key(const struct json *v, const char *name, struct pubkey *out, struct err *e)
{
	const struct json *k = NULL;

	TRY(json_need_obj(v, name, "cofferd-keep's answer", &k, e));
	return jwk_read(k, name, out, e);
}

/* ---- the TLS key ---- */

static enum coffer_rc cert_make(const struct config *c, const struct privkey *k, const char *path, struct err *e)
{
	CLEANUP(wr_close) struct wr cert = wr_open(PEM_MAX);
	int64_t now = clock_now();
	char host[64];
	size_t n;

	(void)snprintf(host, sizeof(host), "%s", c->listen + (c->listen[0] == '['));
	n = strcspn(host, c->listen[0] == '[' ? "]" : ":");
	host[n] = '\0';
	TRY(x509_self_signed(k, host, now - 300, now + CERT_S, &cert, e));
	return file_write(path, wr_span(&cert), 0600, e);
}

static enum coffer_rc key_make(const char *path, struct privkey **out, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(wr_close) struct wr pem = wr_open(PEM_MAX);

	TRY(privkey_new(KEY_P256, &k, e));
	TRY(pem_write_private(k, (struct span){ 0 }, &pem, e)); /* net reads it without anybody at hand */
	TRY(file_write(path, wr_span(&pem), 0600, e));
	*out = MOVE(k);
	return COFFER_OK;
}

/* SHA-256 of the SubjectPublicKeyInfo: what is between the lines of the PEM. */
static enum coffer_rc spki_digest(const struct pubkey *k, uint8_t out[static 32], struct err *e)
{
	CLEANUP(wr_close) struct wr pem = wr_open(PEM_MAX), text = wr_open(PEM_MAX), der = wr_open(PEM_MAX);
	struct span in;

	TRY(pem_write_public(k, &pem, e));
	for (in = wr_span(&pem); in.n > 0;) {
		size_t end = span_find(in, '\n');

		if (in.p[0] != '-')
			wr_put(&text, (struct span){ in.p, end });
		in = span_skip(in, end + 1);
	}
	if (!wr_ok(&text) || !b64_read(wr_span(&text), &der) || der.n == 0)
		return err_set(e, COFFER_E_BUG, "the public key has no readable PEM");
	sha256(wr_span(&der), out);
	return COFFER_OK;
}

/* Keys were made before, then: a statement may name the TLS key. */
static bool has_store(const struct config *c)
{
	char dir[KEEP_DIR_MAX], db[KEEP_DIR_MAX + 16];

	keep_dir(c, dir);
	(void)snprintf(db, sizeof(db), "%s/keep.db", dir);
	return file_exists(db);
}

static enum coffer_rc key_load(const struct config *c, struct privkey **out, struct err *e)
{
	CLEANUP(wr_close) struct wr pem = wr_open(PEM_MAX);
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/tls.key", c->state);
	if (!file_exists(path))
		return err_set(e, COFFER_E_NOTFOUND, has_store(c) ?
		    "%s is not there: put it back from a copy of the state folder, clients go by it. Where there is none, 'cofferd keygen' makes another and says what makes them go by that" :
		    "%s is not there; 'cofferd keygen' makes it", path);
	TRY(file_read(path, PEM_MAX, &pem, e));
	return pem_read_private(wr_span(&pem), (struct span){ 0 }, out, e) == COFFER_OK ? COFFER_OK : err_wrap(e, "%s", path);
}

enum coffer_rc tls_digest(const struct config *c, uint8_t spki[static 32], struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;

	TRY(key_load(c, &k, e));
	return spki_digest(privkey_public(k), spki, e);
}

/* A certificate that is missing is made of the key that is there: clients look at the key alone. again: these are not the first keys. */
static enum coffer_rc tls_key(const struct config *c, bool again, uint8_t spki[static 32], struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	char key_path[600], cert_path[600], hex[HEX32_LEN];
	bool there;

	(void)snprintf(key_path, sizeof(key_path), "%s/tls.key", c->state);
	(void)snprintf(cert_path, sizeof(cert_path), "%s/tls.pem", c->state);
	there = file_exists(key_path);
	TRY(there ? key_load(c, &k, e) : key_make(key_path, &k, e));
	if (!there || !file_exists(cert_path))
		TRY(cert_make(c, k, cert_path, e));
	TRY(spki_digest(privkey_public(k), spki, e));
	hex32(spki, hex);
	if (!there && again)
		(void)fprintf(stderr, "cofferd: a new TLS key, which no client goes by until a Workload Provider signs it, told of it by you:\n"
		    "  coffer service sign service.json --new-tls %s\n", hex);
	return COFFER_OK;
}

enum coffer_rc keygen(const struct config *c, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(OUTPUT_MAX);
	bool again = has_store(c);
	struct service s = { 0 };
	struct json_wr j;

	if (c->id[0] == '\0')
		return err_set(e, COFFER_E_INPUT, "the configuration has no id");
	TRY(file_mkdirs(c->state, 0700, e));
	TRY(keep_keys(c, &doc, e));
	(void)snprintf(s.id, sizeof(s.id), "%s", c->id);
	TRY(keep_key(json_root(doc), "receive", &s.receive, e));
	TRY(keep_key(json_root(doc), "reply", &s.reply, e));
	TRY(keep_key(json_root(doc), "token", &s.token, e));
	TRY(keep_key(json_root(doc), "ledger-key", &s.ledger_key, e));
	TRY(tls_key(c, again, s.tls, e));
	j = jw_open(&w, false);
	service_write(&s, &j);
	TRY(wr_done(&w, "service description", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}
