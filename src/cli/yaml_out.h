/* A JSON value as YAML text that people and kubectl read: block style, every string double-quoted
 * (JSON's escapes are YAML's), multi-line strings as literal blocks where that is exact. */
#pragma once
#include "fmt/json.h"

void yaml_write(struct wr *w, const struct json *v);
