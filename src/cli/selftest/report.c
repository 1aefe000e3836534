#include "cli/selftest/report.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/json.h"

/* ---- what identifies ---- */

static bool has(const struct bundle *b, const char *platform)
{
	for (size_t i = 0; i < b->n_items; i++)
		if (strcmp(b->item[i].platform, platform) == 0)
			return true;
	return false;
}

static bool has_ek(const struct bundle *b)
{
	for (size_t i = 0; i < b->n_items; i++)
		if (b->item[i].ek.n > 0)
			return true;
	return false;
}

static bool names(const struct wr *w, const char *member)
{
	return memmem(w->p, w->n, member, strlen(member)) != NULL;
}

static bool has_log(const struct bundle *b)
{
	for (size_t i = 0; i < b->n_items; i++)
		if (b->item[i].log.n > 0 || names(&b->item[i].evidence, "\"event_log\"") || names(&b->item[i].evidence, "\"cc_eventlog\""))
			return true;
	return false;
}

void selftest_identifies(const struct bundle *b, const char *out[static SELFTEST_IDS_MAX + 1])
{
	bool az = has(b, "az-snp-vtpm") || has(b, "az-tdx-vtpm");
	size_t n = 0;

	out[n++] = "the kernel's release";
	if (has(b, "snp") || has(b, "az-snp-vtpm"))
		out[n++] = "the processor's chip id, and its certificate (VCEK)";
	if (has(b, "tdx") || has(b, "az-tdx-vtpm"))
		out[n++] = "the platform's id (PPID), in the quote's certificates";
	if (az)
		out[n++] = "the virtual machine's id and its TPM's keys, in the paravisor's report";
	if (has(b, "tpm") || has(b, "swtpm"))
		out[n++] = "the TPM's attestation key";
	if (has_ek(b))
		out[n++] = "the certificate of the TPM's endorsement key";
	if (has_log(b))
		out[n++] = "the firmware's event log: boot entries, and what they name (disks, paths, a host that it booted from)";
	if (b->label[0])
		out[n++] = "the label that was given";
	out[n] = NULL;
}

/* ---- saying ---- */

static void print_facts(const struct bundle *b)
{
	(void)printf("machine%s%s\n", b->label[0] ? " " : "", b->label);
	for (size_t i = 0; i < b->n_facts; i++)
		(void)printf("  %-3s  %-14s %s\n", b->fact[i].there ? "yes" : "no", b->fact[i].name, b->fact[i].what);
}

static void line(const char *indent, const struct json *v, const char *name)
{
	struct span s = json_str(json_get(v, name));

	if (s.n == 0)
		return;
	(void)printf("%s", indent);
	for (size_t i = 0; i < s.n; i++) /* a child's words, which may have read a stranger's */
		(void)putchar(s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i]);
}

static void print_checks(const struct json *root)
{
	const struct json *checks = json_get(root, "checks");
	size_t held = 0;
	bool holds;

	for (size_t i = 0; i < json_len(checks); i++) {
		const struct json *c = json_at(checks, i);

		if (json_bool(json_get(c, "holds"), &holds) && holds) {
			held++;
			continue;
		}
		line("    not    ", c, "check");
		line(": expected ", c, "expected");
		line(", found ", c, "found");
		(void)printf("\n");
	}
	(void)printf("    holds  %zu checks\n", held);
}

/* Those that a boot-image statement has to name (docs/protocol/statements.md). */
static void print_registers(const struct json *root)
{
	static const char *const names[] = { "measurement", "mr_td", "rtmr_1", "rtmr_2", "pcr04", "pcr09", "pcr11" };
	const struct json *regs = json_get(root, "registers");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_get(regs, names[i])) {
			(void)printf("    %-6s ", names[i]);
			line("", regs, names[i]);
			(void)printf("\n");
		}
}

static void print_item(const struct bundle_item *i, enum verdict v, const struct err *why)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err ignore = { 0 };

	if (i->verdict.n == 0 || json_parse(wr_span(&i->verdict), BUNDLE_VERDICT_MAX, &doc, &ignore) != COFFER_OK) {
		(void)printf("  %s: not judged: %s\n", i->platform, why->msg);
		return;
	}
	(void)printf("  %s: %s\n", i->platform, verdict_name(v));
	print_checks(json_root(doc));
	print_registers(json_root(doc));
}

size_t selftest_roots(const struct bundle *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_files; i++)
		n += b->file[i].root;
	return n;
}

/* Whoever made a bundle could bring a root of his own. */
static void print_brought(const struct bundle *b)
{
	if (b->n_files > 0)
		(void)printf("judged with %zu files that come with it, %zu of them roots to be trusted beside the pinned vendors': good for who trusts whoever brought these\n",
		    b->n_files, selftest_roots(b));
}

void selftest_print(const struct bundle *b, const struct selftest_verdicts *v)
{
	print_facts(b);
	print_brought(b);
	(void)printf("evidence%s\n", b->n_items == 0 ? ": none" : "");
	for (size_t i = 0; i < b->n_items; i++)
		print_item(&b->item[i], v->v[i], &v->err[i]);
	for (size_t i = 0; i < b->n_absent; i++)
		(void)printf("  not %s: %s\n", b->absent[i].platform, b->absent[i].why);
}

/* ---- the end ---- */

static enum coffer_rc one(const struct bundle_item *i, enum verdict v, const struct err *why, struct err *e)
{
	if (i->verdict.n == 0) {
		*e = *why;
		return err_wrap(e, "%s", i->platform);
	}
	switch (v) {
	case VERDICT_VALID:
		return COFFER_OK;
	case VERDICT_INVALID:
	case VERDICT_STALE:
		return err_deny(e, "evidence", "%s: %s; a line that begins with \"not\" says why", i->platform, verdict_name(v));
	case VERDICT_MALFORMED:
		return err_set(e, COFFER_E_INPUT, "%s: malformed evidence: this agent and its verifier do not agree, which is worth a report with the bundle (--out)", i->platform);
	case VERDICT_COLLATERAL:
		return err_set(e, COFFER_E_UPSTREAM, "%s: what its vendor publishes is missing: 'coffer selftest show BUNDLE --extract DIR', then 'coffer collateral needs --platform %s "
		    "--evidence DIR/%s.json' says what, 'coffer collateral get ITEM... --into DIR2' fetches it, 'coffer selftest --collateral DIR2' takes it (--roots DIR: a "
		    "TPM maker's)", i->platform, i->platform, i->platform);
	}
	return COFFER_E_BUG;
}

enum coffer_rc selftest_end(const struct bundle *b, const struct selftest_verdicts *v, struct err *e)
{
	struct err worst = { 0 };

	if (b->n_items == 0)
		return err_set(e, COFFER_E_NOTFOUND, "this machine has nothing to show: no reports of a processor (a confidential VM with Linux 6.7 or later, as root), no TPM. "
		    "'coffer run' works here on platform sample, which protects nothing; 'coffer run --image' in an emulated machine");
	for (size_t i = 0; i < b->n_items; i++) {
		struct err why = { 0 };

		if (one(&b->item[i], v->v[i], &v->err[i], &why) != COFFER_OK && (worst.rc == COFFER_OK || why.rc == COFFER_E_DENIED))
			worst = why;
	}
	*e = worst;
	return worst.rc;
}
