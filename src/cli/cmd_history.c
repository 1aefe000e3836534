/* coffer approvals, decisions, why: what an owner said, and what was decided on it. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/away.h"
#include "cli/home.h"
#include "cli/publish.h"
#include "cli/session.h"
#include "cli/stops.h"
#include "cli/verbs.h"
#include "fmt/enc.h"

#define REPLY_MAX (1u << 20)

const struct opt_spec opts_decisions[] = { OPT_TOKEN_AWAY, OPT_PASSPHRASE,
	{ "before", "N", "those of entries before N, as the end of a list says", false, false }, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_history[] = { OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

static enum coffer_rc fetch(const struct session *s, const char *path, struct http_res *res, struct err *e)
{
	const struct asker me = { &s->h, s->key, s->conn };

	return home_call(&me, &(struct service_req){ .method = "GET", .path = path }, REPLY_MAX, res, e);
}

/* ---- approvals ---- */

/* Who stopped it beside who issued it, and for which of its assets: those of which it decides. */
struct held { const struct stop *stop; const struct approval *a; bool asset[ST_SUBJECTS_MAX]; size_t n; };
struct listing { const struct session *s; bool json; size_t n; };

struct owners { const char *by; bool decides; };

static enum coffer_rc take_owners(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct owners *o = arg;
	struct asset_body b;

	(void)env;
	TRY(asset_read(s, &b, e));
	o->decides = o->decides || asset_names(&b, o->by);
	return COFFER_OK;
}

/* The path's owner, and whom its statement in force names. */
static enum coffer_rc decides(const struct session *s, const struct asset_path *p, const char *by, bool *yes, struct err *e)
{
	CLEANUP(wr_close) struct wr q = wr_open(4096);
	CLEANUP(freep) char *query = NULL;
	struct owners o = { .by = by, .decides = strcmp(p->owner, by) == 0 };

	wr_fmt(&q, "kind=asset&issuer=%s&subject=", p->owner);
	query_encode(&q, span_of(p->text));
	query = wr_take(&q, NULL);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (!o.decides)
		TRY(statements_query(NULL, &s->h, s->key, s->conn, query, take_owners, &o, e));
	*yes = o.decides;
	return COFFER_OK;
}

/* All of them where it is the issuer's own word. */
static enum coffer_rc bears_on(const struct session *s, const char *issuer, struct held *h, struct err *e)
{
	for (size_t i = 0; i < h->a->n_assets; i++) {
		h->asset[i] = strcmp(h->stop->by, issuer) == 0;
		if (!h->asset[i])
			TRY(decides(s, &h->a->asset[i], h->stop->by, &h->asset[i], e));
		h->n += h->asset[i];
	}
	return COFFER_OK;
}

/* What it lets happen beyond the one workload, and what it still waits for. */
static void print_width(const struct approval *a)
{
	char hex[HEX32_LEN];

	for (size_t i = 0; i < a->n_platforms; i++)
		(void)printf("  platform %s\n", a->platform[i]);
	for (size_t i = 0; i < a->n_slots; i++)
		(void)printf("  slot     %s\n", a->slot[i]);
	for (size_t i = 0; i < a->n_beside; i++)
		(void)printf("  beside   %s\n", a->beside[i].text);
	for (size_t i = 0; i < a->n_boot_images; i++) {
		hex32(a->boot_image[i], hex);
		(void)printf("  boots    %s\n", hex);
	}
	if (a->has_uses)
		(void)printf("  uses     %llu at most\n", (unsigned long long)a->uses);
	if (a->or_narrower)
		(void)printf("  and      each workload at most as wide\n");
	if (a->images_by[0])
		(void)printf("  and      any image by %s, who may so run any code on this data\n", a->images_by);
	for (size_t i = 0; i < a->n_assessed; i++)
		(void)printf("  while    %s's assessment of the %s stands and says passed\n", a->assessed[i].by, assessed_name(a->assessed[i].about));
}

static void json_assets(const struct approval *a, const bool *which)
{
	bool any = false;

	for (size_t i = 0; i < a->n_assets; i++) {
		if (which && !which[i])
			continue;
		(void)printf("%s\"%s\"", any ? "," : "", a->asset[i].text);
		any = true;
	}
}

/* "paused-by": the first that holds; empty: nobody. */
static void print_json(const struct listing *l, const struct approval *a, const struct statement *s, const struct held *h, size_t n)
{
	char id[HEX32_LEN], workload[HEX32_LEN], until[CLOCK_TEXT_LEN];
	const char *paused = "";
	bool any = false;

	hex32(s->id, id);
	hex32(a->workload, workload);
	clock_text(a->until, until);
	for (size_t i = 0; i < n && !paused[0]; i++)
		paused = h[i].n > 0 && h[i].stop->pause ? h[i].stop->by : "";
	(void)printf("%s{\"id\":\"%s\",\"by\":\"%s\",\"workload\":\"%s\",\"until\":\"%s\",\"expired\":%s,\"or-narrower\":%s,\"images-by\":\"%s\",\"paused-by\":\"%s\",\"stopped\":[",
	    l->n ? "," : "", id, s->issuer, workload, until, a->until <= clock_now() ? "true" : "false", a->or_narrower ? "true" : "false", a->images_by, paused);
	for (size_t i = 0; i < n; i++) {
		if (h[i].n == 0)
			continue;
		(void)printf("%s{\"by\":\"%s\",\"%s\":true,\"assets\":[", any ? "," : "", h[i].stop->by, h[i].stop->pause ? "paused" : "revoked");
		json_assets(a, h[i].asset);
		(void)printf("]}");
		any = true;
	}
	(void)printf("],\"assets\":[");
	json_assets(a, NULL);
	(void)printf("]}");
}

static void print_held(const struct held *h, const char *id)
{
	char until[CLOCK_TEXT_LEN];

	if (h->n == 0)
		return;
	clock_text(h->stop->until, until);
	if (h->stop->pause)
		(void)printf("  paused   by %s until %s; 'coffer resume %s' lifts it", h->stop->by, until, id);
	else
		(void)printf("  revoked  by %s", h->stop->by);
	for (size_t i = 0, n = 0; i < h->a->n_assets && h->n < h->a->n_assets; i++)
		if (h->asset[i])
			(void)printf("%s%s", n++ ? ", " : ", for ", h->a->asset[i].text);
	(void)printf("\n");
}

static void print_text_of(const struct approval *a, const struct statement *s, const struct held *h, size_t n, const char *me)
{
	char id[HEX32_LEN], workload[HEX32_LEN], until[CLOCK_TEXT_LEN];

	hex32(s->id, id);
	hex32(a->workload, workload);
	clock_text(a->until, until);
	(void)printf("approval %s\n", id);
	if (strcmp(s->issuer, me) != 0)
		(void)printf("  by       %s\n", s->issuer);
	(void)printf("  workload %s\n  until    %s%s\n", workload, until, a->until <= clock_now() ? " (expired: it covers nothing any more)" : "");
	for (size_t i = 0; i < a->n_assets; i++)
		(void)printf("  asset    %s\n", a->asset[i].text);
	print_width(a);
	for (size_t i = 0; i < n; i++)
		print_held(&h[i], id);
}

static enum coffer_rc print_one(struct listing *l, const struct approval *a, const struct statement *s, struct err *e)
{
	CLEANUP(stops_clear) struct stops by = { 0 };
	CLEANUP(freep) struct held *h = NULL;

	TRY(stops_of(&(struct asker){ &l->s->h, l->s->key, l->s->conn }, s->id, &by, e));
	h = calloc(by.n + 1, sizeof(*h));
	if (!h)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	for (size_t i = 0; i < by.n; i++) {
		h[i] = (struct held){ .stop = &by.at[i], .a = a };
		TRY(bears_on(l->s, s->issuer, &h[i], e));
	}
	if (l->json)
		print_json(l, a, s, h, by.n);
	else
		print_text_of(a, s, h, by.n, l->s->h.party);
	l->n++;
	return COFFER_OK;
}

/* One's own, and others' for one's own assets: a delegate's, a co-owner's. */
static enum coffer_rc take_approval(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(freep) struct approval *a = calloc(1, sizeof(*a));
	struct listing *l = arg;
	bool mine;

	(void)env;
	if (!a)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(approval_read(s, a, e));
	mine = strcmp(s->issuer, l->s->h.party) == 0;
	for (size_t i = 0; i < a->n_assets; i++)
		mine = mine || strcmp(a->asset[i].owner, l->s->h.party) == 0;
	return mine ? print_one(l, a, s, e) : COFFER_OK;
}

enum coffer_rc cmd_approvals(struct cli *c, struct err *e)
{
	CLEANUP(session_end) struct session s = { 0 };
	struct listing l = { .s = &s, .json = c->json };

	TRY(session_begin(c, &s, e));
	if (l.json)
		(void)printf("{\"approvals\":[");
	TRY(statements_query(c, &s.h, s.key, s.conn, "kind=approval", take_approval, &l, e));
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
		(void)putchar(s.p[i] < 0x20 || s.p[i] >= 0x7f ? '?' : s.p[i]);
	(void)fputs(after, stdout);
}

static enum coffer_rc print_decisions(struct span body, bool first, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *list;
	uint64_t next = 0;

	TRY(json_parse(body, REPLY_MAX, &doc, e));
	TRY(json_need_arr(json_root(doc), "decisions", "reply", &list, e));
	if (json_len(list) == 0)
		(void)printf(first ? "nothing was decided yet about assets or workloads of this party\n" : "nothing was decided before about assets or workloads of this party\n");
	for (size_t i = 0; i < json_len(list); i++) {
		const struct json *d = json_at(list, i);

		print_text(d, "time", "", "  ");
		print_text(d, "outcome", "", "  ");
		print_text(d, "decision", "", "  ");
		print_text(d, "asset", "", "\n");
	}
	if (json_u64(json_get(json_root(doc), "next"), &next) && next > 0)
		(void)printf("older ones: coffer decisions --before %llu\n", (unsigned long long)next);
	return COFFER_OK;
}

enum coffer_rc cmd_decisions(struct cli *c, struct err *e)
{
	const char *before = cli_opt(c, "before");
	char path[64] = "/coffer/v0/decisions";
	uint64_t n;

	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(http_res_clear) struct http_res res = { 0 };

	if (before && (!span_u64(span_of(before), &n) || n == 0))
		return cli_bad(e, "--before %s: not an entry's number", before);
	if (before)
		(void)snprintf(path, sizeof(path), "/coffer/v0/decisions?before=%s", before);
	TRY(session_begin(c, &s, e));
	if (to_sign_wanted(&s.h))
		return token_to_sign(&(struct asker){ &s.h, s.key, s.conn }, "GET", path, e);
	TRY(fetch(&s, path, &res, e));
	if (!c->json)
		return print_decisions(wr_span(&res.body), !before, e);
	(void)printf("%.*s\n", (int)res.body.n, (const char *)res.body.p);
	return COFFER_OK;
}

/* Left without a question by another that fails: it names no remedy, for there is nothing to mend yet. Or one that has nothing to judge on a platform that proves nothing, and
 * stands in nobody's way. */
static bool not_asked(const struct json *v, bool holds)
{
	return span_starts(json_str(json_get(v, "found")), "not asked: ") && (holds || json_str(json_get(v, "who")).n == 0);
}

static void print_check(const struct json *v)
{
	bool holds = false;

	(void)!json_bool(json_get(v, "holds"), &holds); /* what is no bool does not hold */
	if (not_asked(v, holds)) {
		print_text(v, "check", "  --   ", "  ");
		print_text(v, "found", "", "\n");
		return;
	}
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
	if (to_sign_wanted(&s.h))
		return token_to_sign(&(struct asker){ &s.h, s.key, s.conn }, "GET", path, e);
	TRY(fetch(&s, path, &res, e));
	if (!c->json)
		return print_decision(wr_span(&res.body), e);
	(void)printf("%.*s\n", (int)res.body.n, (const char *)res.body.p);
	return COFFER_OK;
}
