/* A maker of NVIDIA's manifests for tests: signed by libxmlsec1, as their maker does, by keys made on the spot. rim_set_up first. */
#pragma once
#include "evidence/rim.h"
#include "tests/evkit.h"

#define RIMKIT_NOW INT64_C(1800000000)
#define RIMKIT_HASH "b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1"

/* How a manifest departs from a good one; NULL: as it should be. */
struct rimkit_how {
	const char *prolog, *uri, *transforms, *method, *more, *in_signature;
	const char *contents; /* instead of Meta and Payload; prefixes n (hashes) and t (TCG) are declared */
	int64_t not_after;    /* of the signer; 0: 2049 */
	bool other_root;
};

struct rimkit {
	EVP_PKEY *root, *mid, *leaf;
	struct anchors roots;
	struct wr xml, root_der;
};
void rimkit_open(struct rimkit *r, const struct rimkit_how *h);
void rimkit_close(struct rimkit *r);
