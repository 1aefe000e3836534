/* cofferd's configuration file (TOML; unknown keys refused):
 *
 *   id = "trust"                  name in the service statement; `keygen` needs it
 *   listen = "127.0.0.1:8443"     literal address; port 0 takes a free one
 *   state = "/var/lib/coffer"     folder of keys, store and certificate (0700); absolute
 *   genesis = "genesis.json"      the signed envelope; relative to the configuration file
 *   genesis-digest = "<hex>"      which genesis it must be
 *   log = "info"                  or "warn": failures alone
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "trust/name.h"

struct config {
	char    id[PARTY_MAX]; /* "" if absent */
	char    listen[64];
	char    state[512];
	char    genesis[1024]; /* "" if absent */
	bool    has_digest;
	uint8_t digest[32];
	bool    log_all;
};

/* COFFER_E_INPUT names the key. `dir` is prefixed to relative file names. */
enum coffer_rc config_parse(struct span text, const char *dir, struct config *out, struct err *e) NODISCARD;
enum coffer_rc config_load(const char *path, struct config *out, struct err *e) NODISCARD;
