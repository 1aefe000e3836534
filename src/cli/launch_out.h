/* A launch as a boot-image statement lists it: {"platform", "registers", "shape"}. */
#pragma once
#include "evidence/facts.h"
#include "fmt/json.h"

void launch_json(struct json_wr *j, const struct hw_facts *f, const char *shape);
