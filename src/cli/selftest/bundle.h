/* What `coffer selftest` finds on a machine, in one JSON file that can be sent to somebody else and judged there again: evidence to the byte, what was brought to
 * judge it, the moment, the verdicts. Read as a stranger's: closed schema, printable ASCII where it is shown. Nothing is judged here. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define BUNDLE_MAX	   (48u << 20)
#define BUNDLE_ITEMS_MAX   4
#define BUNDLE_FACTS_MAX   32
#define BUNDLE_FILES_MAX   48
#define BUNDLE_FILE_MAX	   (1u << 20)
#define BUNDLE_EVIDENCE_MAX (16u << 20)
#define BUNDLE_VERDICT_MAX (1u << 20)

struct bundle_fact { char name[24]; bool there; char what[128]; };
struct bundle_absent { char platform[32], why[512]; };
struct bundle_item {
	char	  platform[16];
	struct wr report_data; /* 1 to 64 bytes */
	struct wr evidence;    /* as a guest would send it */
	struct wr log, ek;     /* the firmware's event log and the TPM's certificate, beside the evidence; empty: none */
	struct wr verdict;     /* JSON text, to the byte; empty: it could not be judged, or not yet */
};
struct bundle_file { bool root; struct wr bytes; }; /* certificates, lists, vendors' documents; root: to be trusted */
struct bundle {
	int64_t		     time; /* at which it was judged */
	char		     version[24], label[64];
	struct bundle_fact   fact[BUNDLE_FACTS_MAX];
	struct bundle_absent absent[BUNDLE_ITEMS_MAX];
	struct bundle_item   item[BUNDLE_ITEMS_MAX];
	struct bundle_file   file[BUNDLE_FILES_MAX];
	size_t		     n_facts, n_absent, n_items, n_files;
};
void bundle_clear(struct bundle *b);
void bundle_free(struct bundle *b);
static inline void bundle_freep(struct bundle **b) { bundle_free(*b); *b = NULL; }

/* The whole file into a bundle that is zero. COFFER_E_INPUT, COFFER_E_LIMIT; then it is zero again. */
enum coffer_rc bundle_read(struct span text, struct bundle *out, struct err *e) NODISCARD;
/* coffer-probe's answer: items without verdicts, and what is absent. */
enum coffer_rc bundle_read_probe(struct span text, struct bundle *out, struct err *e) NODISCARD;
/* identifies: what in it tells this machine from others, for whoever is about to send it. */
enum coffer_rc bundle_write(const struct bundle *b, const char *const *identifies, struct wr *out, struct err *e) NODISCARD;
