#include "cli/away.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/party_keys.h"
#include "cli/verbs.h"
#include "fmt/enc.h"
#include "image/sign.h"
#include "os/file.h"
#include "trust/chain.h"
#include "trust/tosign.h"

#define TEXT_MAX (4u << 20)

const struct opt_spec opts_sign[] = {
	{ "out", "FILE", "where to write the signature (default: the file's name and .sig)", false, false },
	{ "yes", NULL, "do not ask on the terminal", false, false },
	OPT_RECOVERY, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

bool to_sign_wanted(const struct home *h)
{
	return cli_opt(h->cli, "to-sign") != NULL;
}

/* ---- out ---- */

enum coffer_rc to_sign_put(const char *file, struct span text, struct err *e)
{
	static const char *const beside[] = { "sig", "sealed" };

	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		CLEANUP(freep) char *old = str_fmt("%s.%s", file, beside[i]);

		if (!old)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		if (unlink(old) != 0 && errno != ENOENT)
			return err_set(e, COFFER_E_SYSTEM, "%s belongs to what %s was before, and stays: %s", old, file, strerror(errno));
	}
	return file_write(file, text, 0644, e);
}

static enum coffer_rc write_file(const char *file, const struct to_sign *t, const char *summary, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(TO_SIGN_MAX);

	TRY(to_sign_write(t, summary, &w, e));
	return to_sign_put(file, wr_span(&w), e);
}

static enum coffer_rc write_request(const struct home *h, const struct to_sign *t, const char *summary, struct err *e)
{
	const char *file = cli_opt(h->cli, "to-sign");

	TRY(write_file(file, t, summary, e));
	(void)printf(h->cli->json ? "{\"to-sign\":\"%s\"}\n"
				  : "nothing is signed yet: run 'coffer sign %s' where the key is, bring the .sig back and run\n"
				    "'coffer statement submit %s %s.sig' here\n",
	    file, file, file);
	return COFFER_OK;
}

static enum coffer_rc copy_payload(struct span payload, struct to_sign *t, struct err *e)
{
	t->env.payload = wr_open(DSSE_PAYLOAD_MAX);
	wr_put(&t->env.payload, payload);
	return wr_done(&t->env.payload, "payload", e);
}

#define SUMMARY_MAX 256

static enum coffer_rc of_statement(const struct dsse *env, struct to_sign *t, char summary[static SUMMARY_MAX], struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };

	t->what = TO_SIGN_STATEMENT;
	TRY(statement_parse(wr_span(&env->payload), &s, e));
	TRY(copy_payload(wr_span(&env->payload), t, e));
	memcpy(t->env.sigs, env->sigs, sizeof(t->env.sigs));
	t->env.n_sigs = env->n_sigs;
	(void)snprintf(summary, SUMMARY_MAX, "%s statement of %s, serial %llu", statement_kind_name(s.kind), s.issuer,
	    (unsigned long long)s.serial);
	return COFFER_OK;
}

enum coffer_rc to_sign_out(const struct home *h, const struct privkey *key, const struct dsse *env, struct err *e)
{
	CLEANUP(to_sign_clear) struct to_sign t = { 0 };
	char summary[SUMMARY_MAX];

	TRY(of_statement(env, &t, summary, e));
	pubkey_thumbprint(privkey_public(key), t.keyid);
	return write_request(h, &t, summary, e);
}

#define ASK_NAME_MAX 600

static enum coffer_rc ask_name(const struct home *h, size_t i, char out[static ASK_NAME_MAX], struct err *e)
{
	const char *file = cli_opt(h->cli, "to-sign");
	int n = i == 0 ? snprintf(out, ASK_NAME_MAX, "%s", file) : snprintf(out, ASK_NAME_MAX, "%s.%zu", file, i + 1);

	return n > 0 && n < ASK_NAME_MAX ? COFFER_OK : cli_bad(e, "--to-sign: too long");
}

static void say_asked(const char *name, const uint8_t keyid[static 32])
{
	CLEANUP(wr_close) struct wr w = wr_open(64);

	b64url_write(&w, (struct span){ keyid, 32 });
	(void)printf("  coffer sign %s (key %.*s; a recovery key's holder adds --recovery KEY)\n", name, (int)w.n, (const char *)w.p);
}

static enum coffer_rc say_asks(const struct home *h, size_t n, const char *into, struct err *e)
{
	char name[ASK_NAME_MAX];

	(void)printf(h->cli->json ? "{\"to-sign\":[" : "bring the signatures back and run here\n  coffer statement submit");
	for (size_t i = 0; i < n; i++) {
		TRY(ask_name(h, i, name, e));
		if (h->cli->json)
			(void)printf("%s\"%s\"", i ? "," : "", name);
		else
			(void)printf(" %s %s.sig", name, name);
	}
	(void)printf(h->cli->json ? "]}\n" : "%s%s\n", into ? " --into " : "", into ? into : "");
	return COFFER_OK;
}

enum coffer_rc to_sign_each(const struct home *h, const struct privkey *const *key, size_t n, const struct dsse *env, const char *into,
    struct err *e)
{
	CLEANUP(to_sign_clear) struct to_sign t = { 0 };
	char summary[SUMMARY_MAX], name[ASK_NAME_MAX];

	TRY(of_statement(env, &t, summary, e));
	if (!h->cli->json)
		(void)printf("nothing is logged yet; where the keys are run\n");
	for (size_t i = 0; i < n; i++) {
		TRY(ask_name(h, i, name, e));
		pubkey_thumbprint(privkey_public(key[i]), t.keyid);
		TRY(write_file(name, &t, summary, e));
		if (!h->cli->json)
			say_asked(name, t.keyid);
	}
	return say_asks(h, n, into, e);
}

enum coffer_rc to_sign_image(const struct home *h, const struct privkey *key, const struct ref *ref, struct err *e)
{
	CLEANUP(to_sign_clear) struct to_sign t = { .what = TO_SIGN_IMAGE };
	CLEANUP(wr_close) struct wr payload = wr_open(SIGN_PAYLOAD_MAX);
	char name[REF_TEXT_MAX], summary[REF_TEXT_MAX + 16];
	struct ref r = *ref;

	r.has_digest = false;
	ref_text(&r, name);
	TRY(sign_payload_write(name, ref->digest, &payload, e));
	TRY(copy_payload(wr_span(&payload), &t, e));
	pubkey_thumbprint(privkey_public(key), t.keyid);
	(void)snprintf(summary, sizeof(summary), "image %s", name);
	return write_request(h, &t, summary, e);
}

/* ---- what it is ---- */

void text_plain(struct span s, struct wr *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' || (s.p[i] >= 0x20 && s.p[i] < 0x7f))
			wr_u8(out, s.p[i]);
		else
			wr_fmt(out, "\\x%02x", s.p[i]);
	}
}

/* As a JSON string: a line end in it stays inside. */
static void quoted(struct span s, struct wr *out)
{
	struct json_wr j = jw_open(out, false);

	jw_str(&j, s);
}

void subject_text(const struct statement *s, size_t i, struct wr *out)
{
	struct revocation r;
	struct err none = { 0 };

	quoted(revocation_read(s, &r, &none) == COFFER_OK && r.of_thing ? span_of(r.thing.text) : s->subject[i].name, out);
}

enum coffer_rc statement_text(const struct statement *s, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(TEXT_MAX);
	char id[HEX32_LEN], hex[HEX32_LEN], issued[CLOCK_TEXT_LEN], expires[CLOCK_TEXT_LEN];
	struct json_wr j = jw_open(&w, true);

	hex32(s->id, id);
	clock_text(s->issued, issued);
	clock_text(s->expires, expires);
	wr_fmt(&w, "%s statement %s\nissuer   %s\n", statement_kind_name(s->kind), id, s->issuer);
	if (s->has_ledger) {
		hex32(s->ledger, hex);
		wr_fmt(&w, "genesis  %s\n", hex);
	}
	wr_fmt(&w, "valid    %s to %s\nserial   %llu\n", issued, expires, (unsigned long long)s->serial);
	for (size_t i = 0; i < s->n_subjects; i++) {
		hex32(s->subject[i].sha256, hex);
		wr_str(&w, "about    ");
		subject_text(s, i, &w);
		wr_fmt(&w, "\n         sha256:%s\n", hex);
	}
	jw_value(&j, s->body);
	wr_str(&w, "\n");
	TRY(wr_done(&w, "statement", e));
	text_plain(wr_span(&w), out);
	return wr_done(out, "statement", e);
}

/* ---- coffer sign ---- */

static enum coffer_rc names_me(const struct home *h, const uint8_t keyid[static 32], const struct statement *s, struct err *e)
{
	CLEANUP(freep) struct genesis *g = calloc(1, sizeof(*g));
	const struct party *me;
	uint8_t thumb[32] = { 0 };

	if (!g)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(genesis_read(s, g, e));
	me = genesis_party(g, h->party);
	if (me)
		pubkey_thumbprint(&me->keys[0], thumb);
	if (!me || !span_eq(SPAN(thumb), (struct span){ keyid, 32 }))
		return err_deny(e, "genesis", "this genesis does not name %s with this key: do not sign", h->party);
	return COFFER_OK;
}

/* An asset of several parties: each signs what is said of it. */
static enum coffer_rc decides_too(const struct home *h, const struct statement *s, struct err *e)
{
	struct asset_body b;

	TRY(asset_read(s, &b, e));
	if (!asset_names(&b, h->party))
		return err_deny(e, "issuer", "this is a statement of %s about an asset of which %s does not decide: %s can name it with 'coffer asset seal --owner %s'", s->issuer, h->party,
		    s->issuer, h->party);
	return COFFER_OK;
}

/* A recovery key may be anybody's, and says of a party's keys alone what is to hold. */
enum coffer_rc sign_may_recover(const struct statement *s, struct err *e)
{
	if (clock_now() >= s->expires)
		return err_deny(e, "expired", "what is to be signed has expired already; who asks for it makes it anew");
	if (s->kind != ST_PARTY && s->kind != ST_REVOCATION)
		return err_deny(e, "recovery", "a recovery key signs statements about a party's keys and revocations alone; this is a %s statement",
		    statement_kind_name(s->kind));
	return COFFER_OK;
}

enum coffer_rc sign_may(const struct home *h, const struct signer *by, const struct statement *s, struct err *e)
{
	if (clock_now() >= s->expires)
		return err_deny(e, "expired", "what is to be signed has expired already; who asks for it makes it anew");
	if (h->has_genesis && s->has_ledger && !span_eq(SPAN(s->ledger), SPAN(h->genesis)))
		return err_deny(e, "ledger", "this statement is for another genesis than the one you follow ('coffer genesis show' says which)");
	if (s->kind == ST_GENESIS)
		return names_me(h, by->keyid, s, e);
	if (s->kind == ST_AMENDMENT)
		return COFFER_OK; /* whether this party founded it the service sees */
	if (s->kind == ST_PARTY && by->n_sigs > 0)
		return COFFER_OK;
	if (s->kind == ST_ASSET && strcmp(s->issuer, h->party) != 0)
		return decides_too(h, s, e);
	if (strcmp(s->issuer, h->party) != 0)
		return err_deny(e, "issuer", "this is a %s statement of %s, which that party alone signs; you are %s", statement_kind_name(s->kind), s->issuer, h->party);
	return COFFER_OK;
}

static enum coffer_rc show_statement(const struct home *h, const struct to_sign *t, struct wr *out, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };

	TRY(statement_parse(wr_span(&t->env.payload), &s, e));
	if (cli_opt(h->cli, "recovery"))
		TRY(sign_may_recover(&s, e));
	else
		TRY(sign_may(h, &(struct signer){ t->keyid, t->env.n_sigs }, &s, e));
	TRY(statement_text(&s, out, e));
	if (s.kind == ST_PARTY && strcmp(s.issuer, h->party) != 0 && !cli_opt(h->cli, "recovery"))
		wr_fmt(out, "you would introduce %s: vouch that this key is that party's\n", s.issuer);
	return wr_done(out, "statement", e);
}

static enum coffer_rc show_image(const struct to_sign *t, struct wr *out, struct err *e)
{
	CLEANUP(sign_payload_clear) struct sign_payload p = { 0 };
	CLEANUP(wr_close) struct wr name = wr_open((size_t)2 * TO_SIGN_IMAGE_MAX);
	char digest[REF_DIGEST_TEXT];

	TRY(sign_payload_parse(wr_span(&t->env.payload), &p, e));
	ref_digest_text(p.digest, digest);
	wr_str(out, "signature of an image\nimage    ");
	quoted(p.reference, &name);
	TRY(wr_done(&name, "reference", e));
	text_plain(wr_span(&name), out);
	wr_fmt(out, "\nmanifest %s\n", digest);
	return wr_done(out, "image", e);
}

static enum coffer_rc answer(const struct cli *c, const struct to_sign *t, const struct privkey *key, struct err *e)
{
	CLEANUP(freep) char *file = cli_opt(c, "out") ? str_fmt("%s", cli_opt(c, "out")) : str_fmt("%s.sig", c->pos[0]);
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct detached d;

	if (!file)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(detached_make(t, key, &d, e));
	TRY(detached_write(&d, &w, e));
	TRY(file_write(file, wr_span(&w), 0644, e));
	(void)printf(c->json ? "{\"signature\":\"%s\"}\n" : "signed; the signature is in %s\n", file);
	return COFFER_OK;
}

static bool is_asked(const struct to_sign *t, const struct pubkey *k)
{
	uint8_t thumb[32];

	pubkey_thumbprint(k, thumb);
	return span_eq(SPAN(thumb), SPAN(t->keyid));
}

static enum coffer_rc recovery_asked(const struct cli *c, const struct to_sign *t, struct privkey **out, struct err *e)
{
	CLEANUP(recovery_clear) struct recovery r = { 0 };

	TRY(recovery_read(c, &r, e));
	for (size_t i = 0; i < r.n; i++) {
		if (!is_asked(t, privkey_public(r.key[i])))
			continue;
		*out = MOVE(r.key[i]);
		return COFFER_OK;
	}
	return err_deny(e, "key", "another key is asked to sign this than the recovery keys given; name it with --recovery");
}

/* The key that the file asks: the present one of this folder, or the next one. */
static enum coffer_rc key_asked(const struct cli *c, const struct home *h, const struct to_sign *t, struct privkey **out, struct err *e)
{
	struct err none = { 0 };
	struct party me, next;

	if (cli_opt(c, "recovery"))
		return recovery_asked(c, t, out, e);
	TRY(home_party(h, &me, e));
	if (is_asked(t, &me.keys[0]))
		return home_sign_key(c, h, out, e);
	if (next_party_read(h, &next, &none) == COFFER_OK && is_asked(t, &next.keys[0]))
		return home_next_key(c, h, &next.keys[0], out, e);
	return err_deny(e, "key", "another key is asked to sign this than the one of %s; --home names another party's folder", h->dir);
}

enum coffer_rc cmd_sign(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 }, shown = wr_open(TEXT_MAX);
	CLEANUP(to_sign_clear) struct to_sign t = { 0 };
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	struct home h = { .cli = c };

	if (!cli_opt(c, "recovery")) /* who only keeps a recovery key is no party */
		TRY(home_load(c, &h, e));
	TRY(file_read_arg(c->pos[0], TO_SIGN_MAX, &text, e));
	if (to_sign_parse(wr_span(&text), &t, e) != COFFER_OK)
		return err_wrap(e, "%s", c->pos[0]);
	if (t.what == TO_SIGN_STATEMENT)
		TRY(show_statement(&h, &t, &shown, e));
	else if (cli_opt(c, "recovery"))
		return err_deny(e, "recovery", "a recovery key signs no images and no requests");
	else if (t.what == TO_SIGN_TOKEN)
		TRY(token_text(&h, &t, &shown, e));
	else
		TRY(show_image(&t, &shown, e));
	(void)fwrite(shown.p, 1, shown.n, stderr);
	TRY(key_asked(c, &h, &t, &key, e));
	TRY(home_confirm(c, "\nSign this?", NULL, e));
	return answer(c, &t, key, e);
}
