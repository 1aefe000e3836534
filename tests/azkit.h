/* A maker of Azure's evidence for tests: hardware report, the paravisor's text, quote. */
#pragma once
#include "tests/dcapkit.h"
#include "tests/snpkit.h"

struct azkit {
	struct snpkit     k;
	struct dcapkit    q;        /* for a TD */
	bool              td;
	EVP_PKEY         *ak, *named; /* signs; is named in the text */
	struct wr         text, hcl, msg, sig, json;
	uint8_t           pcr[24][32], user[64];
	int               version;
	struct ev_out     out;
};

void azkit_open(struct azkit *r, bool td); /* nothing made yet */
void azkit_text(struct azkit *r);
void azkit_hcl(struct azkit *r);
void azkit_bind(struct azkit *r);          /* the text again; the hardware report holds its digest */
void azkit_quote(struct azkit *r);
void azkit_json(struct azkit *r);
void azkit_make(struct azkit *r);          /* all of it */
void azkit_close(struct azkit *r);
