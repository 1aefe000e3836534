/* coffer service sign, show, check; status, token: the trust service as a party meets it. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/away.h"
#include "cli/home.h"
#include "cli/publish.h"
#include "cli/self.h"
#include "cli/verbs.h"
#include "crypto/cert.h"
#include "crypto/hash.h"
#include "crypto/pem.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "proto/rcar_json.h"

#define STATUS_MAX (64u << 10)

const struct opt_spec opts_service_sign[] = {
	{ "measurements", "FILE", "how its machine is launched: a list of launches, or a boot image's draft or 'coffer measure --json' that holds one", false, false },
	{ "tpm", "KEY", "the one TPM that may attest it: the certificate or the public key (file) of its endorsement key, or the SHA-256 of that public key", false, false },
	{ "chip", "HEX", "the one processor (snp, tdx) that may attest it, as its evidence names it", false, false },
	{ "new-tls", "HEX", "the service's TLS key is another than that of the statement in force: its fingerprint, as its operator told you ('tls' of the description)", false, false },
	{ "after", "SERIAL:ID", "where no statement of the service is in force: your last one, which this one takes the place of, as the refusal without this option names it", false, false },
	OPT_EXPIRES, OPT_TO_SIGN, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_token[] = {
	{ "method", "METHOD", "GET, POST or DELETE", false, true },
	{ "path", "PATH", "path of the request with its query, as /kbs/v0/resource/me/key/one", false, true },
	{ "body", "FILE", "the request's body ('-' = standard input)", false, false },
	OPT_PASSPHRASE,
	{ NULL, NULL, NULL, false, false },
};

const struct opt_spec opts_service_check[] = { OPT_SELF, { NULL, NULL, NULL, false, false } };

/* The provider knows the service by its descriptor, before any statement about it exists: the TLS key in the
 * descriptor is the one the first connection must show. */
static enum coffer_rc expect_key(void *arg, const uint8_t spki[static 32], struct err *e)
{
	const struct service *svc = arg;

	if (!span_eq((struct span){ spki, 32 }, SPAN(svc->tls)))
		return err_deny(e, "tls", "the server's TLS key is not the one in the descriptor");
	return COFFER_OK;
}

static enum coffer_rc post_first(
    const struct home *h, struct service *svc, const struct dsse *env, struct logged *l, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr text = wr_open(DSSE_ENVELOPE_MAX);
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(http_freep) struct http *conn = NULL;
	struct http_req q = { .method = "POST", .path = "/coffer/v0/statements", .content_type = "application/json" };
	struct json_wr j = jw_open(&text, false);
	struct http_opts o = { .tls = true, .check_peer = expect_key, .check_arg = svc };
	struct rcar_error no;
	struct http_url url;

	dsse_write(env, &j);
	TRY(wr_done(&text, "statement", e));
	TRY(http_url_parse(span_of(h->service), &url, e));
	o.host = url.host;
	o.port = url.port;
	TRY(http_new(&o, &conn, e));
	q.body = wr_span(&text);
	TRY(http_do(conn, &q, 64u << 10, &res, e));
	if (res.status != 200 && rcar_error_parse(wr_span(&res.body), &no))
		return err_deny(e, no.check[0] ? no.check : "service", "%s%s%s", no.reason, no.fix[0] ? "; " : "", no.fix);
	if (res.status != 200)
		return err_deny(e, "service", "the trust service answered %d without a reason", res.status);
	TRY(json_parse(wr_span(&res.body), 64u << 10, &doc, e));
	dsse_id(env, l->id);
	return json_need_u64(json_root(doc), "seq", "reply", &l->seq, e);
}

enum coffer_rc service_statement_post(const struct home *h, const struct dsse *env, struct logged *l, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct service svc;

	TRY(statement_parse(wr_span(&env->payload), &s, e));
	TRY(service_read(s.body, &svc, e));
	return post_first(h, &svc, env, l, e);
}

/* NULL: the service has no statement yet, and this is its first. */
static enum coffer_rc connect_if_any(const struct home *h, const uint8_t *tls, struct service_conn **out, struct err *e)
{
	enum coffer_rc rc = home_connect_to(h, tls, out, e);

	if (rc != COFFER_E_NOTFOUND)
		return rc;
	*e = (struct err){ 0 };
	return COFFER_OK;
}

/* Supersedes the one in force. */
static enum coffer_rc sign_again(const struct home *h, const struct privkey *key, struct service_conn *conn, const struct service *svc,
    struct span body, struct err *e)
{
	struct draft d = { .kind = ST_SERVICE, .body = body };

	draft_subject_name(&d, span_of(svc->id));
	TRY(expires_opt(h->cli, "expires", &d.expires, e));
	(void)fprintf(stderr, "approvals name a service by its statement: owners who named the one in force approve anew\n");
	return draft_out(h, key, conn, &d, e);
}

/* A list; or an object with one, as boot images are described. It replaces what the descriptor says. */
static enum coffer_rc measurements(const struct cli *c, struct service *svc, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const char *path = cli_opt(c, "measurements");
	const struct json *list;

	if (!path)
		return COFFER_OK;
	TRY(file_read_arg(path, 1u << 20, &text, e));
	TRY(json_parse(wr_span(&text), 1u << 20, &doc, e));
	if (json_get(json_root(doc), "platform")) { /* a single one, as 'coffer measure' says it */
		CLEANUP(wr_close) struct wr one = wr_open((1u << 20) + 2);

		wr_str(&one, "[");
		wr_put(&one, wr_span(&text));
		wr_str(&one, "]");
		json_freep(&doc);
		TRY(json_parse(wr_span(&one), (1u << 20) + 2, &doc, e));
	}
	list = json_type(json_root(doc)) == JSON_ARRAY ? json_root(doc) : json_get(json_root(doc), "launches");
	if (json_type(list) != JSON_ARRAY || json_len(list) < 1 || json_len(list) > SERVICE_LAUNCHES_MAX)
		return err_set(e, COFFER_E_INPUT, "--measurements %s: not 1 to %d launches", path, SERVICE_LAUNCHES_MAX);
	memset(svc->launch, 0, sizeof(svc->launch));
	if (launches_read(list, "service", svc->launch, &svc->n_launches, e) != COFFER_OK)
		return err_wrap(e, "--measurements %s", path);
	return COFFER_OK;
}

/* The public key alone counts: certificates are made anew, and write it in several ways. */
static enum coffer_rc key_digest(struct span file, uint8_t out[static 32], struct err *e)
{
	CLEANUP(certs_clear) struct cert_list certs = { 0 };
	CLEANUP(wr_close) struct wr der = wr_open(8u << 10);
	CLEANUP(vkey_freep) struct vkey *key = NULL;
	struct err no_cert = { 0 };

	if (certs_read(file, &certs, &no_cert) == COFFER_OK && certs.n == 1 && cert_key(certs.c[0])) {
		sha256(vkey_der(cert_key(certs.c[0])), out);
		return COFFER_OK;
	}
	if (certs.n > 0 || pem_public_der(file, &der, e) != COFFER_OK || vkey_spki(wr_span(&der), &key, e) != COFFER_OK)
		return err_set(e, COFFER_E_INPUT, "neither one certificate nor one public key of a kind that TPMs have");
	sha256(vkey_der(key), out);
	return COFFER_OK;
}

static enum coffer_rc named_tpm(const struct cli *c, struct service *svc, struct err *e)
{
	CLEANUP(wr_close) struct wr file = { 0 };
	const char *given = cli_opt(c, "tpm");

	if (!given)
		return COFFER_OK;
	svc->has_tpm = true;
	if (strlen(given) == 64 && hex_fixed(span_of(given), svc->tpm, sizeof(svc->tpm)))
		return COFFER_OK;
	TRY(file_read_arg(given, 64u << 10, &file, e));
	return key_digest(wr_span(&file), svc->tpm, e) == COFFER_OK ? COFFER_OK : err_wrap(e, "--tpm %s", given);
}

static enum coffer_rc named_chip(const struct cli *c, struct service *svc, struct err *e)
{
	const char *given = cli_opt(c, "chip");
	size_t n = given ? strlen(given) / 2 : 0;

	if (!given)
		return COFFER_OK;
	if (n == 0 || n > sizeof(svc->chip) || strlen(given) % 2 || !hex_fixed(span_of(given), svc->chip, n))
		return cli_bad(e, "--chip %.20s...: not the hex of a processor's id", given);
	svc->chip_n = n;
	return COFFER_OK;
}

/* Past the TLS key of the statement in force: by who it is that the description came from, the fingerprint is told again by another way. */
static enum coffer_rc given_tls(const struct cli *c, const struct service *svc, const uint8_t **out, struct err *e)
{
	const char *given = cli_opt(c, "new-tls");
	char here[HEX32_LEN];
	uint8_t key[32];

	if (!given)
		return COFFER_OK;
	if (strlen(given) != 64 || !hex_fixed(span_of(given), key, sizeof(key)))
		return cli_bad(e, "--new-tls %.20s: not the 64 hex digits of a TLS key's SHA-256", given);
	hex32(svc->tls, here);
	if (!span_eq(SPAN(key), SPAN(svc->tls)))
		return err_deny(e, "tls", "%s names the TLS key %s, not the one of --new-tls: ask the service's operator which it is", c->pos[0], here);
	*out = svc->tls;
	return COFFER_OK;
}

/* As every reader will: what goes with what. */
static enum coffer_rc reread(struct span body, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct service s;

	TRY(json_parse(body, DSSE_PAYLOAD_MAX, &doc, e));
	return service_read(json_root(doc), &s, e);
}

/* No statement of the service is in force, so that no client goes by one: what it has of its provider's it says itself, and a wrong word is refused by it. */
static enum coffer_rc after(const struct cli *c, struct statement *s, struct err *e)
{
	const char *given = cli_opt(c, "after"), *id = given ? strchr(given, ':') : NULL;

	if (!given)
		return COFFER_OK;
	if (!id || !span_u64((struct span){ (const uint8_t *)given, (size_t)(id - given) }, &s->serial) || s->serial < 1 || s->serial >= UINT32_MAX ||
	    strlen(id + 1) != 64 || !hex_fixed(span_of(id + 1), s->previous, sizeof(s->previous)))
		return cli_bad(e, "--after %.80s: not the serial and the id of a statement, as 7:0123...", given);
	s->serial++;
	return COFFER_OK;
}

static enum coffer_rc refused_first(const struct cli *c, enum coffer_rc rc, struct err *e)
{
	size_t n = strlen(e->msg);

	if (rc == COFFER_E_DENIED && strcmp(e->check, "serial") == 0 && !cli_opt(c, "after"))
		(void)snprintf(e->msg + n, sizeof(e->msg) - n, "; none of the service's statements is in force: say what is in brackets with --after");
	return rc;
}

enum coffer_rc cmd_service_sign(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 }, body = wr_open(DSSE_PAYLOAD_MAX), payload = wr_open(DSSE_PAYLOAD_MAX);
	CLEANUP(json_freep) struct json_doc *in = NULL, *doc = NULL;
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct statement s = { .kind = ST_SERVICE, .has_ledger = true, .issued = clock_now(), .serial = 1, .n_subjects = 1 };
	struct json_wr j = jw_open(&body, false);
	struct logged l = { .serial = 1 };
	enum coffer_rc rc;
	const uint8_t *new_tls = NULL;
	struct service svc;
	struct home h;

	TRY(home_load(c, &h, e));
	TRY(file_read_arg(c->pos[0], 64u << 10, &text, e));
	if (json_parse(wr_span(&text), 64u << 10, &in, e) != COFFER_OK || service_read(json_root(in), &svc, e) != COFFER_OK)
		return err_wrap(e, "%s", c->pos[0]);
	TRY(measurements(c, &svc, e));
	TRY(named_tpm(c, &svc, e));
	TRY(named_chip(c, &svc, e));
	TRY(given_tls(c, &svc, &new_tls, e));
	TRY(home_sign_key(c, &h, &key, e));
	TRY(connect_if_any(&h, new_tls, &conn, e));
	service_write(&svc, &j);
	TRY(wr_done(&body, "service", e));
	TRY(reread(wr_span(&body), e));
	if (conn && cli_opt(c, "after"))
		return cli_bad(e, "--after: a statement of the service is in force, and the one before is known");
	if (conn)
		return sign_again(&h, key, conn, &svc, wr_span(&body), e);
	TRY(json_parse(wr_span(&body), DSSE_PAYLOAD_MAX, &doc, e));
	s.body = json_root(doc);
	(void)snprintf(s.issuer, sizeof(s.issuer), "%s", h.party);
	memcpy(s.ledger, h.genesis, 32);
	s.subject[0].name = span_of(svc.id);
	sha256(s.subject[0].name, s.subject[0].sha256);
	s.expires = s.issued + 365LL * 86400;
	TRY(after(c, &s, e));
	l.serial = s.serial;
	TRY(expires_opt(c, "expires", &s.expires, e));
	TRY(statement_write(&s, &payload, e));
	TRY(dsse_new(wr_span(&payload), &env, e));
	if (to_sign_wanted(&h))
		return to_sign_out(&h, key, &env, e);
	TRY(dsse_sign(&env, key, e));
	rc = post_first(&h, &svc, &env, &l, e);
	if (rc != COFFER_OK)
		return refused_first(c, rc, e);
	logged_print(c, "service", &l);
	return COFFER_OK;
}

static void print_launch(const struct boot_launch *l)
{
	(void)printf("launched  %s, %s\n", l->platform, l->shape);
	for (size_t i = 0; i < l->n_regs; i++) {
		char hex[2 * sizeof(l->reg[i].v) + 1];

		hex_text((struct span){ l->reg[i].v, l->reg[i].n }, hex);
		(void)printf("          %-20s %s\n", l->reg[i].name, hex);
	}
}

/* Whose evidence alone counts, where the statement says it. */
static void print_named(const struct service *s)
{
	char hex[2 * sizeof(s->chip) + 1];

	hex_text(SPAN(s->tpm), hex);
	if (s->has_tpm)
		(void)printf("tpm       %s\n", hex);
	hex_text((struct span){ s->chip, s->chip_n }, hex);
	if (s->chip_n > 0)
		(void)printf("chip      %s\n", hex);
}

static void print_service(const struct service *s, const uint8_t id[static 32])
{
	char statement[HEX32_LEN], tls[HEX32_LEN];

	hex32(id, statement);
	hex32(s->tls, tls);
	(void)printf("service   %s\nstatement %s\ntls       %s\n", s->id, statement, tls);
	for (size_t i = 0; i < s->n_launches; i++)
		print_launch(&s->launch[i]);
	print_named(s);
	(void)printf(s->n_launches ? "attested  its statement says so; 'coffer service check' verifies it\n"
				   : "attested  no: root on the service's host can read what it keeps\n");
}

enum coffer_rc cmd_service_show(struct cli *c, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(DSSE_PAYLOAD_MAX);
	struct json_wr j = jw_open(&w, true);
	char statement[HEX32_LEN];
	struct home h;

	TRY(home_load(c, &h, e));
	TRY(home_connect(&h, &conn, e));
	if (!c->json) {
		print_service(service_keys(conn), service_id(conn));
		return COFFER_OK;
	}
	hex32(service_id(conn), statement);
	jw_obj(&j);
	jw_m_text(&j, "statement", statement);
	jw_name(&j, "service");
	service_write(service_keys(conn), &j);
	jw_obj_end(&j);
	TRY(wr_done(&w, "service", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

enum coffer_rc cmd_service_check(struct cli *c, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	char statement[HEX32_LEN];
	struct self_seen self;
	struct home h;

	TRY(home_load(c, &h, e));
	TRY(home_connect(&h, &conn, e));
	TRY(self_check(&h, true, conn, &self, e));
	hex32(self.statement, statement);
	if (c->json)
		(void)printf("{\"service\":\"%s\",\"service-statement\":\"%s\",\"attested\":true,\"platform\":\"%s\",\"emulated\":%s,\"machine\":\"%s\"}\n",
		    service_keys(conn)->id, statement, self.platform, self.emulated ? "true" : "false", self.machine);
	else
		(void)printf("%s, statement %s: %s (%s)\n", service_keys(conn)->id, statement, self_words(&self), self.platform);
	if (!c->json && self.machine[0])
		(void)printf("machine   %s\n", self.machine);
	return COFFER_OK;
}

/* As one object and nothing else; for people so that a terminal shows it and does nothing. */
static enum coffer_rc read_status(const struct cli *c, struct service_conn *conn, struct wr *out, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr text = wr_open(STATUS_MAX);
	struct json_wr j = jw_open(&text, false);
	struct service_req q = { .method = "GET", .path = "/coffer/v0/status" };

	TRY(service_call(conn, &q, STATUS_MAX, &res, e));
	if (json_parse(wr_span(&res.body), STATUS_MAX, &doc, e) != COFFER_OK)
		return err_wrap(e, "%s", q.path);
	jw_value(&j, json_root(doc));
	TRY(wr_done(&text, "status", e));
	if (c->json)
		wr_put(out, wr_span(&text));
	else
		text_plain(wr_span(&text), out);
	return wr_done(out, "status", e);
}

enum coffer_rc cmd_status(struct cli *c, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(wr_close) struct wr status = wr_open((size_t)4 * STATUS_MAX);
	char genesis[HEX32_LEN], svc[HEX32_LEN];
	struct home h;

	TRY(home_load(c, &h, e));
	TRY(home_connect(&h, &conn, e));
	TRY(read_status(c, conn, &status, e));
	hex32(h.genesis, genesis);
	hex32(service_id(conn), svc);
	if (c->json)
		(void)printf(
		    "{\"party\":\"%s\",\"genesis\":\"%s\",\"service\":\"%s\",\"service-statement\":\"%s\",\"status\":%.*s}\n",
		    h.party, genesis, service_keys(conn)->id, svc, (int)status.n, (const char *)status.p);
	else
		(void)printf("party     %s\ngenesis   %s\nservice   %s at %s, statement %s, keys checked up to the genesis\n"
			     "attested  %s\nstatus    %.*s\n",
		    h.party, genesis, service_keys(conn)->id, h.service, svc, service_keys(conn)->n_launches ?
		    "its statement says so; 'coffer service check' verifies it" : "no: root on the service's host can read what it keeps", (int)status.n, (const char *)status.p);
	return COFFER_OK;
}

/* A token is for one request that the service could get. */
static enum coffer_rc request_opts(const struct cli *c, struct err *e)
{
	static const char *const methods[] = { "GET", "POST", "DELETE" };
	const char *method = cli_opt(c, "method"), *path = cli_opt(c, "path");
	size_t i = 0;

	while (i < sizeof(methods) / sizeof(methods[0]) && strcmp(method, methods[i]) != 0)
		i++;
	if (i == sizeof(methods) / sizeof(methods[0]))
		return cli_bad(e, "--method %s: GET, POST or DELETE", method);
	return path[0] == '/' ? COFFER_OK : cli_bad(e, "--path %s: a path of the service with its query, as /coffer/v0/assets", path);
}

enum coffer_rc cmd_token(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr body = { 0 }, token = wr_open(8u << 10);
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	struct home h;

	TRY(request_opts(c, e));
	TRY(home_load(c, &h, e));
	if (cli_opt(c, "body"))
		TRY(file_read_arg(cli_opt(c, "body"), 16u << 20, &body, e));
	TRY(home_sign_key(c, &h, &key, e));
	TRY(party_token(key, h.party, cli_opt(c, "method"), cli_opt(c, "path"), wr_span(&body), clock_now(), &token, e));
	(void)printf(c->json ? "{\"token\":\"%.*s\"}\n" : "%.*s\n", (int)token.n, (const char *)token.p);
	return COFFER_OK;
}
