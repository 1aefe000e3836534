/* One document of a vendor over HTTPS: asked once, no redirect followed, bounded, refused unless it has the item's outer form.
 * Whoever uses it checks signatures; nothing here does. Blocking, up to the timeout. */
#pragma once
#include "fmt/vendor_item.h"
#include "net/http.h"

#define VENDOR_BODY_MAX (2u << 20)
#define VENDOR_ISSUERS_MAX (64u << 10)
#define VENDOR_AMD_URL "https://kdsintf.amd.com"
#define VENDOR_INTEL_URL "https://api.trustedservices.intel.com"
#define VENDOR_INTEL_ROOT_URL "https://certificates.trustedservices.intel.com"

struct vendor_sources {
	struct http_url origin[VENDOR_ORIGINS]; /* https alone; a path is put before the item's own */
	struct span     ca_pem;                 /* empty: the system's */
	int64_t         timeout_ms;             /* of one item, connecting included */
};
/* url NULL or "": the vendor's own. COFFER_E_INPUT unless it is an https URL. */
enum coffer_rc vendor_source(struct vendor_sources *s, enum vendor_origin o, const char *url, struct err *e) NODISCARD;

struct vendor_doc {
	struct wr body;    /* as sent */
	struct wr issuers; /* PEM; empty where the vendor sends none */
	int       status;  /* HTTP; 0: none came */
	uint32_t  retry_s; /* Retry-After; 0: none */
};
void vendor_doc_clear(struct vendor_doc *d); /* CLEANUP-ready */

/* COFFER_E_NOTFOUND (404: the vendor has none), COFFER_E_UPSTREAM (connection, 429, 5xx: status and retry_s are set),
 * COFFER_E_DENIED (any other answer: redirect, wrong form, no issuers), COFFER_E_LIMIT. */
enum coffer_rc vendor_get(
    const struct vendor_sources *s, const struct vendor_item *i, struct vendor_doc *out, struct err *e) NODISCARD;
