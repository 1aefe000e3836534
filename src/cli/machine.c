#include "cli/machine.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "os/file.h"

void machine_file_clear(struct machine_file *m)
{
	json_free(m->doc);
	json_free(m->body);
	wr_close(&m->text);
	*m = (struct machine_file){ 0 };
}

enum coffer_rc machine_check(const struct statement *s, struct err *e)
{
	CLEANUP(boot_image_clear) struct boot_image b = { 0 };
	CLEANUP(freep) struct tcb_minimum *t = NULL;

	if (s->kind != ST_TCB)
		return boot_image_read(s, &b, e);
	t = calloc(1, sizeof(*t));
	if (!t)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return tcb_read(s, t, e);
}

static enum coffer_rc take_artefacts(struct machine_file *m, struct err *e)
{
	static const char *const names[] = { "name", "sha256", NULL };
	const struct json *list = NULL;

	TRY(json_need_arr(json_root(m->doc), "artefacts", "boot-image", &list, e));
	if (json_len(list) < 1 || json_len(list) > ST_SUBJECTS_MAX)
		return err_set(e, COFFER_E_INPUT, "boot-image: want 1 to %d artefacts", ST_SUBJECTS_MAX);
	for (size_t i = 0; i < json_len(list); i++) {
		struct span name, hex;
		uint8_t h[32];

		TRY(json_closed(json_at(list, i), names, "artefact", e));
		TRY(json_need_str(json_at(list, i), "name", "artefact", &name, e));
		TRY(json_need_str(json_at(list, i), "sha256", "artefact", &hex, e));
		if (!hex_fixed(hex, h, sizeof(h)))
			return err_set(e, COFFER_E_INPUT, "artefact: member \"sha256\" is not 64 hex digits");
		draft_subject_digest(&m->draft, name, h);
	}
	return COFFER_OK;
}

static enum coffer_rc make_body(struct machine_file *m, struct err *e)
{
	const struct json *root = json_root(m->doc);
	struct json_wr j = jw_open(&m->text, false);

	jw_obj(&j);
	for (size_t i = 0; i < json_len(root); i++) {
		if (m->kind == ST_BOOT_IMAGE && span_eq_str(json_name(root, i), "artefacts"))
			continue;
		jw_namen(&j, json_name(root, i));
		jw_value(&j, json_at(root, i));
	}
	jw_obj_end(&j);
	TRY(wr_done(&m->text, "statement", e));
	return json_parse(wr_span(&m->text), MACHINE_FILE_MAX, &m->body, e);
}

enum coffer_rc machine_parse(struct span text, struct machine_file *m, struct err *e)
{
	struct statement s = { .kind = m->kind };

	m->text = wr_open(MACHINE_FILE_MAX);
	TRY(json_parse(text, MACHINE_FILE_MAX, &m->doc, e));
	if (json_type(json_root(m->doc)) != JSON_OBJECT)
		return err_set(e, COFFER_E_INPUT, "%s: not an object", statement_kind_name(m->kind));
	m->draft.kind = m->kind;
	if (m->kind == ST_BOOT_IMAGE)
		TRY(take_artefacts(m, e));
	TRY(make_body(m, e));
	s.body = json_root(m->body);
	TRY(machine_check(&s, e));
	if (m->kind == ST_TCB)
		draft_subject_name(&m->draft, json_str(json_get(s.body, "platform")));
	m->draft.body = wr_span(&m->text);
	return COFFER_OK;
}

enum coffer_rc machine_read(const char *path, struct machine_file *m, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };

	TRY(file_read_arg(path, MACHINE_FILE_MAX, &text, e));
	if (machine_parse(wr_span(&text), m, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}

enum coffer_rc machine_query(const struct machine_ask *q, enum statement_kind kind, bool all, struct machine_cb cb, struct err *e)
{
	char query[64];

	(void)snprintf(query, sizeof(query), "kind=%s%s", statement_kind_name(kind), all ? "&all=1" : "");
	return statements_query(NULL, q->h, q->key, q->conn, query, cb.fn, cb.arg, e);
}
