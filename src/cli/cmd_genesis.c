/* coffer genesis: the one statement that every founder signs. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/away.h"
#include "cli/genesis.h"
#include "cli/home.h"
#include "cli/publish.h"
#include "cli/verbs.h"
#include "crypto/hash.h"
#include "crypto/jwk.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "trust/chain.h"
#include "trust/dsse.h"
#include "trust/witnesses.h"

#define FILE_MAX (1u << 20)

const struct opt_spec opts_genesis_new[] = {
	{ "origin", "NAME", "the ledger's name, as example.org/ledger", false, true },
	{ "service", "FILE",
	    "service descriptor printed by 'cofferd keygen' (its ledger key is named in the genesis)", false, true },
	{ "out", "FILE", "where to write the unsigned genesis (default genesis.json)", false, false },
	{ "expires", "TIME", "end of validity (default: ten years from now)", false, false },
	{ "vendor-root", "V=FILE,...", "certificates that the founders trust for hardware, beside the pinned ones: amd, intel or tpm; of arm a JSON list of CCA platforms' keys", false, false },
	OPT_POLICIES("those that ship with this program"),
	OPT_WITNESSES,
	{ NULL, NULL, NULL, false, false },
};
const struct opt_spec opts_genesis_sign[] = { OPT_TO_SIGN, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_genesis_use[] = {
	{ "service", "URL", "https://host:port of the trust service", false, true },
	{ NULL, NULL, NULL, false, false },
};

static enum coffer_rc read_json_file(const char *path, struct json_doc **out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };

	TRY(file_read_arg(path, FILE_MAX, &text, e));
	if (json_parse(wr_span(&text), FILE_MAX, out, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}

static enum coffer_rc add_party(const char *path, struct json_wr *j, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct party p;

	TRY(read_json_file(path, &doc, e));
	if (party_read(json_root(doc), &p, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	party_write(&p, j);
	return COFFER_OK;
}

enum coffer_rc genesis_witnesses(const struct cli *c, struct json_wr *j, struct err *e)
{
	const char *k = cli_opt(c, "cosignatures");
	uint64_t n = 0, want = 0;

	jw_name(j, "witnesses");
	jw_arr(j);
	for (; cli_opt_at(c, "witness", (size_t)n); n++) {
		struct genesis_witness w;
		struct http_url url;

		if (witness_arg(cli_opt_at(c, "witness", (size_t)n), &w, e) != COFFER_OK)
			return cli_bad(e, "--witness %s: %s", cli_opt_at(c, "witness", (size_t)n), e->msg);
		if (http_url_parse(span_of(w.url), &url, e) != COFFER_OK)
			return cli_bad(e, "--witness %s: %s", w.url, e->msg);
		witness_write(&w, j);
	}
	jw_arr_end(j);
	want = n;
	if (k && (!span_u64(span_of(k), &want) || want > n || (want == 0 && n > 0)))
		return cli_bad(e, "--cosignatures %s: a number from 1 to that of the witnesses named with --witness, %llu", k,
		    (unsigned long long)n);
	if (n > 0 && 2 * want <= n)
		(void)fprintf(stderr, "warning: %llu of %llu witnesses: two histories could find that many each; more than half of them cannot be split\n",
		    (unsigned long long)want, (unsigned long long)n);
	jw_m_u64(j, "cosignatures", want);
	return COFFER_OK;
}

static enum coffer_rc policy_arg(struct span one, struct shipped *s, struct err *e)
{
	struct span digest = span_skip(one, span_find(one, '=') + (span_find(one, '=') < one.n));

	for (size_t i = 0; i < SHIPPED_N; i++)
		if (span_eq_str((struct span){ one.p, span_find(one, '=') }, shipped_name(i)) && !s->has[i] && digest.n == 64 && hex_fixed(digest, s->sha256[i], 32)) {
			s->has[i] = true;
			return COFFER_OK;
		}
	return cli_bad(e, "--policies: %.*s: not NAME=SHA256, once each, of release, attestation-cpu, attestation-gpu, attestation-switch and attestation-ppcie", (int)one.n,
	    (const char *)one.p);
}

enum coffer_rc genesis_policies(const char *list, struct json_wr *j, struct err *e)
{
	struct shipped s = { .has = { false } };
	struct span rest = span_of(list);

	if (strcmp(list, "shipped") == 0)
		s = shipped_here;
	while (strcmp(list, "shipped") != 0 && strcmp(list, "none") != 0 && (rest.n > 0 || !list[0])) {
		size_t n = span_find(rest, ',');

		TRY(policy_arg((struct span){ rest.p, n }, &s, e));
		rest = span_skip(rest, n + (n < rest.n));
	}
	jw_name(j, "policies");
	shipped_write(&s, j);
	return COFFER_OK;
}

static enum coffer_rc genesis_body(const struct cli *c, struct wr *w, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const char *file = cli_opt(c, "service");
	struct json_wr j = jw_open(w, false);
	struct service svc;

	TRY(read_json_file(file, &doc, e));
	if (service_read(json_root(doc), &svc, e) != COFFER_OK)
		return err_wrap(e, "%s", file);
	jw_obj(&j);
	jw_m_text(&j, "origin", cli_opt(c, "origin"));
	jw_name(&j, "ledger-key");
	jwk_write(&j, &svc.ledger_key);
	jw_name(&j, "parties");
	jw_arr(&j);
	for (size_t i = 0; i < c->n_pos; i++)
		TRY(add_party(c->pos[i], &j, e));
	jw_arr_end(&j);
	TRY(genesis_witnesses(c, &j, e));
	TRY(genesis_policies(cli_opt(c, "policies") ? cli_opt(c, "policies") : "shipped", &j, e));
	if (cli_opt(c, "vendor-root"))
		TRY(genesis_roots(cli_opt(c, "vendor-root"), &j, e));
	jw_obj_end(&j);
	return wr_done(w, "genesis", e);
}

enum coffer_rc genesis_envelope(const char *path, struct dsse *env, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };

	TRY(file_read_arg(path, DSSE_ENVELOPE_MAX, &text, e));
	if (dsse_parse(wr_span(&text), env, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}

/* Who joins later designates no service. */
static enum coffer_rc check_founders(const struct genesis *g, struct err *e)
{
	unsigned all = 0;

	for (size_t i = 0; i < g->n_parties; i++)
		all |= g->party[i].personas;
	if (!(all & PERSONA_WORKLOAD))
		return cli_bad(e, "none of these is a workload-provider, and only one that founds can designate the service: add the party.json of 'coffer init --persona workload-provider'");
	if (!(all & PERSONA_OWNER))
		(void)fprintf(stderr, "warning: none of these is a data-owner; one that comes later is introduced by 'coffer party admit'\n");
	return COFFER_OK;
}

enum coffer_rc cmd_genesis_new(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr body = wr_open(DSSE_PAYLOAD_MAX), payload = wr_open(DSSE_PAYLOAD_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement check = { 0 };
	const char *out = cli_opt(c, "out") ? cli_opt(c, "out") : "genesis.json";
	struct statement s = { .kind = ST_GENESIS, .issuer = "genesis", .issued = clock_now(), .serial = 1, .n_subjects = 1 };
	struct genesis g;
	char id[HEX32_LEN];

	if (file_exists(out))
		return err_set(e, COFFER_E_INPUT, "%s is there already; a genesis that others may have signed is not overwritten", out);
	s.expires = s.issued + 3650LL * 86400;
	if (cli_opt(c, "expires") && !clock_parse(span_of(cli_opt(c, "expires")), &s.expires))
		return cli_bad(e, "--expires: not a time like 2027-01-31T00:00:00Z");
	TRY(genesis_body(c, &body, e));
	TRY(json_parse(wr_span(&body), DSSE_PAYLOAD_MAX, &doc, e));
	s.body = json_root(doc);
	s.subject[0].name = span_of(cli_opt(c, "origin"));
	sha256(s.subject[0].name, s.subject[0].sha256);
	TRY(statement_write(&s, &payload, e));
	TRY(statement_parse(wr_span(&payload), &check, e)); /* what we write must be what we read */
	TRY(genesis_read(&check, &g, e));
	TRY(check_founders(&g, e));
	TRY(dsse_new(wr_span(&payload), &env, e));
	TRY(envelope_write(out, &env, e));
	hex32(check.id, id);
	if (c->json)
		(void)printf("{\"genesis\":\"%s\",\"file\":\"%s\"}\n", id, out);
	else
		(void)printf("genesis %s of %zu parties in %s; each of them signs it with 'coffer genesis sign %s'\n", id,
		    g.n_parties, out, out);
	return COFFER_OK;
}

enum coffer_rc cmd_genesis_sign(struct cli *c, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	const struct party *me;
	struct genesis g;
	struct home h;

	TRY(home_load(c, &h, e));
	TRY(genesis_envelope(c->pos[0], &env, e));
	TRY(statement_parse(wr_span(&env.payload), &s, e));
	if (s.kind == ST_AMENDMENT)
		return amendment_sign(&h, &env, &s, e);
	TRY(genesis_read(&s, &g, e));
	me = genesis_party(&g, h.party);
	if (!me)
		return err_deny(e, "genesis", "%s: party %s is not among the founders of this genesis; who joins later does by 'coffer party request'", c->pos[0], h.party);
	TRY(home_sign_key(c, &h, &key, e));
	if (!pubkey_eq(&me->keys[0], privkey_public(key)))
		return err_deny(
		    e, "genesis", "%s names another key for %s than the one in %s: do not sign", c->pos[0], h.party, h.dir);
	if (to_sign_wanted(&h))
		return to_sign_out(&h, key, &env, e);
	TRY(dsse_sign(&env, key, e));
	TRY(envelope_write(c->pos[0], &env, e));
	(void)printf(
	    c->json ? "{\"signed-by\":\"%s\",\"signatures\":%zu}\n" : "signed by %s; signatures now: %zu\n", h.party, env.n_sigs);
	return COFFER_OK;
}

/* By thumbprint (RFC 7638), which each party can compare with its own 'coffer genesis show'. */
static void show_key(const char *what, const struct pubkey *k)
{
	char hex[HEX32_LEN];
	uint8_t thumb[32];

	pubkey_thumbprint(k, thumb);
	hex32(thumb, hex);
	(void)printf("%-8s key %s\n", what, hex);
}

/* Who can take the party over, and how long that takes anybody else. */
static void show_recovery(const struct party *p)
{
	for (size_t i = 0; i < p->n_recovery; i++)
		show_key("  saves", &p->recovery[i]);
	if (p->n_recovery > 0)
		(void)printf("  %llu of these %zu recovery keys together; a change by the signing key alone waits %llu h\n", (unsigned long long)p->quorum,
		    p->n_recovery, (unsigned long long)p->hold_hours);
	else
		(void)printf("  no recovery keys; a change of keys waits %llu h\n", (unsigned long long)p->hold_hours);
}

void genesis_text(const struct genesis *g, const struct dsse *env)
{
	char id[HEX32_LEN], who[256];

	hex32(g->id, id);
	(void)printf("genesis  %s\norigin   %s\n", id, g->origin);
	show_key("ledger", &g->ledger_key);
	for (size_t i = 0; i < g->n_parties; i++) {
		persona_names(g->party[i].personas, who, sizeof(who));
		(void)printf("party    %-20s %-40s %s\n", g->party[i].id, who, !env ? "" : party_signed(&g->party[i], env) ? "signed" : "NOT SIGNED");
		for (size_t k = 0; k < g->party[i].n_keys; k++)
			show_key("  signs", &g->party[i].keys[k]);
		if (g->party[i].has_encryption)
			show_key("  reads", &g->party[i].encryption);
		show_recovery(&g->party[i]);
	}
	genesis_text_roots(g);
	genesis_text_policies(g);
}

void genesis_text_roots(const struct genesis *g)
{
	char id[HEX32_LEN];

	for (size_t i = 0; i < g->n_roots; i++) {
		uint8_t digest[32];

		sha256((struct span){ g->root[i].der, g->root[i].der_n }, digest);
		hex32(digest, id);
		(void)printf("trusts   %s hardware under \"%s\", %s %s\n", g->root[i].vendor, g->root[i].name,
		    g->root[i].anchors ? "list of keys" : "certificate", id);
	}
}

void genesis_text_policies(const struct genesis *g)
{
	for (size_t i = 0; i < SHIPPED_N; i++) {
		char hex[HEX32_LEN];

		if (!g->policies.has[i])
			continue;
		hex32(g->policies.sha256[i], hex);
		(void)printf("policy   %-18s %s %s\n", shipped_name(i), hex, shipped_same(&g->policies, &shipped_here, i) ? "as it ships with this program" : "NOT the one that ships with this program");
	}
}

void genesis_json_policies(const struct genesis *g, struct json_wr *j)
{
	jw_name(j, "policies");
	shipped_write(&g->policies, j);
}

void genesis_text_witnesses(const struct genesis *g)
{
	for (size_t i = 0; i < g->n_witnesses; i++)
		(void)printf("witness  %s+%08x at %s\n", g->witness[i].key.name, (unsigned)g->witness[i].key.id,
		    g->witness[i].url);
	if (g->n_witnesses > 0)
		(void)printf("         %llu of %zu must have signed before a secret leaves\n", (unsigned long long)g->cosignatures,
		    g->n_witnesses);
}

void genesis_json_roots(const struct genesis *g, struct json_wr *j)
{
	jw_name(j, "vendor-roots");
	jw_arr(j);
	for (size_t i = 0; i < g->n_roots; i++) {
		char id[HEX32_LEN];
		uint8_t digest[32];

		sha256((struct span){ g->root[i].der, g->root[i].der_n }, digest);
		hex32(digest, id);
		jw_obj(j);
		jw_m_text(j, "vendor", g->root[i].vendor);
		jw_m_text(j, "name", g->root[i].name);
		jw_m_text(j, "sha256", id);
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

static enum coffer_rc show_json(const struct genesis *g, const struct dsse *env, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(64u << 10);
	struct json_wr j = jw_open(&w, true);
	char id[HEX32_LEN];

	hex32(g->id, id);
	jw_obj(&j);
	jw_m_text(&j, "genesis", id);
	jw_m_text(&j, "origin", g->origin);
	jw_name(&j, "parties");
	jw_arr(&j);
	for (size_t i = 0; i < g->n_parties; i++) {
		jw_obj(&j);
		jw_m_text(&j, "id", g->party[i].id);
		jw_m_bool(&j, "signed", party_signed(&g->party[i], env));
		jw_obj_end(&j);
	}
	jw_arr_end(&j);
	genesis_json_roots(g, &j);
	genesis_json_policies(g, &j);
	jw_name(&j, "witnesses");
	jw_arr(&j);
	for (size_t i = 0; i < g->n_witnesses; i++)
		witness_write(&g->witness[i], &j);
	jw_arr_end(&j);
	jw_m_u64(&j, "cosignatures", g->cosignatures);
	jw_obj_end(&j);
	TRY(wr_done(&w, "genesis", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

enum coffer_rc cmd_genesis_show(struct cli *c, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	struct genesis g;

	if (c->n_pos == 0)
		return amendments_show(c, e);
	TRY(genesis_envelope(c->pos[0], &env, e));
	TRY(statement_parse(wr_span(&env.payload), &s, e));
	if (s.kind == ST_AMENDMENT)
		return cmd_statement_show(c, e);
	TRY(genesis_read(&s, &g, e));
	if (c->json)
		return show_json(&g, &env, e);
	genesis_text(&g, &env);
	genesis_text_witnesses(&g);
	return COFFER_OK;
}

enum coffer_rc cmd_genesis_use(struct cli *c, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	const char *url = cli_opt(c, "service");
	struct http_url parsed;
	struct genesis g;
	uint8_t id[32];
	char hex[HEX32_LEN];
	struct home h;

	TRY(home_load(c, &h, e));
	if (http_url_parse(span_of(url), &parsed, e) != COFFER_OK || !parsed.tls || strlen(url) >= sizeof(h.service))
		return cli_bad(e, "--service %s: an https:// URL of at most %zu bytes", url, sizeof(h.service) - 1);
	TRY(genesis_envelope(c->pos[0], &env, e));
	dsse_id(&env, id);
	TRY(chain_genesis(&env, id, &g, e));
	if (h.has_genesis && !span_eq(SPAN(h.genesis), SPAN(id)))
		return err_deny(e, "genesis", "%s already follows another genesis; one folder follows one: make another party's folder with 'coffer init --home DIR'", h.dir);
	h.has_genesis = true;
	memcpy(h.genesis, id, 32);
	(void)snprintf(h.service, sizeof(h.service), "%s", url);
	TRY(home_save(&h, e));
	hex32(id, hex);
	(void)printf(c->json ? "{\"genesis\":\"%s\"}\n" : "this party follows genesis %s\n", hex);
	return COFFER_OK;
}
