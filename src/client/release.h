/* The bytes of a signed asset request and of its checked reply (docs/protocol/service.md, "A request of our agent").
 * Pure: no network. */
#pragma once
#include "base/wr.h"
#include "client/rcar.h"
#include "crypto/key.h"

#define RELEASE_SESSION_LEN 16

struct release_ask {
	struct span    path;      /* "party/type/tag" */
	uint64_t       version;   /* 0 = newest */
	uint64_t       counter;
	struct span    container; /* <= 255 bytes */
	enum purpose   purpose;
	const uint8_t *session;   /* RELEASE_SESSION_LEN bytes */
};
/* "CRQ1"... and what is signed over it. */
enum coffer_rc release_ask_write(const struct release_ask *a, struct wr *request, struct wr *to_sign, struct err *e) NODISCARD;

struct release_entry { uint64_t seq, version; uint8_t entry[32]; };
/* "<seq>.<entry hash hex>.<version>" */
enum coffer_rc release_entry_parse(struct span s, struct release_entry *out, struct err *e) NODISCARD;

struct release_reply {
	struct span          body;      /* as received */
	struct span          signature; /* header Coffer-Reply, base64url */
	struct release_entry entry;
	struct span          path;
	uint8_t              attested[32]; /* thumbprint of our key */
};
/* COFFER_E_DENIED (check "reply") unless `key` signed exactly this. */
enum coffer_rc release_reply_check(const struct release_reply *r, const struct pubkey *key, struct err *e) NODISCARD;

/* "CRP1" || u32 length || envelope || salt (32) || content. Spans borrow. salted covers salt and content. */
struct release_content { struct span envelope, salted, content; };
enum coffer_rc release_content_parse(struct span plain, struct release_content *out, struct err *e) NODISCARD;

/* The 32 hex digits of the session cookie in a Set-Cookie value. */
bool release_session(struct span set_cookie, uint8_t out[static RELEASE_SESSION_LEN]) NODISCARD;
