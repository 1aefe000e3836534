/* Folders of certificates, revocation lists and vendors' JSON, read into what an appraisal takes. Files are recognised by
 * content. */
#pragma once
#include "evidence/evidence.h"

#define EVIDENCE_FILE_MAX (8u << 20)

/* Owns what the spans of col borrow. */
struct evidence_file { struct wr bytes; char *path; bool root; };
struct evidence_files { struct collateral col; struct evidence_file kept[2 * EV_FILES_MAX]; size_t n, parsed; };
void evidence_files_clear(struct evidence_files *f); /* CLEANUP-ready */

/* Every regular file below dir (one level, sorted by name): certificates go to col.roots where `roots`, else to col.certs. A
 * file that is nothing of these is passed over unless it is the only one. COFFER_E_NOTFOUND when there is no such folder. */
enum coffer_rc evidence_files_read(const char *dir, bool roots, struct evidence_files *out, struct err *e) NODISCARD;
/* The same in two steps: the bytes, which nobody looks into, and then what they are (in a process that can do no more, confined.h). */
enum coffer_rc evidence_files_load(const char *dir, bool roots, struct evidence_files *out, struct err *e) NODISCARD;
enum coffer_rc evidence_files_parse(struct evidence_files *f, struct err *e) NODISCARD;
/* One file, recognised in the same way. */
enum coffer_rc evidence_file_add(const char *path, bool roots, struct evidence_files *out, struct err *e) NODISCARD;
