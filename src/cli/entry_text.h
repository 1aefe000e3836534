/* An entry of the ledger as a line for people: what happened, who, about what, and with which outcome. Pure.
 *
 * record: as an opening has it (trust/ledger/leaf.h). What the service wrote there is shown in printable ASCII on one line, whatever it is. COFFER_E_INPUT for what is
 * no record. The time is shown as it is said there; whether the leaf says the same is not judged here. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define ENTRY_TEXT_MAX 4096

enum coffer_rc entry_text(uint64_t index, struct span record, struct wr *out, struct err *e) NODISCARD;
