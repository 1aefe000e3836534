/* R11: what a decision rests on and was revoked or paused, by whom, and who can mend that. */
#include "decide/decide_int.h"

#include "fmt/enc.h"

static void mend_release(const struct decision *d, const struct fact *f, struct check *c)
{
	const struct manifest *m = d->workload ? &d->workload->manifest : NULL;

	for (size_t i = 0; m && i < m->n_containers; i++)
		if (d->release[i] && &d->release[i]->s == f) {
			decide_mend_release(&m->container[i], &d->release[i]->body, c);
			return;
		}
}

/* Who issues anew what was revoked, and how: its issuer. */
static void mend_revoked(const struct decide_in *in, const struct decision *d, const struct fact *f, struct check *c)
{
	SET(c->who, "%s", f->issuer);
	switch (f->kind) {
	case ST_WORKLOAD:
		SET(c->command, "%s", DECIDE_PUBLISH);
		break;
	case ST_APPROVAL:
		decide_mend(in, d, c);
		SET(c->who, "%s", f->of[0] ? f->of : f->issuer);
		break;
	case ST_ASSET:
		SET(c->command, "coffer asset put %s", in->q.path.text);
		break;
	case ST_SERVICE:
		SET(c->command, "coffer service sign DESCRIPTOR.json");
		break;
	case ST_IMAGE_RELEASE:
		mend_release(d, f, c);
		break;
	case ST_BINDING:
		SET(c->command, "coffer workload bind WORKLOAD --slot NAME=ASSET");
		break;
	case ST_BOOT_IMAGE:
		SET(c->command, "%s", f->of[0] ? "coffer boot-image publish BOOT-IMAGE.json" : "");
		break;
	case ST_GENESIS:
	case ST_PARTY:
	case ST_REVOCATION:
	case ST_TCB:
	case ST_DELEGATION:
	case ST_PAUSE:
	case ST_ASSESSMENT:
	case ST_AMENDMENT:
		break;
	}
}

const char *decide_state(const struct decide_in *in, const struct fact *f)
{
	const struct fact_revocation *r = decide_stop(in, f);

	if (f->voided)
		return "void: a key that was compromised by then signed it, and no other";
	return r && r->until != 0 ? "paused" : "revoked";
}

/* " by hospital", and that it is for its own assets alone where another issued it; "" where nobody said so. */
static void by_whom(const struct decide_in *in, const struct fact *f, char *out, size_t n)
{
	const struct fact_revocation *r = decide_stop(in, f);
	bool others = r && strcmp(r->issuer, f->issuer) != 0 && !(f->of[0] && strcmp(r->issuer, f->of) == 0);

	out[0] = '\0';
	if (r && !f->voided)
		(void)snprintf(out, n, " by %s%s", r->issuer, others ? ", for its own" : "");
}

/* The link, for want of which its issuer speaks for nobody. A new one brings back nothing that was said by this one: whose power it is says it anew. */
static void say_link(const struct decide_in *in, const struct decision *d, const struct fact *f, const struct fact_delegation *link, struct check *c)
{
	char id[HEX32_LEN], lent[HEX32_LEN];

	hex32(f->id, id);
	hex32(link->s.id, lent);
	SET(c->found, "the delegation %.16s to %s, on which the %s statement %.16s rests, is %s%s", lent, link->body.to, statement_kind_name(f->kind), id,
	    decide_state(in, &link->s), c->paused ? "" : ", and a new delegation does not bring it back");
	if (c->paused) {
		SET(c->who, "%s, who paused it", decide_stop(in, &link->s)->issuer);
		SET(c->command, "coffer resume %s", lent);
		return;
	}
	mend_revoked(in, d, f, c);
	SET(c->who, "%s", f->of);
}

/* False, and c says so, when f is revoked. */
static bool rests_on(const struct decide_in *in, const struct decision *d, const struct fact *f, struct check *c)
{
	const struct fact_delegation *link = decide_revoked_link(in, f);
	const struct fact *of = link ? &link->s : f;
	const struct fact_revocation *r = decide_stop(in, of);
	char id[HEX32_LEN], by[PARTY_MAX + 32];

	if (!c->holds || !decide_revoked(in, f))
		return c->holds;
	hex32(f->id, id);
	c->holds = false;
	c->paused = !of->voided && r && r->until != 0;
	if (link) {
		say_link(in, d, f, link, c);
		return false;
	}
	by_whom(in, f, by, sizeof(by));
	SET(c->found, "the %s statement %.16s is %s%s", statement_kind_name(f->kind), id, decide_state(in, f), by);
	if (c->paused) {
		SET(c->who, "%s, who paused it", r->issuer);
		SET(c->command, "coffer resume %s", id);
		return false;
	}
	mend_revoked(in, d, f, c);
	return false;
}

/* A minimum that was revoked still stands in the way until its issuer states another: no loss of a statement lowers what was
 * demanded. */
void decide_r11(const struct decide_in *in, struct decision *d)
{
	struct check *c = decide_put(d, 11, SEES_OWNER | SEES_PROVIDER);
	const struct fact *rests[] = { d->workload ? &d->workload->s : NULL, in->has_asset ? &in->asset.s : NULL,
		d->service ? &d->service->s : NULL, d->boot ? &d->boot->s : NULL };

	c->holds = true;
	SET(c->expected, "nothing this rests on is revoked or paused");
	SET(c->found, "nothing");
	SET(c->who, "whoever issued what is revoked");
	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++)
		if (rests[i] && !rests_on(in, d, rests[i], c))
			return;
	for (size_t i = 0; i < d->n_approvals; i++)
		if (!rests_on(in, d, &d->approval[i]->s, c))
			return;
	for (size_t i = 0; i < MAN_CONTAINERS_MAX; i++)
		if (d->release[i] && !rests_on(in, d, &d->release[i]->s, c))
			return;
	for (size_t i = 0; i < in->n_bindings; i++)
		if (decide_bound_here(d->workload, &in->binding[i]) && !rests_on(in, d, &in->binding[i].s, c))
			return;
	for (size_t i = 0; i < in->n_tcbs; i++)
		if (decide_tcb_applies(in, d->workload, &in->tcb[i]) && !rests_on(in, d, &in->tcb[i].s, c))
			return;
	decide_things(in, d, c);
}
