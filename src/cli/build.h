/* From a Pod and its terms to a manifest: names resolved, releases and keys looked up. */
#pragma once
#include "cli/home.h"
#include "cli/pod.h"
#include "cli/terms.h"
#include "trust/manifest.h"

/* What resolving needs from outside. */
struct build_env {
	const struct home    *h;
	const struct privkey *key;
	struct service_conn  *conn;
};

/* Writes the manifest as JSON text. Every image must be by digest and have an image-release in force by, or with the power of, the provider that the
 * terms name; every recipient must be a known party with an encryption key; every name must be resolved. */
enum coffer_rc build_manifest(
    const struct build_env *b, const struct pod *p, const struct terms *t, struct wr *out, struct err *e) NODISCARD;
