/* Slots: places in a manifest that owners fill with assets of their own. */
#include <string.h>

#include "base/str.h"
#include "trust/manifest_int.h"

enum coffer_rc man_asset_or_slot(const struct json *o, const char *where, struct asset_path *asset, struct span *slot, struct err *e)
{
	struct span s;

	if (!json_get(o, "slot")) {
		TRY(json_need_str(o, "asset", where, &s, e));
		return form_asset(s, where, asset, e);
	}
	if (json_get(o, "asset"))
		return err_set(e, COFFER_E_INPUT, "%s: \"asset\" and \"slot\" at once", where);
	TRY(json_need_str(o, "slot", where, slot, e));
	if (!party_ok(*slot))
		return err_set(e, COFFER_E_INPUT, "%s: member \"slot\" is not a slot's name: [a-z0-9][a-z0-9-]{0,62}", where);
	return COFFER_OK;
}

/* What a container is given of an owner's: keys of images and the rest decide what runs, which is the provider's to say. */
static bool fillable(enum purpose p)
{
	return p == PURPOSE_VOLUME || p == PURPOSE_FILE || p == PURPOSE_ENV || p == PURPOSE_API;
}

static enum coffer_rc read_slot(const struct json *v, struct man_slot *out, struct err *e)
{
	static const char *const names[] = { "name", "type", NULL };
	struct span type;

	TRY(json_closed(v, names, "slot", e));
	TRY(man_name(v, "slot", &out->name, e));
	TRY(json_need_str(v, "type", "slot", &type, e));
	if (!purpose_by_name(type, &out->type) || !fillable(out->type))
		return err_set(e, COFFER_E_INPUT, "slot: the type is none of volume, file, env and api");
	return COFFER_OK;
}

enum coffer_rc man_slots_read(const struct json *v, struct manifest *m, struct err *e)
{
	const struct json *list = NULL;

	if (!json_get(v, "slots"))
		return COFFER_OK;
	TRY(form_list(v, "slots", "manifest", (struct form_range){ 1, MAN_SLOTS_MAX }, &list, e));
	for (size_t i = 0; i < json_len(list); i++) {
		TRY(read_slot(json_at(list, i), &m->slot[i], e));
		if (manifest_slot(m, m->slot[i].name))
			return err_set(e, COFFER_E_INPUT, "manifest: two slots of one name");
		m->n_slots++;
	}
	return COFFER_OK;
}

static bool used(const struct manifest *m, const struct man_slot *s)
{
	for (size_t i = 0; i < m->n_containers; i++)
		if (manifest_entitles_slot(&m->container[i], s->name, s->type))
			return true;
	return false;
}

static enum coffer_rc check_container(const struct manifest *m, const struct man_container *c, struct err *e)
{
	for (size_t i = 0; i < c->n_entitlements; i++) {
		const struct man_entitlement *t = &c->entitlement[i];
		const struct man_slot *s = t->slot.n > 0 ? manifest_slot(m, t->slot) : NULL;

		if (t->slot.n > 0 && !s)
			return err_set(e, COFFER_E_INPUT, "manifest: an entitlement names a slot that is not there");
		if (s && s->type != t->purpose)
			return err_set(e, COFFER_E_INPUT, "manifest: an entitlement's purpose is not its slot's type");
	}
	return COFFER_OK;
}

enum coffer_rc man_slots_check(const struct manifest *m, struct err *e)
{
	for (size_t i = 0; i < m->n_containers; i++)
		TRY(check_container(m, &m->container[i], e));
	for (size_t i = 0; i < m->n_slots; i++)
		if (!used(m, &m->slot[i]))
			return err_set(e, COFFER_E_INPUT, "manifest: no container is entitled to what fills slot %.*s", (int)m->slot[i].name.n,
			    (const char *)m->slot[i].name.p);
	return COFFER_OK;
}

const struct man_slot *manifest_slot(const struct manifest *m, struct span name)
{
	for (size_t i = 0; i < m->n_slots; i++)
		if (span_eq(m->slot[i].name, name))
			return &m->slot[i];
	return NULL;
}

bool manifest_entitles_slot(const struct man_container *c, struct span slot, enum purpose purpose)
{
	for (size_t i = 0; slot.n > 0 && i < c->n_entitlements; i++)
		if (c->entitlement[i].purpose == purpose && span_eq(c->entitlement[i].slot, slot))
			return true;
	return false;
}

static bool filled(const struct manifest *m, struct span slot)
{
	for (size_t i = 0; i < m->n_containers; i++)
		for (size_t k = 0; k < m->container[i].n_entitlements; k++)
			if (span_eq(m->container[i].entitlement[k].slot, slot) && m->container[i].entitlement[k].asset.text[0])
				return true;
	return false;
}

bool manifest_fill(struct manifest *m, struct span slot, const struct asset_path *asset)
{
	if (!manifest_slot(m, slot) || filled(m, slot))
		return false;
	for (size_t i = 0; i < m->n_containers; i++)
		for (size_t k = 0; k < m->container[i].n_entitlements; k++)
			if (span_eq(m->container[i].entitlement[k].slot, slot))
				m->container[i].entitlement[k].asset = *asset;
	for (size_t i = 0; i < m->n_volumes; i++)
		if (span_eq(m->volume[i].slot, slot))
			m->volume[i].asset = *asset;
	return true;
}
