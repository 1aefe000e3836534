/* Between the files of receipts alone. */
#pragma once
#include "trust/asset_chain.h"
#include "trust/links.h"
#include "trust/manifest.h"
#include "trust/receipt.h"

/* A statement that may be said with another's power, and where the ledger has it; what: the asset, service's id or repository that its delegations must
 * cover; time: of the release. *yes: by the receipt's delegations its issuer spoke for one of `of` when it was logged and at the release. Who signed them, and
 * that none was revoked, receipt_verify looks at. */
struct receipt_lent {
	const struct receipt   *r;
	const struct parties   *parties;
	const struct statement *s;
	const struct leaf      *leaf;
	enum delegated_role     role;
	struct span             what;
	int64_t                 time;
};
enum coffer_rc receipt_lent(const struct receipt_lent *q, const char *const *of, size_t n_of, bool *yes, struct err *e) NODISCARD;

/* *yes: s is a release of c's image with all that the manifest requires of one, by its provider or, under the name that the manifest has it by, by whom
 * that one lets verify its images. What R8 asks of one that stands. */
struct receipt_release {
	const struct receipt   *r;
	const struct parties   *parties;
	const struct statement *s;
	const struct leaf      *leaf;
	int64_t                 time;
};
enum coffer_rc receipt_releases(const struct receipt_release *q, const struct man_container *c, bool *yes, struct err *e) NODISCARD;

/* The asset statements among the first n of r's, as the parties are now: those before the one that the release rests on, as far as they are shown, and it. */
struct receipt_assets {
	size_t             n;
	uint64_t           from, serial; /* of the first and of the last */
	bool               stands;       /* it does; where those before it are not all shown and a key of some party was named compromised, this says nothing of who followed whom */
	struct asset_chain chain;
};
/* COFFER_E_DENIED (check "receipt-rests") where one is of another asset or does not follow the one before it. */
enum coffer_rc receipt_assets(const struct receipt *r, size_t n, const struct parties *p, struct receipt_assets *out, struct err *e) NODISCARD;
/* s follows those; it has the word of k of those who decided until then, as admission wants it (check "receipt-signature", "receipt-rests"). */
enum coffer_rc receipt_follows(const struct receipt_assets *a, const struct parties *p, const struct statement *s, const struct asset_said *x, struct err *e) NODISCARD;

/* The last of receipt_verify's checks: all of rc's statements are known to be genuine. data: of the release's record.
 * COFFER_E_DENIED (check "receipt-rights"). */
enum coffer_rc receipt_rights(const struct receipt *rc, const struct receipt_view *v, const struct json *data, const struct parties *parties,
    struct err *e) NODISCARD;

/* After all statements are known to be genuine. rule, map: of the release's leaf. COFFER_E_DENIED (check "receipt-said", "receipt-force",
 * "receipt-rights"). By rule 1 *out stays empty. */
struct receipt_said_in { const struct receipt *r; const struct json *data; const struct parties *parties; const struct mhash *map; unsigned rule;
	int64_t time; };
enum coffer_rc receipt_said(const struct receipt_said_in *in, struct receipt_said *out, struct err *e) NODISCARD;
void           receipt_said_clear(struct receipt_said *s); /* CLEANUP-ready */
