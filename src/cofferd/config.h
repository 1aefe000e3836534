/* cofferd's configuration file (TOML; unknown keys refused):
 *
 *   id = "trust"                  name in the service statement; `keygen` needs it
 *   listen = "127.0.0.1:8443"     literal address; port 0 takes a free one
 *   state = "/var/lib/coffer"     folder of keys, store and certificate (0700); absolute
 *   genesis = "genesis.json"      the signed envelope; relative to the configuration file
 *   genesis-digest = "<hex>"      which genesis it must be
 *   log = "info"                  or "warn": failures alone
 *
 *   [collateral]                  what vendors publish about platforms (docs/evidence.md); every key may be left out
 *   enabled = true                false: never over the network, from offline and the cache alone
 *   offline = "/srv/collateral"   a store that is read first; absolute
 *   amd-url = "https://..."       instead of AMD's; intel-url, intel-root-url: instead of Intel's
 *   ca-file = "ca.pem"            who vouches for those hosts, instead of the system's; relative to the configuration file
 *   max-age = 86400               seconds: how old it may be where an owner says nothing
 *
 *   [evidence]                    what releases went by, kept for their receipts; at a bound no more is released (docs/protocol/receipt.md)
 *   all = 4294967296              bytes, of all that is kept
 *   owner = 1073741824            bytes, of what one owner's releases made necessary
 *
 *   [attest]                      how the service attests itself (docs/protocol/service.md); absent: not at all
 *   platform = "auto"             by its processor (snp, tdx) where that makes reports, else by its TPM; "tsm": by the processor alone;
 *                                 "tpm": by the TPM alone, emulated ones included; "none"
 *   device = "/dev/tpmrm0"        of the TPM, or the socket of an emulator; absent: the kernel's
 *   request = "/sys/..."          folder of a request for reports (configfs-tsm) that was made before; absent: one is made
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "trust/name.h"

#define CONFIG_MAX_AGE 86400

struct config_collateral {
	bool     enabled;
	char     offline[512], ca_file[1024];                      /* "" if absent */
	char     amd_url[256], intel_url[256], intel_root_url[256]; /* "" if absent: the vendor's own */
	uint32_t max_age;
};

struct config_evidence { uint64_t all, owner; }; /* bytes; 0 if absent */

enum attest_by { ATTEST_NONE, ATTEST_TPM, ATTEST_TSM, ATTEST_AUTO };
struct config_attest {
	enum attest_by by;
	char device[108];  /* "" if absent: the kernel's */
	char request[192]; /* "" if absent: one is made */
};

struct config {
	char    id[PARTY_MAX]; /* "" if absent */
	char    listen[64];
	char    state[512];
	char    genesis[1024]; /* "" if absent */
	bool    has_digest;
	uint8_t digest[32];
	bool    log_all;
	struct config_collateral collateral;
	struct config_evidence   evidence;
	struct config_attest attest;
};

/* COFFER_E_INPUT names the key. `dir` is prefixed to relative file names. */
enum coffer_rc config_parse(struct span text, const char *dir, struct config *out, struct err *e) NODISCARD;
enum coffer_rc config_load(const char *path, struct config *out, struct err *e) NODISCARD;
