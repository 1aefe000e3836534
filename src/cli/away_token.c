/* One request whose party token is signed on another machine: what goes there, and using it once it is back. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/away.h"
#include "crypto/jws.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "trust/reqtoken.h"
#include "trust/tosign.h"

enum coffer_rc token_to_sign(const struct asker *a, const char *method, const char *path, struct err *e)
{
	const char *file = cli_opt(a->h->cli, "to-sign");
	CLEANUP(to_sign_clear) struct to_sign t = { .what = TO_SIGN_TOKEN };
	CLEANUP(wr_close) struct wr w = wr_open(TO_SIGN_MAX);
	const struct token_for f = { privkey_public(a->key), a->h->party, method, path, service_keys(a->conn)->tls };
	char summary[256];

	t.env.payload = wr_open(REQTOKEN_MAX);
	TRY(party_token_input(&f, clock_now(), &t.env.payload, e));
	pubkey_thumbprint(f.key, t.keyid);
	(void)snprintf(summary, sizeof(summary), "%s %.200s, once", method, path);
	TRY(to_sign_write(&t, summary, &w, e));
	TRY(to_sign_put(file, wr_span(&w), e));
	(void)printf(a->h->cli->json ? "{\"to-sign\":\"%s\"}\n"
				     : "nothing is asked yet: within an hour run 'coffer sign %s' where the key is, bring %s.sig back and run this again\n"
				       "with --signed %s in place of --to-sign\n",
	    file, file, file);
	return COFFER_OK;
}

/* The file's token is for this very request, at this service. */
static enum coffer_rc check_request(const struct to_sign *t, const struct service_req *q, struct err *e)
{
	struct reqtoken said;

	if (t->what != TO_SIGN_TOKEN)
		return err_set(e, COFFER_E_INPUT, "--signed: it asks to sign a statement or an image, which 'coffer statement submit' takes");
	TRY(reqtoken_read(wr_span(&t->env.payload), t->keyid, &said, e));
	if (strcmp(said.method, q->method) != 0 || strcmp(said.path, q->path) != 0)
		return err_deny(e, "token", "what was signed is %s %s, and not this request", said.method, said.path);
	if ((uint64_t)clock_now() >= said.exp)
		return err_deny(e, "expired", "what was signed is good no longer; write it anew with --to-sign");
	return COFFER_OK;
}

enum coffer_rc token_signed(const struct home *h, const struct privkey *key, const struct service_req *q, struct wr *out, struct err *e)
{
	const char *file = cli_opt(h->cli, "signed");
	CLEANUP(freep) char *answer = str_fmt("%s.sig", file);
	CLEANUP(wr_close) struct wr text = { 0 }, sig = { 0 };
	CLEANUP(to_sign_clear) struct to_sign t = { 0 };
	struct detached d;

	if (!answer)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(file_read(file, TO_SIGN_MAX, &text, e));
	TRY(file_read(answer, 4096, &sig, e));
	if (to_sign_parse(wr_span(&text), &t, e) != COFFER_OK)
		return err_wrap(e, "%s", file);
	if (detached_parse(wr_span(&sig), &d, e) != COFFER_OK)
		return err_wrap(e, "%s", answer);
	TRY(check_request(&t, q, e));
	TRY(detached_check(&d, &t, privkey_public(key), e));
	wr_put(out, wr_span(&t.env.payload));
	wr_u8(out, '.');
	b64url_write(out, SPAN(d.sig));
	return wr_done(out, "party token", e);
}

enum coffer_rc token_text(const struct home *h, const struct to_sign *t, struct wr *out, struct err *e)
{
	char issued[CLOCK_TEXT_LEN], until[CLOCK_TEXT_LEN], tls[HEX32_LEN];
	struct reqtoken said;

	TRY(reqtoken_read(wr_span(&t->env.payload), t->keyid, &said, e));
	if (strcmp(said.iss, h->party) != 0)
		return err_deny(e, "issuer", "this is a request of %s; you are %s", said.iss, h->party);
	if ((uint64_t)clock_now() >= said.exp)
		return err_deny(e, "expired", "what is to be signed has expired already");
	if (said.exp > (uint64_t)clock_now() + 2 * (uint64_t)REQTOKEN_SECONDS)
		return err_deny(e, "expired", "it would begin to hold later; check the clocks of both machines");
	clock_text((int64_t)said.iat, issued);
	clock_text((int64_t)said.exp, until);
	hex32(said.tls, tls);
	wr_fmt(out, "one request of %s, once\n%s %s\nvalid    %s to %s\nat       the trust service whose TLS key is %s\n", said.iss,
	    strcmp(said.method, "DELETE") == 0 ? "DELETES " : "reads   ", said.path, issued, until, tls);
	return wr_done(out, "token", e);
}
