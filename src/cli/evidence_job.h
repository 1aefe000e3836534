/* What `coffer evidence appraise` and `show` share: one piece of evidence, what is brought for it, and what is said about it. */
#pragma once
#include "cli/cli.h"
#include "cli/evidence_files.h"

#define EVIDENCE_OUT_MAX (16u << 20) /* bytes printed */

struct evidence_job {
	const struct tee_driver *driver;
	struct wr                evidence, report_data, init_toml;
	struct evidence_files    files;
	uint8_t                  init[HASH_MAX];
	struct ev_in             in;
	struct ev_out            out;
};
void evidence_job_clear(struct evidence_job *j);
/* The bytes of an option's file. One that is missing or cannot be read is a mistake of usage: nothing was judged, and code 4 would say
 * that collateral is wanting. */
enum coffer_rc evidence_file_arg(const char *option, const char *path, size_t max, struct wr *out, struct err *e) NODISCARD;
/* The bytes of --collateral and --roots, by the same rule. */
enum coffer_rc evidence_job_files(const struct cli *c, struct evidence_job *b, struct err *e) NODISCARD;
/* What they are; and the evidence, read before, as the driver's input. */
enum coffer_rc evidence_job_parse(struct evidence_job *b, struct err *e) NODISCARD;

const struct ev_check *evidence_deciding(const struct ev_out *o); /* the check that gives the verdict; NULL: none */
/* Members of an open object: platform, verdict, reason, checks, claims. */
enum coffer_rc evidence_put_verdict(struct json_wr *j, const struct tee_driver *d, const struct ev_out *o, struct err *e) NODISCARD;
/* The same of a machine with devices beside it: verdict and reason are those of `decides`, and `primary` has the machine's own. */
enum coffer_rc evidence_put_verdict_of(struct json_wr *j, const struct tee_driver *d, const struct ev_out *o, const struct ev_out *decides,
    struct err *e) NODISCARD;
/* A member with an object of JSON text; none: {}. */
enum coffer_rc evidence_put_object(struct json_wr *j, const char *name, struct span text, struct err *e) NODISCARD;
/* The verdict as the program's end: COFFER_OK where it is valid, else its reason. */
enum coffer_rc evidence_end(const struct ev_out *o, struct err *e) NODISCARD;
void evidence_print_verdict(const struct tee_driver *d, const struct ev_out *o);
void evidence_print_members(const char *title, struct span text);
