/* Messages between `net` and `fetch`, which brings vendors' certificates and revocation lists; and the file that `fetch` keeps each
 * in.
 *
 * cofferd-fetch AMD-URL INTEL-URL INTEL-ROOT-URL on|off     ("": the vendor's own; "off": no vendor is asked)
 *                         working folder: the cache, which it alone writes
 *                         fd 3: stream socket to net (frames of os/ipc.h), fd 4: stream socket to the parent: fetch writes the
 *                         byte 'R' once it is in its sandbox, and is told whom to post to by a frame FETCH_WITNESSES, before net is started and
 *                         whenever that changes; the end of either ends fetch (exit 0).
 *                         fd 5: folder of the offline store, fd 6: file of CA certificates; no folder or file: none, the system's
 *
 * Requests may overlap: each carries an id of the asker's choice, and its one reply the same. Replies come in any order.
 * What comes back has the item's outer form and is otherwise as its vendor, or whoever played it, wrote it: eval checks
 * signatures.
 */
#pragma once
#include "fmt/vendor_item.h"

#define FETCH_FD_NET 3
#define FETCH_FD_PARENT 4
#define FETCH_FD_OFFLINE 5
#define FETCH_FD_CA 6
#define FETCH_GET 1                   /* tag of the one request; replies have FETCH_REPLY */
#define FETCH_REPLY 2
#define FETCH_POST 3                  /* the other request; its reply is a FETCH_REPLY too */
#define FETCH_BODY_MAX (2u << 20)
#define FETCH_ISSUERS_MAX (64u << 10)
#define FETCH_REASON_MAX 256
#define FETCH_WAIT_MAX 30000          /* ms; longer waits are cut to this */
#define FETCH_FRAME_MAX (FETCH_BODY_MAX + FETCH_ISSUERS_MAX + 1024)

struct fetch_req {
	uint32_t           id;
	uint32_t           max_age; /* seconds since it was fetched; of what does not age (a VCEK) it is not asked */
	uint32_t           wait_ms; /* 0: answer at once */
	struct vendor_item item;
};
void fetch_req_write(struct wr *w, const struct fetch_req *q);
/* COFFER_E_INPUT unless b is used to its last byte. */
enum coffer_rc fetch_req_read(struct span b, struct fetch_req *q, struct err *e) NODISCARD;

enum fetch_status {
	FETCH_HAVE,
	FETCH_PENDING,     /* being fetched, or soon: ask again */
	FETCH_UNAVAILABLE, /* reason says why, and for how long it will be so */
};
struct fetch_reply {
	uint32_t          id;
	enum fetch_status status;
	int64_t           fetched_at; /* seconds since 1970; 0 unless HAVE */
	struct span       body;       /* as its vendor sent it; empty unless HAVE */
	struct span       issuers;    /* PEM, where the vendor sends them beside the body */
	struct span       reason;     /* printable; empty when HAVE */
};
void fetch_reply_write(struct wr *w, const struct fetch_reply *r);
/* Borrows b. COFFER_E_INPUT for anything but what fetch_reply_write writes. */
enum coffer_rc fetch_reply_read(struct span b, struct fetch_reply *r, struct err *e) NODISCARD;

#define FETCH_WITNESSES 4 /* tag, of the parent's frames alone: the addresses, "<url>\n" each; those that were told before are forgotten */
#define FETCH_WITNESSES_MAX 24
#define FETCH_ADDRESSES_MAX (16u << 10)
#define FETCH_POST_MAX (64u << 10)
#define FETCH_POSTED_MAX (16u << 10)
/* Lines, borrowed, without their ends. COFFER_E_INPUT for an empty line, one without its end, or more than FETCH_WITNESSES_MAX. What an address
 * may be is not looked at. */
struct fetch_witnesses { struct span url[FETCH_WITNESSES_MAX]; size_t n; };
enum coffer_rc fetch_witnesses_read(struct span b, struct fetch_witnesses *out, struct err *e) NODISCARD;

/* What a witness of the ledger is asked: a POST to the address that the founders gave for it. Its reply, when HAVE, has a body of
 * struct fetch_posted, whatever the status was. Believed by nobody: keep verifies signatures. */
struct fetch_post {
	uint32_t    id;
	uint32_t    wait_ms;
	uint8_t     witness; /* its place among the addresses */
	struct span body;
};
void fetch_post_write(struct wr *w, const struct fetch_post *q);
enum coffer_rc fetch_post_read(struct span b, struct fetch_post *q, struct err *e) NODISCARD; /* COFFER_E_INPUT; borrows b */
struct fetch_posted { uint16_t status; struct span body; };
enum coffer_rc fetch_posted_read(struct span b, struct fetch_posted *out, struct err *e) NODISCARD; /* u16 status, then the body */
bool fetch_printable(struct span s) NODISCARD; /* 0x20 to 0x7e alone */

/* ---- the file of one item ---- */

#define FETCH_FILE_MAX (FETCH_FRAME_MAX + 1024)
#define FETCH_FILE_NAME_LEN 65 /* hex SHA-256 of the item's key, and NUL */
struct fetch_file { struct vendor_item item; int64_t fetched_at; struct span body, issuers; };

void fetch_file_name(const struct vendor_item *i, char out[static FETCH_FILE_NAME_LEN]);
void fetch_file_write(struct wr *w, const struct fetch_file *f);
/* Borrows b. COFFER_E_INPUT unless the digest at its end is that of all before, and body and issuers have the item's form. The
 * digest finds broken disks, not forgers: whoever can write the folder can write any document, unsigned. */
enum coffer_rc fetch_file_read(struct span b, struct fetch_file *f, struct err *e) NODISCARD;
