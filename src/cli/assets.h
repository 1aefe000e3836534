/* What assets the service keeps of a party, however many pages of them there are; and how one gets there (cmd_asset.c). */
#pragma once
#include "cli/home.h"
#include "cli/session.h"
#include "fmt/json.h"

/* {"issued","path","type","version"}, in the order of paths. */
typedef enum coffer_rc asset_each(void *arg, const struct json *asset, struct err *e);
/* COFFER_E_UPSTREAM for pages that do not go on. What items say is the service's word. */
enum coffer_rc assets_each(const struct asker *me, asset_each *each, void *arg, struct err *e) NODISCARD;

/* A path below this party's name. COFFER_E_DENIED, check "owner". */
enum coffer_rc asset_own_path(const struct home *h, struct span text, struct asset_path *out, struct err *e) NODISCARD;

/* The file's bytes, in locked memory; "-" is standard input. An empty one is refused. */
enum coffer_rc asset_content(const char *path, struct secret *out, struct err *e) NODISCARD;

/* Seals the content to the service and has it kept, as the options of `coffer asset put` say (those that the verb has not: as before, or the first
 * values). Signs here; a key that
 * is there is replaced after a yes alone. Whether the service may have it is asked before, by self_check. */
enum coffer_rc asset_put(struct cli *c, struct session *s, const struct asset_path *p, const struct secret *content, uint64_t *version, struct err *e) NODISCARD;
