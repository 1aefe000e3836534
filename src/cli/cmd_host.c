/* coffer host check: which workloads would this machine be refused for, by whom, and what mends it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/home.h"
#include "cli/host.h"
#include "cli/verbs.h"
#include "fmt/enc.h"

#define OUT_MAX (64u << 20)
#define REFUSED_EXIT 1

const struct opt_spec opts_host_check[] = {
	{ "platform", "NAME", "snp, tdx, ... : 'coffer evidence platforms' lists them", false, true },
	{ "evidence", "FILE", "evidence of a guest on this machine; '-' is standard input", false, false },
	{ "collateral", "DIR", "for the evidence: certificates, revocation lists and vendor JSON", false, false },
	{ "roots", "DIR", "for the evidence: further root certificates, beside the pinned ones", false, false },
	{ "product", "NAME", "milan, ..., FMSPC in hex; laid over what the evidence says, as what follows is", false, false },
	{ "svn", "NAME=N,...", "versions of firmware, as committed and at launch: bootloader=4,snp=24", true, false },
	{ "chip", "HEX", "chip id", false, false },
	{ "smt", "on|off", "another thread may share a core (taken as on where nothing says)", false, false },
	{ "migration", "on|off", "a migration agent may move guests (taken as on where nothing says)", false, false },
	{ "debug", "on|off", "guests' memory is open to debugging (taken as off where nothing says)", false, false },
	{ "register", "NAME=HEX", "what is launched, as measurement=...; R5 then compares it", true, false },
	{ "launch", NULL, "what the evidence says was launched is what workloads launch: R5 compares it", false, false },
	{ "at", "TIME", "judge evidence and what is in force at this time, as 2027-01-31T00:00:00Z (default: now)", false, false },
	{ "statements", "PATH", "signed statements in a file or folder, as though they were logged once issued", true, false },
	{ "minimum", "PARTY=FILE", "a draft for 'coffer tcb publish', as though PARTY had stated it", true, false },
	{ "offline", NULL, "ask no trust service: files alone, whose signatures are then not checked", false, false },
	OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

/* ---- results ---- */

struct report { const struct host *h; const struct host_set *set; struct host_result *r; size_t n, count[4]; };

static const char *const verdict_names[] = {
	[HOST_RUNS] = "runs", [HOST_REFUSED] = "refused", [HOST_ELSEWHERE] = "elsewhere", [HOST_UNAPPROVED] = "unapproved",
};

static enum coffer_rc judge_all(const struct host_set *set, const struct host *h, struct report *out, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		n += set->st[i]->s.kind == ST_WORKLOAD && set->st[i]->in_force;
	out->r = calloc(n ? n : 1, sizeof(*out->r));
	if (!out->r)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	for (size_t i = 0; i < set->n; i++) {
		if (set->st[i]->s.kind != ST_WORKLOAD || !set->st[i]->in_force)
			continue;
		host_judge(set, h, set->st[i], &out->r[out->n]);
		out->count[out->r[out->n].verdict]++;
		out->n++;
	}
	return COFFER_OK;
}

/* ---- in words ---- */

static void put_text(struct wr *w, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		wr_u8(w, s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i]);
}

static const char *bit(bool on, bool known)
{
	return on ? known ? "on" : "taken as on" : "off";
}

static void say_host(const struct report *p, struct wr *w)
{
	const struct hw_facts *f = &p->h->f;
	char at[CLOCK_TEXT_LEN];

	clock_text(p->set->at, at);
	wr_fmt(w, "%s%s%s, %s, at %s\n", f->platform, f->product[0] ? " " : "", f->product,
	    p->h->evident ? "by its evidence" : "as stated", at);
	wr_fmt(w, "  chip %s, smt %s, migration %s, debug %s\n", f->chip_n ? "known" : "not known", bit(f->smt, p->h->smt_known),
	    bit(f->migratable, p->h->migration_known), f->debug ? "on" : "off");
	for (size_t i = 0; i < f->n_svns; i++)
		wr_fmt(w, "%s%s %" PRIu64 " (at launch %" PRIu64 ")", i ? ", " : "  ", f->svn[i].name, f->svn[i].committed,
		    f->svn[i].launch);
	wr_str(w, f->n_svns ? "\n" : "");
}

static void say_refusal(const struct host_refusal *r, struct wr *w)
{
	char id[HEX32_LEN], until[CLOCK_TEXT_LEN];

	wr_fmt(w, "    %s %s: wanted %s, found ", r->check, r->d.field, r->d.wanted);
	wr_fmt(w, "%s\n       ", r->d.found);
	if (!r->by) {
		wr_fmt(w, "for want of a statement of %s", r->party);
	} else if (r->by->draft) {
		wr_fmt(w, "by %s's draft ", r->by->s.issuer);
		put_text(w, span_of(r->by->draft));
	} else {
		hex32(r->by->s.id, id);
		clock_text(host_until(r->by), until);
		wr_fmt(w, "by %s's %s statement %s, until %s", r->by->s.issuer, statement_kind_name(r->by->s.kind), id, until);
	}
	wr_fmt(w, "\n       keeps back %s", r->asset);
	if (r->n_assets > 1)
		wr_fmt(w, " and %zu more", r->n_assets - 1);
	wr_fmt(w, "\n       mended by: %s\n", r->who);
	if (r->command[0])
		wr_fmt(w, "       with:      %s\n", r->command);
}

static void say_result(const struct report *p, const struct host_result *r, struct wr *w)
{
	char digest[HEX32_LEN];

	hex32(r->w->workload.digest, digest);
	wr_fmt(w, "%s/", r->w->workload.provider);
	put_text(w, r->w->workload.name);
	wr_fmt(w, " (%.16s): ", digest);
	if (r->verdict == HOST_REFUSED)
		wr_str(w, "would be refused\n");
	else if (r->verdict == HOST_ELSEWHERE)
		wr_fmt(w, "not for this machine: nobody names %s for it\n", p->h->f.platform);
	else if (r->verdict == HOST_UNAPPROVED)
		wr_fmt(w, "refused on every machine (R9): not approved for %s\n", r->asset);
	else
		wr_str(w, "runs\n");
	for (size_t i = 0; i < r->n; i++)
		say_refusal(&r->r[i], w);
	if (r->more)
		wr_str(w, "    and further refusals\n");
}

static void say(const struct report *p, struct wr *w)
{
	say_host(p, w);
	for (size_t i = 0; i < p->n; i++)
		say_result(p, &p->r[i], w);
	if (!p->h->boot)
		wr_str(w, "what is launched was not compared (R5): give --register, or --launch with evidence of what workloads launch\n");
	if (p->set->n_later)
		wr_fmt(w, "%zu statements given are issued later and were left out\n", p->set->n_later);
	if (p->set->n_unsigned)
		wr_fmt(w, "the signatures of %zu statements given were not checked\n", p->set->n_unsigned);
	wr_fmt(w, "%zu of %zu workloads in force would be refused on this machine; %zu run, %zu are not for it, %zu are not approved\n",
	    p->count[HOST_REFUSED], p->n, p->count[HOST_RUNS], p->count[HOST_ELSEWHERE], p->count[HOST_UNAPPROVED]);
}

/* ---- as JSON ---- */

static void m_hex(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(256);

	hex_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
}

static void m_time(struct json_wr *j, const char *name, int64_t t)
{
	char text[CLOCK_TEXT_LEN];

	clock_text(t, text);
	jw_m_text(j, name, text);
}

static void put_host(const struct host *h, struct json_wr *j)
{
	const struct hw_facts *f = &h->f;

	jw_obj(j);
	jw_m_text(j, "platform", f->platform);
	jw_m_text(j, "product", f->product);
	jw_m_bool(j, "evidence", h->evident);
	m_hex(j, "chip", (struct span){ f->chip, f->chip_n });
	jw_m_bool(j, "smt", f->smt);
	jw_m_bool(j, "migration", f->migratable);
	jw_m_bool(j, "debug", f->debug);
	jw_name(j, "svns");
	jw_obj(j);
	for (size_t i = 0; i < f->n_svns; i++) {
		jw_name(j, f->svn[i].name);
		jw_obj(j);
		jw_m_u64(j, "committed", f->svn[i].committed);
		jw_m_u64(j, "launch", f->svn[i].launch);
		jw_obj_end(j);
	}
	jw_obj_end(j);
	jw_name(j, "registers");
	jw_obj(j);
	for (size_t i = 0; i < f->n_regs; i++)
		m_hex(j, f->reg[i].name, (struct span){ f->reg[i].v, f->reg[i].n });
	jw_obj_end(j);
	jw_obj_end(j);
}

static void put_by(const struct host_statement *x, struct json_wr *j)
{
	jw_name(j, "statement");
	if (!x) {
		jw_null(j);
		return;
	}
	jw_obj(j);
	jw_m_text(j, "kind", statement_kind_name(x->s.kind));
	jw_m_text(j, "issuer", x->s.issuer);
	if (x->draft) {
		jw_m_text(j, "draft", x->draft);
	} else {
		m_hex(j, "id", SPAN(x->s.id));
		m_time(j, "until", host_until(x));
	}
	jw_obj_end(j);
}

static void put_refusal(const struct host_refusal *r, struct json_wr *j)
{
	jw_obj(j);
	jw_m_text(j, "check", r->check);
	jw_m_text(j, "party", r->party);
	put_by(r->by, j);
	jw_m_text(j, "field", r->d.field);
	jw_m_text(j, "wanted", r->d.wanted);
	jw_m_text(j, "found", r->d.found);
	jw_m_text(j, "asset", r->asset);
	jw_m_u64(j, "assets", r->n_assets);
	jw_m_text(j, "who", r->who);
	jw_m_text(j, "command", r->command);
	jw_obj_end(j);
}

static void put_result(const struct host_result *r, struct json_wr *j)
{
	jw_obj(j);
	jw_m_text(j, "provider", r->w->workload.provider);
	jw_m_str(j, "name", r->w->workload.name);
	m_hex(j, "digest", SPAN(r->w->workload.digest));
	m_time(j, "until", host_until(r->w));
	jw_m_text(j, "verdict", verdict_names[r->verdict]);
	jw_m_text(j, "unapproved", r->asset);
	jw_name(j, "refusals");
	jw_arr(j);
	for (size_t i = 0; i < r->n; i++)
		put_refusal(&r->r[i], j);
	jw_arr_end(j);
	jw_m_bool(j, "more", r->more);
	jw_obj_end(j);
}

static void put(const struct report *p, struct wr *w)
{
	struct json_wr j = jw_open(w, true);

	jw_obj(&j);
	m_time(&j, "at", p->set->at);
	jw_name(&j, "host");
	put_host(p->h, &j);
	jw_m_bool(&j, "launch-compared", p->h->boot);
	jw_name(&j, "workloads");
	jw_arr(&j);
	for (size_t i = 0; i < p->n; i++)
		put_result(&p->r[i], &j);
	jw_arr_end(&j);
	for (size_t i = 0; i < sizeof(p->count) / sizeof(p->count[0]); i++)
		jw_m_u64(&j, verdict_names[i], p->count[i]);
	jw_m_u64(&j, "later", p->set->n_later);
	jw_m_u64(&j, "signatures-not-checked", p->set->n_unsigned);
	jw_obj_end(&j);
	wr_str(w, "\n");
}

/* ---- the verb ---- */

static enum coffer_rc check(const struct cli *c, struct host_set *set, struct report *p, struct err *e)
{
	CLEANUP(freep) struct host *h = calloc(1, sizeof(*h));
	CLEANUP(wr_close) struct wr w = wr_open(OUT_MAX);
	const char *at = cli_opt(c, "at");

	if (!h)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	set->at = clock_now();
	if (at && !clock_parse(span_of(at), &set->at))
		return cli_bad(e, "--at %s: not a time like 2027-01-31T00:00:00Z", at);
	if (cli_flag(c, "offline") && !cli_opt(c, "statements"))
		return cli_bad(e, "--offline: there is nothing to judge by without --statements");
	TRY(host_read(c, set->at, h, e));
	TRY(host_load(c, set, e));
	p->h = h;
	p->set = set;
	TRY(judge_all(set, h, p, e));
	if (c->json)
		put(p, &w);
	else
		say(p, &w);
	TRY(wr_done(&w, "report", e));
	(void)printf("%.*s", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

int cmd_host_check(struct cli *c, struct err *e)
{
	CLEANUP(host_set_clear) struct host_set set = { 0 };
	struct report p = { .n = 0 };
	enum coffer_rc rc = check(c, &set, &p, e);

	free(p.r);
	if (rc != COFFER_OK)
		return cli_fail(c, e);
	return p.count[HOST_REFUSED] ? REFUSED_EXIT : 0;
}
