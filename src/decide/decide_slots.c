/* Slots of a workload: what the bindings of this instance put into them, and who consented to that. An instance has the bindings that
 * its attested key set names, and no others later (all of them are logged, or R7 fails): so what meets what is known before anything
 * is released. For consent (R9) a binding that ended counts too: what it put there may be there still. */
#include "decide/decide_int.h"

bool decide_bound_here(const struct fact_workload *w, const struct fact_binding *b)
{
	return w && span_eq(SPAN(b->body.workload), SPAN(w->manifest.digest));
}

bool decide_binds(const struct decide_in *in, const struct fact_workload *w, const struct fact_binding *b)
{
	return decide_stands(&b->s, in->now) && decide_bound_here(w, b);
}

/* Each owner binds its own alone: the registry saw to that, and it is asked again. */
static bool own(const struct fact_binding *b, const struct bound_slot *s)
{
	return strcmp(s->asset.owner, b->s.issuer) == 0;
}

static size_t fillings(const struct decide_in *in, const struct fact_workload *w, struct span slot)
{
	size_t n = 0;

	for (size_t i = 0; i < in->n_bindings; i++)
		for (size_t k = 0; decide_binds(in, w, &in->binding[i]) && k < in->binding[i].body.n_slots; k++)
			n += span_eq_str(slot, in->binding[i].body.slot[k].name);
	return n;
}

/* ended: whether or not the binding still holds. */
static bool fills(const struct decide_in *in, const struct fact_workload *w, struct span slot, bool ended)
{
	for (size_t i = 0; i < in->n_bindings; i++) {
		const struct fact_binding *b = &in->binding[i];

		for (size_t k = 0; (ended ? decide_bound_here(w, b) : decide_binds(in, w, b)) && k < b->body.n_slots; k++)
			if (own(b, &b->body.slot[k]) && span_eq_str(slot, b->body.slot[k].name) && asset_path_eq(&b->body.slot[k].asset, &in->q.path))
				return true;
	}
	return false;
}

bool decide_slot(const struct decide_in *in, const struct fact_workload *w, const struct man_container *c, enum purpose purpose)
{
	for (size_t i = 0; i < c->n_entitlements; i++) {
		const struct man_entitlement *t = &c->entitlement[i];

		if (t->slot.n > 0 && t->purpose == purpose && fills(in, w, t->slot, false) && fillings(in, w, t->slot) == 1)
			return true;
	}
	return false;
}

bool decide_bound(const struct decide_in *in, const struct fact_workload *w)
{
	for (size_t i = 0; w && i < w->manifest.n_slots; i++)
		if (fills(in, w, w->manifest.slot[i].name, true))
			return true;
	return false;
}

/* ---- R9 ---- */

static bool names_slot(const struct approval *a, const char *slot)
{
	for (size_t i = 0; i < a->n_slots; i++)
		if (strcmp(a->slot[i], slot) == 0)
			return true;
	return false;
}

static bool names_beside(const struct approval *a, const struct asset_path *p)
{
	for (size_t i = 0; i < a->n_beside; i++)
		if (asset_path_eq(&a->beside[i], p))
			return true;
	return false;
}

/* Another's than the one that approves, and than the asked asset's owner: who decides with an owner has not consented to its other assets.
 * The provider's own assets are the workload's: whoever approves that has approved them. */
static bool foreign(const struct decide_in *in, const struct fact_workload *w, const struct asset_path *p, const char *by)
{
	return !(strcmp(p->owner, in->q.path.owner) == 0 && strcmp(p->owner, by) == 0) && strcmp(p->owner, w->manifest.provider) != 0;
}

bool decide_meets(const struct decide_in *in, const struct fact_approval *a, const struct fact_workload *w)
{
	const char *by = a->s.of[0] ? a->s.of : a->s.issuer;

	for (size_t i = 0; i < in->n_bindings; i++) {
		const struct fact_binding *b = &in->binding[i];

		for (size_t k = 0; decide_bound_here(w, b) && k < b->body.n_slots; k++) {
			const struct bound_slot *s = &b->body.slot[k];

			bool asked = asset_path_eq(&s->asset, &in->q.path);

			if (asked && !names_slot(&a->body, s->name))
				return false;
			if (!asked && foreign(in, w, &s->asset, by) && !names_beside(&a->body, &s->asset))
				return false;
		}
	}
	return true;
}

/* Where others decide with the owner: for whichever of them. */
void decide_slot_options(const struct decide_in *in, const struct fact_workload *w, char *out, size_t n)
{
	const char *by = in->has_asset && in->asset.body.n_of > 1 ? "" : in->q.path.owner;
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < in->n_bindings; i++) {
		const struct fact_binding *b = &in->binding[i];

		for (size_t k = 0; decide_bound_here(w, b) && k < b->body.n_slots && at < n; k++) {
			const struct bound_slot *s = &b->body.slot[k];
			int more = 0;

			if (asset_path_eq(&s->asset, &in->q.path))
				more = snprintf(out + at, n - at, " --slot %s", s->name);
			else if (foreign(in, w, &s->asset, by))
				more = snprintf(out + at, n - at, " --beside %s", s->asset.text);
			at += more > 0 ? (size_t)more : 0;
		}
	}
}
