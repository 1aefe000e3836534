/* What the verbs about the genesis and its amendments share (cmd_genesis.c, cmd_genesis_amend.c). */
#pragma once
#include "cli/home.h"
#include "fmt/json.h"
#include "trust/dsse.h"
#include "trust/statement.h"

#define OPT_WITNESSES \
	{ "witness", "VKEY=URL", "a witness of the ledger: its key (coffer witness init prints it) and its address", true, false }, \
	{ "cosignatures", "K", "how many witnesses must have signed before a secret leaves (default: all)", false, false }
#define OPT_POLICIES(default) \
	{ "policies", "LIST", "SHA-256 of the policies that ship: NAME=SHA256,... of release, attestation-cpu, -gpu, -switch, -ppcie; 'shipped': those of this program; " \
			      "'none' (default: " default ")", false, false }
/* Member "policies", by the option's words. */
enum coffer_rc genesis_policies(const char *list, struct json_wr *j, struct err *e) NODISCARD;
/* Members "witnesses" and "cosignatures", by these options. Warns where two histories could find that many each. */
enum coffer_rc genesis_witnesses(const struct cli *c, struct json_wr *j, struct err *e) NODISCARD;
/* Member "vendor-roots", by the option's words: VENDOR=FILE, with commas between several. */
enum coffer_rc genesis_roots(const char *list, struct json_wr *j, struct err *e) NODISCARD;
enum coffer_rc genesis_envelope(const char *path, struct dsse *env, struct err *e) NODISCARD;

/* For people. env: whose signatures are looked at; NULL: they were checked. */
void genesis_text(const struct genesis *g, const struct dsse *env);
void genesis_text_witnesses(const struct genesis *g);
void genesis_text_roots(const struct genesis *g);
void genesis_text_policies(const struct genesis *g);
void genesis_json_policies(const struct genesis *g, struct json_wr *j); /* member "policies" */
/* Member "vendor-roots", told: vendor, name, SHA-256. */
void genesis_json_roots(const struct genesis *g, struct json_wr *j);

/* 'genesis sign' and 'genesis show' where they meet an amendment. */
enum coffer_rc amendment_sign(struct home *h, struct dsse *env, const struct statement *s, struct err *e) NODISCARD;
enum coffer_rc amendments_show(struct cli *c, struct err *e) NODISCARD;
