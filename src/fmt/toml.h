/* TOML 1.0 reader for init-data and configuration files: tables, arrays of tables,
 * dotted and quoted keys, all four string forms, integers, booleans, arrays and
 * inline tables. Floats and dates are refused (nothing we read has them), as are
 * duplicate keys and tables, and everything TOML itself forbids.
 * The result is a JSON document: one value tree for the whole program. */
#pragma once
#include "fmt/json.h"

/* Errors: COFFER_E_INPUT "line L, column C: ...". in.n <= max_bytes. */
enum coffer_rc toml_parse(struct span in, size_t max_bytes, struct json_doc **out, struct err *e) NODISCARD;

/* Writes s as a TOML basic string ("..." with escapes; TOML 1.0 section String).
 * Invalid UTF-8 makes the writer fail. */
void toml_write_string(struct wr *w, struct span s);
