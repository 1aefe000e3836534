#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "trust/form.h"
#include "trust/machine.h"
#include "trust/reference.h"

#define WHERE "boot-image"

static const struct { unsigned bit; const char *name; } enforced[] = {
	{ ENFORCES_MANIFEST, "manifest" }, { ENFORCES_IMAGE_DIGESTS, "image-digests" }, { ENFORCES_SCOPING, "container-scoping" },
	{ ENFORCES_EGRESS, "egress" }, { ENFORCES_LEASES, "leases" },
};
#define N_ENFORCED (sizeof(enforced) / sizeof(enforced[0]))

bool enforces_by_name(struct span s, unsigned *out)
{
	for (size_t i = 0; i < N_ENFORCED; i++) {
		if (!span_eq_str(s, enforced[i].name))
			continue;
		*out = enforced[i].bit;
		return true;
	}
	return false;
}

void enforces_names(unsigned set, char *out, size_t n)
{
	size_t at = 0;

	if (n == 0)
		return;
	out[0] = '\0';
	for (size_t i = 0; i < N_ENFORCED; i++) {
		size_t len = strlen(enforced[i].name), sep = at ? 2 : 0;

		if (!(set & enforced[i].bit) || at + sep + len >= n)
			continue;
		memcpy(out + at, ", ", sep);
		memcpy(out + at + sep, enforced[i].name, len + 1);
		at += sep + len;
	}
}

/* Into a zeroed field. */
static enum coffer_rc read_word(const struct json *o, const char *name, char *out, size_t room, struct err *e)
{
	struct span s;

	TRY(form_text(o, name, WHERE, &s, e));
	if (s.n >= room)
		return err_set(e, COFFER_E_INPUT, WHERE ": member \"%s\" is longer than %zu bytes", name, room - 1);
	memcpy(out, s.p, s.n);
	return COFFER_OK;
}

static enum coffer_rc read_launches(const struct json *body, struct boot_image *b, struct err *e)
{
	const struct json *list = NULL;

	TRY(form_list(body, "launches", WHERE, (struct form_range){ 1, BOOT_LAUNCHES_MAX }, &list, e));
	b->launch = calloc(json_len(list), sizeof(*b->launch));
	if (!b->launch)
		return err_set(e, COFFER_E_SYSTEM, WHERE ": out of memory");
	return launches_read(list, WHERE, b->launch, &b->n_launches, e);
}

static enum coffer_rc read_enforces(const struct json *body, unsigned *out, struct err *e)
{
	const struct json *list = NULL;

	TRY(form_list(body, "enforces", WHERE, (struct form_range){ 0, N_ENFORCED }, &list, e));
	TRY(form_unique(list, "enforces", WHERE, e));
	for (size_t i = 0; i < json_len(list); i++) {
		unsigned bit;

		if (!enforces_by_name(json_str(json_at(list, i)), &bit))
			return err_set(e, COFFER_E_INPUT, WHERE ": member \"enforces\" holds something that no agent enforces");
		*out |= bit;
	}
	return COFFER_OK;
}

void boot_image_clear(struct boot_image *b)
{
	free(b->launch);
	*b = (struct boot_image){ 0 };
}

enum coffer_rc boot_image_read(const struct statement *s, struct boot_image *out, struct err *e)
{
	static const char *const names[] = { "name", "enforces", "launches", "rebuild", "reference-values", NULL };
	CLEANUP(boot_image_clear) struct boot_image b = { 0 };

	if (s->kind != ST_BOOT_IMAGE)
		return err_set(e, COFFER_E_INPUT, WHERE ": the statement's kind is %s", statement_kind_name(s->kind));
	TRY(json_closed(s->body, names, WHERE, e));
	TRY(read_word(s->body, "name", b.name, sizeof(b.name), e));
	TRY(read_enforces(s->body, &b.enforces, e));
	TRY(read_launches(s->body, &b, e));
	TRY(form_text(s->body, "rebuild", WHERE, &b.rebuild, e));
	TRY(reference_member(s->body, WHERE, &b.reference, e));
	*out = b;
	b = (struct boot_image){ 0 };
	return COFFER_OK;
}
