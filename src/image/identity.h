/* signedIdentity of policy.json: does the name inside a signature fit the image that was asked for?
 * Rules of containers-policy.json(5); names are normalised first, so docker.io/busybox and busybox are the same. */
#pragma once
#include "fmt/json.h"
#include "image/ref.h"

enum identity_type {
	IDENTITY_REPO_DIGEST_OR_EXACT = 0, /* the default of the format */
	IDENTITY_EXACT,
	IDENTITY_REPOSITORY,
	IDENTITY_EXACT_REFERENCE,
	IDENTITY_EXACT_REPOSITORY,
	IDENTITY_REMAP,
};
struct identity {
	enum identity_type type;
	struct ref         name;                        /* exactReference, exactRepository */
	char               prefix[REF_NAME_MAX + 1];    /* remapIdentity: host or host/path */
	char               to[REF_NAME_MAX + 1];
};

/* v NULL gives the default. Unknown types and members are COFFER_E_INPUT. */
enum coffer_rc identity_parse(const struct json *v, struct identity *out, struct err *e) NODISCARD;

/* `image`: what was asked for. `signed_name`: the payload's docker-reference; unreadable fits nothing. */
bool identity_fits(const struct identity *id, const struct ref *image, struct span signed_name) NODISCARD;
