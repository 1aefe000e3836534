/* coffer init: a party's keys and its public description. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/home.h"
#include "cli/verbs.h"
#include "crypto/pem.h"
#include "fmt/json.h"
#include "os/file.h"

const struct opt_spec opts_init[] = {
	{ "party", "ID", "party id: [a-z0-9][a-z0-9-]{0,62}; the first segment of every path it owns", false, false },
	{ "persona", "NAME",
	    "workload-provider, image-provider, data-owner, end-user, infrastructure-operator, orchestration-operator, auditor",
	    true, false },
	{ "key", "URI", "sign with the key in a token: pkcs11:token=...;object=...?module-path=/...&pin-source=file:/...", false, false },
	{ "away", "PARTY.json", "make no keys: the party's are on another machine, which made this party.json", false, false },
	{ "reader", "DIR", "with --away: folder of another known party, which asks the service for what it shows to parties only", false, false },
	{ "key-type", "TYPE", "ed25519 (default) or p256", false, false },
	{ "recovery-key", "KEY", "recovery key, yours or of one you trust: FILE.pub of 'coffer party recovery-key', or pkcs11:... of a token; without any, who steals your key keeps it", true, false },
	{ "quorum", "K", "how many of the recovery keys decide together (default: all)", false, false },
	{ "hold-hours", "N", "how long a change by your signing key alone waits (default 72)", false, false },
	OPT_PASSPHRASE,
	{ "no-passphrase", NULL,
	    "store the private keys unencrypted; whoever reads the folder then is this party", false, false },
	{ NULL, NULL, NULL, false, false },
};

static enum coffer_rc personas(const struct cli *c, unsigned *out, struct err *e)
{
	const char *s;

	for (size_t i = 0; (s = cli_opt_at(c, "persona", i)) != NULL; i++) {
		unsigned bit;

		if (!persona_by_name(span_of(s), &bit))
			return cli_bad(e, "--persona %s: not a persona (see 'coffer init --help')", s);
		*out |= bit;
	}
	return COFFER_OK;
}

static enum coffer_rc write_key(const struct home *h, const char *name, const struct privkey *k, struct span pass, struct err *e)
{
	CLEANUP(wr_close) struct wr pem = wr_open(16u << 10);
	char path[600];

	TRY(pem_write_private(k, pass, &pem, e));
	TRY(home_file(h, name, path, sizeof(path), e));
	return file_write(path, wr_span(&pem), 0600, e);
}

static enum coffer_rc write_party(const struct home *h, const struct party *p, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(64u << 10);
	struct json_wr j = jw_open(&w, true);
	char path[600];

	party_write(p, &j);
	wr_str(&w, "\n");
	TRY(wr_done(&w, "party.json", e));
	TRY(home_file(h, "party.json", path, sizeof(path), e));
	return file_write(path, wr_span(&w), 0644, e);
}

static enum coffer_rc make_keys(struct cli *c, const struct home *h, enum key_kind kind, struct party *p, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *sign = NULL, *enc = NULL;
	CLEANUP(secret_free) struct secret pass = { 0 };

	if (h->key[0])
		TRY(home_token_key(h->key, &sign, e));
	else
		TRY(privkey_new(kind, &sign, e));
	if (!cli_flag(c, "no-passphrase"))
		TRY(passphrase_get(c, true, &pass, e));
	TRY(privkey_new(KEY_P256, &enc, e));
	p->keys[p->n_keys++] = *privkey_public(sign);
	p->has_encryption = true;
	p->encryption = *privkey_public(enc);
	TRY(file_mkdirs(h->dir, 0700, e));
	if (!h->key[0])
		TRY(write_key(h, "sign.pem", sign, (struct span){ pass.p, pass.n }, e));
	return write_key(h, "encrypt.pem", enc, (struct span){ pass.p, pass.n }, e);
}

static enum coffer_rc recovery_key(const char *where, struct pubkey *out, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *token = NULL;
	CLEANUP(wr_close) struct wr pem = { 0 };

	if (strncmp(where, "pkcs11:", 7) == 0) {
		TRY(home_token_key(where, &token, e));
		*out = *privkey_public(token);
		return COFFER_OK;
	}
	TRY(file_read(where, 16u << 10, &pem, e));
	return pem_read_public(wr_span(&pem), out, e) == COFFER_OK ? COFFER_OK : err_wrap(e, "%s", where);
}

static enum coffer_rc recovery_keys(const struct cli *c, struct party *p, struct err *e)
{
	const char *path, *k = cli_opt(c, "quorum"), *hold = cli_opt(c, "hold-hours");

	for (size_t i = 0; (path = cli_opt_at(c, "recovery-key", i)) != NULL; i++) {
		if (i == PARTY_KEYS_MAX)
			return cli_bad(e, "--recovery-key: at most %d", PARTY_KEYS_MAX);
		TRY(recovery_key(path, &p->recovery[i], e));
		for (size_t l = 0; l < i; l++)
			if (pubkey_eq(&p->recovery[l], &p->recovery[i]))
				return cli_bad(e, "--recovery-key %s: the same key as %s; each is another one, kept somewhere else", path, cli_opt_at(c, "recovery-key", l));
		p->n_recovery++;
	}
	p->quorum = p->n_recovery;
	if (k && (!span_u64(span_of(k), &p->quorum) || p->quorum < 1 || p->quorum > p->n_recovery))
		return cli_bad(e, "--quorum %s: a number from 1 to that of the recovery keys (%zu)", k, p->n_recovery);
	if (hold && (!span_u64(span_of(hold), &p->hold_hours) || p->hold_hours > 8760))
		return cli_bad(e, "--hold-hours %s: a number of hours, at most a year's", hold);
	if (hold && p->hold_hours == 0)
		(void)fprintf(stderr, "warning: with --hold-hours 0 whoever has the signing key replaces it at once, and nobody can cancel that before it counts\n");
	return COFFER_OK;
}

static void made(const struct cli *c, const struct home *h)
{
	if (c->json)
		(void)printf("{\"party\":\"%s\",\"file\":\"%s/party.json\"}\n", h->party, h->dir);
	else
		(void)printf("party %s made; give %s/party.json to those who found or join a genesis with you\n", h->party, h->dir);
}

static enum coffer_rc option_text(const struct cli *c, const char *name, char *out, size_t n, struct err *e)
{
	const char *s = cli_opt(c, name);

	if (s && (strlen(s) == 0 || strlen(s) >= n))
		return cli_bad(e, "--%s: empty or too long", name);
	(void)snprintf(out, n, "%s", s ? s : "");
	return COFFER_OK;
}

/* This machine knows the party and publishes for it; what is signed is signed elsewhere. */
static enum coffer_rc init_away(const struct cli *c, struct home *h, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr text = { 0 };
	const char *file = cli_opt(c, "away");
	struct party p;

	if (cli_opt(c, "party") || cli_opt(c, "persona") || cli_opt(c, "key") || cli_opt(c, "key-type") || cli_flag(c, "no-passphrase"))
		return cli_bad(e, "--away takes the party as it is: leave out --party, --persona, --key, --key-type and --no-passphrase");
	TRY(option_text(c, "reader", h->reader, sizeof(h->reader), e));
	TRY(file_read_arg(file, 64u << 10, &text, e));
	if (json_parse(wr_span(&text), 64u << 10, &doc, e) != COFFER_OK || party_read(json_root(doc), &p, e) != COFFER_OK)
		return err_wrap(e, "%s", file);
	(void)snprintf(h->party, sizeof(h->party), "%s", p.id);
	(void)snprintf(h->key, sizeof(h->key), KEY_AWAY);
	TRY(file_mkdirs(h->dir, 0700, e));
	TRY(write_party(h, &p, e));
	TRY(home_save(h, e));
	made(c, h);
	return COFFER_OK;
}

static enum coffer_rc check_options(const struct cli *c, struct err *e)
{
	const char *id = cli_opt(c, "party"), *type = cli_opt(c, "key-type");

	if (!id || !cli_opt(c, "persona"))
		return cli_bad(e, "--party and --persona are needed");
	if (!party_ok(span_of(id)))
		return cli_bad(e, "--party %s: a party id is [a-z0-9][a-z0-9-]{0,62}", id);
	if (type && strcmp(type, "p256") != 0 && strcmp(type, "ed25519") != 0)
		return cli_bad(e, "--key-type %s: ed25519 or p256", type);
	if (type && cli_opt(c, "key"))
		return cli_bad(e, "--key-type: the key in the token is of the type it is");
	if (cli_opt(c, "reader"))
		return cli_bad(e, "--reader goes with --away");
	return COFFER_OK;
}

enum coffer_rc cmd_init(struct cli *c, struct err *e)
{
	const char *id = cli_opt(c, "party"), *type = cli_opt(c, "key-type");
	enum key_kind kind = type && strcmp(type, "p256") == 0 ? KEY_P256 : KEY_ED25519;
	struct party p = { .hold_hours = 72 };
	struct home h = { .cli = c };
	char path[600];

	if (!cli_opt(c, "away"))
		TRY(check_options(c, e));
	TRY(personas(c, &p.personas, e));
	TRY(recovery_keys(c, &p, e));
	TRY(home_dir(c, h.dir, sizeof(h.dir), e));
	TRY(home_file(&h, "config.json", path, sizeof(path), e));
	if (file_exists(path))
		return err_set(
		    e, COFFER_E_INPUT, "%s is there already: this folder belongs to a party; its keys are not overwritten", path);
	if (cli_opt(c, "away"))
		return init_away(c, &h, e);
	TRY(option_text(c, "key", h.key, sizeof(h.key), e));
	(void)snprintf(p.id, sizeof(p.id), "%s", id);
	(void)snprintf(h.party, sizeof(h.party), "%s", id);
	TRY(make_keys(c, &h, kind, &p, e));
	TRY(write_party(&h, &p, e));
	TRY(home_save(&h, e)); /* last: a folder with config.json is complete */
	if (cli_flag(c, "no-passphrase"))
		(void)fprintf(stderr, "warning: the private keys in %s are not encrypted\n", h.dir);
	made(c, &h);
	return COFFER_OK;
}
