/* coffer evidence appraise: is it what it claims to be, and is it what a policy wants? */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/confined.h"
#include "cli/evidence_job.h"
#include "cli/verbs.h"
#include "evidence/appraise.h"
#include "fmt/enc.h"
#include "judge/devices.h"
#include "judge/evidence.h"
#include "judge/submods.h"
#include "os/file.h"

const struct opt_spec opts_evidence_appraise[] = {
	{ "platform", "NAME", "snp, ... : 'coffer evidence platforms' lists them", false, true },
	{ "evidence", "FILE", "upstream's JSON or the raw report; '-' is standard input", false, true },
	{ "additional", "FILE", "evidence of devices beside it, as the KBS protocol's additional_evidence: {\"nvidia\": ...}", false, false },
	{ "collateral", "DIR", "certificates, revocation lists and vendor JSON; recognised by content", false, false },
	{ "roots", "DIR", "further root certificates, beside the pinned ones", false, false },
	{ "report-data", "HEX", "what the evidence must be bound to", false, false },
	{ "device-data", "HEX", "what each device's evidence must be bound to", false, false },
	{ "init-data", "FILE", "init-data whose digest the platform's register must hold", false, false },
	{ "policy", "FILE", "appraise valid evidence by this Rego policy, or by the built-in one: 'default' (devices: always)", false, false },
	{ "reference-values", "FILE", "JSON that the policy's query_reference_value answers from", false, false },
	{ "time", "TIME", "judge validity at this time, as 2027-01-31T00:00:00Z or 2027-01-31T02:00:00+02:00 (default: now)", false, false },
	{ NULL, NULL, NULL, false, false } };

/* All that is read here, by this process, as bytes; what they are is found out in a child (appraise_it). */
struct judged { bool asked; struct appraise_out out; struct wr text, refs_text; struct refs *refs; };
struct appraise_job {
	const struct cli    *c;
	struct evidence_job *b;
	struct devices      *v;
	struct wr            beside, device_data; /* --additional, --device-data */
	struct judged        g;
};

static enum coffer_rc init_digest(const char *path, struct evidence_job *b, struct err *e)
{
	size_t n = 0;

	if (initdata_digest(wr_span(&b->init_toml), b->init, &n, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	b->in.init_data = (struct span){ b->init, n };
	return COFFER_OK;
}

static enum coffer_rc binding(const struct cli *c, const char *name, struct wr *out, struct span *in, struct err *e)
{
	const char *hex = cli_opt(c, name);

	if (!hex)
		return COFFER_OK;
	*out = wr_open(64);
	if (!hex_read(span_of(hex), out) || !wr_ok(out) || out->n == 0)
		return cli_bad(e, "--%s: not hex of 1 to 64 bytes", name);
	*in = wr_span(out);
	return COFFER_OK;
}

static enum coffer_rc bindings(const struct cli *c, struct evidence_job *b, struct err *e)
{
	const char *init = cli_opt(c, "init-data"), *time = cli_opt(c, "time");

	b->in.now = clock_now();
	if (time && !clock_parse_any(span_of(time), &b->in.now))
		return cli_bad(e, "--time %s: not a time like 2027-01-31T00:00:00Z or 2027-01-31T02:00:00+02:00", time);
	TRY(binding(c, "report-data", &b->report_data, &b->in.report_data, e));
	return init ? evidence_file_arg("init-data", init, 1u << 20, &b->init_toml, e) : COFFER_OK;
}

/* ---- devices beside it ---- */

static enum coffer_rc read_beside(struct appraise_job *j, struct err *e)
{
	const char *path = cli_opt(j->c, "additional");
	struct span data = { 0 };

	TRY(binding(j->c, "device-data", &j->device_data, &data, e));
	if (!path)
		return data.p ? cli_bad(e, "--device-data is for devices: give --additional too") : COFFER_OK;
	if (strcmp(j->b->driver->device_class, "cpu") != 0)
		return cli_bad(e, "--additional: %s is a device itself; give the evidence of the machine it is in", j->b->driver->name);
	return evidence_file_arg("additional", path, EVIDENCE_FILE_MAX, &j->beside, e);
}

static enum coffer_rc appraise_beside(const struct appraise_job *j, struct err *e)
{
	const char *path = cli_opt(j->c, "additional");
	struct ev_in how = { .col = j->b->in.col, .now = j->b->in.now };

	if (!path)
		return COFFER_OK;
	if (j->device_data.n > 0)
		how.report_data = wr_span(&j->device_data);
	return devices_appraise(wr_span(&j->beside), EVIDENCE_FILE_MAX, &how, j->v, e) == COFFER_OK ? COFFER_OK : err_wrap(e, "%s", path);
}

/* The first that is not valid: the machine, then its devices in their order. All are: the machine. */
static const struct ev_out *deciding(const struct evidence_job *b, const struct devices *v)
{
	for (size_t i = 0; i < v->n && b->out.verdict == VERDICT_VALID; i++)
		if (v->d[i].out.verdict != VERDICT_VALID)
			return &v->d[i].out;
	return &b->out;
}

/* ---- by a policy ---- */

static void judged_clear(struct judged *g)
{
	appraise_clear(&g->out);
	wr_close(&g->text);
	wr_close(&g->refs_text);
	refs_freep(&g->refs);
}

/* Before anything is judged, so that a bad file is told whatever the evidence is. */
static enum coffer_rc parse_refs(const struct cli *c, struct judged *g, struct err *e)
{
	const char *path = cli_opt(c, "reference-values");

	return !path || refs_parse(wr_span(&g->refs_text), &g->refs, e) == COFFER_OK ? COFFER_OK : err_wrap(e, "%s", path);
}

static enum coffer_rc read_policy(const struct cli *c, struct judged *g, struct err *e)
{
	const char *path = cli_opt(c, "policy");

	g->asked = path != NULL;
	if (!path)
		return cli_opt(c, "reference-values") ? cli_bad(e, "--reference-values is for a policy: give --policy too")
						      : COFFER_OK;
	if (cli_opt(c, "reference-values"))
		TRY(evidence_file_arg("reference-values", cli_opt(c, "reference-values"), REFS_TEXT_MAX, &g->refs_text, e));
	return strcmp(path, "default") == 0 ? COFFER_OK : evidence_file_arg("policy", path, APPRAISE_POLICY_MAX, &g->text, e);
}

static enum coffer_rc by_policy(const struct cli *c, const struct evidence_job *b, const struct devices *v, struct judged *g, struct err *e)
{
	CLEANUP(submods_free) struct submods *all = calloc(1, sizeof(*all));
	const char *path = cli_opt(c, "policy");
	struct appraise_policy own = { b->driver->device_class, path, path, wr_span(&g->text), NULL };
	bool defaults = strcmp(path, "default") == 0;
	struct appraise_in in = { .policy = &own, .n_policies = defaults ? 0 : 1, .defaults = defaults || v->n > 0,
		.refs = g->refs, .init_data = wr_span(&b->init_toml), .now = b->in.now, .build = "coffer " COFFER_VERSION };

	if (!all)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	all->d[all->n++] = (struct appraise_device){ b->driver, b->out.verdict, wr_span(&b->out.claims) };
	for (size_t i = 0; i < v->n; i++) {
		const struct appraise_device one = { v->d[i].driver, v->d[i].out.verdict, wr_span(&v->d[i].out.claims) };

		TRY(submods_split(&one, 1, all, e));
	}
	in.device = all->d;
	in.n_devices = all->n;
	return appraise(&in, &g->out, e);
}

static enum coffer_rc put_devices(struct json_wr *j, const struct devices *v, struct err *e)
{
	if (v->n == 0)
		return COFFER_OK;
	jw_name(j, "additional");
	jw_arr(j);
	for (size_t i = 0; i < v->n; i++) {
		jw_obj(j);
		TRY(evidence_put_verdict(j, v->d[i].driver, &v->d[i].out, e));
		jw_obj_end(j);
	}
	jw_arr_end(j);
	return COFFER_OK;
}

static enum coffer_rc put_ear(struct json_wr *j, const struct judged *g, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *why = NULL;

	if (g->out.ear.n == 0)
		return COFFER_OK;
	TRY(evidence_put_object(j, "ear", wr_span(&g->out.ear), e));
	TRY(json_parse(wr_span(&g->out.why), APPRAISE_EAR_MAX, &why, e));
	jw_name(j, "not-affirming");
	jw_value(j, json_root(why));
	return COFFER_OK;
}

/* A policy that gave no EAR: why. */
static void put_policy_error(struct json_wr *j, const struct err *why)
{
	if (why->rc == COFFER_OK)
		return;
	jw_name(j, "policy");
	jw_obj(j);
	jw_name(j, "error");
	jw_obj(j);
	jw_m_text(j, "check", why->check[0] ? why->check : "policy");
	jw_m_text(j, "reason", why->msg);
	jw_obj_end(j);
	jw_obj_end(j);
}

static enum coffer_rc print_json(const struct evidence_job *b, const struct devices *v, const struct judged *g, const struct err *why, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(EVIDENCE_OUT_MAX);
	struct json_wr j = jw_open(&w, true);

	jw_obj(&j);
	TRY(v->n > 0 ? evidence_put_verdict_of(&j, b->driver, &b->out, deciding(b, v), e) : evidence_put_verdict(&j, b->driver, &b->out, e));
	TRY(put_devices(&j, v, e));
	TRY(put_ear(&j, g, e));
	put_policy_error(&j, why);
	jw_obj_end(&j);
	TRY(wr_done(&w, "verdict", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

static void print_str(const char *before, const struct json *o, const char *name)
{
	struct span s = json_str(json_get(o, name));

	(void)printf("%s%.*s", before, (int)s.n, (const char *)s.p);
}

static void print_vector(const struct json *submods)
{
	for (size_t i = 0; i < json_len(submods); i++) {
		const struct json *sub = json_at(submods, i), *v = json_get(sub, "ear.trustworthiness-vector");

		(void)printf("%.*s:", (int)json_name(submods, i).n, (const char *)json_name(submods, i).p);
		print_str(" ", sub, "ear.status");
		(void)printf("\n");
		for (size_t k = 0; k < json_len(v); k++)
			(void)printf("  %-18.*s %4.*s\n", (int)json_name(v, k).n, (const char *)json_name(v, k).p, (int)json_num(json_at(v, k)).n,
			    (const char *)json_num(json_at(v, k)).p);
	}
}

static void print_reason(const struct json *r)
{
	const struct json *lines = json_get(r, "because"), *refs = json_get(r, "reference-values");

	print_str("  ", r, "member");
	print_str(" is ", r, "tier");
	(void)printf(":\n");
	for (size_t i = 0; i < json_len(lines); i++) {
		const struct json *l = json_at(lines, i);
		uint64_t at = 0;

		(void)!json_u64(json_get(l, "line"), &at);
		print_str("    ", l, "file");
		(void)printf(":%llu:", (unsigned long long)at);
		print_str(" ", l, "statement");
		if (json_get(l, "path"))
			print_str(": found ", l, "found");
		if (json_str(json_get(l, "wanted")).n > 0)
			print_str(", wanted ", l, "wanted");
		(void)printf("\n");
	}
	for (size_t i = 0; i < json_len(refs); i++)
		(void)printf("    reference value %.*s is %.*s\n", (int)json_name(refs, i).n, (const char *)json_name(refs, i).p,
		    (int)json_str(json_at(refs, i)).n, (const char *)json_str(json_at(refs, i)).p);
}

static enum coffer_rc print_appraisal(const struct judged *g, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *ear = NULL, *why = NULL;

	TRY(json_parse(wr_span(&g->out.ear), APPRAISE_EAR_MAX, &ear, e));
	TRY(json_parse(wr_span(&g->out.why), APPRAISE_EAR_MAX, &why, e));
	print_vector(json_get(json_root(ear), "submods"));
	for (size_t i = 0; i < json_len(json_root(why)); i++)
		print_reason(json_at(json_root(why), i));
	return COFFER_OK;
}

static void print_text(const struct evidence_job *b, const struct devices *v)
{
	evidence_print_verdict(b->driver, &b->out);
	for (size_t i = 0; i < v->n; i++)
		evidence_print_verdict(v->d[i].driver, &v->d[i].out);
}

/* What was found is shown whatever comes of it; then the exit code says which. */
static enum coffer_rc conclude(const struct cli *c, const struct evidence_job *b, const struct devices *v, struct judged *g, struct err *e)
{
	struct err refusal = { 0 };
	enum coffer_rc rc = COFFER_OK;

	if (g->asked && deciding(b, v)->verdict == VERDICT_VALID)
		rc = by_policy(c, b, v, g, &refusal);
	if (c->json)
		TRY(print_json(b, v, g, &refusal, e));
	else
		print_text(b, v);
	TRY(evidence_end(&b->out, e));
	for (size_t i = 0; i < v->n; i++)
		if (evidence_end(&v->d[i].out, e) != COFFER_OK)
			return err_wrap(e, "%s", v->d[i].driver->name);
	if (rc != COFFER_OK) {
		*e = refusal;
		return rc;
	}
	if (!g->asked)
		return COFFER_OK;
	if (!c->json)
		TRY(print_appraisal(g, e));
	if (g->out.status == EAR_AFFIRMING)
		return COFFER_OK;
	return err_deny(e, "policy", "the appraisal is %s, not affirming", ear_tier_name(g->out.status));
}

/* In a child that can only compute. */
static enum coffer_rc appraise_it(void *arg, struct err *e)
{
	struct appraise_job *j = arg;
	struct evidence_job *b = j->b;
	const char *init = cli_opt(j->c, "init-data");

	TRY(parse_refs(j->c, &j->g, e));
	if (init)
		TRY(init_digest(init, b, e));
	TRY(evidence_job_parse(b, e));
	TRY(b->driver->appraise(&b->in, &b->out, e));
	TRY(appraise_beside(j, e));
	return conclude(j->c, b, j->v, &j->g, e);
}

static enum coffer_rc read_all(struct appraise_job *j, struct err *e)
{
	const char *platform = cli_opt(j->c, "platform");

	j->b->driver = tee_driver_find(span_of(platform));
	if (!j->b->driver)
		return cli_bad(e, "--platform %s: there is no such platform; 'coffer evidence platforms' lists them", platform);
	TRY(read_policy(j->c, &j->g, e));
	TRY(evidence_file_arg("evidence", cli_opt(j->c, "evidence"), EVIDENCE_FILE_MAX, &j->b->evidence, e));
	TRY(bindings(j->c, j->b, e));
	TRY(evidence_job_files(j->c, j->b, e));
	return read_beside(j, e);
}

/* What could not be judged for its form or its size is malformed, and --json says so as it does of every other verdict. */
static bool print_malformed(struct evidence_job *b, const struct err *why)
{
	CLEANUP(devices_free) struct devices *none = calloc(1, sizeof(*none));
	struct judged nothing = { 0 };
	struct err ignore = { 0 };

	ev_out_clear(&b->out);
	ev_malformed(&b->out, why);
	return none && print_json(b, none, &nothing, &ignore, &ignore) == COFFER_OK;
}

static void job_clear(struct appraise_job *j)
{
	if (j->b)
		evidence_job_clear(j->b);
	free(j->b);
	devices_free(&j->v);
	wr_close(&j->beside);
	wr_close(&j->device_data);
	judged_clear(&j->g);
}

enum coffer_rc cmd_evidence_appraise(struct cli *c, struct err *e)
{
	CLEANUP(job_clear) struct appraise_job j = { .c = c, .b = calloc(1, sizeof(*j.b)), .v = calloc(1, sizeof(*j.v)) };
	enum coffer_rc rc;
	bool printed = false;

	if (!j.b || !j.v)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	rc = read_all(&j, e);
	evidence_warm();
	rc = rc == COFFER_OK ? confined_printing(appraise_it, &j, &printed, e) : rc;
	if (c->json && !printed && rc != COFFER_OK && cli_exit_code(e) == 3)
		printed = print_malformed(j.b, e);
	c->json = c->json && !printed; /* the verdict has the reason: no second object after it */
	return rc;
}
