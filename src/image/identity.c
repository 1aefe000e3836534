#include "image/identity.h"

#include <stdio.h>

#include "base/own.h"
#include "base/str.h"

static bool same_repo(const struct ref *a, const struct ref *b)
{
	return strcmp(a->host, b->host) == 0 && strcmp(a->repo, b->repo) == 0;
}

/* A bare name says nothing exact: a tag is needed on both sides, and a signed digest must be the image's. */
static bool same_exact(const struct ref *image, const struct ref *claim)
{
	if (!same_repo(image, claim) || image->tag[0] == '\0' || strcmp(image->tag, claim->tag) != 0)
		return false;
	return !claim->has_digest || (image->has_digest && memcmp(image->digest, claim->digest, 32) == 0); /* public: digests */
}

static bool repo_digest_or_exact(const struct ref *image, const struct ref *claim)
{
	return image->has_digest ? same_repo(image, claim) : same_exact(image, claim);
}

/* The image as it is called at the signer's: prefix replaced at a component's end, or unchanged. */
static bool remap(const struct identity *id, const struct ref *image, struct ref *out)
{
	char name[REF_NAME_MAX + 1], text[2 * REF_NAME_MAX + 2];
	size_t n = strlen(id->prefix);
	struct err e;

	ref_name(image, name);
	*out = *image;
	if (strncmp(name, id->prefix, n) != 0 || (name[n] != '\0' && name[n] != '/'))
		return true;
	(void)snprintf(text, sizeof(text), "%s%s", id->to, name + n);
	if (ref_parse(span_of(text), out, &e) != COFFER_OK || out->has_digest || out->tag[0] != '\0')
		return false;
	memcpy(out->tag, image->tag, sizeof(out->tag));
	memcpy(out->digest, image->digest, sizeof(out->digest));
	out->has_digest = image->has_digest;
	return true;
}

bool identity_fits(const struct identity *id, const struct ref *image, struct span signed_name)
{
	struct ref claim, at_signer;
	struct err e;

	if (ref_parse(signed_name, &claim, &e) != COFFER_OK)
		return false;
	switch (id->type) {
	case IDENTITY_REPO_DIGEST_OR_EXACT:
		return repo_digest_or_exact(image, &claim);
	case IDENTITY_EXACT:
		return same_exact(image, &claim);
	case IDENTITY_REPOSITORY:
		return same_repo(image, &claim);
	case IDENTITY_EXACT_REFERENCE: /* ours may be repo@digest alone; the claim must then say the same */
		return same_exact(&id->name, &claim) ||
		       (id->name.tag[0] == '\0' && claim.tag[0] == '\0' && id->name.has_digest && claim.has_digest &&
			   same_repo(&id->name, &claim) && memcmp(id->name.digest, claim.digest, 32) == 0); /* public: digests */
	case IDENTITY_EXACT_REPOSITORY:
		return same_repo(&id->name, &claim);
	case IDENTITY_REMAP:
		return remap(id, image, &at_signer) && repo_digest_or_exact(&at_signer, &claim);
	}
	return false;
}

static const char *const plain_members[] = { "type", NULL };
static const char *const reference_members[] = { "type", "dockerReference", NULL };
static const char *const repository_members[] = { "type", "dockerRepository", NULL };
static const char *const remap_members[] = { "type", "prefix", "signedPrefix", NULL };

static const struct {
	const char        *name;
	enum identity_type type;
	const char *const *members;
} types[] = {
	{ "matchExact", IDENTITY_EXACT, plain_members },
	{ "matchRepoDigestOrExact", IDENTITY_REPO_DIGEST_OR_EXACT, plain_members },
	{ "matchRepository", IDENTITY_REPOSITORY, plain_members },
	{ "exactReference", IDENTITY_EXACT_REFERENCE, reference_members },
	{ "exactRepository", IDENTITY_EXACT_REPOSITORY, repository_members },
	{ "remapIdentity", IDENTITY_REMAP, remap_members },
};

static enum coffer_rc read_name(const struct json *v, const char *member, struct ref *out, struct err *e)
{
	struct span s;

	TRY(json_need_str(v, member, "signedIdentity", &s, e));
	if (ref_parse(s, out, e) != COFFER_OK)
		return err_wrap(e, "signedIdentity: %s", member);
	return COFFER_OK;
}

/* A prefix is a host or a host with a path: it must be readable as the beginning of a name, with nothing behind it. */
static enum coffer_rc read_prefix(const struct json *v, const char *member, char out[static REF_NAME_MAX + 1], struct err *e)
{
	CLEANUP(freep) char *text = NULL;
	struct ref r;
	struct span s;

	TRY(json_need_str(v, member, "signedIdentity", &s, e));
	if (s.n == 0 || s.n > REF_NAME_MAX - 2)
		return err_set(e, COFFER_E_INPUT, "signedIdentity: %s of %zu bytes", member, s.n);
	text = str_fmt("%.*s/x", (int)s.n, (const char *)s.p);
	if (!text)
		return err_set(e, COFFER_E_SYSTEM, "signedIdentity: out of memory");
	if (ref_parse(span_of(text), &r, e) != COFFER_OK || r.has_digest || r.tag[0] != '\0')
		return err_set(
		    e, COFFER_E_INPUT, "signedIdentity: %s is not a host or the beginning of a repository name", member);
	memcpy(out, text, s.n);
	out[s.n] = '\0';
	return COFFER_OK;
}

static enum coffer_rc read_details(const struct json *v, struct identity *id, struct err *e)
{
	if (id->type == IDENTITY_EXACT_REFERENCE) {
		TRY(read_name(v, "dockerReference", &id->name, e));
		if (id->name.tag[0] == '\0' && !id->name.has_digest)
			return err_set(e, COFFER_E_INPUT, "signedIdentity: dockerReference has neither tag nor digest");
	}
	if (id->type == IDENTITY_EXACT_REPOSITORY) {
		TRY(read_name(v, "dockerRepository", &id->name, e));
		if (id->name.tag[0] != '\0' || id->name.has_digest)
			return err_set(e, COFFER_E_INPUT, "signedIdentity: dockerRepository has a tag or digest");
	}
	if (id->type == IDENTITY_REMAP) {
		TRY(read_prefix(v, "prefix", id->prefix, e));
		TRY(read_prefix(v, "signedPrefix", id->to, e));
	}
	return COFFER_OK;
}

enum coffer_rc identity_parse(const struct json *v, struct identity *out, struct err *e)
{
	struct identity id = { 0 };
	struct span type;

	if (!v) {
		*out = id;
		return COFFER_OK;
	}
	TRY(json_need_str(v, "type", "signedIdentity", &type, e));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!span_eq_str(type, types[i].name))
			continue;
		id.type = types[i].type;
		TRY(json_closed(v, types[i].members, "signedIdentity", e));
		TRY(read_details(v, &id, e));
		*out = id;
		return COFFER_OK;
	}
	return err_set(e, COFFER_E_INPUT, "signedIdentity: unknown type");
}
