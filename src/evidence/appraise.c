#include "evidence/appraise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/appraise_int.h"
#include "evidence/attestation_policy.h"

#define PROFILE   "tag:github.com,2024:confidential-containers/Trustee" /* what readers of such tokens expect */
#define DEVELOPER "https://confidentialcontainers.org"

const char *ear_tier_name(enum ear_tier t)
{
	static const char *const name[] = { "none", "affirming", "warning", "contraindicated" };

	return name[t];
}

enum ear_tier ear_tier_of(int64_t c)
{
	int64_t past = c < 0 ? -c - 1 : c; /* -2..-32 affirm as 2..31 do, -33..-96 warn, -97..-128 are contraindicated */

	if (c >= -1 && c <= 1)
		return EAR_NONE;
	return past < 32 ? EAR_AFFIRMING : past < 96 ? EAR_WARNING : EAR_CONTRAINDICATED;
}

enum ear_tier vector_status(const struct vector *v)
{
	enum ear_tier worst = EAR_NONE;

	for (size_t i = 0; i < VECTOR_N; i++)
		if (v->has[i] && ear_tier_of(v->value[i]) > worst)
			worst = ear_tier_of(v->value[i]);
	return worst;
}

bool appraise_default(const char *device_class, struct appraise_policy *out)
{
	const struct appraise_policy all[] = {
		{ "cpu", "default", "default_cpu.rego", { default_cpu, default_cpu_n }, NULL },
		{ "gpu", "default", "default_gpu.rego", { default_gpu, default_gpu_n }, NULL },
		{ "switch", "default", "default_switch.rego", { default_switch, default_switch_n }, NULL },
		{ "ppcie", "default", "default_ppcie.rego", { default_ppcie, default_ppcie_n }, NULL } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(device_class, all[i].device_class) == 0) {
			*out = all[i];
			return true;
		}
	return false;
}

void appraise_clear(struct appraise_out *o)
{
	wr_close(&o->ear);
	wr_close(&o->why);
}

/* ---- the input of a policy, which is the annotated evidence too ---- */

struct shared { struct json_doc *init, *runtime; }; /* parsed; NULL: none */

static void shared_clear(struct shared *s)
{
	json_freep(&s->init);
	json_freep(&s->runtime);
}

static enum coffer_rc shared_read(const struct appraise_in *in, struct shared *s, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open((size_t)2 * APPRAISE_CLAIMS_MAX);

	if (in->init_data.n > 0) {
		TRY(initdata_claims(in->init_data, &w, e));
		TRY(json_parse(wr_span(&w), w.n, &s->init, e));
	}
	if (in->runtime_data.n == 0)
		return COFFER_OK;
	if (json_parse(in->runtime_data, APPRAISE_CLAIMS_MAX, &s->runtime, e) != COFFER_OK)
		return err_wrap(e, "runtime data");
	return json_type(json_root(s->runtime)) == JSON_OBJECT ? COFFER_OK : err_set(e, COFFER_E_INPUT, "runtime data: no object");
}

static const char *const moved[] = { "init_data", "report_data" }; /* out of the platform's claims, to the top */

static bool is_moved(struct span name)
{
	return span_eq_str(name, moved[0]) || span_eq_str(name, moved[1]);
}

/* What was parsed is shown beside the digest that vouches for it, and never without. */
static void put_bound(const struct json *claims, const char *digest, const char *name, const struct json_doc *d, struct json_wr *j)
{
	if (!json_get(claims, digest))
		return;
	jw_name(j, digest);
	jw_value(j, json_get(claims, digest));
	if (!d)
		return;
	jw_name(j, name);
	jw_value(j, json_root(d));
}

static enum coffer_rc write_input(const struct appraise_device *dev, const struct shared *s, struct wr *w, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct json_wr j = jw_open(w, false);
	const struct json *claims;

	if (json_parse(dev->claims, APPRAISE_CLAIMS_MAX, &doc, e) != COFFER_OK)
		return err_wrap(e, "claims of %s", dev->tee->name);
	claims = json_root(doc);
	if (json_type(claims) != JSON_OBJECT)
		return err_set(e, COFFER_E_INPUT, "claims of %s: no object", dev->tee->name);
	jw_obj(&j);
	put_bound(claims, "init_data", "init_data_claims", s->init, &j);
	jw_m_text(&j, "platform", dev->tee->name);
	put_bound(claims, "report_data", "runtime_data_claims", s->runtime, &j);
	jw_name(&j, dev->tee->claims_key);
	jw_obj(&j);
	for (size_t i = 0; i < json_len(claims); i++) {
		if (is_moved(json_name(claims, i)))
			continue;
		jw_namen(&j, json_name(claims, i));
		jw_value(&j, json_at(claims, i));
	}
	jw_obj_end(&j);
	jw_obj_end(&j);
	return wr_done(w, "claims", e);
}

/* ---- a device ---- */

static enum coffer_rc policy_for(const struct appraise_in *in, const char *device_class, struct appraise_policy *out, struct err *e)
{
	for (size_t i = 0; i < in->n_policies; i++)
		if (strcmp(in->policy[i].device_class, device_class) == 0) {
			*out = in->policy[i];
			return COFFER_OK;
		}
	if (in->defaults && appraise_default(device_class, out))
		return COFFER_OK;
	return err_deny(e, "policy", "there is no policy for devices of the class %s", device_class);
}

static void put_vector(const struct vector *v, struct json_wr *j)
{
	jw_name(j, "ear.trustworthiness-vector");
	jw_obj(j);
	for (size_t i = 0; i < VECTOR_N; i++) {
		if (!v->has[i])
			continue;
		jw_name(j, vector_name[i]);
		jw_i64(j, v->value[i]);
	}
	jw_obj_end(j);
}

static enum coffer_rc put_submod(struct device_eval *d, const struct vector *v, struct json_wr *j, struct err *e)
{
	jw_obj(j);
	jw_m_text(j, "ear.appraisal-policy-id", d->policy->id);
	jw_m_text(j, "ear.status", ear_tier_name(vector_status(v)));
	put_vector(v, j);
	jw_name(j, "ear.veraison.annotated-evidence");
	jw_value(j, json_root(d->doc));
	TRY(device_eval_extensions(d, j, e));
	jw_obj_end(j);
	return COFFER_OK;
}

static enum coffer_rc put_why(struct device_eval *d, const struct vector *v, const char *submod, struct json_wr *why, struct err *e)
{
	for (size_t i = 0; i < VECTOR_N; i++) {
		bool fine = !v->has[i] || ear_tier_of(v->value[i]) == EAR_AFFIRMING;

		/* a claim of 0 says nothing, and does no harm beside others that affirm */
		if (fine || (v->value[i] == 0 && vector_status(v) != EAR_NONE))
			continue;
		TRY(device_eval_why(d, submod, i, v->value[i], why, e));
	}
	return COFFER_OK;
}

static enum ear_tier worse(enum ear_tier a, enum ear_tier b)
{
	static const int rank[] = { 1, 0, 2, 3 }; /* none is not affirming */

	return rank[a] > rank[b] ? a : b;
}

struct run { const struct appraise_in *in; const struct shared *shared; struct appraise_out *out; struct json_wr ear, why; };

static enum coffer_rc one_device(struct run *r, const struct appraise_device *dev, const char *submod, struct err *e)
{
	CLEANUP(wr_close) struct wr input = wr_open((size_t)4 * APPRAISE_CLAIMS_MAX);
	CLEANUP(device_eval_clear) struct device_eval d = { .now = r->in->now, .look = { .refs = r->in->refs, .now = r->in->now } };
	struct appraise_policy policy;
	struct vector v;

	if (dev->verdict != VERDICT_VALID)
		return err_deny(e, "verdict", "%s: the evidence is %s", submod, verdict_name(dev->verdict));
	TRY(policy_for(r->in, dev->tee->device_class, &policy, e));
	TRY(write_input(dev, r->shared, &input, e));
	d.policy = &policy;
	d.input = wr_span(&input);
	TRY(device_eval_open(&d, e));
	TRY(device_eval_vector(&d, &v, e));
	jw_name(&r->ear, submod);
	TRY(put_submod(&d, &v, &r->ear, e));
	TRY(put_why(&d, &v, submod, &r->why, e));
	r->out->status = worse(r->out->status, vector_status(&v));
	return COFFER_OK;
}

/* cpu0, gpu0, gpu1, ...: counted by class in the order given. */
static size_t index_of(const struct appraise_in *in, size_t at)
{
	size_t n = 0;

	for (size_t i = 0; i < at; i++)
		n += strcmp(in->device[i].tee->device_class, in->device[at].tee->device_class) == 0;
	return n;
}

static enum coffer_rc all_devices(struct run *r, struct err *e)
{
	jw_name(&r->ear, "submods");
	jw_obj(&r->ear);
	for (size_t i = 0; i < r->in->n_devices; i++) {
		char submod[32];

		(void)snprintf(submod, sizeof(submod), "%.16s%zu", r->in->device[i].tee->device_class, index_of(r->in, i));
		TRY(one_device(r, &r->in->device[i], submod, e));
	}
	jw_obj_end(&r->ear);
	return COFFER_OK;
}

static enum coffer_rc write_ear(struct run *r, struct err *e)
{
	jw_arr(&r->why);
	jw_obj(&r->ear);
	jw_m_text(&r->ear, "eat_profile", PROFILE);
	jw_name(&r->ear, "ear.verifier-id");
	jw_obj(&r->ear);
	jw_m_text(&r->ear, "build", r->in->build);
	jw_m_text(&r->ear, "developer", DEVELOPER);
	jw_obj_end(&r->ear);
	jw_name(&r->ear, "iat");
	jw_i64(&r->ear, r->in->now < 0 ? 0 : r->in->now);
	TRY(all_devices(r, e));
	jw_obj_end(&r->ear);
	jw_arr_end(&r->why);
	TRY(wr_done(&r->out->ear, "EAR", e));
	return wr_done(&r->out->why, "reasons", e);
}

enum coffer_rc appraise(const struct appraise_in *in, struct appraise_out *out, struct err *e)
{
	CLEANUP(shared_clear) struct shared s = { 0 };
	struct run r = { .in = in, .shared = &s, .out = out };
	enum coffer_rc rc;

	*out = (struct appraise_out){ .status = EAR_NONE };
	if (in->n_devices == 0 || in->n_devices > APPRAISE_DEVICES_MAX)
		return err_set(e, COFFER_E_LIMIT, "1 to %d devices are appraised at once", APPRAISE_DEVICES_MAX);
	*out = (struct appraise_out){ EAR_AFFIRMING, wr_open(APPRAISE_EAR_MAX), wr_open(APPRAISE_EAR_MAX) };
	r.ear = jw_open(&out->ear, false);
	r.why = jw_open(&out->why, false);
	rc = shared_read(in, &s, e);
	rc = rc == COFFER_OK ? write_ear(&r, e) : rc;
	if (rc == COFFER_OK)
		return COFFER_OK;
	appraise_clear(out);
	out->status = EAR_NONE;
	return rc;
}
