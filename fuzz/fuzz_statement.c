/* A statement that is taken keeps what the header promises, and statement_write's form of it is taken too. */
#include <stdlib.h>

#include "base/str.h"
#include "trust/dsse.h"
#include "trust/manifest.h"
#include "trust/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void bodies(const struct statement *s)
{
	static union {
	    struct genesis g; struct party p; struct service v; struct asset_body a; struct approval o; struct image_release i; struct revocation r; } u;
	struct manifest m = { 0 };
	struct err e;

	if (approval_read(s, &u.o, &e) == COFFER_OK && (u.o.n_assets + 1 != s->n_subjects || !span_eq_str(s->subject[0].name,
	    u.o.asset[0].text)))
		abort();
	if (asset_read(s, &u.a, &e) == COFFER_OK && (u.a.version != s->serial || u.a.k < 1 || u.a.k > u.a.n_of))
		abort();
	if ((genesis_read(s, &u.g, &e) == COFFER_OK) + (party_read(s->body, &u.p, &e) == COFFER_OK) + (service_read(s->body, &u.v,
	    &e) == COFFER_OK) +
	    (image_release_read(s, &u.i, &e) == COFFER_OK) + (revocation_read(s, &u.r, &e) == COFFER_OK) + (workload_read(s, &m, &e) ==
	    COFFER_OK) > 1)
		abort();
	manifest_clear(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct statement s = { 0 };
	struct wr w = wr_open(DSSE_PAYLOAD_MAX);
	struct err e;

	if (statement_parse((struct span){ p, n }, &s, &e) == COFFER_OK) {
		if (s.issued >= s.expires || s.serial < 1 || s.n_subjects < 1 || s.n_subjects > ST_SUBJECTS_MAX || !party_ok(span_of(s.issuer)))
			abort();
		bodies(&s);
		(void)!statement_write(&s, &w, &e); /* refuses numbers that JCS cannot carry */
	} else if (s.doc) {
		abort();
	}
	statement_clear(&s);
	wr_close(&w);
	return 0;
}
