/* Image references as container tools write them: [host[:port]/]repo[:tag][@sha256:hex].
 *
 * Docker's reading: without a host (a first component with '.', ':' or a capital, or "localhost") the
 * host is docker.io, where a one-component repository is below library/; index.docker.io is docker.io.
 * Refused: capitals in the repository, digests other than SHA-256, a name over REF_NAME_MAX bytes.
 * Pure text; asks nobody.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define REF_NAME_MAX 255 /* bytes of "host/repo" */
#define REF_TAG_MAX 128
#define REF_TEXT_MAX (REF_NAME_MAX + 1 + REF_TAG_MAX + 8 + 64 + 1) /* with NUL */

struct ref {
	char    host[REF_NAME_MAX + 1]; /* "docker.io", "127.0.0.1:5000", "[::1]:5000" */
	char    repo[REF_NAME_MAX + 1]; /* "library/busybox" */
	char    tag[REF_TAG_MAX + 1];   /* empty: none written. No "latest" is made up here */
	bool    has_digest;
	uint8_t digest[32];             /* SHA-256; zero without has_digest */
};

/* COFFER_E_INPUT with the rule that was broken; *out is written only on success. */
enum coffer_rc ref_parse(struct span text, struct ref *out, struct err *e) NODISCARD;

/* "sha256:" and 64 lower-case hex digits, nothing else. */
enum coffer_rc ref_digest_parse(struct span text, uint8_t out[static 32], struct err *e) NODISCARD;
#define REF_DIGEST_TEXT 72 /* with NUL */
void ref_digest_text(const uint8_t digest[static 32], char out[static REF_DIGEST_TEXT]);

/* Writes tag "latest" when there is neither tag nor digest, as a pull does. */
void ref_default_tag(struct ref *r);

/* "host/repo", then ":tag" and "@sha256:..." as present. ref_name stops before them. */
void ref_text(const struct ref *r, char out[static REF_TEXT_MAX]);
void ref_name(const struct ref *r, char out[static REF_NAME_MAX + 1]);

/* The host to connect to: the reference's own, but registry-1.docker.io for docker.io. Borrowed. */
const char *ref_registry_host(const struct ref *r);
