/* Which of the logged statements a decision may rest on. */
#include "decide/decide_int.h"

#include "trust/machine_match.h"

bool decide_stands(const struct fact *f, int64_t now)
{
	return f->issued <= now && now < f->expires && !f->superseded && f->issuer_may;
}

bool decide_owns(const struct decide_in *in, const char *party)
{
	return strcmp(party, in->q.path.owner) == 0 || (in->has_asset && asset_names(&in->asset.body, party));
}

const struct fact_revocation *decide_stop(const struct decide_in *in, const struct fact *f)
{
	const struct fact_revocation *pause = NULL;

	for (size_t i = 0; i < in->n_revocations; i++) {
		const struct fact_revocation *r = &in->revocation[i];
		bool own = strcmp(r->issuer, f->issuer) == 0;
		bool owner = statement_stopped_by_owner(f->kind) && decide_owns(in, r->issuer);
		bool code = f->kind == ST_IMAGE_RELEASE && in->n_workloads > 0 && strcmp(r->issuer, in->workload[0].manifest.provider) == 0;

		if (!span_eq(SPAN(r->target), SPAN(f->id)) || !fact_bears(r, in->now) ||
		    !(own || owner || code || (f->of[0] && strcmp(r->issuer, f->of) == 0)))
			continue;
		if (r->until == 0)
			return r;
		pause = pause ? pause : r;
	}
	return pause;
}

bool decide_revoked(const struct decide_in *in, const struct fact *f)
{
	return f->voided || decide_stop(in, f) || decide_revoked_link(in, f);
}

bool decide_own(const struct decide_in *in, const struct fact_workload *w)
{
	bool alone = !in->has_asset || in->asset.body.k <= 1;

	return w && alone && strcmp(w->manifest.provider, in->q.path.owner) == 0;
}

bool decide_unmeasured(const struct appraisal *a)
{
	return strcmp(a->platform, "sample") == 0;
}

bool decide_accepts(const struct appraisal *a, struct span entry)
{
	return platform_accepts(entry, a->platform, a->hw && a->hw->debug);
}

bool decide_names(const struct decide_in *in, const struct fact_approval *a)
{
	for (size_t i = 0; i < a->body.n_assets; i++)
		if (strcmp(a->body.asset[i].text, in->q.path.text) == 0)
			return true;
	return false;
}

bool decide_for(const struct decide_in *in, const struct fact_approval *a, const struct fact_workload *w)
{
	size_t at = (size_t)(w - in->workload);

	return span_eq(SPAN(a->body.workload), SPAN(w->manifest.digest)) || (a->body.or_narrower && at < 32 && (a->within >> at & 1));
}

bool decide_approves_for(const struct decide_in *in, const struct fact_approval *a, const char *party)
{
	return decide_names(in, a) && decide_stands(&a->s, in->now) && in->now < a->body.until && decide_speaks(in, &a->s, party);
}

/* An asset that is not kept names nobody but its owner, so that a stranger learns nothing from it. */
bool decide_approves_asset(const struct decide_in *in, const struct fact_approval *a)
{
	const struct asset_body *b = &in->asset.body;

	for (size_t i = 0; in->has_asset && i < b->n_of; i++)
		if (decide_approves_for(in, a, b->of[i]))
			return true;
	return !in->has_asset && decide_approves_for(in, a, in->q.path.owner);
}

bool decide_approves_platform(const struct decide_in *in, const struct fact_approval *a)
{
	bool platform = false;

	for (size_t i = 0; i < a->body.n_platforms; i++)
		platform = platform || decide_accepts(&in->a, span_of(a->body.platform[i]));
	return platform && decide_approves_asset(in, a);
}

const struct fact_workload *decide_workload(const struct decide_in *in)
{
	const struct fact_workload *best = NULL;

	for (size_t i = 0; i < in->n_workloads; i++) {
		const struct fact_workload *w = &in->workload[i];

		if (!span_eq(SPAN(w->initdata), SPAN(in->a.init_register)) || !decide_stands(&w->s, in->now) ||
		    !span_eq(SPAN(w->manifest.genesis), (struct span){ in->genesis, 32 }))
			continue;
		if (!decide_revoked(in, &w->s))
			return w;
		best = best ? best : w;
	}
	return best;
}

bool decide_designated(const struct decide_in *in, const struct fact_service *s)
{
	return decide_stands(&s->s, in->now) && decide_speaks(in, &s->s, s->s.of[0] ? s->s.of : s->s.issuer);
}

const struct fact_service *decide_listed_service(const struct decide_in *in, const struct fact_approval *a)
{
	const struct fact_service *best = NULL;

	for (size_t i = 0; i < in->n_services; i++) {
		const struct fact_service *s = &in->service[i];
		bool listed = false;

		for (size_t k = 0; k < a->body.n_services; k++)
			listed = listed || span_eq(SPAN(a->body.service[k]), SPAN(s->s.id));
		if (!listed || !decide_designated(in, s))
			continue;
		if (!decide_revoked(in, &s->s))
			return s;
		best = best ? best : s;
	}
	return best;
}

/* The provider's own assets: its manifest names the service. */
const struct fact_service *decide_named_service(const struct decide_in *in, const struct fact_workload *w)
{
	const struct fact_service *best = NULL;

	for (size_t i = 0; i < in->n_services; i++) {
		const struct fact_service *s = &in->service[i];

		if (strcmp(s->id, w->manifest.service_id) != 0 || !decide_designated(in, s))
			continue;
		if (!decide_revoked(in, &s->s))
			return s;
		best = best ? best : s;
	}
	return best;
}

unsigned fact_persona(enum statement_kind k)
{
	switch (k) {
	case ST_SERVICE:
	case ST_BOOT_IMAGE:
	case ST_WORKLOAD:      return PERSONA_WORKLOAD;
	case ST_IMAGE_RELEASE: return PERSONA_IMAGE;
	case ST_ASSESSMENT:    return PERSONA_AUDITOR;
	case ST_ASSET:
	case ST_BINDING:
	case ST_APPROVAL:      return PERSONA_OWNER | PERSONA_WORKLOAD | PERSONA_IMAGE;
	case ST_GENESIS:
	case ST_PARTY:
	case ST_REVOCATION:
	case ST_TCB:
	case ST_PAUSE:
	case ST_AMENDMENT:
	case ST_DELEGATION:    return 0;
	}
	return 1u << 31; /* nobody has it */
}
