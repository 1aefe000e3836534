/* What the two ends of a pull say to each other. A frame's body, in order; numbers are big-endian, texts and bytes blobs (base/wr.h). */
#pragma once
#include "base/rd.h"
#include "base/wr.h"
#include "image/pull.h"

enum puller_tag {
	PULLER_PULL = 1,    /* agent: reference, digest (32 bytes), policy, plain_http (JSON, empty: none), dir, u8 whether keys as PEM may be asked for */
	PULLER_KEY,         /* puller: the name of a key; agent: SECRET or FAILED */
	PULLER_PEM,         /* puller: nothing; agent: SECRET or FAILED */
	PULLER_SECRET,      /* agent: the key */
	PULLER_FAILED,      /* both: u8 rc, check, message. From the puller it is the last frame */
	PULLER_PROGRESS,    /* puller: u32 layer, u32 layers, u64 bytes, u64 of them in all */
	PULLER_PULLED,      /* puller: u32 layers. The last frame */
};

#define PULLER_REQUEST_MAX (2u << 20)
#define PULLER_SECRET_MAX 65536
#define PULLER_KID_MAX 4096
#define PULLER_SAID_MAX (ERR_MSG_MAX + 256) /* of any frame of the puller's; PULLER_KID_MAX is the longest */
#define PULLER_FD 3

/* e, or that there was no reason, which is one. */
void puller_put_failed(struct wr *w, enum coffer_rc rc, const struct err *e);
/* Returns what it says. From a stranger: an rc or a check that is none is COFFER_E_UPSTREAM; texts are printable afterwards. */
enum coffer_rc puller_read_failed(struct span body, struct err *e) NODISCARD;
