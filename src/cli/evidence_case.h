/* One case of an evidence manifest: its files, what is changed in them, what is expected; judged by the trace of an appraisal.
 * Used by `coffer evidence test`. */
#pragma once
#include "cli/evidence_files.h"

struct case_run {
	const char        *dir;      /* of the manifest */
	const char        *roots;    /* folder of further anchors, or NULL */
	const struct json *c;        /* the case */
	char               why[256]; /* of a failure or a skip */
	char               left[256]; /* what the case says and nobody here judges, by name, with ", " between; "" when there is nothing */
};
enum case_result { CASE_PASSED, CASE_FAILED, CASE_SKIPPED };
/* Never fails otherwise: what cannot be judged is skipped and says why. */
enum case_result evidence_case(struct case_run *r);

/* ---- parts ---- */

/* The files of a case as bytes, by the names the case gives them; of a folder, by their own. */
#define CASE_FILES_MAX 16
struct case_file { struct span name; char *owned; struct wr bytes; }; /* owned: the name of a file in a folder */
struct case_files { struct case_file f[CASE_FILES_MAX]; size_t n; };
void case_files_clear(struct case_files *f);
enum coffer_rc case_files_read(const struct case_run *r, struct case_files *out, struct err *e) NODISCARD;
struct wr *case_file(struct case_files *f, struct span name); /* NULL: none */

/* The file that is evidence a driver takes by itself; NULL: the case is about a part. */
struct wr *case_main(const struct case_run *r, struct case_files *f);
/* Appraises the case's evidence or part, with all other files as collateral. COFFER_E_NOTFOUND: nothing that is judged here. */
enum coffer_rc case_appraise(const struct case_run *r, struct case_files *f, struct ev_out *out, struct err *e) NODISCARD;
/* Some check that held before does not hold now, or the evidence is no longer evidence. */
bool case_refused(const struct ev_out *before, const struct ev_out *after);

/* whole: a file of the case looks like evidence by itself. */
bool case_is_part(const struct case_run *r, struct case_files *files, bool whole);
/* Judges a part of evidence by the names of its files, where no file is evidence by itself. COFFER_E_NOTFOUND: no part that is
 * known. */
enum coffer_rc case_part(
    const struct case_run *r, struct case_files *files, const struct ev_in *in, struct ev_out *o, struct err *e) NODISCARD;

/* The same for cases without evidence: a token's key with x5c, an init-data's digests, the rule for PCR 8. */
enum coffer_rc case_words(
    const struct case_run *r, struct case_files *files, const struct ev_in *in, struct ev_out *o, struct err *e) NODISCARD;

/* Applies one entry of `mutate`. COFFER_E_NOTFOUND: a file or an operation that nobody here knows. */
enum coffer_rc case_mutate(struct case_files *f, const struct json *entry, struct err *e) NODISCARD;

/* Compares what a case expects, and the bindings that it demands, with the trace. A case with nothing to compare is skipped. */
enum case_result case_expect(struct case_run *r, const struct ev_out *o);
/* A case of changes expects refusal and nothing else; another expectation is skipped and named. */
enum case_result case_expect_refusal(struct case_run *r);
/* Every member of the case is one that is judged, or is named in r->left; else skipped and named. */
enum case_result case_members(struct case_run *r);
