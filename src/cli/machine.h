/* Statements about machines on the command line: drafts in files, and those the trust service has logged. */
#pragma once
#include "cli/home.h"
#include "cli/publish.h"
#include "trust/machine.h"

#define MACHINE_FILE_MAX DSSE_PAYLOAD_MAX

/* A draft: the body of a tcb statement, or that of a boot-image statement with one more member
 * "artefacts":[{"name","sha256"}], which become the statement's subjects. */
struct machine_file {
	enum statement_kind kind;
	struct json_doc    *doc;   /* as read; artefact names are borrowed from it */
	struct json_doc    *body;  /* without the artefacts */
	struct wr           text;  /* of the body */
	struct draft        draft; /* kind, subjects and body filled in */
};
void machine_file_clear(struct machine_file *m); /* CLEANUP-ready */
/* Reads and checks all that the statement's own reader checks. m->kind is given. */
enum coffer_rc machine_parse(struct span text, struct machine_file *m, struct err *e) NODISCARD;
enum coffer_rc machine_read(const char *path, struct machine_file *m, struct err *e) NODISCARD;

/* The reader of that kind, for its verdict alone. */
enum coffer_rc machine_check(const struct statement *s, struct err *e) NODISCARD;

/* All statements of a kind, in force only or all, newest first. */
struct machine_ask { const struct home *h; const struct privkey *key; struct service_conn *conn; };
struct machine_cb { statement_cb fn; void *arg; };
enum coffer_rc machine_query(const struct machine_ask *q, enum statement_kind kind, bool all, struct machine_cb cb, struct err *e) NODISCARD;
