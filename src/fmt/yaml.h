/* YAML as Kubernetes writes it, read with libyaml into a JSON document.
 *
 * One document a text. Refused: aliases and anchors, tags, merge keys, duplicate
 * and non-string keys, multiple documents. Plain scalars follow the YAML 1.2 core
 * schema (null, true/false, integers; other plain scalars are strings; floats are
 * refused). Depth and size as in json.h.
 */
#pragma once
#include "fmt/json.h"

/* Errors: COFFER_E_INPUT "line L, column C: ...". */
enum coffer_rc yaml_parse(struct span in, size_t max_bytes, struct json_doc **out, struct err *e) NODISCARD;
