/* A statement that is taken keeps what the header promises, and statement_write's form of it is taken too. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "trust/amend.h"
#include "trust/dsse.h"
#include "trust/machine.h"
#include "trust/manifest.h"
#include "trust/reference.h"
#include "trust/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What a reader takes is within its bounds, and merges with itself into one object that the same check takes again. */
static bool machines(const struct statement *s)
{
	const struct statement *both[2] = { s, s };
	static struct tcb_minimum t;
	struct boot_image b = { 0 };
	struct wr w = wr_open(1u << 20);
	struct err e;
	bool image = boot_image_read(s, &b, &e) == COFFER_OK, tcb = tcb_read(s, &t, &e) == COFFER_OK;

	if ((image && (b.n_launches < 1 || b.launch[0].n_regs < 1 || b.launch[0].reg[0].n > 64 || !b.name[0])) ||
	    (!image && b.launch) || (tcb && (t.n_least < 1 || t.n_chips > TCB_CHIPS_MAX || !span_eq_str(s->subject[0].name, t.platform))))
		abort();
	if ((image || tcb) && reference_values(both, 2, s->issued, &w, &e) == COFFER_OK) {
		struct json_doc *doc = NULL;

		if (json_parse(wr_span(&w), 1u << 20, &doc, &e) != COFFER_OK)
			abort();
		if (json_len(json_root(doc)) && reference_check(json_root(doc), "merged", &e) != COFFER_OK)
			abort();
		json_free(doc);
	}
	boot_image_clear(&b);
	wr_close(&w);
	return image || tcb;
}

/* What is taken names witnesses of whom some sign, and no fewer than before; all else stays. */
static void amendments(const struct statement *s)
{
	static struct genesis was = { .origin = "ledger.example/one", .cosignatures = 1, .n_witnesses = 1, .ledger_key = { .kind = KEY_ED25519 } }, is;
	struct err e;

	if (amendment_read(s, &was, &is, &e) == COFFER_OK && (is.cosignatures < 1 || is.cosignatures > is.n_witnesses ||
	    2 * is.cosignatures <= is.n_witnesses || is.n_witnesses > GENESIS_WITNESSES_MAX || strcmp(is.origin, was.origin) != 0))
		abort();
}

static void bodies(const struct statement *s)
{
	static union {
	    struct genesis g; struct party p; struct service v; struct asset_body a; struct approval o; struct image_release i; struct revocation r; struct delegation d; struct binding b; } u;
	struct manifest m = { 0 };
	struct err e;

	if (approval_read(s, &u.o, &e) == COFFER_OK && (u.o.n_assets + 1 != s->n_subjects || !span_eq_str(s->subject[0].name,
	    u.o.asset[0].text)))
		abort();
	if (asset_read(s, &u.a, &e) == COFFER_OK && (u.a.version > s->serial || u.a.k < 1 || u.a.k > u.a.n_of))
		abort();
	if (delegation_read(s, &u.d, &e) == COFFER_OK && (s->n_subjects != 3 || u.d.depth > DELEGATION_DEPTH_MAX ||
	    (u.d.role == ROLE_APPROVAL && u.d.n_scopes == 0) || (u.d.role == ROLE_BOOT_IMAGE && u.d.n_scopes > 0) || strcmp(u.d.to, u.d.of) == 0))
		abort();
	amendments(s);
	if (binding_read(s, &u.b, &e) == COFFER_OK && (u.b.n_slots < 1 || u.b.n_slots > BINDING_SLOTS_MAX || s->n_subjects != 1))
		abort();
	if ((genesis_read(s, &u.g, &e) == COFFER_OK) + (party_read(s->body, &u.p, &e) == COFFER_OK) + (service_read(s->body, &u.v,
	    &e) == COFFER_OK) +
	    (image_release_read(s, &u.i, &e) == COFFER_OK) + (revocation_read(s, &u.r, &e) == COFFER_OK) + (workload_read(s, &m, &e) ==
	    COFFER_OK) + machines(s) > 1)
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
