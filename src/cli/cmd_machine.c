/* coffer boot-image, coffer tcb: publish, show, list. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/away.h"
#include "cli/machine.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "fmt/enc.h"

const struct opt_spec opts_machine_publish[] = { OPT_EXPIRES,
	{ "out", "FILE", "also write the signed statement here", false, false }, OPT_TO_SIGN, OPT_AFTER, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_machine_show[] = { OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

static enum coffer_rc publish(struct cli *c, enum statement_kind kind, struct err *e)
{
	CLEANUP(machine_file_clear) struct machine_file m = { .kind = kind };
	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct logged l = { 0 };
	uint64_t serial = 0;

	TRY(machine_read(c->pos[0], &m, e));
	TRY(expires_opt(c, "expires", &m.draft.expires, e));
	TRY(session_begin(c, &s, e));
	TRY(draft_make(&s.h, s.key, s.conn, &m.draft, &env, &serial, e));
	if (to_sign_wanted(&s.h))
		return to_sign_out(&s.h, s.key, &env, e);
	TRY(dsse_sign(&env, s.key, e));
	TRY(envelope_post(s.conn, &env, &l, e));
	l.serial = serial;
	if (cli_opt(c, "out"))
		TRY(envelope_write(cli_opt(c, "out"), &env, e));
	logged_print(c, statement_kind_name(kind), &l);
	return COFFER_OK;
}

/* ---- showing ---- */

struct listing {
	bool           json, whole;
	const uint8_t *id; /* NULL: each */
	size_t         n;
};

static void print_json(const struct statement *s, struct wr *out)
{
	char id[HEX32_LEN], issued[CLOCK_TEXT_LEN], expires[CLOCK_TEXT_LEN], hex[HEX32_LEN];
	struct json_wr j = jw_open(out, false);

	hex32(s->id, id);
	clock_text(s->issued, issued);
	clock_text(s->expires, expires);
	jw_obj(&j);
	jw_m_text(&j, "id", id);
	jw_m_text(&j, "kind", statement_kind_name(s->kind));
	jw_m_text(&j, "issuer", s->issuer);
	jw_m_text(&j, "issued", issued);
	jw_m_text(&j, "expires", expires);
	jw_name(&j, "subjects");
	jw_arr(&j);
	for (size_t i = 0; i < s->n_subjects; i++) {
		hex32(s->subject[i].sha256, hex);
		jw_obj(&j);
		jw_m_str(&j, "name", s->subject[i].name);
		jw_m_text(&j, "sha256", hex);
		jw_obj_end(&j);
	}
	jw_arr_end(&j);
	jw_name(&j, "body");
	jw_value(&j, s->body);
	jw_obj_end(&j);
}

static void print_text(const struct statement *s, bool whole, struct wr *out)
{
	char hex[HEX32_LEN], expires[CLOCK_TEXT_LEN];
	struct span name = s->kind == ST_TCB ? s->subject[0].name : json_str(json_get(s->body, "name"));
	struct json_wr j = jw_open(out, true);

	hex32(s->id, hex);
	clock_text(s->expires, expires);
	wr_fmt(out, "%s %s\n  %.*s, by %s, until %s\n", statement_kind_name(s->kind), hex, (int)name.n, (const char *)name.p, s->issuer,
	    expires);
	for (size_t i = 0; whole && s->kind == ST_BOOT_IMAGE && i < s->n_subjects; i++) {
		hex32(s->subject[i].sha256, hex);
		wr_fmt(out, "  artefact %.*s sha256:%s\n", (int)s->subject[i].name.n, (const char *)s->subject[i].name.p, hex);
	}
	if (!whole)
		return;
	jw_value(&j, s->body);
	wr_str(out, "\n");
}

static enum coffer_rc print_one(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(wr_close) struct wr out = wr_open(4u << 20);
	struct listing *l = arg;

	(void)env;
	if (l->id && !span_eq((struct span){ l->id, 32 }, SPAN(s->id)))
		return COFFER_OK;
	TRY(machine_check(s, e));
	if (l->json && l->n && !l->id)
		wr_str(&out, ",");
	if (l->json)
		print_json(s, &out);
	else
		print_text(s, l->whole, &out);
	TRY(wr_done(&out, "statement", e));
	(void)printf("%.*s", (int)out.n, (const char *)out.p);
	l->n++;
	return COFFER_OK;
}

static enum coffer_rc show(struct cli *c, enum statement_kind kind, struct err *e)
{
	CLEANUP(session_end) struct session s = { 0 };
	struct listing l = { .json = c->json, .whole = true };
	uint8_t id[32];

	if (!hex_fixed(span_of(c->pos[0]), id, sizeof(id)))
		return cli_bad(e, "%s: not a statement's id (64 hex digits)", c->pos[0]);
	l.id = id;
	TRY(session_begin(c, &s, e));
	TRY(machine_query(&(struct machine_ask){ &s.h, s.key, s.conn }, kind, true, (struct machine_cb){ print_one, &l }, e));
	if (!l.n)
		return err_set(e, COFFER_E_NOTFOUND, "no %s statement with this id is logged", statement_kind_name(kind));
	if (c->json)
		(void)printf("\n");
	return COFFER_OK;
}

static enum coffer_rc list(struct cli *c, enum statement_kind kind, struct err *e)
{
	CLEANUP(session_end) struct session s = { 0 };
	struct listing l = { .json = c->json };

	TRY(session_begin(c, &s, e));
	if (c->json)
		(void)printf("[");
	TRY(machine_query(&(struct machine_ask){ &s.h, s.key, s.conn }, kind, false, (struct machine_cb){ print_one, &l }, e));
	if (c->json)
		(void)printf("]\n");
	else if (!l.n)
		(void)printf("no %s statement is in force\n", statement_kind_name(kind));
	return COFFER_OK;
}

enum coffer_rc cmd_boot_image_publish(struct cli *c, struct err *e) { return publish(c, ST_BOOT_IMAGE, e); }
enum coffer_rc cmd_boot_image_show(struct cli *c, struct err *e) { return show(c, ST_BOOT_IMAGE, e); }
enum coffer_rc cmd_boot_image_list(struct cli *c, struct err *e) { return list(c, ST_BOOT_IMAGE, e); }
enum coffer_rc cmd_tcb_publish(struct cli *c, struct err *e) { return publish(c, ST_TCB, e); }
enum coffer_rc cmd_tcb_show(struct cli *c, struct err *e) { return show(c, ST_TCB, e); }
enum coffer_rc cmd_tcb_list(struct cli *c, struct err *e) { return list(c, ST_TCB, e); }
