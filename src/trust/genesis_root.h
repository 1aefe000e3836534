/* Inside trust/ only: one member of a genesis' "vendor-roots" (docs/protocol/statements.md). */
#pragma once
#include "fmt/json.h"
#include "trust/form.h"
#include "trust/statement.h"

/* A certificate's DER is not read here; an anchor's key is a point of its curve. COFFER_E_INPUT. */
enum coffer_rc genesis_root_read(const struct json *v, struct genesis_root *out, struct err *e) NODISCARD;
/* The member itself, so many of them, behind those that g has. */
enum coffer_rc genesis_roots_read(const struct json *body, struct form_range n, struct genesis *g, struct err *e) NODISCARD;
