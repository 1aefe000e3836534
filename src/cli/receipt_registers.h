/* What was booted, of a release that was decided again: each register as it was quoted, beside what foretold it. */
#pragma once
#include "fmt/json.h"
#include "replay/replay.h"

void receipt_registers_print(const struct replay_out *o);
void receipt_registers_json(const struct replay_out *o, struct json_wr *j); /* members "boot-image" and "registers"; nothing where none counted */
