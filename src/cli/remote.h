/* A registry as a verb's arguments name it. */
#pragma once
#include "cli/cli.h"
#include "fmt/json.h"
#include "image/ref.h"
#include "image/registry.h"

#define OPT_PLAIN \
	{ "plain-http", NULL, \
	    "speak HTTP without TLS to this registry (images are checked by digest and signature, but not hidden)", false, false }
#define OPT_CA { "ca", "FILE", "further CA certificates (PEM) for the registry", false, false }

struct remote {
	struct ref       ref;
	struct registry *reg;
	struct json_doc *plain;
	struct wr        ca;
};
void remote_end(struct remote *r); /* CLEANUP-ready */
/* By --plain-http and --ca. */
/* What is about content wants a digest, not a tag that may move in between. */
enum coffer_rc remote_need_digest(const struct ref *r, const char *text, struct err *e) NODISCARD;
enum coffer_rc remote_open(const struct cli *c, const char *text, struct remote *r, struct err *e) NODISCARD;
