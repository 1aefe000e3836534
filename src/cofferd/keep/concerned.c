#include "cofferd/keep/concerned.h"

#include <string.h>

#include "base/str.h"

static void mark(const struct parties *p, const char *party, struct concerned *c)
{
	const struct party_life *l = parties_life(p, span_of(party));
	size_t i = l ? (size_t)(l - p->life) : 0;

	if (!party[0])
		return;
	if (!l)
		memset(c->party, 0xff, sizeof(c->party));
	else
		c->party[i / 8] = (uint8_t)(c->party[i / 8] | 1u << i % 8);
}

static void mark_fact(const struct parties *p, const struct fact *f, struct concerned *c)
{
	mark(p, f->issuer, c);
	mark(p, f->of, c);
}

#define MARK_ALL(list, n) \
	for (size_t i = 0; i < in->n; i++) \
		mark_fact(p, &in->list[i].s, out)

void concerned_by(const struct parties *p, const struct decide_in *in, struct concerned *out)
{
	memset(out, 0, sizeof(*out));
	mark(p, in->q.path.owner, out);
	if (in->has_asset)
		mark_fact(p, &in->asset.s, out);
	for (size_t i = 0; in->has_asset && i < in->asset.body.n_of; i++)
		mark(p, in->asset.body.of[i], out);
	for (size_t i = 0; i < in->n_workloads; i++)
		mark(p, in->workload[i].manifest.provider, out);
	for (size_t i = 0; i < in->n_delegations; i++)
		mark(p, in->delegation[i].body.of, out);
	MARK_ALL(workload, n_workloads);
	MARK_ALL(approval, n_approvals);
	MARK_ALL(service, n_services);
	MARK_ALL(boot, n_boots);
	MARK_ALL(tcb, n_tcbs);
	MARK_ALL(release, n_releases);
	MARK_ALL(delegation, n_delegations);
	MARK_ALL(assessment, n_assessments);
	MARK_ALL(binding, n_bindings);
}

bool concerned_is(const struct parties *p, const struct concerned *c, const char *party)
{
	const struct party_life *l = parties_life(p, span_of(party));
	size_t i = l ? (size_t)(l - p->life) : 0;

	return !l || (c->party[i / 8] >> i % 8 & 1);
}
