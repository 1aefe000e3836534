#include <string.h>

#include "base/str.h"
#include "fmt/enc.h"
#include "trust/form.h"
#include "trust/statement.h"

#define PLATFORMS_MAX 8
#define SERVICES_MAX 8
#define BOOT_IMAGES_MAX 8
#define PLATFORM_LEN_MAX 31
#define WORKLOAD_PREFIX "workload:"

static enum coffer_rc read_assets(const struct json *b, struct approval *a, struct err *e)
{
	const struct json *list = NULL;

	/* one subject is the workload's */
	TRY(form_list(b, "assets", "approval", (struct form_range){ 1, ST_SUBJECTS_MAX - 1 }, &list, e));
	TRY(form_unique(list, "assets", "approval", e));
	for (size_t i = 0; i < json_len(list); i++) {
		TRY(form_asset(json_str(json_at(list, i)), "approval", &a->asset[i], e));
		a->n_assets++;
	}
	return COFFER_OK;
}

static enum coffer_rc read_platforms(const struct json *b, struct approval *a, struct err *e)
{
	const struct json *list = NULL;

	TRY(form_list(b, "platforms", "approval", (struct form_range){ 1, PLATFORMS_MAX }, &list, e));
	TRY(form_unique(list, "platforms", "approval", e));
	for (size_t i = 0; i < json_len(list); i++) {
		struct span s = json_str(json_at(list, i));

		if (!form_platform_ok(s) || s.n > PLATFORM_LEN_MAX)
			return err_set(
			    e, COFFER_E_INPUT, "approval: member \"platforms\" holds something that is no platform's name");
		memcpy(a->platform[a->n_platforms++], s.p, s.n);
	}
	return COFFER_OK;
}

static enum coffer_rc read_services(const struct json *b, struct approval *a, struct err *e)
{
	const struct json *list = NULL;

	TRY(form_list(b, "services", "approval", (struct form_range){ 1, SERVICES_MAX }, &list, e));
	TRY(form_unique(list, "services", "approval", e));
	for (size_t i = 0; i < json_len(list); i++)
		if (!form_hex32(json_str(json_at(list, i)), a->service[a->n_services++]))
			return err_set(
			    e, COFFER_E_INPUT, "approval: member \"services\" holds something that is not a statement's id");
	return COFFER_OK;
}

static enum coffer_rc read_boot_images(const struct json *b, struct approval *a, struct err *e)
{
	const struct json *list = NULL;

	if (!json_get(b, "boot-images"))
		return COFFER_OK;
	TRY(form_list(b, "boot-images", "approval", (struct form_range){ 1, BOOT_IMAGES_MAX }, &list, e));
	TRY(form_unique(list, "boot-images", "approval", e));
	for (size_t i = 0; i < json_len(list); i++)
		if (!form_hex32(json_str(json_at(list, i)), a->boot_image[a->n_boot_images++]))
			return err_set(
			    e, COFFER_E_INPUT, "approval: member \"boot-images\" holds something that is not a statement's id");
	return COFFER_OK;
}

/* Subjects: the assets in the order of the body, then "workload:<digest>". */
static enum coffer_rc check_subjects(const struct statement *s, const struct approval *a, struct err *e)
{
	char workload[sizeof(WORKLOAD_PREFIX) + HEX32_LEN] = WORKLOAD_PREFIX;
	bool same = s->n_subjects == a->n_assets + 1;

	hex32(a->workload, workload + sizeof(WORKLOAD_PREFIX) - 1);
	for (size_t i = 0; same && i < a->n_assets; i++)
		same = span_eq_str(s->subject[i].name, a->asset[i].text);
	if (!same || !span_eq_str(s->subject[a->n_assets].name, workload))
		return err_set(e, COFFER_E_INPUT, "approval: the statement's subjects are not its assets and then its workload");
	return COFFER_OK;
}

static enum coffer_rc read_assessed(const struct json *b, struct approval *a, struct err *e)
{
	static const char *const names[] = { "party", "about", NULL };
	const struct json *list = NULL;
	struct span about;

	if (!json_get(b, "assessed-by"))
		return COFFER_OK;
	TRY(form_list(b, "assessed-by", "approval", (struct form_range){ 1, APPROVAL_ASSESSED_MAX }, &list, e));
	for (size_t i = 0; i < json_len(list); i++) {
		struct wants_assessed *w = &a->assessed[a->n_assessed++];

		TRY(json_closed(json_at(list, i), names, "approval: assessed-by", e));
		TRY(form_party(json_at(list, i), "party", "approval: assessed-by", w->by, e));
		TRY(json_need_str(json_at(list, i), "about", "approval: assessed-by", &about, e));
		if (!assessed_by_name(about, &w->about))
			return err_set(e, COFFER_E_INPUT, "approval: assessed-by: member \"about\" is none of workload, image, boot-image");
	}
	return COFFER_OK;
}

static enum coffer_rc read_slots(const struct json *b, struct approval *a, struct err *e)
{
	const struct json *list = NULL;

	if (!json_get(b, "slots"))
		return COFFER_OK;
	TRY(form_list(b, "slots", "approval", (struct form_range){ 1, APPROVAL_SLOTS_MAX }, &list, e));
	TRY(form_unique(list, "slots", "approval", e));
	for (size_t i = 0; i < json_len(list); i++) {
		struct span s = json_str(json_at(list, i));

		if (!party_ok(s)) /* the same alphabet */
			return err_set(e, COFFER_E_INPUT, "approval: member \"slots\" holds something that is no slot's name");
		memcpy(a->slot[a->n_slots++], s.p, s.n);
	}
	return COFFER_OK;
}

static enum coffer_rc read_beside(const struct json *b, struct approval *a, struct err *e)
{
	const struct json *list = NULL;

	if (!json_get(b, "beside"))
		return COFFER_OK;
	TRY(form_list(b, "beside", "approval", (struct form_range){ 1, APPROVAL_SLOTS_MAX }, &list, e));
	TRY(form_unique(list, "beside", "approval", e));
	for (size_t i = 0; i < json_len(list); i++)
		TRY(form_asset(json_str(json_at(list, i)), "approval: beside", &a->beside[a->n_beside++], e));
	return COFFER_OK;
}

/* There to widen, so there only where it does. */
static enum coffer_rc read_width(const struct json *b, struct approval *a, struct err *e)
{
	if (json_get(b, "or-narrower") && (!json_bool(json_get(b, "or-narrower"), &a->or_narrower) || !a->or_narrower))
		return err_set(e, COFFER_E_INPUT, "approval: member \"or-narrower\" is true, or absent");
	if (!json_get(b, "images-by"))
		return COFFER_OK;
	if (!a->or_narrower)
		return err_set(e, COFFER_E_INPUT, "approval: \"images-by\" without \"or-narrower\" means nothing");
	return form_party(b, "images-by", "approval", a->images_by, e);
}

static enum coffer_rc read_rest(const struct json *b, struct approval *a, struct err *e)
{
	TRY(form_time(b, "until", "approval", &a->until, e));
	a->has_uses = json_get(b, "uses") != NULL;
	if (a->has_uses)
		TRY(form_number(b, "uses", "approval", (struct form_range){ 1, FORM_NUMBER_MAX }, &a->uses, e));
	TRY(read_width(b, a, e));
	TRY(read_assessed(b, a, e));
	TRY(read_slots(b, a, e));
	TRY(read_beside(b, a, e));
	return form_digest(b, "shown", "approval", a->shown, e);
}

enum coffer_rc approval_read(const struct statement *s, struct approval *out, struct err *e)
{
	static const char *const names[] = { "assets", "workload", "platforms", "services", "boot-images", "until", "uses", "shown",
		"or-narrower", "images-by", "assessed-by", "slots", "beside", NULL };
	struct approval a = { 0 };

	if (s->kind != ST_APPROVAL)
		return err_set(e, COFFER_E_INPUT, "approval: the statement's kind is %s", statement_kind_name(s->kind));
	TRY(json_closed(s->body, names, "approval", e));
	TRY(read_assets(s->body, &a, e));
	TRY(form_digest(s->body, "workload", "approval", a.workload, e));
	TRY(check_subjects(s, &a, e));
	TRY(read_platforms(s->body, &a, e));
	TRY(read_services(s->body, &a, e));
	TRY(read_boot_images(s->body, &a, e));
	TRY(read_rest(s->body, &a, e));
	*out = a;
	return COFFER_OK;
}
