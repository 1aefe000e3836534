/* coffer workload bind: an owner puts assets of its own into the slots of a workload. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/assets.h"
#include "cli/publish.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "cli/workload.h"
#include "fmt/enc.h"

#define NAME_DEFAULT "default"

const struct opt_spec opts_workload_bind[] = {
	{ "slot", "NAME=ASSET", "the asset, one of yours, that fills this slot", true, true },
	{ "name", "NAME", "which of your bindings of this workload this is (default: " NAME_DEFAULT "); a new one replaces the old of its name, and ends what instances with the old one hold by it", false, false },
	{ "out", "FILE", "also write the binding to FILE: for whoever runs it, with 'coffer run --binding FILE'", false, false },
	OPT_EXPIRES, OPT_TO_SIGN, OPT_AFTER, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

static enum coffer_rc one(const char *text, const struct manifest *m, const char *party, struct json_wr *j, struct err *e)
{
	size_t n = span_find(span_of(text), '=');
	struct span name = { (const uint8_t *)text, n };
	struct asset_path p;

	if (text[n] == 0)
		return cli_bad(e, "--slot %s: not NAME=ASSET", text);
	if (!manifest_slot(m, name))
		return cli_bad(e, "--slot %s: this workload has no such slot (see 'coffer workload show')", text);
	TRY(cli_arg(asset_path_parse(span_of(text + n + 1), &p, e), e));
	if (strcmp(p.owner, party) != 0)
		return err_deny(e, "kind", "%s belongs to %s, who alone binds it", p.text, p.owner);
	jw_obj(j);
	jw_m_text(j, "asset", p.text);
	jw_m_str(j, "slot", name);
	jw_obj_end(j);
	return COFFER_OK;
}

static enum coffer_rc put_body(const struct cli *c, const struct manifest *m, const char *party, const char *name, struct wr *body, struct err *e)
{
	struct json_wr j = jw_open(body, false);
	char hex[HEX32_LEN];
	const char *s;

	hex32(m->digest, hex);
	jw_obj(&j);
	jw_m_text(&j, "name", name);
	jw_name(&j, "slots");
	jw_arr(&j);
	for (size_t i = 0; (s = cli_opt_at(c, "slot", i)) != NULL; i++)
		TRY(one(s, m, party, &j, e));
	jw_arr_end(&j);
	jw_m_text(&j, "workload", hex);
	jw_obj_end(&j);
	return wr_done(body, "binding", e);
}

/* ---- what is not there ---- */

struct look { const char *path; bool found; };

static enum coffer_rc is_it(void *arg, const struct json *asset, struct err *e)
{
	struct look *l = arg;

	(void)e;
	l->found = l->found || span_eq_str(json_str(json_get(asset, "path")), l->path);
	return COFFER_OK;
}

/* A binding may come before its asset; said here, so that nobody wonders in the guest. Who cannot ask is not told. */
static void warn_missing(const struct cli *c, const struct session *s)
{
	const struct asker me = { &s->h, s->key, s->conn };
	struct err none = { 0 };
	const char *slot;

	for (size_t i = 0; strcmp(s->h.key, KEY_AWAY) != 0 && (slot = cli_opt_at(c, "slot", i)) != NULL; i++) {
		const char *asset = strchr(slot, '=');
		struct asset_path p;
		struct look l = { .path = p.text };

		if (!asset || asset_path_parse(span_of(asset + 1), &p, &none) != COFFER_OK || assets_each(&me, is_it, &l, &none) != COFFER_OK || l.found)
			continue;
		(void)fprintf(stderr, "warning: the trust service keeps no %s: an instance with this binding gets nothing there until 'coffer asset put %s'\n",
		    p.text, p.text);
	}
}

static bool fills(const struct cli *c, struct span slot)
{
	const char *s;

	for (size_t i = 0; (s = cli_opt_at(c, "slot", i)) != NULL; i++)
		if (span_eq((struct span){ (const uint8_t *)s, span_find(span_of(s), '=') }, slot))
			return true;
	return false;
}

/* Said before it is signed: an owner who meant to fill them all sees that one was forgotten. */
static void say_left_open(const struct cli *c, const struct manifest *m)
{
	for (size_t i = 0; i < m->n_slots; i++)
		if (!fills(c, m->slot[i].name))
			(void)fprintf(stderr, "slot %.*s: this binding leaves it open, for another of the same instance; with none it stays empty there\n", (int)m->slot[i].name.n,
			    (const char *)m->slot[i].name.p);
}

static enum coffer_rc publish(const struct cli *c, struct session *s, const struct draft *d, const char *out, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct logged l = { 0 };
	uint64_t serial = 0;

	TRY(draft_sign(&s->h, s->key, s->conn, d, &env, &serial, e));
	TRY(envelope_post(s->conn, &env, &l, e));
	l.serial = serial;
	logged_print(c, "binding", &l);
	return envelope_write(out, &env, e);
}

enum coffer_rc cmd_workload_bind(struct cli *c, struct err *e)
{
	const char *name = cli_opt(c, "name") ? cli_opt(c, "name") : NAME_DEFAULT, *out = cli_opt(c, "out");
	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(workload_clear) struct workload w = { 0 };
	CLEANUP(wr_close) struct wr body = wr_open(DSSE_PAYLOAD_MAX);
	struct draft d = { .kind = ST_BINDING };
	char subject[BINDING_SUBJECT_MAX];

	if (!party_ok(span_of(name)))
		return cli_bad(e, "--name %s: [a-z0-9][a-z0-9-]{0,62}", name);
	if (out && cli_opt(c, "to-sign"))
		return cli_bad(e, "--out: with --to-sign nothing is signed yet; the signed envelope is the binding to hand on");
	TRY(session_begin(c, &s, e));
	TRY(workload_fetch(&s.h, s.key, s.conn, c->pos[0], &w, e));
	TRY(put_body(c, &w.man, s.h.party, name, &body, e));
	say_left_open(c, &w.man);
	warn_missing(c, &s);
	binding_subject(w.man.digest, name, subject);
	draft_subject_name(&d, span_of(subject));
	d.body = wr_span(&body);
	TRY(expires_opt(c, "expires", &d.expires, e));
	return out ? publish(c, &s, &d, out, e) : draft_out(&s.h, s.key, s.conn, &d, e);
}
