/* Signing and verifying images in layouts and registries. */
#include "image/toolpriv.h"

#include "base/own.h"
#include "base/str.h"
#include "image/ref.h"

struct artefact { /* a signature manifest and its two new blobs */
	struct wr payload, note, config, manifest;
};

static void artefact_clear(struct artefact *a)
{
	wr_close(&a->payload);
	wr_close(&a->note);
	wr_close(&a->config);
	wr_close(&a->manifest);
}

/* The name that goes into the signature: never a digest, which the payload has a place of its own for. */
static void signed_name(const struct ref *ref, char out[static REF_TEXT_MAX])
{
	struct ref r = *ref;

	r.has_digest = false;
	ref_text(&r, out);
}

static enum coffer_rc make(const struct privkey *k, const struct ref *ref, const uint8_t digest[static 32],
    const struct image_manifest *old,
    struct artefact *a, struct err *e)
{
	char name[REF_TEXT_MAX];

	a->payload = wr_open(SIGN_PAYLOAD_MAX);
	a->note = wr_open(4096);
	a->config = wr_open(IMAGE_CONFIG_MAX);
	a->manifest = wr_open(MANIFEST_MAX);
	signed_name(ref, name);
	TRY(sign_make(k, name, digest, &a->payload, &a->note, e));
	TRY(sign_config_write(old, wr_span(&a->payload), &a->config, e));
	return sign_manifest_write(old, wr_span(&a->payload), wr_span(&a->note), wr_span(&a->config), &a->manifest, e);
}

static enum coffer_rc read_old(const struct layout *l, const char *tag, struct image_manifest *old, bool *have, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	const struct descriptor *d = NULL;

	*have = false;
	if (layout_find(l, tag, &d, e) != COFFER_OK)
		return e->rc == COFFER_E_NOTFOUND ? COFFER_OK : e->rc;
	TRY(layout_read(l, d, MANIFEST_MAX, &text, e));
	TRY(image_manifest_parse(wr_span(&text), old, e));
	*have = true;
	return COFFER_OK;
}

enum coffer_rc image_sign_layout(const struct image_at *in, const char *reference, const struct privkey *k,
    uint8_t digest[static 32],
    struct err *e)
{
	CLEANUP(tool_image_clear) struct tool_image t = { 0 };
	CLEANUP(image_manifest_clear) struct image_manifest old = { 0 };
	CLEANUP(artefact_clear) struct artefact a = { 0 };
	char tag[SIGN_TAG_LEN];
	uint8_t written[32];
	struct ref ref;
	bool have;

	TRY(ref_parse(span_of(reference), &ref, e));
	TRY(tool_image_open(in, &t, e));
	sign_tag(t.top, tag);
	TRY(read_old(t.l, tag, &old, &have, e));
	TRY(make(k, &ref, t.top, have ? &old : NULL, &a, e));
	TRY(layout_put(t.l, wr_span(&a.config), written, e));
	TRY(layout_put(t.l, wr_span(&a.payload), written, e));
	TRY(layout_tag(t.l, tag, MEDIA_OCI_MANIFEST, wr_span(&a.manifest), written, e));
	memcpy(digest, t.top, 32);
	return COFFER_OK;
}

static enum coffer_rc fetch_old(struct registry *r, const char *tag, struct image_manifest *old, bool *have, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(MANIFEST_MAX);
	uint8_t digest[32];

	*have = false;
	if (registry_get_manifest(r, tag, &text, digest, e) != COFFER_OK)
		return e->rc == COFFER_E_NOTFOUND ? COFFER_OK : e->rc;
	TRY(image_manifest_parse(wr_span(&text), old, e));
	*have = true;
	return COFFER_OK;
}

enum coffer_rc image_sign_registry(struct registry *r, const struct ref *ref, const struct privkey *k, struct err *e)
{
	CLEANUP(image_manifest_clear) struct image_manifest old = { 0 };
	CLEANUP(artefact_clear) struct artefact a = { 0 };
	CLEANUP(wr_close) struct wr text = wr_open(MANIFEST_MAX);
	char tag[SIGN_TAG_LEN], name[REF_DIGEST_TEXT];
	uint8_t digest[32];
	bool have;

	if (!ref->has_digest)
		return err_set(e, COFFER_E_INPUT, "image sign: name the image by digest; a tag may be moved meanwhile");
	ref_digest_text(ref->digest, name);
	TRY(registry_get_manifest(r, name, &text, digest, e)); /* there, and what it is called */
	sign_tag(ref->digest, tag);
	TRY(fetch_old(r, tag, &old, &have, e));
	TRY(make(k, ref, ref->digest, have ? &old : NULL, &a, e));
	TRY(registry_put_blob(r, wr_span(&a.config), e));
	TRY(registry_put_blob(r, wr_span(&a.payload), e));
	return registry_put_manifest(r, tag, MEDIA_OCI_MANIFEST, wr_span(&a.manifest), e);
}

static enum coffer_rc expect_digest(const struct ref *ref, const uint8_t digest[static 32], struct err *e)
{
	char text[REF_DIGEST_TEXT];

	ref_digest_text(digest, text);
	if (ref->has_digest && memcmp(ref->digest, digest, 32) != 0) /* public: digests */
		return err_deny(e, "digest", "the image is %s, not the one the reference names", text);
	return COFFER_OK;
}

enum coffer_rc image_verify_layout(const struct image_at *in, const char *reference, struct span policy,
    uint8_t digest[static 32],
    struct err *e)
{
	CLEANUP(tool_image_clear) struct tool_image t = { 0 };
	CLEANUP(policy_freep) struct policy *p = NULL;
	CLEANUP(sign_set_clear) struct sign_set sigs = { 0 };
	struct ref ref;

	TRY(ref_parse(span_of(reference), &ref, e));
	ref_default_tag(&ref);
	TRY(policy_parse(policy, &p, e));
	TRY(tool_image_open(in, &t, e));
	TRY(expect_digest(&ref, t.top, e));
	if (policy_wants_signatures(p, &ref))
		TRY(sign_load(t.l, t.top, &sigs, e));
	TRY(policy_judge(p, &ref, t.top, &sigs, e));
	memcpy(digest, t.top, 32);
	return COFFER_OK;
}

enum coffer_rc image_verify_registry(struct registry *r, const struct ref *ref, struct span policy, uint8_t digest[static 32],
    struct err *e)
{
	CLEANUP(policy_freep) struct policy *p = NULL;
	CLEANUP(sign_set_clear) struct sign_set sigs = { 0 };
	CLEANUP(wr_close) struct wr text = wr_open(MANIFEST_MAX);
	char name[REF_DIGEST_TEXT];
	struct ref full = *ref;
	uint8_t top[32];

	ref_default_tag(&full);
	TRY(policy_parse(policy, &p, e));
	ref_digest_text(full.digest, name);
	TRY(registry_get_manifest(r, full.has_digest ? name : full.tag, &text, top, e));
	TRY(expect_digest(&full, top, e));
	if (policy_wants_signatures(p, &full))
		TRY(sign_fetch(r, top, &sigs, e));
	TRY(policy_judge(p, &full, top, &sigs, e));
	memcpy(digest, top, 32);
	return COFFER_OK;
}
