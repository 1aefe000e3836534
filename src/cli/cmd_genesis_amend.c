/* coffer genesis amend, post: what all founders say later about the witnesses of their ledger, about whom they trust for hardware, and about the policies that ship. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/away.h"
#include "cli/genesis.h"
#include "cli/publish.h"
#include "cli/verbs.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "trust/amend.h"
#include "trust/witnesses.h"

#define TEXT_MAX (4u << 20)
#define LOGGED_WITHIN (INT64_C(90) * 86400)

const struct opt_spec opts_genesis_amend[] = {
	OPT_WITNESSES,
	OPT_POLICIES("as they are"),
	{ "vendor-root", "VENDOR=FILE", "all certificates to trust for hardware from then on, beside the pinned ones: V=FILE,... of amd, intel, tpm; 'none' (default: as they are)", false, false },
	{ "out", "FILE", "where to write the unsigned amendment (default amendment.json)", false, false },
	{ "expires", "TIME", "until when it may be logged (default: 90 days from now); what it says has no end", false, false },
	{ NULL, NULL, NULL, false, false } };
const struct opt_spec opts_genesis_post[] = { { NULL, NULL, NULL, false, false } };

/* ---- amend ---- */

static void witnesses_as_they_are(const struct genesis *g, struct json_wr *j)
{
	jw_m_u64(j, "cosignatures", g->cosignatures);
	jw_name(j, "witnesses");
	jw_arr(j);
	for (size_t i = 0; i < g->n_witnesses; i++)
		witness_write(&g->witness[i], j);
	jw_arr_end(j);
}

/* What no option names stays. Anchors of CCA platforms stay in any case. */
static enum coffer_rc roots_json(const char *list, struct json_wr *j, struct err *e)
{
	if (!list)
		return COFFER_OK;
	if (strcmp(list, "none") != 0)
		return genesis_roots(list, j, e);
	jw_name(j, "vendor-roots");
	jw_arr(j);
	jw_arr_end(j);
	return COFFER_OK;
}

static enum coffer_rc body_json(const struct cli *c, const struct genesis *was, struct wr *w, struct err *e)
{
	struct json_wr j = jw_open(w, false);

	if (!cli_opt(c, "vendor-root") && !cli_opt(c, "witness") && !cli_opt(c, "cosignatures") && !cli_opt(c, "policies"))
		return cli_bad(e, "what is to be amended? --witness, --cosignatures, --policies, --vendor-root");
	jw_obj(&j);
	if (cli_opt(c, "witness") || cli_opt(c, "cosignatures"))
		TRY(genesis_witnesses(c, &j, e));
	else
		witnesses_as_they_are(was, &j);
	if (cli_opt(c, "policies"))
		TRY(genesis_policies(cli_opt(c, "policies"), &j, e));
	TRY(roots_json(cli_opt(c, "vendor-root"), &j, e));
	jw_obj_end(&j);
	return wr_done(w, "amendment", e);
}

static enum coffer_rc write_payload(const struct cli *c, const struct home *h, const struct parties *all, struct wr *payload, struct err *e)
{
	CLEANUP(wr_close) struct wr body = wr_open(DSSE_PAYLOAD_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct statement s = { .kind = ST_AMENDMENT, .issuer = "genesis", .has_ledger = true, .issued = clock_now(), .n_subjects = 1 };

	s.serial = all->n_amended + 1;
	if (all->n_amended)
		memcpy(s.previous, all->amended[all->n_amended - 1].id, sizeof(s.previous));
	memcpy(s.ledger, h->genesis, sizeof(s.ledger));
	s.expires = s.issued + LOGGED_WITHIN;
	TRY(expires_opt(c, "expires", &s.expires, e));
	s.subject[0].name = span_of(all->founded->origin);
	sha256(s.subject[0].name, s.subject[0].sha256);
	TRY(body_json(c, parties_genesis(all), &body, e));
	TRY(json_parse(wr_span(&body), DSSE_PAYLOAD_MAX, &doc, e));
	s.body = json_root(doc);
	return statement_write(&s, payload, e);
}

enum coffer_rc cmd_genesis_amend(struct cli *c, struct err *e)
{
	const char *out = cli_opt(c, "out") ? cli_opt(c, "out") : "amendment.json";
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(wr_close) struct wr payload = wr_open(DSSE_PAYLOAD_MAX);
	CLEANUP(freep) struct genesis *g = calloc(1, sizeof(*g));
	CLEANUP(statement_clear) struct statement check = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	const struct parties *all = NULL;
	struct home h;

	if (!g)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (file_exists(out))
		return err_set(e, COFFER_E_INPUT, "%s is there already; what others may have signed is not overwritten", out);
	TRY(home_load(c, &h, e));
	TRY(home_connect(&h, &conn, e));
	TRY(service_parties(conn, &all, e));
	TRY(write_payload(c, &h, all, &payload, e));
	TRY(statement_parse(wr_span(&payload), &check, e));
	TRY(amendment_read(&check, parties_genesis(all), g, e)); /* what nobody would take need not be signed */
	TRY(dsse_new(wr_span(&payload), &env, e));
	TRY(envelope_write(out, &env, e));
	if (c->json)
		(void)printf("{\"amendment\":%zu,\"file\":\"%s\"}\n", all->n_amended + 1, out);
	else
		(void)printf("amendment %zu in %s; each of the %zu founders signs it with 'coffer genesis sign %s', then 'coffer genesis post %s'\n",
		    all->n_amended + 1, out, all->founded->n_parties, out, out);
	return COFFER_OK;
}

/* ---- sign, post ---- */

enum coffer_rc amendment_sign(struct home *h, struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	CLEANUP(wr_close) struct wr text = wr_open(TEXT_MAX);

	if (!h->has_genesis || !span_eq(SPAN(s->ledger), SPAN(h->genesis)))
		return err_deny(e, "ledger", "this amends another genesis than the one you follow: do not sign");
	TRY(statement_text(s, &text, e));
	(void)fwrite(text.p, 1, text.n, stderr);
	TRY(home_sign_key(h->cli, h, &key, e));
	if (to_sign_wanted(h))
		return to_sign_out(h, key, env, e);
	TRY(dsse_sign(env, key, e));
	TRY(envelope_write(h->cli->pos[0], env, e));
	(void)printf(h->cli->json ? "{\"signed-by\":\"%s\",\"signatures\":%zu}\n" : "signed by %s; signatures now: %zu\n", h->party, env->n_sigs);
	return COFFER_OK;
}

enum coffer_rc cmd_genesis_post(struct cli *c, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct logged l = { 0 };
	struct home h;

	TRY(home_load(c, &h, e));
	TRY(genesis_envelope(c->pos[0], &env, e));
	TRY(statement_parse(wr_span(&env.payload), &s, e));
	if (s.kind != ST_AMENDMENT)
		return err_set(e, COFFER_E_INPUT, "%s: a %s statement; this logs amendments of the genesis", c->pos[0], statement_kind_name(s.kind));
	TRY(home_connect(&h, &conn, e));
	TRY(envelope_post(conn, &env, &l, e));
	l.serial = s.serial;
	logged_print(c, "amendment", &l);
	if (!c->json)
		(void)printf("assets that are put from now on go by it; those that are there, when their owners say so: coffer asset policy PATH --as-amended\n"
			     "the service asks witnesses that are new when its operator has started it again\n");
	return COFFER_OK;
}

/* ---- show ---- */

static void amended_text(const struct amended *a, size_t n)
{
	char id[HEX32_LEN], when[CLOCK_TEXT_LEN];

	hex32(a->id, id);
	clock_text(a->logged, when);
	(void)printf("\namended  %zu, logged %s: %s\n", n, when, id);
	genesis_text_witnesses(&a->g);
	genesis_text_roots(&a->g);
	genesis_text_policies(&a->g);
}

static enum coffer_rc amendments_json(const struct parties *all, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(256u << 10);
	struct json_wr j = jw_open(&w, true);
	char id[HEX32_LEN];

	hex32(all->founded->id, id);
	jw_obj(&j);
	jw_m_text(&j, "genesis", id);
	jw_m_text(&j, "origin", all->founded->origin);
	jw_name(&j, "amendments");
	jw_arr(&j);
	for (size_t i = 0; i < all->n_amended; i++) {
		const struct amended *a = &all->amended[i];

		hex32(a->id, id);
		jw_obj(&j);
		jw_m_text(&j, "id", id);
		jw_m_u64(&j, "cosignatures", a->g.cosignatures);
		jw_name(&j, "witnesses");
		jw_arr(&j);
		for (size_t k = 0; k < a->g.n_witnesses; k++)
			witness_write(&a->g.witness[k], &j);
		jw_arr_end(&j);
		genesis_json_roots(&a->g, &j);
		genesis_json_policies(&a->g, &j);
		jw_obj_end(&j);
	}
	jw_arr_end(&j);
	jw_obj_end(&j);
	TRY(wr_done(&w, "genesis", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

enum coffer_rc amendments_show(struct cli *c, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	const struct parties *all = NULL;
	struct home h;

	TRY(home_load(c, &h, e));
	TRY(home_connect(&h, &conn, e));
	TRY(service_parties(conn, &all, e));
	if (c->json)
		return amendments_json(all, e);
	genesis_text(all->founded, NULL);
	genesis_text_witnesses(all->founded);
	for (size_t i = 0; i < all->n_amended; i++)
		amended_text(&all->amended[i], i + 1);
	return COFFER_OK;
}
