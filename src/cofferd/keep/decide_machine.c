/* R2 to R5: the machine that the guest runs on, its firmware, and what was booted on it. */
#include <inttypes.h>

#include "base/own.h"
#include "cofferd/keep/decide_int.h"
#include "fmt/enc.h"

#define ID_SHOWN 16 /* hex digits of a statement's id in a sentence */

/* ---- R2 ---- */

/* These prove nothing of a machine to anyone; whether they are good enough is R3's question. swtpm's key signs its quote all the
 * same, so that what it measured can be compared. */
static bool rootless(const struct appraisal *a)
{
	return decide_unmeasured(a) || (strcmp(a->platform, "swtpm") == 0 && a->hw);
}

void decide_genuine(const struct decide_in *in, struct check *out)
{
	const struct appraisal *a = &in->a;
	struct check c = { .id = "R2", .sees = SEES_OWNER | SEES_PROVIDER };

	SET(c.expected, "evidence that verifies to a vendor's root, with collateral young enough");
	SET(c.who, "the workload's guest, attesting again with evidence of its machine,");
	if (a->hw && strcmp(a->hw->platform, a->platform) != 0) {
		SET(c.found, "invalid: evidence of %s in a session for %s", a->hw->platform, a->platform);
	} else if (rootless(a)) {
		c.holds = true;
		SET(c.found, "%s proves nothing; R3 decides whether the owner named it", a->platform);
	} else if (!a->collateral) {
		SET(c.found, "collateral unavailable: %s", a->why);
		SET(c.who, "the service's operator");
	} else if (!a->genuine || !a->hw) {
		SET(c.found, "invalid: %s", a->why);
	} else {
		c.holds = true;
		SET(c.found, "%s", a->why[0] ? a->why : "it does");
	}
	*out = c;
}

/* ---- R3 ---- */

static bool platform_named(const struct decide_in *in, const struct fact_workload *w)
{
	if (decide_own(in, w)) {
		for (size_t i = 0; i < json_len(w->manifest.platforms); i++)
			if (decide_accepts(&in->a, json_str(json_at(w->manifest.platforms, i))))
				return true;
		return false;
	}
	for (size_t i = 0; i < in->n_approvals; i++)
		if (decide_approves_platform(in, &in->approval[i]))
			return true;
	return false;
}

bool decide_tcb_applies(const struct decide_in *in, const struct fact_workload *w, const struct fact_tcb *t)
{
	bool owner = strcmp(t->s.issuer, in->q.path.owner) == 0;
	bool provider = w && strcmp(t->s.issuer, w->manifest.provider) == 0;

	return (owner || provider) && strcmp(t->body.platform, in->a.platform) == 0 && decide_stands(&t->s, in->now);
}

static unsigned concerned(const struct decide_in *in, const struct fact_workload *w, const struct fact_tcb *t)
{
	unsigned owner = strcmp(t->s.issuer, in->q.path.owner) == 0 ? SEES_OWNER : 0;

	return owner | (w && strcmp(t->s.issuer, w->manifest.provider) == 0 ? SEES_PROVIDER : 0);
}

static bool chip_listed(const struct tcb_minimum *t, const struct hw_facts *hw)
{
	CLEANUP(wr_close) struct wr hex = wr_open(2 * sizeof(hw->chip) + 1);
	bool listed = false;

	if (!hw || hw->chip_n == 0)
		return false;
	hex_write(&hex, (struct span){ hw->chip, hw->chip_n });
	for (size_t i = 0; wr_ok(&hex) && i < t->n_chips; i++)
		listed = listed || span_eq(t->chip[i], wr_span(&hex));
	return listed;
}

/* Without facts nothing is known of chip and bits: what is wanted of them is then not there. */
static const char *chip_fault(const struct tcb_minimum *t, const struct hw_facts *hw)
{
	if (t->n_chips > 0 && !chip_listed(t, hw))
		return hw && hw->chip_n > 0 ? "its chip is not listed" : "its chip is not known";
	if (t->smt_refused && (!hw || hw->smt))
		return "another thread may share its core";
	if (t->migration_refused && (!hw || hw->migratable))
		return "it may be migrated";
	return NULL;
}

/* The name of what was found, as far as R3 judges it. */
static const char *unnamed(const struct appraisal *a)
{
	if (decide_unmeasured(a) || strcmp(a->platform, "swtpm") == 0)
		return "which proves nothing and is not named";
	return a->hw && a->hw->debug ? "whose memory can be debugged and which is not named as such" : "which is not named";
}

void decide_platform(const struct decide_in *in, struct decision *d)
{
	struct check *c = decide_put(d, 3, SEES_OWNER);
	char id[HEX32_LEN];

	c->holds = platform_named(in, d->workload);
	SET(c->expected, "a platform that %s named for %s, on a chip and with bits that its and the provider's minimum allow",
	    in->q.path.owner, in->q.path.text);
	SET(c->found, "%s, %s", in->a.platform, c->holds ? "which is named" : unnamed(&in->a));
	decide_mend(in, d, c);
	for (size_t i = 0; c->holds && i < in->n_tcbs; i++) {
		const struct fact_tcb *t = &in->tcb[i];
		const char *fault = decide_tcb_applies(in, d->workload, t) ? chip_fault(&t->body, in->a.hw) : NULL;

		if (!fault)
			continue;
		hex32(t->s.id, id);
		c->holds = false;
		c->sees |= concerned(in, d->workload, t);
		SET(c->found, "%s's tcb statement %.*s refuses this %s: %s", t->s.issuer, ID_SHOWN, id, in->a.platform, fault);
		SET(c->who, "%s", t->s.issuer);
		c->command[0] = 0;
	}
}

/* ---- R4 ---- */

/* True, and c says why, when one component is missing or below the least wanted. */
static bool below(const struct tcb_least *least, const struct hw_facts *hw, struct check *c)
{
	for (size_t i = 0; i < least->n_svns; i++) {
		const struct fact_svn *s = hw ? facts_svn(hw, least->svn[i].name) : NULL;
		uint64_t want = least->svn[i].least;

		if (s && s->committed >= want && s->launch >= want)
			continue;
		if (!s)
			SET(c->found, "no %s in the evidence", least->svn[i].name);
		else
			SET(c->found, "%s committed %" PRIu64 ", at launch %" PRIu64 ", at least %" PRIu64, least->svn[i].name,
			    s->committed, s->launch, want);
		return true;
	}
	return false;
}

/* Rows for this product; those for "" where it has none. */
static bool minimum_fails(const struct tcb_minimum *t, const struct hw_facts *hw, struct check *c)
{
	const char *product = hw ? hw->product : "";
	bool own = false, any = false;

	for (size_t i = 0; i < t->n_least; i++)
		own = own || strcmp(t->least[i].product, product) == 0;
	for (size_t i = 0; i < t->n_least; i++) {
		if (strcmp(t->least[i].product, own ? product : "") != 0)
			continue;
		any = true;
		if (below(&t->least[i], hw, c))
			return true;
	}
	if (!any)
		SET(c->found, "no row for product \"%s\"", product);
	return !any;
}

void decide_firmware(const struct decide_in *in, struct decision *d)
{
	struct check *c = decide_put(d, 4, SEES_OWNER | SEES_PROVIDER);
	char id[HEX32_LEN], why[201];
	size_t n = 0;

	SET(c->expected, "firmware, as committed and as launched, at every minimum that %s and the workload's provider state for %s",
	    in->q.path.owner, in->a.platform);
	SET(c->who, "the operator of the machine, with newer firmware,");
	for (size_t i = 0; i < in->n_tcbs; i++) {
		const struct fact_tcb *t = &in->tcb[i];

		if (!decide_tcb_applies(in, d->workload, t))
			continue;
		n++;
		if (!minimum_fails(&t->body, in->a.hw, c))
			continue;
		hex32(t->s.id, id);
		SET(why, "%.200s", c->found);
		SET(c->found, "below %s's tcb statement %.*s: %s", t->s.issuer, ID_SHOWN, id, why);
		c->sees = concerned(in, d->workload, t);
		return;
	}
	c->holds = true;
	if (n == 0)
		SET(c->found, "no minimum stated");
	else
		SET(c->found, "it is, for %zu minimum statement%s", n, n == 1 ? "" : "s");
}

/* ---- R5 ---- */

/* What the rest of the decision takes for granted of the guest's agent. R7 asks for scoping where a request is scoped. A
 * manifest has no member that limits egress and an approval none about leases, so nothing relies on these yet. */
#define RELIED_ON (ENFORCES_MANIFEST | ENFORCES_IMAGE_DIGESTS)

/* Every register of the launch is in the evidence with that value. One without registers matches nothing. */
static bool launched(const struct boot_launch *l, const struct hw_facts *hw)
{
	if (strcmp(l->platform, hw->platform) != 0)
		return false;
	for (size_t i = 0; i < l->n_regs; i++) {
		const struct fact_reg *want = &l->reg[i], *got = facts_reg(hw, want->name);

		if (!got || !span_eq((struct span){ got->v, got->n }, (struct span){ want->v, want->n }))
			return false;
	}
	return l->n_regs > 0;
}

bool decide_approves_boot(const struct fact_approval *a, const struct fact_boot *b)
{
	for (size_t i = 0; i < a->body.n_boot_images; i++)
		if (span_eq(SPAN(a->body.boot_image[i]), SPAN(b->s.id)))
			return true;
	return false;
}

static bool by_provider(const struct decide_in *in, const struct fact_workload *w, const struct fact_boot *b)
{
	return decide_stands(&b->s, in->now) && decide_speaks(in, &b->s, w->manifest.provider);
}

static bool matches(const struct decide_in *in, const struct fact_boot *b)
{
	for (size_t i = 0; in->a.hw && i < b->body.n_launches; i++)
		if (launched(&b->body.launch[i], in->a.hw))
			return true;
	return false;
}

static bool relied_on(const struct fact_boot *b)
{
	return (b->body.enforces & RELIED_ON) == RELIED_ON;
}

bool decide_boots(const struct decide_in *in, const struct fact_workload *w, const struct fact_boot *b)
{
	return by_provider(in, w, b) && matches(in, b) && relied_on(b);
}

const struct fact_boot *decide_boot(const struct decide_in *in, const struct fact_workload *w, const struct fact_approval *a)
{
	const struct fact_boot *best = NULL;
	unsigned best_score = 0;

	for (size_t i = 0; i < in->n_boots; i++) {
		const struct fact_boot *b = &in->boot[i];
		unsigned score = (decide_revoked(in, &b->s) ? 1u : 3u) + (b->body.enforces & ENFORCES_SCOPING ? 1u : 0u);

		if (!decide_boots(in, w, b) || (a && !decide_approves_boot(a, b)))
			continue;
		if (score > best_score) {
			best = b;
			best_score = score;
		}
	}
	return best;
}

bool decide_scopes(const struct decide_in *in, const struct decision *d)
{
	return decide_unmeasured(&in->a) || (d->boot && (d->boot->body.enforces & ENFORCES_SCOPING));
}

/* Where R9 found approvals, theirs is set. Else that of any that names the asset: R9 then says what else is missing. */
static const struct fact_boot *find_boot(const struct decide_in *in, const struct decision *d)
{
	const struct fact_boot *b = NULL;

	if (decide_own(in, d->workload))
		return decide_boot(in, d->workload, NULL);
	if (d->n_approvals)
		return d->boot;
	for (size_t i = 0; !b && i < in->n_approvals; i++)
		if (decide_approves_asset(in, &in->approval[i]))
			b = decide_boot(in, d->workload, &in->approval[i]);
	return b;
}

/* No boot image will do: the one that came nearest, and what it lacks. */
static void explain_boot(const struct decide_in *in, const struct decision *d, struct check *c)
{
	const struct fact_boot *good = decide_boot(in, d->workload, NULL);
	char id[HEX32_LEN];
	size_t ours = 0;

	SET(c->who, "%s", d->workload->manifest.provider);
	if (good) {
		hex32(good->s.id, id);
		decide_mend(in, d, c);
		SET(c->found, "%s has not approved boot image %.*s (%s) for %s", in->q.path.owner, ID_SHOWN, id, good->body.name,
		    in->q.path.text);
		return;
	}
	for (size_t i = 0; i < in->n_boots; i++) {
		const struct fact_boot *b = &in->boot[i];

		if (!by_provider(in, d->workload, b))
			continue;
		ours++;
		if (!matches(in, b))
			continue;
		SET(c->found, "boot image %s, which evidence matches, does not enforce %s", b->body.name,
		    b->body.enforces & ENFORCES_MANIFEST ? "image digests" : "the manifest");
		return;
	}
	if (ours == 0)
		SET(c->found, "no boot image of %s in force is for %s", d->workload->manifest.provider, in->a.platform);
	else
		SET(c->found, "what was booted is none of the %zu boot images of %s in force for %s", ours,
		    d->workload->manifest.provider, in->a.platform);
}

void decide_booted(const struct decide_in *in, struct decision *d)
{
	struct check *c = decide_put(d, 5, SEES_OWNER | SEES_PROVIDER);
	char id[HEX32_LEN];

	SET(c->expected,
	    "a boot image in force of the workload's provider, accepted by %s, whose agent enforces manifest and image digests",
	    in->q.path.owner);
	SET(c->who, "the workload's provider");
	if (decide_unmeasured(&in->a)) {
		c->holds = platform_named(in, d->workload);
		SET(c->found, "no boot measured on %s", in->a.platform);
		return;
	}
	d->boot = d->workload ? find_boot(in, d) : NULL;
	c->holds = d->boot != NULL;
	if (!d->workload) {
		SET(c->found, "no workload");
		return;
	}
	if (!d->boot) {
		explain_boot(in, d, c);
		return;
	}
	hex32(d->boot->s.id, id);
	SET(c->found, "boot image %s (%.*s)%s%s%s", d->boot->body.name, ID_SHOWN, id, d->boot->s.of[0] ? ", by its delegate " : "",
	    d->boot->s.of[0] ? d->boot->s.issuer : "", decide_scopes(in, d) ? "" : ", whose agent does not keep containers apart");
}
