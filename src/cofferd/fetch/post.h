/* What witnesses of the ledger are asked: one POST each, in a process of its own. See proto/fetch.h. */
#pragma once
#include "cofferd/fetch/worker.h"
#include "net/http.h"

#define POSTS_MAX 32
#define POST_GRACE_MS 500 /* of the asker's wait, so that there is time to say why */

struct posting { bool used; uint32_t id; struct worker w; int64_t until; };

struct postbox {
	struct http_url witness[FETCH_WITNESSES_MAX]; /* as the parent says: nobody else is posted to, whatever net says */
	size_t          n;
	struct span     ca_pem;
	int             out; /* replies go here */
	struct posting  of[POSTS_MAX];
};

/* These and no others from now on, by their place; what is on its way stays. COFFER_E_INPUT: *b is as it was. */
enum coffer_rc postbox_address(struct postbox *b, const struct fetch_witnesses *w, struct err *e) NODISCARD;
/* Answers now, or when the witness has. Errors: the asker is gone. */
enum coffer_rc postbox_ask(struct postbox *b, const struct fetch_post *q, struct err *e) NODISCARD;
/* Takes in what workers say, ends those whose time is over. */
enum coffer_rc postbox_turn(struct postbox *b, struct err *e) NODISCARD;
int  postbox_timeout(const struct postbox *b); /* ms until it wants a turn; -1 never */
void postbox_close(struct postbox *b);
