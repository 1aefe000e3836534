/* coffer assess: an independent auditor's finding. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/publish.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "cli/workload.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "os/file.h"

#define REPORT_MAX (64u << 20)

const struct opt_spec opts_assess[] = {
	{ "about", "WHAT", "workload (default), image or boot-image", false, false },
	{ "finding", "FINDING", "passed or failed", false, true },
	{ "method", "TEXT", "what was examined, and how: 'read the source of 1.2, rebuilt it'", false, true },
	{ "report", "FILE", "the whole report; its SHA-256 goes into the statement, the file stays with you", false, false },
	OPT_EXPIRES, OPT_TO_SIGN, OPT_AFTER, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

static enum coffer_rc target(const struct cli *c, struct session *s, enum assessed about, uint8_t digest[static 32], struct err *e)
{
	CLEANUP(workload_clear) struct workload w = { 0 };
	struct span text = span_of(c->pos[0]);

	if (about == ASSESSED_IMAGE && span_starts(text, "sha256:"))
		text = span_skip(text, strlen("sha256:"));
	if (about != ASSESSED_WORKLOAD && !hex_fixed(text, digest, 32))
		return cli_bad(e, "%s: not %s", c->pos[0], about == ASSESSED_IMAGE ? "an image's digest" : "a boot-image statement's id");
	if (about != ASSESSED_WORKLOAD)
		return COFFER_OK;
	TRY(workload_fetch(&s->h, s->key, s->conn, c->pos[0], &w, e)); /* it is there, and what its provider signed */
	memcpy(digest, w.man.digest, 32);
	return COFFER_OK;
}

static enum coffer_rc report_member(const struct cli *c, struct json_wr *j, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	char hex[HEX32_LEN];
	uint8_t h[32];

	if (!cli_opt(c, "report"))
		return COFFER_OK;
	TRY(file_read(cli_opt(c, "report"), REPORT_MAX, &text, e));
	sha256(wr_span(&text), h);
	hex32(h, hex);
	jw_m_text(j, "report", hex);
	return COFFER_OK;
}

enum coffer_rc cmd_assess(struct cli *c, struct err *e)
{
	const char *finding = cli_opt(c, "finding"), *what = cli_opt(c, "about");
	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(wr_close) struct wr body = wr_open(8u << 10);
	struct json_wr j = jw_open(&body, false);
	struct draft d = { .kind = ST_ASSESSMENT };
	char subject[ASSESSMENT_SUBJECT_MAX], hex[HEX32_LEN];
	enum assessed about = ASSESSED_WORKLOAD;
	uint8_t digest[32];

	if (what && !assessed_by_name(span_of(what), &about))
		return cli_bad(e, "--about %s: workload, image or boot-image", what);
	if (strcmp(finding, "passed") != 0 && strcmp(finding, "failed") != 0)
		return cli_bad(e, "--finding %s: passed or failed", finding);
	TRY(session_begin(c, &s, e));
	TRY(target(c, &s, about, digest, e));
	hex32(digest, hex);
	jw_obj(&j);
	jw_m_text(&j, "about", assessed_name(about));
	jw_m_text(&j, "digest", hex);
	jw_m_text(&j, "finding", finding);
	jw_m_text(&j, "method", cli_opt(c, "method"));
	TRY(report_member(c, &j, e));
	jw_obj_end(&j);
	TRY(wr_done(&body, "assessment", e));
	assessment_subject(about, digest, subject);
	draft_subject_name(&d, span_of(subject));
	d.body = wr_span(&body);
	TRY(expires_opt(c, "expires", &d.expires, e));
	return draft_out(&s.h, s.key, s.conn, &d, e);
}
