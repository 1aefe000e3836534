/* What a party released of an image: its newest word on that content in that repository. */
#pragma once
#include "cli/home.h"
#include "fmt/json.h"
#include "image/ref.h"

/* artifactType of a release that lies beside its image. */
#define RELEASE_TYPE "application/vnd.coffer.image-release.v1+json"

struct released {
	struct json_doc *doc; /* owned copy of the body, docs/protocol/statements.md; NULL: nothing was found */
	uint8_t          id[32];
	char             by[PARTY_MAX]; /* who says it */
};
void released_clear(struct released *r); /* CLEANUP-ready */
/* Borrowed; NULL: nothing was found. */
const struct json *released_body(const struct released *r);

/* Signed by the issuer and, as the service says, in force; none is COFFER_OK. ref has a digest. */
enum coffer_rc released_find(const struct asker *me, struct span issuer, const struct ref *ref, struct released *out, struct err *e) NODISCARD;
/* The same of those that ended or were revoked too. */
enum coffer_rc released_ever(const struct asker *me, struct span issuer, const struct ref *ref, struct released *out, struct err *e) NODISCARD;
