#include "judge/submods.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

#define SHOWN_MAX (48u << 10) /* init-data that the token shows parsed; of more it has the digest alone */

/* Submods with a TD's event log in them; larger ones go without it: what reads tokens (EAR_MAX) and what keep holds of sessions
 * (NOTES_BYTES_MAX) is bounded. The attestation policies have seen it in either case. */
#define LOG_SHOWN_MAX (56u << 10)
#define LOG "uefi_event_logs"

#define CLASSES 4
static struct appraise_policy ready[CLASSES]; /* NOLINT: written once, by evidence_warm */
static size_t n_ready;                        /* NOLINT */

void submods_warm(void)
{
	static const char *const device_class[CLASSES] = { "cpu", "gpu", "switch", "ppcie" };
	struct err ignore = { 0 };

	for (size_t i = 0; i < CLASSES && n_ready < CLASSES; i++) {
		struct rego_policy *p = NULL;

		if (appraise_default(device_class[i], &ready[n_ready]) && appraise_compile(&ready[n_ready], &p, &ignore) == COFFER_OK)
			ready[n_ready++].ready = p;
	}
}

/* ---- one submod a device ---- */

static const struct tee_driver as_gpu = { "nvidia", "nvidia", "gpu", NULL, NULL, NULL }, as_switch = { "nvidia", "nvidia", "switch", NULL, NULL, NULL },
	as_machine = { "nvidia", "nvidia", "ppcie", NULL, NULL, NULL };

void submods_free(struct submods **p)
{
	for (size_t i = 0; *p && i < APPRAISE_DEVICES_MAX; i++)
		wr_close(&(*p)->claims[i]);
	free(*p);
	*p = NULL;
}

static enum coffer_rc add(struct submods *p, const struct tee_driver *d, const struct appraise_device *of, const struct json *claims, struct err *e)
{
	struct json_wr j;

	if (p->n == APPRAISE_DEVICES_MAX)
		return err_set(e, COFFER_E_LIMIT, "more than %d devices", APPRAISE_DEVICES_MAX);
	if (!claims) {
		p->d[p->n++] = (struct appraise_device){ d, of->verdict, of->claims };
		return COFFER_OK;
	}
	p->claims[p->n] = wr_open(APPRAISE_CLAIMS_MAX);
	j = jw_open(&p->claims[p->n], false);
	jw_value(&j, claims);
	TRY(wr_done(&p->claims[p->n], "claims of a device", e));
	p->d[p->n] = (struct appraise_device){ d, of->verdict, wr_span(&p->claims[p->n]) };
	p->n++;
	return COFFER_OK;
}

/* Claims of a single device stand alone; of several there is a list. */
static enum coffer_rc add_nvidia(struct submods *p, const struct appraise_device *of, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *root, *list;
	bool whole = false;

	TRY(json_parse(of->claims, APPRAISE_CLAIMS_MAX, &doc, e));
	root = json_root(doc);
	list = json_get(root, "devices");
	for (size_t i = 0; i < json_len(list); i++) {
		bool is_switch = span_eq_str(json_str(json_get(json_at(list, i), "arch")), "LS10");

		TRY(add(p, is_switch ? &as_switch : &as_gpu, of, json_at(list, i), e));
	}
	if (json_bool(json_get(root, "ppcie_complete"), &whole) && whole)
		TRY(add(p, &as_machine, of, NULL, e));
	return json_len(list) > 0 ? COFFER_OK : err_set(e, COFFER_E_BUG, "nvidia: claims without devices");
}

enum coffer_rc submods_split(const struct appraise_device *found, size_t n, struct submods *out, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		TRY(strcmp(found[i].tee->name, "nvidia") == 0 ? add_nvidia(out, &found[i], e) : add(out, found[i].tee, &found[i], NULL, e));
	return COFFER_OK;
}

/* ---- the EAR ---- */

static void put_why(struct json_wr *j, const struct json *why, struct span submod)
{
	jw_name(j, "coffer.not-affirming");
	jw_arr(j);
	for (size_t i = 0; i < json_len(why); i++)
		if (span_eq(json_str(json_get(json_at(why, i), "submod")), submod))
			jw_value(j, json_at(why, i));
	jw_arr_end(j);
}

static void put_without_log(const struct json *claims, struct json_wr *j)
{
	jw_obj(j);
	for (size_t i = 0; i < json_len(claims); i++) {
		if (span_eq_str(json_name(claims, i), LOG))
			continue;
		jw_namen(j, json_name(claims, i));
		jw_value(j, json_at(claims, i));
	}
	jw_obj_end(j);
}

/* What the policy saw: the platform's claims by its name, and what is the same for every platform. */
static void put_seen(const struct json *seen, struct json_wr *j)
{
	jw_obj(j);
	for (size_t i = 0; i < json_len(seen); i++) {
		jw_namen(j, json_name(seen, i));
		if (span_eq_str(json_name(seen, i), "tdx"))
			put_without_log(json_at(seen, i), j);
		else
			jw_value(j, json_at(seen, i));
	}
	jw_obj_end(j);
}

static void put_member(const struct json *submod, size_t i, bool log, struct json_wr *j)
{
	jw_namen(j, json_name(submod, i));
	if (!log && span_eq_str(json_name(submod, i), "ear.veraison.annotated-evidence"))
		put_seen(json_at(submod, i), j);
	else
		jw_value(j, json_at(submod, i));
}

/* The EAR's submods, each with the reasons why it does not affirm. */
static enum coffer_rc write_submods(const struct appraise_out *a, bool log, struct wr *w, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *ear = NULL, *why = NULL;
	struct json_wr j = jw_open(w, false);
	const struct json *all;

	TRY(json_parse(wr_span(&a->ear), APPRAISE_EAR_MAX, &ear, e));
	TRY(json_parse(wr_span(&a->why), APPRAISE_EAR_MAX, &why, e));
	all = json_get(json_root(ear), "submods");
	jw_obj(&j);
	for (size_t i = 0; i < json_len(all); i++) {
		const struct json *one = json_at(all, i);

		jw_namen(&j, json_name(all, i));
		jw_obj(&j);
		put_why(&j, json_root(why), json_name(all, i));
		for (size_t k = 0; k < json_len(one); k++)
			put_member(one, k, log, &j);
		jw_obj_end(&j);
	}
	jw_obj_end(&j);
	return wr_done(w, "claims", e);
}

static enum coffer_rc write_what_fits(const struct appraise_out *a, struct wr *w, struct err *e)
{
	CLEANUP(wr_close) struct wr whole = wr_open(LOG_SHOWN_MAX);
	struct err ignore = { 0 };

	if (write_submods(a, true, &whole, &ignore) != COFFER_OK)
		return write_submods(a, false, w, e);
	wr_put(w, wr_span(&whole));
	return wr_done(w, "claims", e);
}

enum coffer_rc submods_write(const struct eval_evidence_req *q, const struct appraise_device *found, size_t n, struct wr *submods,
    struct err *e)
{
	CLEANUP(appraise_clear) struct appraise_out out = { 0 };
	CLEANUP(refs_freep) struct refs *refs = NULL;
	CLEANUP(submods_free) struct submods *p = calloc(1, sizeof(*p));
	struct appraise_in in = { .policy = ready, .n_policies = n_ready, .defaults = true, .now = q->now, .runtime_data = q->runtime,
		.build = "cofferd " COFFER_VERSION };

	if (!p)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(submods_split(found, n, p, e));
	in.device = p->d;
	in.n_devices = p->n;
	if (q->references.n > 0)
		TRY(refs_parse(q->references, &refs, e));
	in.refs = refs;
	if (q->init_digest.n > 0 && q->initdata.n <= SHOWN_MAX)
		in.init_data = q->initdata;
	TRY(appraise(&in, &out, e));
	return write_what_fits(&out, submods, e);
}
