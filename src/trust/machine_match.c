#include "trust/machine_match.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

#define SET(dst, ...) ((void)snprintf((dst), sizeof(dst), __VA_ARGS__))

static void set_hex(char *dst, size_t n, struct span s)
{
	CLEANUP(wr_close) struct wr hex = wr_open(n);

	hex_write(&hex, s);
	(void)snprintf(dst, n, "%.*s", wr_ok(&hex) ? (int)hex.n : 0, (const char *)hex.p);
}

/* ---- R3 ---- */

bool platform_accepts(struct span entry, const char *platform, bool debug)
{
	struct span suffix = span_skip(entry, strlen(platform));

	return span_starts(entry, platform) && (span_eq_str(suffix, "+debug") || (suffix.n == 0 && !debug));
}

static bool chip_listed(const struct tcb_minimum *t, const struct hw_facts *hw)
{
	char hex[2 * sizeof(hw->chip) + 1];
	bool listed = false;

	set_hex(hex, sizeof(hex), (struct span){ hw->chip, hw->chip_n });
	for (size_t i = 0; i < t->n_chips; i++)
		listed = listed || span_eq_str(t->chip[i], hex);
	return listed;
}

static bool chip_fault(const struct tcb_minimum *t, const struct hw_facts *hw, struct machine_diff *d)
{
	bool known = hw && hw->chip_n > 0;

	if (t->n_chips == 0 || (known && chip_listed(t, hw)))
		return false;
	SET(d->field, "chip");
	if (t->n_chips == 1)
		SET(d->wanted, "%.*s", (int)t->chip[0].n, (const char *)t->chip[0].p);
	else
		SET(d->wanted, "one of the %zu chips listed", t->n_chips);
	SET(d->found, "none");
	if (known)
		set_hex(d->found, sizeof(d->found), (struct span){ hw->chip, hw->chip_n });
	SET(d->text, "%s", known ? "its chip is not listed" : "its chip is not known");
	return true;
}

/* A bit that the platform's evidence does not have is not off: it is not known. */
static void bit_differs(bool known, const char *field, const char *on, struct machine_diff *d)
{
	SET(d->field, "%s", field);
	SET(d->wanted, "off");
	SET(d->found, "%s", known ? "on" : "none");
	SET(d->text, "%s%s%s", known ? "" : "whether ", on, known ? "" : " is not known");
}

static bool smt_fault(const struct tcb_minimum *t, const struct hw_facts *hw, struct machine_diff *d)
{
	bool known = hw && tcb_tells_smt(hw->platform);

	if (!t->smt_refused || (known && !hw->smt))
		return false;
	bit_differs(known, "smt", "another thread may share its core", d);
	return true;
}

static bool migration_fault(const struct tcb_minimum *t, const struct hw_facts *hw, struct machine_diff *d)
{
	bool known = hw && tcb_tells_migration(hw->platform);

	if (!t->migration_refused || (known && !hw->migratable))
		return false;
	bit_differs(known, "migration", "it may be migrated", d);
	return true;
}

bool tcb_platform_fault(const struct tcb_minimum *t, const struct hw_facts *hw, size_t *at, struct machine_diff *out)
{
	struct machine_diff d = { 0 };
	bool differs = false;

	while (!differs && *at < 3) {
		size_t which = (*at)++;

		if (which == 0)
			differs = chip_fault(t, hw, &d);
		else if (which == 1)
			differs = smt_fault(t, hw, &d);
		else
			differs = migration_fault(t, hw, &d);
	}
	if (differs)
		*out = d;
	return differs;
}

/* ---- R4 ---- */

static bool svn_fault(const char *name, uint64_t want, const struct hw_facts *hw, struct machine_diff *d)
{
	const struct fact_svn *s = hw ? facts_svn(hw, name) : NULL;

	if (s && s->committed >= want && s->launch >= want)
		return false;
	SET(d->field, "%s", name);
	SET(d->wanted, "at least %" PRIu64, want);
	if (s) {
		SET(d->found, "committed %" PRIu64 ", at launch %" PRIu64, s->committed, s->launch);
		SET(d->text, "%s committed %" PRIu64 ", at launch %" PRIu64 ", at least %" PRIu64, name, s->committed, s->launch, want);
	} else {
		SET(d->found, "none");
		SET(d->text, "no %s in the evidence", name);
	}
	return true;
}

static bool product_fault(const char *product, size_t *at, struct machine_diff *d)
{
	if ((*at)++ > 0)
		return false;
	SET(d->field, "product");
	SET(d->wanted, "a product with a row");
	SET(d->found, "%s", product[0] ? product : "none");
	SET(d->text, "no row for product \"%s\"", product);
	return true;
}

/* Components of all rows are counted through, so that *at names one of them. */
bool tcb_firmware_fault(const struct tcb_minimum *t, const struct hw_facts *hw, size_t *at, struct machine_diff *out)
{
	const char *product = hw ? hw->product : "";
	struct machine_diff d = { 0 };
	bool own = false, any = false, differs = false;
	size_t n = 0;

	for (size_t i = 0; i < t->n_least; i++)
		own = own || strcmp(t->least[i].product, product) == 0;
	for (size_t i = 0; i < t->n_least; i++) {
		const struct tcb_least *l = &t->least[i];

		if (strcmp(l->product, own ? product : "") != 0)
			continue;
		any = true;
		for (size_t k = 0; !differs && k < l->n_svns; k++, n++) {
			if (n < *at)
				continue;
			*at = n + 1;
			differs = svn_fault(l->svn[k].name, l->svn[k].least, hw, &d);
		}
	}
	if (!any)
		differs = product_fault(product, at, &d);
	if (differs)
		*out = d;
	return differs;
}

/* ---- R5 ---- */

/* How many registers differ; *first is the first of them. */
static size_t differing(const struct boot_launch *l, const struct hw_facts *hw, const struct fact_reg **first)
{
	size_t n = 0;

	for (size_t i = l->n_regs; i-- > 0;) {
		const struct fact_reg *want = &l->reg[i], *got = facts_reg(hw, want->name);

		if (got && span_eq((struct span){ got->v, got->n }, (struct span){ want->v, want->n }))
			continue;
		*first = want;
		n++;
	}
	return n;
}

static void register_diff(const struct fact_reg *want, const struct hw_facts *hw, struct machine_diff *d)
{
	const struct fact_reg *got = want ? facts_reg(hw, want->name) : NULL;

	SET(d->field, "%s", want ? want->name : "registers");
	SET(d->wanted, "%s", want ? "" : "registers that say what was launched");
	if (want)
		set_hex(d->wanted, sizeof(d->wanted), (struct span){ want->v, want->n });
	SET(d->found, "none");
	if (got)
		set_hex(d->found, sizeof(d->found), (struct span){ got->v, got->n });
	SET(d->text, "another %s", d->field);
}

bool launches_match(const struct boot_launch *l, size_t n_launches, const struct hw_facts *hw, struct machine_diff *out)
{
	const struct fact_reg *nearest = NULL;
	struct machine_diff d = { 0 };
	size_t fewest = SIZE_MAX;

	for (size_t i = 0; hw && i < n_launches; i++) {
		const struct fact_reg *first = NULL;
		size_t n;

		if (strcmp(l[i].platform, hw->platform) != 0)
			continue;
		n = differing(&l[i], hw, &first);
		if (n == 0 && l[i].n_regs > 0)
			return true;
		if (n >= fewest)
			continue;
		fewest = n;
		nearest = first;
	}
	if (fewest != SIZE_MAX) {
		register_diff(nearest, hw, &d);
	} else {
		SET(d.field, "platform");
		SET(d.wanted, "a launch for %s", hw ? hw->platform : "this machine");
		SET(d.found, "none");
		SET(d.text, "no launch for %s", hw ? hw->platform : "this machine");
	}
	*out = d;
	return false;
}

bool boot_launched(const struct boot_image *b, const struct hw_facts *hw, struct machine_diff *out)
{
	return launches_match(b->launch, b->n_launches, hw, out);
}

bool boot_relied_on(const struct boot_image *b, struct machine_diff *out)
{
	struct machine_diff d = { 0 };
	unsigned missing = ENFORCES_RELIED_ON & ~b->enforces;

	if (missing == 0)
		return true;
	SET(d.field, "enforces");
	enforces_names(ENFORCES_RELIED_ON, d.wanted, sizeof(d.wanted));
	enforces_names(b->enforces, d.found, sizeof(d.found));
	if (b->enforces == 0)
		SET(d.found, "nothing");
	SET(d.text, "does not enforce %s", missing & ENFORCES_MANIFEST ? "the manifest" : "image digests");
	*out = d;
	return false;
}
