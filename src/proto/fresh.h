/* Whether a guest may keep what it holds: the question and the answer of POST /coffer/v0/freshness
 * (docs/protocol/service.md, "Leases"). Pure bytes; who signed is the callers' to check.
 */
#pragma once
#include "crypto/key.h"
#include "trust/manifest.h"

#define FRESH_ITEMS_MAX 64
#define FRESH_REQUEST_MAX (48u << 10)
#define FRESH_ANSWER_MAX 4096
#define FRESH_CHECK_MAX 8        /* "R11" and its NUL */

/* What is held: the asset statement that came with it, for whom and what for. */
struct fresh_item { uint8_t statement[32]; struct span path, container; enum purpose purpose; };
struct fresh_ask {
	uint8_t  nonce[32];
	uint64_t counter;            /* rises within a session, with that of asset requests */
	size_t   n;                  /* 1 to FRESH_ITEMS_MAX */
	struct fresh_item item[FRESH_ITEMS_MAX];
};
void           fresh_ask_write(const struct fresh_ask *a, struct wr *w);
/* COFFER_E_INPUT. Spans borrow b. */
enum coffer_rc fresh_ask_read(struct span b, struct fresh_ask *out, struct err *e) NODISCARD;
/* What the session's request key signs. session: 16 bytes */
void           fresh_ask_to_sign(struct span ask, const uint8_t *session, struct wr *w);

enum fresh_status { FRESH_HELD = 1, FRESH_REVOKED, FRESH_PAUSED, FRESH_ENDED }; /* ended: another check than R11 fails now */
const char *fresh_word(enum fresh_status s); /* "revoked" */
struct fresh_said {
	enum fresh_status status;
	char    check[FRESH_CHECK_MAX]; /* that fails; "" when held */
	uint8_t decision[16];           /* for `coffer why`; zero: none was written */
};
struct fresh_answer {
	uint8_t  session_key[32];    /* thumbprint of the attested key */
	uint8_t  nonce[32], ask[32]; /* of the question; SHA-256 of its bytes */
	uint64_t size;               /* of the ledger, and its root */
	uint8_t  root[32];
	int64_t  time;               /* the service's; nothing hangs on it */
	size_t   n;                  /* as the question's items, in their order */
	struct fresh_said said[FRESH_ITEMS_MAX];
};
void           fresh_answer_write(const struct fresh_answer *a, struct wr *w);
enum coffer_rc fresh_answer_read(struct span b, struct fresh_answer *out, struct err *e) NODISCARD;
/* What the service's reply key signs. */
void           fresh_answer_to_sign(struct span answer, struct wr *w);
