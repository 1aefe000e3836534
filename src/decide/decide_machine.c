/* R2 to R5: the machine that the guest runs on, its firmware, and what was booted on it. */
#include "decide/decide_int.h"

#include "base/clock.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "trust/amend.h"
#include "trust/machine_match.h"

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
		SET(c.found, DECIDE_NOT_ASKED "%s proves nothing; R3 decides whether the owner named it", a->platform);
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
	bool owner = decide_owns(in, t->s.issuer);
	bool provider = w && strcmp(t->s.issuer, w->manifest.provider) == 0;

	return (owner || provider) && strcmp(t->body.platform, in->a.platform) == 0 && decide_stands(&t->s, in->now);
}

static unsigned concerned(const struct decide_in *in, const struct fact_workload *w, const struct fact_tcb *t)
{
	unsigned owner = decide_owns(in, t->s.issuer) ? SEES_OWNER : 0;

	return owner | (w && strcmp(t->s.issuer, w->manifest.provider) == 0 ? SEES_PROVIDER : 0);
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
		struct machine_diff fault;
		size_t at = 0;

		if (!decide_tcb_applies(in, d->workload, t) || !tcb_platform_fault(&t->body, in->a.hw, &at, &fault))
			continue;
		hex32(t->s.id, id);
		c->holds = false;
		c->sees |= concerned(in, d->workload, t);
		SET(c->found, "%s's tcb statement %.*s refuses this %s: %s", t->s.issuer, ID_SHOWN, id, in->a.platform, fault.text);
		SET(c->who, "whoever runs it, on a machine that this allows,"); /* not who demands it, by demanding less */
		c->command[0] = 0;
	}
}

/* R2 once more: a root that an amendment named, or dropped, counts for an asset once its owners go by that amendment. */
void decide_root(const struct decide_in *in, struct decision *d)
{
	static const uint8_t none[32];
	struct check *c = &d->check[2];
	char id[HEX32_LEN];

	if (!c->holds || !in->has_asset || span_eq(SPAN(in->a.root), SPAN(none)) || (in->view && genesis_names_root(in->view, in->a.platform, in->a.root)))
		return;
	hex32(in->a.root, id);
	c->holds = false;
	c->sees |= SEES_OWNER;
	SET(c->expected, "a root that the genesis names, as this asset goes by it");
	SET(c->found, "invalid: a root with the key %.*s vouches for it, which the genesis does not name as %s goes by it: as founded, or as the amendment left it that its statement names",
	    ID_SHOWN, id, in->q.path.text);
	SET(c->who, "%s", in->q.path.owner);
	SET(c->command, "coffer asset policy %s --as-amended", in->q.path.text);
}

/* R2 once more, with what the parties of this asset demand. */
void decide_age(const struct decide_in *in, struct decision *d)
{
	struct check *c = &d->check[2];
	char id[HEX32_LEN], issued[CLOCK_TEXT_LEN] = "never";

	for (size_t i = 0; c->holds && i < in->n_tcbs; i++) {
		const struct fact_tcb *t = &in->tcb[i];
		int64_t since = in->a.hw ? in->a.hw->collateral : 0;

		if (!decide_tcb_applies(in, d->workload, t) || t->body.max_age == 0 || (since > 0 && in->now - since <= t->body.max_age))
			continue;
		if (since > 0)
			clock_text(since, issued);
		hex32(t->s.id, id);
		c->holds = false;
		c->sees |= concerned(in, d->workload, t);
		SET(c->expected, "collateral no older than %lld hours, as %s's tcb statement %.*s wants", (long long)t->body.max_age / 3600, t->s.issuer,
		    ID_SHOWN, id);
		SET(c->found, "stale: the vendor's documents that the evidence was judged by were issued %s, older than %s's tcb statement %.*s allows",
		    issued, t->s.issuer, ID_SHOWN, id);
		SET(c->who, "the service's operator, with newer collateral, and then the guest, attesting again,");
		c->command[0] = 0;
	}
}

/* ---- R4 ---- */

void decide_firmware(const struct decide_in *in, struct decision *d)
{
	struct check *c = decide_put(d, 4, SEES_OWNER | SEES_PROVIDER);
	struct machine_diff fault;
	char id[HEX32_LEN];
	size_t n = 0;

	SET(c->expected, "firmware, as committed and as launched, at every minimum that %s%s and the workload's provider state for %s",
	    in->q.path.owner, in->has_asset && in->asset.body.n_of > 1 ? ", who decides with it" : "", in->a.platform);
	SET(c->who, "the operator of the machine, with newer firmware,");
	for (size_t i = 0; i < in->n_tcbs; i++) {
		const struct fact_tcb *t = &in->tcb[i];
		size_t at = 0;

		if (!decide_tcb_applies(in, d->workload, t))
			continue;
		n++;
		if (!tcb_firmware_fault(&t->body, in->a.hw, &at, &fault))
			continue;
		hex32(t->s.id, id);
		SET(c->found, "below %s's tcb statement %.*s: %s", t->s.issuer, ID_SHOWN, id, fault.text);
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

static bool launches_on(const struct boot_image *b, const char *platform)
{
	for (size_t i = 0; i < b->n_launches; i++)
		if (strcmp(b->launch[i].platform, platform) == 0)
			return true;
	return false;
}

static bool matches(const struct decide_in *in, const struct fact_boot *b)
{
	struct machine_diff d;

	if (in->a.unseen)
		return launches_on(&b->body, in->a.platform);
	return boot_launched(&b->body, in->a.hw, &d);
}

/* Owner or provider said something of leases: then the agent must be one that keeps them. */
static bool leases_kept(const struct decide_in *in, const struct fact_workload *w, const struct fact_boot *b)
{
	bool said = in->has_asset && in->asset.body.lease_said;

	for (size_t i = 0; i < w->manifest.n_containers; i++)
		said = said || w->manifest.container[i].lapse_said;
	return !said || (b->body.enforces & ENFORCES_LEASES);
}

bool decide_boots(const struct decide_in *in, const struct fact_workload *w, const struct fact_boot *b)
{
	struct machine_diff lacks;

	return by_provider(in, w, b) && matches(in, b) && boot_relied_on(&b->body, &lacks) && leases_kept(in, w, b);
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

static bool approved_here(const struct decide_in *in, const struct fact_workload *w, const struct fact_boot *b)
{
	for (size_t i = 0; i < in->n_approvals; i++)
		if (decide_approves_asset(in, &in->approval[i]) && span_eq(SPAN(in->approval[i].body.workload), SPAN(w->manifest.digest)) &&
		    decide_approves_boot(&in->approval[i], b))
			return true;
	return false;
}

#define NAME_SHOWN sizeof(((struct boot_image *)NULL)->name)

/* For who reads the decision: another party wrote it. */
static const char *named(const struct fact_boot *b, char out[static NAME_SHOWN])
{
	span_plain(span_of(b->body.name), out, NAME_SHOWN);
	return out;
}

/* What was booted is none of them. Held against the one that was approved for this workload, where there is one: what differs from others is nobody's concern. */
static void explain_other(const struct decide_in *in, const struct fact_workload *w, size_t ours, struct check *c)
{
	const struct fact_boot *meant = NULL;
	struct machine_diff d = { 0 }, x;
	char id[HEX32_LEN], name[NAME_SHOWN], than[300] = "";
	bool approved = false;

	for (size_t i = 0; i < in->n_boots && !approved; i++) {
		const struct fact_boot *b = &in->boot[i];

		if (!by_provider(in, w, b) || boot_launched(&b->body, in->a.hw, &x) || strcmp(x.field, "platform") == 0)
			continue;
		approved = approved_here(in, w, b);
		if (meant && !approved)
			continue;
		meant = b;
		d = x;
	}
	if (meant) {
		hex32(meant->s.id, id);
		SET(than, ": %s than of boot image %.*s (%s)%s", d.text, ID_SHOWN, id, named(meant, name), approved ? ", which is approved for it" : "");
	}
	SET(c->found, "what was booted is none of the %zu boot images of %s in force for %s%s", ours, w->manifest.provider, in->a.platform, than);
}

/* No boot image will do: the one that came nearest, and what it lacks. */
static void explain_boot(const struct decide_in *in, const struct decision *d, struct check *c)
{
	const struct fact_boot *good = decide_boot(in, d->workload, NULL);
	struct machine_diff lacks;
	char id[HEX32_LEN], name[NAME_SHOWN];
	size_t ours = 0;

	SET(c->who, "%s", d->workload->manifest.provider);
	if (good) {
		hex32(good->s.id, id);
		decide_mend(in, d, c);
		SET(c->found, "%s has not approved boot image %.*s (%s) for %s", in->q.path.owner, ID_SHOWN, id, named(good, name),
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
		if (!boot_relied_on(&b->body, &lacks))
			SET(c->found, "boot image %s, which evidence matches, %s", named(b, name), lacks.text);
		else if (!leases_kept(in, d->workload, b))
			SET(c->found, "boot image %s, which evidence matches, does not enforce leases, of which owner or provider say something",
			    named(b, name));
		return;
	}
	if (ours == 0)
		SET(c->found, "no boot image of %s in force is for %s", d->workload->manifest.provider, in->a.platform);
	else
		explain_other(in, d->workload, ours, c);
}

void decide_booted(const struct decide_in *in, struct decision *d)
{
	struct check *c = decide_put(d, 5, SEES_OWNER | SEES_PROVIDER);
	char id[HEX32_LEN], name[NAME_SHOWN];

	SET(c->expected,
	    "a boot image in force of the workload's provider, accepted by %s, whose agent enforces manifest and image digests",
	    in->q.path.owner);
	SET(c->who, "the workload's provider");
	if (decide_unmeasured(&in->a)) {
		c->holds = platform_named(in, d->workload);
		SET(c->found, DECIDE_NOT_ASKED "%s proves nothing, and no boot is measured on it", in->a.platform);
		return;
	}
	d->boot = d->workload ? find_boot(in, d) : NULL;
	c->holds = d->boot != NULL;
	if (!d->workload) {
		SET(c->found, DECIDE_NO_WORKLOAD);
		return;
	}
	if (!d->boot) {
		explain_boot(in, d, c);
		return;
	}
	hex32(d->boot->s.id, id);
	SET(c->found, "boot image %s (%.*s)%s%s%s", named(d->boot, name), ID_SHOWN, id, d->boot->s.of[0] ? ", by its delegate " : "",
	    d->boot->s.of[0] ? d->boot->s.issuer : "", decide_scopes(in, d) ? "" : ", whose agent does not keep containers apart");
}
