/* Inside the reading of facts only: what its parts share. */
#pragma once
#include "cofferd/keep/registry.h"

/* Columns 0..: id, kind, issuer, issued, expires, superseded, payload, seq, when it was logged. */
#define FACT_COLUMNS \
	"s.id, s.kind, s.issuer, s.issued, s.expires," \
	" EXISTS(SELECT 1 FROM statement n WHERE n.kind=s.kind AND n.issuer=s.issuer AND n.subject=s.subject AND n.serial>s.serial)," \
	" s.payload, s.seq, (SELECT time FROM entry l WHERE l.seq=s.seq)"
#define PAYLOAD_COLUMN 6
#define NEXT_COLUMN 9
/* For WHERE: neither expired at the time bound first nor superseded. */
#define FACT_LIVES \
	" s.expires>? AND NOT EXISTS(SELECT 1 FROM statement n WHERE n.kind=s.kind AND n.issuer=s.issuer" \
	" AND n.subject=s.subject AND n.serial>s.serial)"

enum coffer_rc fact_read(const struct registry *r, struct q *q, int64_t now, struct fact *out, struct err *e) NODISCARD;

/* f was said for that party: what its issuer must be is another question then. No change where it issued f itself. */
void fact_for(const struct registry *r, struct fact *f, const char *principal, int64_t now);
/* Whether the issuer may say it, at another time than it was read. */
bool fact_may(const struct registry *r, const struct fact *f, int64_t now);

/* JSON: those who decide of the asset that is asked for. */
void fact_owners(const struct facts *f, struct wr *out);
/* The same, into a list that has others. */
void fact_owners_put(const struct facts *f, struct json_wr *j);

/* Who revoked f, of those whose word counts here: its issuer, for whom it spoke, who decides of the asset that is asked for, and the workload's provider. Strangers may
 * revoke what they like without being heard, or a crowd of them could silence an owner. Too many revocations of one statement
 * would hide some: that is refused, not cut. */
enum coffer_rc fact_revocations(const struct registry *r, const struct fact *f, struct facts *out, struct err *e) NODISCARD;

/* A pause by that issuer, its expiry apart. */
enum coffer_rc fact_pause_ended(const struct registry *r, const uint8_t pause[static 32], const char *issuer, bool *yes, struct err *e) NODISCARD;

/* Delegations of that party's power in that role, whoever issued them, and their revocations. To be asked once. */
enum coffer_rc fact_links(const struct registry *r, const struct links_question *q, struct facts *out, struct err *e) NODISCARD;

/* After the workloads: boot images of their provider and minima of provider and owner, for the platform; the releases of the
 * images that the workloads name. */
/* Delegations of the owner's power to approve and of the provider's to state boot images. After the workloads, before those. */
enum coffer_rc facts_links(const struct registry *r, int64_t now, struct facts *out, struct err *e) NODISCARD;
enum coffer_rc facts_machine(const struct registry *r, int64_t now, struct facts *out, struct err *e) NODISCARD;
/* Of what approvals want assessed; after the workloads, approvals and boot images. */
enum coffer_rc facts_assessments(const struct registry *r, int64_t now, struct facts *out, struct err *e) NODISCARD;
/* Of the bindings that the question names, those that are logged. */
enum coffer_rc facts_bindings(const struct registry *r, int64_t now, struct facts *out, struct err *e) NODISCARD;
/* The service's statements: by founders, and by delegates of theirs that have one. */
enum coffer_rc facts_services(const struct registry *r, int64_t now, struct facts *out, struct err *e) NODISCARD;
/* By the images' providers, and by delegates of theirs that released such an image. */
enum coffer_rc facts_images(const struct registry *r, int64_t now, struct facts *out, struct err *e) NODISCARD;
