/* coffer party: joining a genesis that others founded. The newcomer asks, any known party introduces it. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/away.h"
#include "cli/home.h"
#include "cli/party_keys.h"
#include "cli/publish.h"
#include "cli/verbs.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "os/file.h"

const struct opt_spec opts_party_request[] = {
	{ "out", "FILE", "where to write the request (default request.json)", false, false },
	OPT_EXPIRES, OPT_TO_SIGN, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_party_admit[] = {
	{ "key", "THUMBPRINT", "the key that the newcomer told you, as its 'coffer party request' says it: admits no request with another", true, false },
	{ "yes", NULL, "do not ask on the terminal: you have compared the key with the newcomer", false, false },
	OPT_TO_SIGN, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

static enum coffer_rc read_party(const struct home *h, struct json_doc **out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	char path[600];

	TRY(home_file(h, "party.json", path, sizeof(path), e));
	TRY(file_read(path, 64u << 10, &text, e));
	if (json_parse(wr_span(&text), 64u << 10, out, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}

/* As 'coffer party show' names them. */
static void say_keys(const struct party *p, const char *before)
{
	for (size_t i = 0; i < p->n_keys; i++) {
		CLEANUP(wr_close) struct wr w = wr_open(64);
		uint8_t thumb[32];

		pubkey_thumbprint(&p->keys[i], thumb);
		b64url_write(&w, SPAN(thumb));
		(void)fprintf(stderr, "%s %.*s\n", before, (int)w.n, (const char *)w.p);
	}
}

enum coffer_rc cmd_party_request(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr payload = wr_open(DSSE_PAYLOAD_MAX);
	CLEANUP(json_freep) struct json_doc *body = NULL;
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct statement s = { .kind = ST_PARTY, .has_ledger = true, .issued = clock_now(), .serial = 1, .n_subjects = 1 };
	const char *out = cli_opt(c, "out") ? cli_opt(c, "out") : "request.json";
	struct party p;
	struct home h;

	TRY(home_load(c, &h, e));
	if (!h.has_genesis)
		return err_set(e, COFFER_E_NOTFOUND, "which genesis? Run 'coffer genesis use FILE --service URL' first");
	TRY(read_party(&h, &body, e));
	TRY(party_read(json_root(body), &p, e));
	TRY(home_sign_key(c, &h, &key, e));
	(void)snprintf(s.issuer, sizeof(s.issuer), "%s", h.party);
	memcpy(s.ledger, h.genesis, 32);
	s.expires = s.issued + 3650LL * 86400;
	TRY(expires_opt(c, "expires", &s.expires, e));
	s.subject[0].name = span_of(h.party);
	sha256(s.subject[0].name, s.subject[0].sha256);
	s.body = json_root(body);
	TRY(statement_write(&s, &payload, e));
	TRY(dsse_new(wr_span(&payload), &env, e));
	if (to_sign_wanted(&h))
		return to_sign_out(&h, key, &env, e);
	TRY(dsse_sign(&env, key, e));
	TRY(envelope_write(out, &env, e));
	say_keys(&p, "who admits it asks you whether this is yours: key");
	(void)printf(c->json ? "{\"party\":\"%s\",\"file\":\"%s\"}\n"
			     : "%s asks to join in %s; any known party admits it with 'coffer party admit'\n",
	    h.party, out);
	return COFFER_OK;
}

/* What the introducer vouches for: that this key is that party's. It gives the newcomer a namespace of its own and
 * nothing else. */
static enum coffer_rc check_request(const struct home *h, const struct dsse *env, struct party *out, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };

	TRY(statement_parse(wr_span(&env->payload), &s, e));
	if (s.kind != ST_PARTY || !s.has_ledger || !span_eq(SPAN(s.ledger), SPAN(h->genesis)))
		return err_deny(e, "party", "this is no party statement for the genesis that you follow: the newcomer follows that one ('coffer genesis use') and asks again with 'coffer party request'");
	TRY(party_read(s.body, out, e));
	if (!party_signed(out, env))
		return err_deny(e, "party", "the request is not signed by the key it names; the newcomer makes another with 'coffer party request'");
	return COFFER_OK;
}

static bool key_named(const struct cli *c, const struct pubkey *k)
{
	uint8_t thumb[32], named[32];
	const char *said;

	pubkey_thumbprint(k, thumb);
	for (size_t i = 0; (said = cli_opt_at(c, "key", i)); i++)
		if (key_thumb(said, named) && span_eq(SPAN(named), SPAN(thumb)))
			return true;
	return false;
}

/* Compared before anything is signed; where the key is elsewhere, who signs there is asked. */
static enum coffer_rc confirm_keys(const struct home *h, const struct party *p, struct err *e)
{
	const struct cli *c = h->cli;

	for (size_t i = 0; cli_opt(c, "key") && i < p->n_keys; i++)
		if (!key_named(c, &p->keys[i]))
			return err_deny(e, "key", "the request of %s names another key than --key: whoever made it is not who told you that", p->id);
	if (cli_opt(c, "key") || to_sign_wanted(h))
		return COFFER_OK;
	return home_confirm(c, "Have they said so?", "--key with the key that they told you", e);
}

enum coffer_rc cmd_party_admit(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	struct logged l = { .serial = 1 };
	char who[256];
	struct party p;
	struct home h;

	TRY(home_load(c, &h, e));
	TRY(file_read_arg(c->pos[0], DSSE_ENVELOPE_MAX, &text, e));
	if (dsse_parse(wr_span(&text), &env, e) != COFFER_OK)
		return err_wrap(e, "%s", c->pos[0]);
	TRY(check_request(&h, &env, &p, e));
	persona_names(p.personas, who, sizeof(who));
	(void)fprintf(stderr, "admitting %s (%s): it gets a namespace of its own and power over that alone\n", p.id, who);
	say_keys(&p, "ask them whether this is theirs: key");
	TRY(confirm_keys(&h, &p, e));
	TRY(home_sign_key(c, &h, &key, e));
	if (to_sign_wanted(&h))
		return to_sign_out(&h, key, &env, e);
	TRY(home_connect(&h, &conn, e));
	TRY(dsse_sign(&env, key, e));
	TRY(envelope_post(conn, &env, &l, e));
	logged_print(c, "party", &l);
	return COFFER_OK;
}
