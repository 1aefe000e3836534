/* What an independent assessor examined and found: of a workload, an image, or a boot image. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "fmt/enc.h"
#include "trust/form.h"
#include "trust/statement.h"

#define WHERE "assessment"

static const struct { enum assessed about; const char *name; } abouts[] = {
	{ ASSESSED_WORKLOAD, "workload" }, { ASSESSED_IMAGE, "image" }, { ASSESSED_BOOT_IMAGE, "boot-image" } };
#define N_ABOUTS (sizeof(abouts) / sizeof(abouts[0]))

const char *assessed_name(enum assessed a)
{
	for (size_t i = 0; i < N_ABOUTS; i++)
		if (abouts[i].about == a)
			return abouts[i].name;
	return "unknown";
}

bool assessed_by_name(struct span s, enum assessed *out)
{
	for (size_t i = 0; i < N_ABOUTS; i++) {
		if (!span_eq_str(s, abouts[i].name))
			continue;
		*out = abouts[i].about;
		return true;
	}
	return false;
}

void assessment_subject(enum assessed about, const uint8_t digest[static 32], char out[static ASSESSMENT_SUBJECT_MAX])
{
	char hex[HEX32_LEN];

	hex32(digest, hex);
	(void)snprintf(out, ASSESSMENT_SUBJECT_MAX, "%s:%s", assessed_name(about), hex);
}

enum coffer_rc assessment_read(const struct statement *s, struct assessment *out, struct err *e)
{
	static const char *const names[] = { "about", "digest", "finding", "method", "report", NULL };
	char subject[ASSESSMENT_SUBJECT_MAX];
	struct assessment a = { 0 };
	struct span about, finding;

	if (s->kind != ST_ASSESSMENT)
		return err_set(e, COFFER_E_INPUT, WHERE ": the statement's kind is %s", statement_kind_name(s->kind));
	TRY(json_closed(s->body, names, WHERE, e));
	TRY(json_need_str(s->body, "about", WHERE, &about, e));
	if (!assessed_by_name(about, &a.about))
		return err_set(e, COFFER_E_INPUT, WHERE ": member \"about\" is none of workload, image, boot-image");
	TRY(form_digest(s->body, "digest", WHERE, a.digest, e));
	TRY(json_need_str(s->body, "finding", WHERE, &finding, e));
	a.passed = span_eq_str(finding, "passed");
	if (!a.passed && !span_eq_str(finding, "failed"))
		return err_set(e, COFFER_E_INPUT, WHERE ": member \"finding\" is neither passed nor failed");
	TRY(form_text(s->body, "method", WHERE, &a.method, e));
	if (json_get(s->body, "report"))
		TRY(form_digest(s->body, "report", WHERE, a.report, e));
	assessment_subject(a.about, a.digest, subject);
	if (!span_eq_str(s->subject[0].name, subject))
		return err_set(e, COFFER_E_INPUT, WHERE ": the statement's subject is not what it is about");
	*out = a;
	return COFFER_OK;
}
