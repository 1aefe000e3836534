/* What the service tells a party of the ledger's entries, each compared with its leaf in the signed tree. */
#pragma once
#include "cli/ledger.h"
#include "fmt/json.h"

/* opening: "CLO1"..., as trust/ledger/leaf.h reads it. */
typedef enum coffer_rc (*opened)(struct ledger *l, uint64_t index, struct span opening, void *arg, struct err *e);

/* The service's openings from an entry on, as it answers. */
enum coffer_rc opened_page(struct ledger *l, const struct privkey *key, uint64_t from, struct json_doc **out, struct err *e) NODISCARD;
/* One of them; COFFER_E_DENIED (check "ledger-opening") when it is not what the leaf commits to. One newer than the checkpoint is passed over. */
enum coffer_rc opened_one(struct ledger *l, const struct json *v, opened each, void *arg, struct err *e) NODISCARD;
/* All that this party is told. */
enum coffer_rc opened_all(struct ledger *l, const struct privkey *key, opened each, void *arg, struct err *e) NODISCARD;
/* Those from an entry on. */
enum coffer_rc opened_from(struct ledger *l, const struct privkey *key, uint64_t from, opened each, void *arg, struct err *e) NODISCARD;
/* ledger_open, ledger_follow and opened_all. */
enum coffer_rc ledger_each(struct cli *c, opened each, void *arg, struct err *e) NODISCARD;
