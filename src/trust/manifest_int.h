/* Inside trust/ only: the parts of the manifest's reader, one object each. Cross references are checked by manifest.c. */
#pragma once
#include "trust/form.h"
#include "trust/manifest.h"

bool man_path_ok(struct span s); /* absolute, normal form, not "/" */
enum coffer_rc man_name(const struct json *o, const char *where, struct span *out, struct err *e) NODISCARD; /* member "name" */
enum coffer_rc man_container_read(const struct json *v, struct man_container *c, struct err *e) NODISCARD;
/* Members "asset" or "slot": exactly one of them. */
enum coffer_rc man_asset_or_slot(const struct json *o, const char *where, struct asset_path *asset, struct span *slot, struct err *e) NODISCARD;
enum coffer_rc man_slots_read(const struct json *v, struct manifest *m, struct err *e) NODISCARD;
/* After containers and volumes were read. */
enum coffer_rc man_slots_check(const struct manifest *m, struct err *e) NODISCARD;
/* Member "exec" of host, after containers were read. */
enum coffer_rc man_exec_read(const struct json *host, struct manifest *m, struct err *e) NODISCARD;
enum coffer_rc man_volume_read(const struct json *v, struct man_volume *out, struct err *e) NODISCARD;
