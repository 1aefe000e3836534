/* coffer workload diff: what one workload may do that another may not. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "cli/workload.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "trust/manifest_diff.h"

const struct opt_spec opts_workload_diff[] = {
	{ "images-by", "PARTY", "as an approval with --images-by sees it", false, false }, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

struct side { struct manifest man; struct workload logged; const struct manifest *m; };

static void side_clear(struct side *s)
{
	manifest_clear(&s->man);
	workload_clear(&s->logged);
}

/* A file, else a logged workload. */
static enum coffer_rc side_read(struct cli *c, struct session *s, const char *which, struct side *out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };

	if (file_exists(which)) {
		TRY(file_read(which, MAN_FILE_MAX, &text, e));
		if (manifest_parse(wr_span(&text), &out->man, e) != COFFER_OK)
			return err_wrap(e, "%s", which);
		out->m = &out->man;
		return COFFER_OK;
	}
	if (!s->conn)
		TRY(session_begin(c, s, e));
	TRY(workload_fetch(&s->h, s->key, s->conn, which, &out->logged, e));
	out->m = &out->logged.man;
	return COFFER_OK;
}

struct shown { bool json; size_t n; struct json_wr *j; };

static void show(void *arg, enum diff_way way, const char *where, const char *what)
{
	struct shown *s = arg;

	s->n++;
	if (!s->json) {
		(void)printf("%-9s %s%s%s\n", diff_way_name(way), where[0] ? where : "", where[0] ? ": " : "", what);
		return;
	}
	jw_obj(s->j);
	jw_m_text(s->j, "container", where);
	jw_m_text(s->j, "difference", what);
	jw_m_text(s->j, "direction", diff_way_name(way));
	jw_obj_end(s->j);
}

static enum coffer_rc diff(struct cli *c, bool *within, struct err *e)
{
	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(side_clear) struct side a = { 0 };
	CLEANUP(side_clear) struct side b = { 0 };
	CLEANUP(wr_close) struct wr out = wr_open(1u << 20);
	struct json_wr j = jw_open(&out, false);
	struct shown n = { .json = c->json, .j = &j };
	struct diff_ask ask;

	TRY(side_read(c, &s, c->pos[0], &a, e));
	TRY(side_read(c, &s, c->pos[1], &b, e));
	ask = (struct diff_ask){ a.m, b.m, cli_opt(c, "images-by") };
	jw_obj(&j);
	jw_name(&j, "differences");
	jw_arr(&j);
	*within = manifest_diff(&ask, show, &n);
	jw_arr_end(&j);
	jw_m_bool(&j, "at-most-as-wide", *within);
	jw_obj_end(&j);
	TRY(wr_done(&out, "differences", e));
	if (c->json)
		(void)printf("%.*s\n", (int)out.n, (const char *)out.p);
	else
		(void)printf(n.n == 0 ? "no difference in what they may do\n" : *within ? "the second is at most as wide as the first\n"
		    : "the second is not at most as wide as the first: an approval of the first does not cover it\n");
	return COFFER_OK;
}

int cmd_workload_diff(struct cli *c, struct err *e)
{
	bool within = false;

	if (diff(c, &within, e) != COFFER_OK)
		return cli_fail(c, e);
	return within ? 0 : 1;
}
