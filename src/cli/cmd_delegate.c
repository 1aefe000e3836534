/* coffer delegate, delegations: power that one party lends another. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/home.h"
#include "cli/publish.h"
#include "cli/verbs.h"
#include "fmt/enc.h"

#define DAYS_DEFAULT 90

const struct opt_spec opts_delegate[] = {
	{ "role", "ROLE", "what PARTY may say for you: approval, boot-image, attestation-service or image-verification", false, true },
	{ "scope", "SCOPE", "approval: asset, or beginning of paths that ends with a slash (kbs:///me/note/); image-verification: repository, or such a beginning; "
			    "attestation-service: id of a service (default of these two: all)", true, false },
	{ "of", "OWNER", "whose power it is, where it was lent to you (default: you)", false, false },
	{ "depth", "N", "how many times it may be lent on, 0 to 3 (default: 0)", false, false },
	{ "until", "TIME", "end of the delegation, as 2027-01-31T00:00:00Z (default: 90 days)", false, false },
	{ "yes", NULL, "do not ask on the terminal: what your delegation of before covers, and this one does not, may end", false, false },
	OPT_TO_SIGN, OPT_AFTER, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

struct lend {
	struct home          h;
	struct privkey      *key;
	struct service_conn *conn;
	const char          *to, *of;
	enum delegated_role  role;
	uint64_t             depth;
	int64_t              until;
};

static void lend_end(struct lend *l)
{
	privkey_free(l->key);
	service_close(l->conn);
}

static enum coffer_rc read_options(const struct cli *c, struct lend *l, struct err *e)
{
	const char *depth = cli_opt(c, "depth");

	l->to = c->pos[0];
	l->of = cli_opt(c, "of") ? cli_opt(c, "of") : l->h.party;
	l->until = clock_now() + INT64_C(86400) * DAYS_DEFAULT;
	if (!party_ok(span_of(l->to)) || !party_ok(span_of(l->of)))
		return cli_bad(e, "%s, --of %s: not a party's id", l->to, l->of);
	if (!role_by_name(span_of(cli_opt(c, "role")), &l->role))
		return cli_bad(e, "--role %s: approval, boot-image, attestation-service or image-verification", cli_opt(c, "role"));
	if (l->role == ROLE_APPROVAL && !cli_opt(c, "scope"))
		return cli_bad(e, "--scope: role approval needs it");
	if (l->role == ROLE_BOOT_IMAGE && cli_opt(c, "scope"))
		return cli_bad(e, "--scope is not for role boot-image");
	if (depth && (!span_u64(span_of(depth), &l->depth) || l->depth > DELEGATION_DEPTH_MAX))
		return cli_bad(e, "--depth %s: a number from 0 to %d", depth, DELEGATION_DEPTH_MAX);
	TRY(expires_opt(c, "until", &l->until, e));
	return l->until > clock_now() ? COFFER_OK : cli_bad(e, "--until: this time is past");
}

static void put_body(const struct cli *c, const struct lend *l, struct json_wr *j)
{
	char until[CLOCK_TEXT_LEN];
	const char *s;

	clock_text(l->until, until);
	jw_obj(j);
	jw_m_text(j, "of", l->of);
	jw_m_text(j, "to", l->to);
	jw_m_text(j, "role", role_name(l->role));
	if (cli_opt(c, "scope")) {
		jw_name(j, "scope");
		jw_arr(j);
		for (size_t i = 0; (s = cli_opt_at(c, "scope", i)) != NULL; i++)
			jw_text(j, s);
		jw_arr_end(j);
	}
	jw_m_u64(j, "depth", l->depth);
	jw_m_text(j, "until", until);
	jw_obj_end(j);
}

/* What its own reader would refuse is refused before anything is signed. */
static enum coffer_rc check(const struct lend *l, const struct draft *d, struct delegation *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct statement s = { .kind = ST_DELEGATION, .n_subjects = d->n_subjects };

	TRY(json_parse(d->body, DSSE_PAYLOAD_MAX, &doc, e));
	(void)snprintf(s.issuer, sizeof(s.issuer), "%s", l->h.party);
	memcpy(s.subject, d->subject, sizeof(s.subject));
	s.body = json_root(doc);
	return delegation_read(&s, out, e);
}

/* ---- what it takes the place of ---- */

struct replaced { const struct delegation *is; const char *me; bool less; };

static void tell_scopes(const struct delegation *was, struct replaced *r)
{
	const struct delegation *is = r->is;

	if (was->n_scopes == 0 && is->n_scopes > 0) {
		r->less = true;
		(void)fprintf(stderr, "  no more   all of them\n");
	}
	for (size_t i = 0; i < was->n_scopes; i++) {
		if (is->n_scopes == 0 || delegation_covers(is, span_of(was->scope[i])))
			continue;
		r->less = true;
		(void)fprintf(stderr, "  no more   %s\n", was->scope[i]);
	}
}

static void tell_replaced(const struct delegation *was, const struct statement *s, struct replaced *r)
{
	char id[HEX32_LEN], until[CLOCK_TEXT_LEN];

	hex32(s->id, id);
	(void)fprintf(stderr, "replaces your delegation %s:\n", id);
	tell_scopes(was, r);
	if (was->depth > r->is->depth) {
		r->less = true;
		(void)fprintf(stderr, "  no more   lent on %llu times, but %llu\n", (unsigned long long)was->depth, (unsigned long long)r->is->depth);
	}
	clock_text(was->until, until);
	if (was->until > r->is->until)
		(void)fprintf(stderr, "  no more   until %s\n", until);
}

static enum coffer_rc take_replaced(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct replaced *r = arg;
	struct delegation was;

	(void)env;
	TRY(delegation_read(s, &was, e));
	if (strcmp(s->issuer, r->me) == 0 && strcmp(was.to, r->is->to) == 0 && strcmp(was.of, r->is->of) == 0 && was.role == r->is->role)
		tell_replaced(&was, s, r);
	return COFFER_OK;
}

/* Of one party, power and role one stands: a second one beside it is said with all of both. */
static enum coffer_rc may_replace(const struct cli *c, const struct lend *l, const struct delegation *is, struct err *e)
{
	CLEANUP(freep) char *query = str_fmt("kind=delegation&issuer=%s&subject=%s", l->h.party, l->to);
	struct replaced r = { .is = is, .me = l->h.party };

	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(statements_query(NULL, &l->h, l->key, l->conn, query, take_replaced, &r, e));
	if (!r.less)
		return COFFER_OK;
	(void)fprintf(stderr, "what %s said by that ends too. To keep it, name the scopes of before beside the new ones\n", l->to);
	return home_confirm(c, "Replace it?", NULL, e);
}

enum coffer_rc cmd_delegate(struct cli *c, struct err *e)
{
	CLEANUP(lend_end) struct lend l = { 0 };
	CLEANUP(wr_close) struct wr body = wr_open(DSSE_PAYLOAD_MAX);
	CLEANUP(freep) char *of = NULL, *role = NULL;
	struct json_wr j = jw_open(&body, false);
	struct draft d = { .kind = ST_DELEGATION };
	struct delegation is;

	TRY(home_load(c, &l.h, e));
	TRY(read_options(c, &l, e));
	put_body(c, &l, &j);
	TRY(wr_done(&body, "delegation", e));
	of = str_fmt("of:%s", l.of);
	role = str_fmt("role:%s", role_name(l.role));
	if (!of || !role)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	draft_subject_name(&d, span_of(l.to));
	draft_subject_name(&d, span_of(of));
	draft_subject_name(&d, span_of(role));
	d.body = wr_span(&body);
	TRY(check(&l, &d, &is, e));
	TRY(home_sign_key(c, &l.h, &l.key, e));
	TRY(home_connect(&l.h, &l.conn, e));
	TRY(may_replace(c, &l, &is, e));
	return draft_out(&l.h, l.key, l.conn, &d, e);
}

/* ---- delegations ---- */

struct listing { const struct lend *l; bool json; size_t n; };

static void print_text(const struct delegation *d, const char *issuer, const char *id)
{
	char until[CLOCK_TEXT_LEN];

	clock_text(d->until, until);
	(void)printf("delegation %s\n  %s may say for %s: %s, until %s, by %s", id, d->to, d->of, role_name(d->role), until, issuer);
	if (d->depth)
		(void)printf(", and lend it on %llu times", (unsigned long long)d->depth);
	(void)printf("\n");
	for (size_t i = 0; i < d->n_scopes; i++)
		(void)printf("  %s\n", d->scope[i]);
}

/* Those that one has given, has, or that lend on one's own power. */
static enum coffer_rc print_one(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(64u << 10);
	struct listing *l = arg;
	const char *me = l->l->h.party;
	struct json_wr j = jw_open(&w, false);
	struct delegation d;
	char id[HEX32_LEN];

	(void)env;
	TRY(delegation_read(s, &d, e));
	if (strcmp(s->issuer, me) != 0 && strcmp(d.to, me) != 0 && strcmp(d.of, me) != 0)
		return COFFER_OK;
	hex32(s->id, id);
	if (!l->json) {
		print_text(&d, s->issuer, id);
		l->n++;
		return COFFER_OK;
	}
	jw_obj(&j);
	jw_m_text(&j, "id", id);
	jw_m_text(&j, "issuer", s->issuer);
	jw_name(&j, "body");
	jw_value(&j, s->body);
	jw_obj_end(&j);
	TRY(wr_done(&w, "delegation", e));
	(void)printf("%s%.*s", l->n++ ? "," : "", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

enum coffer_rc cmd_delegations(struct cli *c, struct err *e)
{
	CLEANUP(lend_end) struct lend l = { 0 };
	struct listing list = { .l = &l, .json = c->json };

	TRY(home_load(c, &l.h, e));
	TRY(home_sign_key(c, &l.h, &l.key, e));
	TRY(home_connect(&l.h, &l.conn, e));
	if (c->json)
		(void)printf("[");
	TRY(statements_query(c, &l.h, l.key, l.conn, "kind=delegation", print_one, &list, e));
	if (c->json)
		(void)printf("]\n");
	else if (!list.n)
		(void)printf("no delegation by you, to you or of your power is in force\n");
	return COFFER_OK;
}
