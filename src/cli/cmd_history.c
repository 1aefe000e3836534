/* coffer approvals, decisions, why: what an owner said, and what was decided on it. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/home.h"
#include "cli/publish.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "fmt/enc.h"

#define REPLY_MAX (1u << 20)

const struct opt_spec opts_history[] = { OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

static enum coffer_rc fetch(const struct session *s, const char *path, struct http_res *res, struct err *e)
{
	const struct asker me = { &s->h, s->key, s->conn };

	return home_call(&me, &(struct service_req){ .method = "GET", .path = path }, REPLY_MAX, res, e);
}

/* ---- approvals ---- */

struct listing { bool json; size_t n; };

static enum coffer_rc print_approval(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(freep) struct approval *a = calloc(1, sizeof(*a));
	char id[HEX32_LEN], workload[HEX32_LEN], until[CLOCK_TEXT_LEN];
	struct listing *l = arg;

	(void)env;
	if (!a)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(approval_read(s, a, e));
	hex32(s->id, id);
	hex32(a->workload, workload);
	clock_text(a->until, until);
	if (l->json)
		(void)printf("%s{\"id\":\"%s\",\"workload\":\"%s\",\"until\":\"%s\",\"assets\":[", l->n ? "," : "", id, workload, until);
	else
		(void)printf("approval %s\n  workload %s\n  until    %s\n", id, workload, until);
	for (size_t i = 0; i < a->n_assets; i++)
		(void)printf(l->json ? "%s\"%s\"" : "%s  asset    %s\n", l->json && i ? "," : "", a->asset[i].text);
	for (size_t i = 0; !l->json && i < a->n_platforms; i++)
		(void)printf("  platform %s\n", a->platform[i]);
	for (size_t i = 0; !l->json && i < a->n_slots; i++)
		(void)printf("  slot     %s\n", a->slot[i]);
	for (size_t i = 0; !l->json && i < a->n_beside; i++)
		(void)printf("  beside   %s\n", a->beside[i].text);
	if (l->json)
		(void)printf("]}");
	l->n++;
	return COFFER_OK;
}

enum coffer_rc cmd_approvals(struct cli *c, struct err *e)
{
	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(freep) char *query = NULL;
	struct listing l = { .json = c->json };

	TRY(session_begin(c, &s, e));
	query = str_fmt("kind=approval&issuer=%s", s.h.party);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (l.json)
		(void)printf("{\"approvals\":[");
	TRY(statements_query(c, &s.h, s.key, s.conn, query, print_approval, &l, e));
	if (l.json)
		(void)printf("]}\n");
	else if (l.n == 0)
		(void)printf("no approval of %s is in force\n", s.h.party);
	return COFFER_OK;
}

/* ---- decisions and why: text of the service, shown without its control characters ---- */

static void print_text(const struct json *v, const char *name, const char *before, const char *after)
{
	struct span s = json_str(json_get(v, name));

	(void)fputs(before, stdout);
	for (size_t i = 0; i < s.n; i++)
		(void)putchar(s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i]);
	(void)fputs(after, stdout);
}

static enum coffer_rc print_decisions(struct span body, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *list;

	TRY(json_parse(body, REPLY_MAX, &doc, e));
	TRY(json_need_arr(json_root(doc), "decisions", "reply", &list, e));
	if (json_len(list) == 0)
		(void)printf("nothing was decided yet about assets or workloads of this party\n");
	for (size_t i = 0; i < json_len(list); i++) {
		const struct json *d = json_at(list, i);

		print_text(d, "time", "", "  ");
		print_text(d, "outcome", "", "  ");
		print_text(d, "decision", "", "  ");
		print_text(d, "asset", "", "\n");
	}
	return COFFER_OK;
}

enum coffer_rc cmd_decisions(struct cli *c, struct err *e)
{
	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(http_res_clear) struct http_res res = { 0 };

	TRY(session_begin(c, &s, e));
	TRY(fetch(&s, "/coffer/v0/decisions", &res, e));
	if (!c->json)
		return print_decisions(wr_span(&res.body), e);
	(void)printf("%.*s\n", (int)res.body.n, (const char *)res.body.p);
	return COFFER_OK;
}

static void print_check(const struct json *v)
{
	bool holds = false;

	(void)!json_bool(json_get(v, "holds"), &holds); /* what is no bool does not hold */
	print_text(v, "check", holds ? "  yes  " : "  NO   ", "  ");
	print_text(v, "expected", "", "\n");
	if (holds)
		return;
	print_text(v, "found", "       found:   ", "\n");
	print_text(v, "who", "       mended by: ", "\n");
	if (json_str(json_get(v, "command")).n)
		print_text(v, "command", "       with:    ", "\n");
}

static enum coffer_rc print_decision(struct span body, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *v, *checks;

	TRY(json_parse(body, REPLY_MAX, &doc, e));
	v = json_root(doc);
	TRY(json_need_arr(v, "checks", "reply", &checks, e));
	print_text(v, "asset", "asset    ", "\n");
	print_text(v, "time", "time     ", "\n");
	print_text(v, "outcome", "outcome  ", "");
	print_text(v, "reason", json_str(json_get(v, "reason")).n ? " by " : "", "\n");
	for (size_t i = 0; i < json_len(checks); i++)
		print_check(json_at(checks, i));
	return COFFER_OK;
}

enum coffer_rc cmd_why(struct cli *c, struct err *e)
{
	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(freep) char *path = str_fmt("/coffer/v0/decisions/%s", c->pos[0]);
	uint8_t id[16];

	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (!hex_fixed(span_of(c->pos[0]), id, sizeof(id)))
		return cli_bad(e, "%s: not a decision's id (32 hex digits; 'coffer decisions' lists them)", c->pos[0]);
	TRY(session_begin(c, &s, e));
	TRY(fetch(&s, path, &res, e));
	if (!c->json)
		return print_decision(wr_span(&res.body), e);
	(void)printf("%.*s\n", (int)res.body.n, (const char *)res.body.p);
	return COFFER_OK;
}
