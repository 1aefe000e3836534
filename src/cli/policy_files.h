/* Rego and JSON files for the policy verbs. */
#pragma once
#include "base/err.h"
#include "base/wr.h"
#include "policy/policy.h"

#define POLICY_FILES_MAX 4096
#define POLICY_FILE_MAX  (16u << 20) /* bytes of one file */
#define POLICY_DEPTH_MAX 32          /* of folders */

struct paths { char **p; size_t n, cap; };

/* The file, or all files below the folder whose names end so, in order of name. COFFER_E_NOTFOUND when path is
 * not there or holds no such file. */
enum coffer_rc paths_below(struct paths *l, const char *path, const char *suffix, struct err *e) NODISCARD;
enum coffer_rc paths_add(struct paths *l, const char *path, struct err *e) NODISCARD;
void           paths_clear(struct paths *l);

struct sources { struct source *s; struct wr *text; size_t n; };

/* Reads them all; names are those of the paths, which must outlive it. */
enum coffer_rc sources_read(const struct paths *l, struct sources *out, struct err *e) NODISCARD;
void           sources_clear(struct sources *s);

/* One JSON text as a value. */
enum coffer_rc policy_json(struct heap *h, const char *path, struct val *out, struct err *e) NODISCARD;

/* Options of every policy verb: Kata's limits of source, and the host function query_reference_value, which upstream's
 * attestation policies call. It answers from the object that `state` points to (struct val), null for a name that it has not. */
struct rego_options policy_options(bool v0, bool strict);
