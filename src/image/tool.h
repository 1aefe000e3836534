/* What an image provider does with images: encrypt, decrypt, sign, verify, show, push.
 *
 * Layers are streamed; memory does not grow with the image. Layouts are folders, image/layout.h.
 */
#pragma once
#include "base/secret.h"
#include "crypto/key.h"
#include "image/crypt.h"
#include "image/layout.h"
#include "image/policy.h"
#include "image/registry.h"

struct image_at { /* an image in a layout */
	const char *dir;
	const char *tag; /* NULL: the only one there (reading), untagged (writing) */
};

struct image_encrypt_opts {
	const char          *kid; /* packet recipient, or NULL: any form crypt_kid_normal reads */
	const struct secret *kek; /* 32 bytes, with kid */
	struct span          jwe_pem; /* RSA public key, or empty. Both recipients may be given, at least one must */
};
/* Encrypts every layer that is not encrypted yet. A multi-platform image is reduced to linux/amd64; docker types become
 * OCI types. *digest: the new manifest. When there was no layer left to encrypt: COFFER_E_INPUT. */
enum coffer_rc image_encrypt(const struct image_at *in, const struct image_at *out, const struct image_encrypt_opts *o,
    uint8_t digest[static 32], struct err *e) NODISCARD;

/* Decrypts every encrypted layer. Each is verified before it gets its name in the output. */
enum coffer_rc image_decrypt(const struct image_at *in, const struct image_at *out, const struct crypt_keys *k,
    uint8_t digest[static 32], struct err *e) NODISCARD;

/* Signs what in->tag resolves to, as `reference` ("host/repo"), and puts the signature beside it. */
enum coffer_rc image_sign_layout(const struct image_at *in, const char *reference, const struct privkey *k,
    uint8_t digest[static 32], struct err *e) NODISCARD;
/* The same in a registry for the digest given there; `ref` names host, repository and digest. */
enum coffer_rc image_sign_registry(struct registry *r, const struct ref *ref, const struct privkey *k, struct err *e) NODISCARD;

/* Judges by policy.json. `reference` is what the image would be pulled as; its digest, if any, must be the image's. */
enum coffer_rc image_verify_layout(const struct image_at *in, const char *reference, struct span policy,
    uint8_t digest[static 32], struct err *e) NODISCARD;
enum coffer_rc image_verify_registry(struct registry *r, const struct ref *ref, struct span policy,
    uint8_t digest[static 32], struct err *e) NODISCARD;

/* {"annotations"?,"architecture","config","digest","entrypoint"...,"layers":[{"digest","encrypted","keys":[kid...],
 * "mediaType","size"}],"mediaType","os","signatures":N}, or the same as lines of text. */
enum coffer_rc image_inspect(const struct image_at *in, bool json, struct wr *out, struct err *e) NODISCARD;

/* Uploads the image and its signatures under `tag` (NULL: by digest only). An index is sent with all it lists. */
enum coffer_rc image_push(const struct image_at *in, struct registry *r, const char *tag, uint8_t digest[static 32],
    struct err *e) NODISCARD;
