/* Which of an owner's assets fill the typed data slots of a workload. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "fmt/enc.h"
#include "trust/form.h"
#include "trust/statement.h"

#define WHERE "binding"

static bool fills(const struct binding *b, struct span slot)
{
	for (size_t i = 0; i < b->n_slots; i++)
		if (span_eq_str(slot, b->slot[i].name))
			return true;
	return false;
}

static enum coffer_rc read_slot(const struct json *v, struct binding *b, struct err *e)
{
	static const char *const names[] = { "slot", "asset", NULL };
	struct bound_slot *out = &b->slot[b->n_slots];
	struct span name, asset;

	TRY(json_closed(v, names, WHERE " slot", e));
	TRY(json_need_str(v, "slot", WHERE, &name, e));
	if (!party_ok(name)) /* the same alphabet */
		return err_set(e, COFFER_E_INPUT, WHERE ": member \"slot\" is not a slot's name: [a-z0-9][a-z0-9-]{0,62}");
	if (fills(b, name))
		return err_set(e, COFFER_E_INPUT, WHERE ": slot %.*s is filled twice", (int)name.n, (const char *)name.p);
	TRY(json_need_str(v, "asset", WHERE, &asset, e));
	TRY(form_asset(asset, WHERE, &out->asset, e));
	memcpy(out->name, name.p, name.n);
	b->n_slots++;
	return COFFER_OK;
}

void binding_subject(const uint8_t workload[static 32], const char *name, char out[static BINDING_SUBJECT_MAX])
{
	char hex[HEX32_LEN];

	hex32(workload, hex);
	(void)snprintf(out, BINDING_SUBJECT_MAX, "workload:%s/%s", hex, name);
}

enum coffer_rc binding_read(const struct statement *s, struct binding *out, struct err *e)
{
	static const char *const names[] = { "workload", "name", "slots", NULL };
	char subject[BINDING_SUBJECT_MAX];
	struct binding b = { 0 };
	const struct json *slots = NULL;
	struct span name;

	if (s->kind != ST_BINDING)
		return err_set(e, COFFER_E_INPUT, WHERE ": the statement's kind is %s", statement_kind_name(s->kind));
	TRY(json_closed(s->body, names, WHERE, e));
	TRY(form_digest(s->body, "workload", WHERE, b.workload, e));
	TRY(json_need_str(s->body, "name", WHERE, &name, e));
	if (!party_ok(name)) /* the same alphabet */
		return err_set(e, COFFER_E_INPUT, WHERE ": the name is not [a-z0-9][a-z0-9-]{0,62}");
	memcpy(b.name, name.p, name.n);
	binding_subject(b.workload, b.name, subject);
	if (!span_eq_str(s->subject[0].name, subject))
		return err_set(e, COFFER_E_INPUT, WHERE ": the statement's subject is not its workload and name");
	TRY(form_list(s->body, "slots", WHERE, (struct form_range){ 1, BINDING_SLOTS_MAX }, &slots, e));
	for (size_t i = 0; i < json_len(slots); i++)
		TRY(read_slot(json_at(slots, i), &b, e));
	*out = b;
	return COFFER_OK;
}
