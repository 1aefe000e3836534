/* coffer approve, revoke: what an owner says about workloads. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/approve_replaces.h"
#include "cli/away.h"
#include "cli/home.h"
#include "cli/machine.h"
#include "cli/publish.h"
#include "cli/rests.h"
#include "cli/verbs.h"
#include "cli/workload.h"
#include "crypto/hash.h"
#include "crypto/spki.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "trust/thing.h"

const struct opt_spec opts_approve[] = {
	{ "asset", "PATH", "asset that the workload may use: yours, or of one who delegated its approval to you", true, true },
	{ "platform", "NAME", "platform you accept (sample protects nothing and is never accepted unless named)", true, true },
	{ "boot-image", "ID|FILE", "boot image it may run in, by statement (needed on every platform but sample)", true, false },
	{ "until", "TIME", "end of the approval, as 2027-01-31T00:00:00Z (default: 30 days)", false, false },
	{ "uses", "N", "how many releases it covers: each asset that a container gets counts one, in every run (default: any number)", false, false },
	{ "shown", "SHA256", "digest printed by 'coffer workload show': approve only what you read", false, false },
	{ "assessed-by", "PARTY[:WHAT]", "only while an assessment by PARTY stands that WHAT (workload, image, boot-image; default workload) passed", true,
	    false },
	{ "slot", "NAME", "slot of the workload that the assets may fill, by a binding of theirs", true, false },
	{ "beside", "PATH", "asset of another owner that may fill another slot of the same instance", true, false },
	{ "or-narrower", NULL, "also each workload at most as wide as this one ('coffer workload diff')", false, false },
	{ "images-by", "PARTY", "with --or-narrower: any image of PARTY may take the place of one of its images; it may then run any code on your data", false,
	    false },
	{ "yes", NULL, "do not ask on the terminal: you have read what is shown", false, false },
	OPT_TO_SIGN, OPT_AFTER, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_revoke[] = {
	{ "reason", "TEXT", "why (public in the journal)", false, true },
	{ "from", "TIME", "of an image-key: since when it is not its owner's alone; images released before stand", false, false },
	OPT_TO_SIGN, OPT_AFTER, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

const struct opt_spec opts_pause[] = {
	{ "reason", "TEXT", "why (public in the journal)", false, true },
	OPT_TO_SIGN, OPT_AFTER, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

#define BOOT_IMAGES_MAX 8

struct approve {
	struct home          h;
	struct privkey      *key;
	struct service_conn *conn;
	struct workload      w;
	uint8_t              shown[32];
	struct { uint8_t id[32]; bool found; } boot[BOOT_IMAGES_MAX];
	size_t               n_boot;
};

static void approve_end(struct approve *a)
{
	privkey_free(a->key);
	service_close(a->conn);
	workload_clear(&a->w);
}

/* The digest of what the signer was shown: of the very text 'coffer workload show' prints. */
static enum coffer_rc check_shown(const struct cli *c, struct approve *a, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(4u << 20);
	const char *given = cli_opt(c, "shown");
	uint8_t want[32];

	manifest_describe(&a->w.man, &text);
	TRY(wr_done(&text, "description", e));
	sha256(wr_span(&text), a->shown);
	if (!given) {
		(void)fprintf(stderr, "%.*s", (int)text.n, (const char *)text.p);
		return COFFER_OK;
	}
	if (!hex_fixed(span_of(given), want, 32))
		return cli_bad(e, "--shown %s: not a SHA-256 in hex", given);
	if (!span_eq(SPAN(want), SPAN(a->shown)))
		return err_deny(e, "shown", "the workload logged under this digest reads differently from what you were shown: read 'coffer workload show' again, and give the digest that it prints");
	return COFFER_OK;
}

/* By the statement's id, or by the file that holds the signed statement. */
static enum coffer_rc boot_image_id(const char *arg, uint8_t id[static 32], struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(wr_close) struct wr text = { 0 };

	if (hex_fixed(span_of(arg), id, 32))
		return COFFER_OK;
	TRY(file_read_arg(arg, DSSE_ENVELOPE_MAX, &text, e));
	if (dsse_parse(wr_span(&text), &env, e) != COFFER_OK)
		return err_wrap(e, "%s", arg);
	dsse_id(&env, id);
	return COFFER_OK;
}

/* Tells the signer what each named one is. */
static enum coffer_rc name_boot_image(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(boot_image_clear) struct boot_image b = { 0 };
	struct approve *a = arg;
	char id[HEX32_LEN], names[96], name[sizeof(b.name)];

	(void)env;
	for (size_t i = 0; i < a->n_boot; i++) {
		if (!span_eq(SPAN(a->boot[i].id), SPAN(s->id)))
			continue;
		TRY(boot_image_read(s, &b, e));
		hex32(s->id, id);
		enforces_names(b.enforces, names, sizeof(names));
		span_plain(span_of(b.name), name, sizeof(name)); /* its issuer's words, before this signer is asked */
		(void)fprintf(stderr, "boot image %s: %s, by %s, enforces %s\n", id, name, s->issuer, names[0] ? names : "nothing");
		a->boot[i].found = true;
		return COFFER_OK;
	}
	return COFFER_OK;
}

static enum coffer_rc boot_images(const struct cli *c, struct approve *a, struct err *e)
{
	const char *s;

	for (size_t i = 0; (s = cli_opt_at(c, "boot-image", i)) != NULL; i++) {
		if (i == BOOT_IMAGES_MAX)
			return cli_bad(e, "--boot-image: at most %d", BOOT_IMAGES_MAX);
		TRY(boot_image_id(s, a->boot[a->n_boot++].id, e));
	}
	if (a->n_boot)
		TRY(machine_query(&(struct machine_ask){ &a->h, a->key, a->conn }, ST_BOOT_IMAGE, false,
		    (struct machine_cb){ name_boot_image, a }, e));
	for (size_t i = 0; i < a->n_boot; i++)
		if (!a->boot[i].found)
			return err_set(e, COFFER_E_NOTFOUND, "--boot-image %s: no such statement is in force (or named twice); 'coffer boot-image list' shows those that are",
			    cli_opt_at(c, "boot-image", i));
	for (size_t i = 0; !a->n_boot && (s = cli_opt_at(c, "platform", i)) != NULL; i++)
		if (strcmp(s, "sample") != 0)
			(void)fprintf(stderr, "warning: without --boot-image this approval covers nothing on platform %s\n", s);
	return COFFER_OK;
}

static void put_boot_images(const struct approve *a, struct json_wr *j)
{
	char hex[HEX32_LEN];

	if (!a->n_boot)
		return;
	jw_name(j, "boot-images");
	jw_arr(j);
	for (size_t i = 0; i < a->n_boot; i++) {
		hex32(a->boot[i].id, hex);
		jw_text(j, hex);
	}
	jw_arr_end(j);
}

/* By what right who is asked approves another's asset. */
struct right { const struct asset_path *p; const char *me; bool lent, decides; };

static enum coffer_rc right_of(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct right *r = arg;
	struct asset_body b;
	struct delegation d;

	(void)env;
	if (s->kind == ST_DELEGATION) {
		TRY(delegation_read(s, &d, e));
		r->lent = r->lent || (d.role == ROLE_APPROVAL && strcmp(d.of, r->p->owner) == 0 && strcmp(d.to, r->me) == 0 && delegation_covers(&d, span_of(r->p->text)));
		return COFFER_OK;
	}
	TRY(asset_read(s, &b, e));
	for (size_t i = 0; i < b.n_of; i++)
		r->decides = r->decides || strcmp(b.of[i], r->me) == 0;
	return COFFER_OK;
}

/* The service decides; here it is said, with who mends it. */
static enum coffer_rc say_right(const struct approve *a, const struct asset_path *p, struct err *e)
{
	CLEANUP(wr_close) struct wr q = wr_open(4096);
	CLEANUP(freep) char *query = NULL;
	struct right r = { .p = p, .me = a->h.party };

	if (strcmp(p->owner, a->h.party) == 0)
		return COFFER_OK;
	wr_fmt(&q, "kind=asset&issuer=%s&subject=", p->owner);
	query_encode(&q, span_of(p->text));
	query = wr_take(&q, NULL);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(statements_query(NULL, &a->h, a->key, a->conn, query, right_of, &r, e));
	TRY(statements_query(NULL, &a->h, a->key, a->conn, "kind=delegation", right_of, &r, e));
	if (r.decides || r.lent)
		(void)fprintf(stderr, r.decides ? "%s belongs to %s: you decide of it too\n" : "%s belongs to %s: approved for it, by its delegation\n", p->text, p->owner);
	else
		(void)fprintf(stderr, "warning: %s belongs to %s, which lets you approve nothing of it: the service refuses this until %s says 'coffer delegate %s --role approval --scope %s'\n",
		    p->text, p->owner, p->owner, a->h.party, p->text);
	return COFFER_OK;
}

static enum coffer_rc asset_list(
    const struct cli *c, struct approve *a, struct draft *d, struct json_wr *j, struct asset_path *paths, struct err *e)
{
	const char *s;

	jw_name(j, "assets");
	jw_arr(j);
	for (size_t i = 0; (s = cli_opt_at(c, "asset", i)) != NULL; i++) {
		if (i == APPROVAL_ASSETS_MAX - 1)
			return err_set(e, COFFER_E_LIMIT, "more than %d assets in one approval", APPROVAL_ASSETS_MAX - 1);
		TRY(cli_arg(asset_path_parse(span_of(s), &paths[i], e), e));
		TRY(say_right(a, &paths[i], e));
		if (!workload_uses(&a->w.man, &paths[i]) && !cli_opt(c, "slot"))
			return cli_bad(e, "--asset %s: not among the entitlements of this workload ('coffer workload show' lists them)%s", paths[i].text,
			    a->w.man.n_slots ? "; to let it fill a slot, name that with --slot" : "");
		draft_subject_name(d, span_of(paths[i].text));
		jw_text(j, paths[i].text);
	}
	jw_arr_end(j);
	return COFFER_OK;
}

/* Whoever may assess, for people. */
static void auditors(const struct parties *all, struct wr *out)
{
	for (size_t i = 0; i < all->n; i++)
		if (life_party(&all->life[i], clock_now())->personas & PERSONA_AUDITOR)
			wr_fmt(out, "%s%s", out->n ? ", " : "", all->life[i].body.id);
	if (!out->n)
		wr_str(out, "none; one joins by 'coffer party request' and 'coffer party admit'");
}

/* An approval that waits for the word of nobody would wait for ever. */
static enum coffer_rc is_auditor(const struct approve *a, struct span party, struct err *e)
{
	CLEANUP(wr_close) struct wr all_of = wr_open(64u << 10);
	const struct parties *all = NULL;
	const struct party *p;

	TRY(service_parties(a->conn, &all, e));
	p = parties_party(all, party, clock_now());
	if (p && (p->personas & PERSONA_AUDITOR))
		return COFFER_OK;
	auditors(all, &all_of);
	TRY(wr_done(&all_of, "auditors", e));
	return cli_bad(e, "--assessed-by %.*s: %s; auditors here: %.*s", (int)party.n, (const char *)party.p,
	    p ? "that party is no auditor" : "no such party is known to this genesis", (int)(all_of.n < 300 ? all_of.n : 300), (const char *)all_of.p);
}

static enum coffer_rc assessments(const struct cli *c, const struct approve *a, struct json_wr *j, struct err *e)
{
	const char *s;

	if (!cli_opt(c, "assessed-by"))
		return COFFER_OK;
	jw_name(j, "assessed-by");
	jw_arr(j);
	for (size_t i = 0; (s = cli_opt_at(c, "assessed-by", i)) != NULL; i++) {
		const char *colon = strchr(s, ':');
		struct span party = { (const uint8_t *)s, colon ? (size_t)(colon - s) : strlen(s) };
		enum assessed about = ASSESSED_WORKLOAD;

		if (!party_ok(party) || (colon && !assessed_by_name(span_of(colon + 1), &about)) || i == APPROVAL_ASSESSED_MAX)
			return cli_bad(e, "--assessed-by %s: PARTY, PARTY:workload, PARTY:image or PARTY:boot-image; at most %d", s, APPROVAL_ASSESSED_MAX);
		TRY(is_auditor(a, party, e));
		jw_obj(j);
		jw_m_text(j, "about", assessed_name(about));
		jw_m_str(j, "party", party);
		jw_obj_end(j);
	}
	jw_arr_end(j);
	return COFFER_OK;
}

/* By which slots the assets may come in, and whose else may be there then. */
static enum coffer_rc slot_options(const struct cli *c, const struct approve *a, struct json_wr *j, struct err *e)
{
	struct asset_path p;
	const char *s;

	if (cli_opt(c, "slot")) {
		jw_name(j, "slots");
		jw_arr(j);
		for (size_t i = 0; (s = cli_opt_at(c, "slot", i)) != NULL; i++) {
			if (!manifest_slot(&a->w.man, span_of(s)))
				return cli_bad(e, "--slot %s: this workload has no such slot (see 'coffer workload show')", s);
			jw_text(j, s);
		}
		jw_arr_end(j);
	}
	if (cli_opt(c, "beside")) {
		jw_name(j, "beside");
		jw_arr(j);
		for (size_t i = 0; (s = cli_opt_at(c, "beside", i)) != NULL; i++) {
			TRY(cli_arg(asset_path_parse(span_of(s), &p, e), e));
			jw_text(j, p.text);
		}
		jw_arr_end(j);
	}
	return COFFER_OK;
}

static enum coffer_rc conditions(const struct cli *c, struct approve *a, struct json_wr *j, struct err *e)
{
	int64_t until = clock_now() + INT64_C(30) * 86400;
	char hex[HEX32_LEN], when[CLOCK_TEXT_LEN];
	const char *s;
	uint64_t uses;

	hex32(a->w.man.digest, hex);
	jw_m_text(j, "workload", hex);
	jw_name(j, "platforms");
	jw_arr(j);
	for (size_t i = 0; (s = cli_opt_at(c, "platform", i)) != NULL; i++) {
		jw_text(j, s);
	}
	jw_arr_end(j);
	hex32(service_id(a->conn), hex);
	jw_name(j, "services");
	jw_arr(j);
	jw_text(j, hex);
	jw_arr_end(j);
	put_boot_images(a, j);
	TRY(expires_opt(c, "until", &until, e));
	if (until <= clock_now())
		return cli_bad(e, "--until: this time is past");
	clock_text(until, when);
	jw_m_text(j, "until", when);
	if ((s = cli_opt(c, "uses")) != NULL) {
		if (!span_u64(span_of(s), &uses) || uses == 0)
			return cli_bad(e, "--uses %s: a number from 1", s);
		jw_m_u64(j, "uses", uses);
	}
	hex32(a->shown, hex);
	jw_m_text(j, "shown", hex);
	TRY(assessments(c, a, j, e));
	TRY(slot_options(c, a, j, e));
	if (cli_flag(c, "or-narrower"))
		jw_m_bool(j, "or-narrower", true);
	if ((s = cli_opt(c, "images-by")) != NULL) {
		if (!cli_flag(c, "or-narrower") || !party_ok(span_of(s)))
			return cli_bad(e, "--images-by %s: a party, and with --or-narrower alone", s);
		(void)fprintf(stderr, "warning: %s may run any code on this data\n", s);
		jw_m_text(j, "images-by", s);
	}
	return COFFER_OK;
}

/* Of these assets, in one run: by their paths, and by the slots that they may fill. */
static uint64_t a_run(const struct cli *c, const struct manifest *m, const struct asset_path *paths, size_t n_paths)
{
	uint64_t n = 0;
	const char *s;

	for (size_t i = 0; i < n_paths; i++)
		n += manifest_releases(m, &paths[i]);
	for (size_t i = 0; (s = cli_opt_at(c, "slot", i)) != NULL; i++)
		for (size_t k = 0; k < m->n_containers; k++)
			for (size_t l = 0; l < m->container[k].n_entitlements; l++)
				n += span_eq_str(m->container[k].entitlement[l].slot, s);
	return n;
}

/* Before the yes. */
static void tell_uses(const struct cli *c, const struct manifest *m, const struct asset_path *paths)
{
	const char *s = cli_opt(c, "uses");
	uint64_t uses = 0, run;
	size_t n_paths = 0;

	while (cli_opt_at(c, "asset", n_paths))
		n_paths++;
	if (!s || !span_u64(span_of(s), &uses))
		return;
	run = a_run(c, m, paths, n_paths);
	(void)fprintf(stderr, "%suses: each asset released counts one: a run of this workload needs at least %llu, and this approval covers %llu%s\n", run > uses ? "warning: " : "",
	    (unsigned long long)run, (unsigned long long)uses, run > uses ? ": no run can end with it" : "");
}

/* Who gave --shown has read it before. */
static enum coffer_rc confirm(const struct cli *c, const char *workload, struct err *e)
{
	const char *s;

	if (cli_opt(c, "shown"))
		return COFFER_OK;
	(void)fprintf(stderr, "\nworkload %s, as shown above, may then use:\n", workload);
	for (size_t i = 0; (s = cli_opt_at(c, "asset", i)) != NULL; i++)
		(void)fprintf(stderr, "  %s\n", s);
	return home_confirm(c, "Approve?", "--shown with the digest that 'coffer workload show' prints", e);
}

/* Before anything is shown that would then be read for nothing. */
static enum coffer_rc check_platforms(const struct cli *c, const struct manifest *m, struct err *e)
{
	CLEANUP(wr_close) struct wr list = wr_open(4096);
	const char *s;

	for (size_t i = 0; i < json_len(m->platforms); i++) {
		struct span name = json_str(json_at(m->platforms, i));

		wr_fmt(&list, "%s%.*s", i ? ", " : "", (int)name.n, (const char *)name.p);
	}
	TRY(wr_done(&list, "platforms", e));
	for (size_t i = 0; (s = cli_opt_at(c, "platform", i)) != NULL; i++)
		if (!manifest_lists(m->platforms, span_of(s)))
			return cli_bad(e, "--platform %s: this workload is not made for it, but for %.*s; its provider can make one that is", s,
			    (int)(list.n < 300 ? list.n : 300), (const char *)list.p);
	return COFFER_OK;
}

/* Each that is named, not the first alone. */
static void warn_of_platforms(const struct cli *c)
{
	const char *s;

	for (size_t i = 0; (s = cli_opt_at(c, "platform", i)) != NULL; i++)
		if (strcmp(s, "sample") == 0 || strcmp(s, "swtpm") == 0 || span_ends(span_of(s), "+debug"))
			(void)fprintf(stderr, "warning: platform %s protects nothing: whoever holds the host reads what is released\n", s);
}

enum coffer_rc cmd_approve(struct cli *c, struct err *e)
{
	CLEANUP(approve_end) struct approve a = { 0 };
	CLEANUP(wr_close) struct wr body = wr_open(DSSE_PAYLOAD_MAX);
	struct asset_path paths[APPROVAL_ASSETS_MAX];
	char hex[HEX32_LEN], about[16 + HEX32_LEN];
	struct json_wr j = jw_open(&body, false);
	struct draft d = { .kind = ST_APPROVAL };

	TRY(home_load(c, &a.h, e));
	TRY(home_sign_key(c, &a.h, &a.key, e));
	TRY(home_connect(&a.h, &a.conn, e));
	TRY(workload_fetch(&a.h, a.key, a.conn, c->pos[0], &a.w, e));
	warn_of_platforms(c);
	TRY(check_platforms(c, &a.w.man, e));
	TRY(check_shown(c, &a, e));
	TRY(boot_images(c, &a, e));
	jw_obj(&j);
	TRY(asset_list(c, &a, &d, &j, paths, e));
	hex32(a.w.man.digest, hex);
	(void)snprintf(about, sizeof(about), "workload:%s", hex);
	draft_subject_name(&d, span_of(about));
	TRY(conditions(c, &a, &j, e));
	jw_obj_end(&j);
	TRY(wr_done(&body, "approval", e));
	d.body = wr_span(&body);
	TRY(approve_replaces(&(struct asker){ &a.h, a.key, a.conn }, &d, e)); /* with --to-sign too: the signer's machine has the digest of what is shown here, not the text */
	tell_uses(c, &a.w.man, paths);
	TRY(confirm(c, hex, e));
	return draft_out(&a.h, a.key, a.conn, &d, e);
}

#define IMAGE_KEY "image-key:"
#define HASH "sha256:"

/* image:sha256:HEX, as every other command prints a digest, is image:HEX. */
static void without_hash(const char *target, char *out, size_t room)
{
	const char *colon = strchr(target, ':');
	const bool named = colon && strncmp(target, "image", 5) == 0 && strncmp(colon + 1, HASH, sizeof(HASH) - 1) == 0;

	(void)snprintf(out, room, "%.*s%s", named ? (int)(colon + 1 - target) : 0, target, named ? colon + sizeof(HASH) : target);
}

/* By its text; a key of images also by the file that it is in. */
static enum coffer_rc find_thing(const char *target, struct thing *out, struct err *e)
{
	CLEANUP(wr_close) struct wr pem = { 0 };
	char plain[sizeof(out->text)];
	uint8_t id[32];

	without_hash(target, plain, sizeof(plain));
	if (strlen(target) < sizeof(plain) && thing_read(span_of(plain), out))
		return COFFER_OK;
	if (strncmp(target, IMAGE_KEY, sizeof(IMAGE_KEY) - 1) != 0)
		return cli_bad(e, "%s: not a statement's id (64 hex digits), nor chip:PLATFORM:HEX, image:DIGEST, image-key:DIGEST or measurement:PLATFORM:REGISTER:HEX in lower case",
		    target);
	TRY(file_read(target + sizeof(IMAGE_KEY) - 1, SPKI_PEM_MAX, &pem, e));
	if (!spki_pem_id(wr_span(&pem), id))
		return err_set(e, COFFER_E_INPUT, "%s: no P-256, P-384, Ed25519 or RSA public key as PEM in the usual form; 'openssl pkey -pubin -ec_conv_form uncompressed' writes it",
		    target + sizeof(IMAGE_KEY) - 1);
	thing_image_key(wr_span(&pem), out);
	return COFFER_OK;
}

/* A statement by its id, or (only to revoke) a thing by its text (thing.h). */
static enum coffer_rc take_target(struct draft *d, const char *target, struct json_wr *j, char subject[static THING_SUBJECT_MAX], struct err *e)
{
	struct thing thing = { .kind = THING_NONE };
	uint8_t id[32];

	if (hex_fixed(span_of(target), id, 32)) {
		draft_subject_digest(d, span_of(target), id);
		jw_m_text(j, "statement", target);
		return COFFER_OK;
	}
	if (d->kind != ST_REVOCATION)
		return cli_bad(e, "%s: not a statement's id (64 hex digits)", target);
	TRY(find_thing(target, &thing, e));
	thing_subject(thing.id, subject);
	draft_subject_digest(d, span_of(subject), thing.id);
	jw_m_text(j, "thing", thing.text);
	return COFFER_OK;
}

/* --from, where there is one. */
static enum coffer_rc take_from(const struct cli *c, const char *target, struct json_wr *j, struct err *e)
{
	char when[CLOCK_TEXT_LEN];
	int64_t from = 0;

	if (!cli_opt(c, "from"))
		return COFFER_OK;
	if (strncmp(target, IMAGE_KEY, sizeof(IMAGE_KEY) - 1) != 0)
		return cli_bad(e, "--from is for an image-key; 'coffer party compromise' names a time for a key of yours");
	TRY(expires_opt(c, "from", &from, e));
	clock_text(from, when);
	jw_m_text(j, "from", when);
	return COFFER_OK;
}

static enum coffer_rc take_back(struct cli *c, enum statement_kind kind, const char *target, const char *reason,
    struct err *e)
{
	CLEANUP(approve_end) struct approve a = { 0 };
	CLEANUP(wr_close) struct wr body = wr_open(64u << 10);
	struct json_wr j = jw_open(&body, false);
	struct draft d = { .kind = kind };
	char subject[THING_SUBJECT_MAX];
	uint8_t id[32];

	jw_obj(&j);
	TRY(take_target(&d, target, &j, subject, e));
	if (kind == ST_REVOCATION)
		TRY(take_from(c, target, &j, e));
	TRY(home_load(c, &a.h, e));
	TRY(home_sign_key(c, &a.h, &a.key, e));
	TRY(home_connect(&a.h, &a.conn, e));
	jw_m_text(&j, "reason", reason);
	jw_obj_end(&j);
	TRY(wr_done(&body, "revocation", e));
	d.body = wr_span(&body);
	if (kind == ST_PAUSE)
		d.expires = clock_now() + PAUSE_SECONDS_MAX;
	TRY(draft_out(&a.h, a.key, a.conn, &d, e));
	if (kind == ST_REVOCATION && !to_sign_wanted(&a.h) && hex_fixed(span_of(target), id, 32)) /* behind it: to take back is at once */
		revoked_say(&(struct asker){ &a.h, a.key, a.conn }, id);
	return COFFER_OK;
}

enum coffer_rc cmd_revoke(struct cli *c, struct err *e)
{
	return take_back(c, ST_REVOCATION, c->pos[0], cli_opt(c, "reason"), e);
}

enum coffer_rc cmd_pause(struct cli *c, struct err *e)
{
	return take_back(c, ST_PAUSE, c->pos[0], cli_opt(c, "reason"), e);
}

const struct opt_spec opts_resume[] = { OPT_TO_SIGN, OPT_AFTER, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

struct found { char id[HEX32_LEN]; };

static enum coffer_rc take_pause(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct found *f = arg;

	(void)env, (void)e;
	hex32(s->id, f->id);
	return COFFER_OK;
}

/* One's own pause of it; others' stay. */
enum coffer_rc cmd_resume(struct cli *c, struct err *e)
{
	CLEANUP(approve_end) struct approve a = { 0 };
	CLEANUP(freep) char *query = NULL;
	struct found f = { "" };
	uint8_t id[32];

	if (!hex_fixed(span_of(c->pos[0]), id, 32))
		return cli_bad(e, "%s: not a statement's id (64 hex digits)", c->pos[0]);
	TRY(home_load(c, &a.h, e));
	TRY(home_sign_key(c, &a.h, &a.key, e));
	TRY(home_connect(&a.h, &a.conn, e));
	query = str_fmt("kind=pause&issuer=%s&subject=%s", a.h.party, c->pos[0]);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(statements_query(c, &a.h, a.key, a.conn, query, take_pause, &f, e));
	if (!f.id[0])
		return err_set(e, COFFER_E_NOTFOUND, "no pause of yours holds %s: who paused it resumes it, or it ends by itself; 'coffer statement list --kind pause' shows them", c->pos[0]);
	return take_back(c, ST_REVOCATION, f.id, "resumed", e);
}
