/* R3 to R5 of the release decision, asked beforehand of one workload: by trust/machine_match.h, as the service asks. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/host.h"
#include "fmt/enc.h"
#include "trust/thing.h"

#define SET(dst, ...) ((void)snprintf((dst), sizeof(dst), __VA_ARGS__))
#define PUBLISH_TCB "coffer tcb publish FILE.json"
#define PUBLISH_BOOT "coffer boot-image publish FILE.json"
#define PUBLISH_WORKLOAD "coffer workload publish MANIFEST.json"

struct judging {
	const struct host_set       *set;
	const struct host           *h;
	const struct host_statement *w;
	const struct asset_path     *asset;
	struct host_result          *out;
};

static bool own(const struct judging *j)
{
	return strcmp(j->asset->owner, j->w->workload.provider) == 0;
}

static const struct host_statement *in_force(const struct judging *j, size_t i, enum statement_kind kind, const char *issuer)
{
	const struct host_statement *x = j->set->st[i];

	return x->s.kind == kind && strcmp(x->s.issuer, issuer) == 0 && x->in_force ? x : NULL;
}

/* ---- refusals ---- */

static bool same_refusal(const struct host_refusal *r, const char *check, const char *party, const struct host_statement *by,
			 const struct machine_diff *d)
{
	return r->by == by && strcmp(r->check, check) == 0 && strcmp(r->party, party) == 0 && strcmp(r->d.field, d->field) == 0;
}

/* A statement that keeps several assets back is told once. NULL: told already, or no place left. */
static struct host_refusal *refuse(const struct judging *j, const char *check, const char *party, const struct host_statement *by,
				   const struct machine_diff *d)
{
	struct host_result *out = j->out;
	struct host_refusal *r;

	out->verdict = HOST_REFUSED;
	for (size_t i = 0; i < out->n; i++) {
		if (!same_refusal(&out->r[i], check, party, by, d))
			continue;
		out->r[i].n_assets++;
		return NULL;
	}
	if (out->n == HOST_REFUSALS_MAX) {
		out->more = true;
		return NULL;
	}
	r = &out->r[out->n++];
	*r = (struct host_refusal){ .check = check, .by = by, .d = *d, .n_assets = 1 };
	SET(r->party, "%s", party);
	SET(r->asset, "%s", j->asset->text);
	SET(r->who, "%s", party);
	return r;
}


/* ---- approvals ---- */

/* The i-th statement, where it is an approval in force of this asset for this workload. */
static const struct host_statement *approval(const struct judging *j, size_t i)
{
	const struct host_statement *x = in_force(j, i, ST_APPROVAL, j->asset->owner);
	bool path = false;

	if (!x || !span_eq(SPAN(x->approval->workload), SPAN(j->w->workload.digest)))
		return NULL;
	for (size_t k = 0; k < x->approval->n_assets; k++)
		path = path || strcmp(x->approval->asset[k].text, j->asset->text) == 0;
	return path ? x : NULL;
}

static const struct host_statement *any_approval(const struct judging *j)
{
	for (size_t i = 0; i < j->set->n; i++)
		if (approval(j, i))
			return j->set->st[i];
	return NULL;
}

/* As the service's remedies (decide_mend.c): under each condition of the approval that this one would take the place of, and none where they do not fit. */
static bool conditions(const struct approval *a, char *out, size_t n)
{
	char until[CLOCK_TEXT_LEN];
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < a->n_assessed && at < n; i++)
		at += (size_t)snprintf(out + at, n - at, " --assessed-by %s:%s", a->assessed[i].by, assessed_name(a->assessed[i].about));
	if (a->has_uses && at < n)
		at += (size_t)snprintf(out + at, n - at, " --uses %llu", (unsigned long long)a->uses);
	clock_text(a->until, until);
	if (at < n)
		at += (size_t)snprintf(out + at, n - at, " --until %s", until);
	return at < n;
}

/* What the owner can say: that it accepts this platform, and this boot image. */
static void approve_command(const struct judging *j, const struct host_statement *boot, struct host_refusal *r)
{
	const struct host_statement *was = any_approval(j);
	char digest[HEX32_LEN], id[HEX32_LEN] = "STATEMENT", more[sizeof(r->command)] = "";

	if (own(j)) {
		SET(r->command, PUBLISH_WORKLOAD);
		return;
	}
	hex32(j->w->workload.digest, digest);
	if (boot)
		hex32(boot->s.id, id);
	if ((was && !conditions(was->approval, more, sizeof(more))) ||
	    snprintf(r->command, sizeof(r->command), "coffer approve %s --asset %s --platform %s%s --boot-image %s%s", digest, j->asset->text, j->h->f.platform,
		j->h->f.debug ? "+debug" : "", id, more) >= (int)sizeof(r->command))
		SET(r->command, "coffer approvals");
}

/* By the manifest for the provider's own assets, else by an approval. `debug`: as the machine is, or never. */
static bool names(const struct judging *j, const struct host_statement *x, bool debug)
{
	const struct json *list = j->w->workload.platforms;
	const char *platform = j->h->f.platform;
	bool yes = false;

	if (x->s.kind == ST_WORKLOAD) {
		for (size_t i = 0; i < json_len(list); i++)
			yes = yes || platform_accepts(json_str(json_at(list, i)), platform, debug);
		return yes;
	}
	for (size_t i = 0; i < x->approval->n_platforms; i++)
		yes = yes || platform_accepts(span_of(x->approval->platform[i]), platform, debug);
	return yes;
}

static bool named(const struct judging *j, bool debug)
{
	if (own(j))
		return names(j, j->w, debug);
	for (size_t i = 0; i < j->set->n; i++)
		if (approval(j, i) && names(j, j->set->st[i], debug))
			return true;
	return false;
}

/* ---- R3: the platform's name ---- */

static void list_platforms(const struct judging *j, const struct host_statement *x, char *out, size_t n)
{
	const struct json *list = j->w->workload.platforms;
	size_t count = x->s.kind == ST_WORKLOAD ? json_len(list) : x->approval->n_platforms, at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count && at < n; i++) {
		struct span s = x->s.kind == ST_WORKLOAD ? json_str(json_at(list, i)) : span_of(x->approval->platform[i]);
		int more = snprintf(out + at, n - at, "%s%.*s", i ? ", " : "", (int)s.n, (const char *)s.p);

		at += more > 0 ? (size_t)more : 0;
	}
}

static void judge_name(const struct judging *j)
{
	const struct host_statement *x = own(j) ? j->w : any_approval(j);
	struct machine_diff d = { .field = "platform" };
	struct host_refusal *r;

	if (!x || named(j, j->h->f.debug))
		return;
	list_platforms(j, x, d.wanted, sizeof(d.wanted));
	SET(d.found, "%s%s", j->h->f.platform, j->h->f.debug ? "+debug" : "");
	r = refuse(j, "R3", x->s.issuer, x, &d);
	if (r)
		approve_command(j, NULL, r);
}

/* ---- R3, R4, R11: minima ---- */

static const char *mended_by(const struct judging *j, const char *field)
{
	if (strcmp(field, "chip") == 0)
		return j->h->f.chip_n > 0 ? "" : "whoever asks, by naming the chip with --chip; or ";
	if (strcmp(field, "smt") == 0 || strcmp(field, "migration") == 0)
		return "the operator of the machine, by switching it off; or ";
	return strcmp(field, "product") == 0 ? "" : "the operator of the machine, with newer firmware; or ";
}

static void refuse_tcb(const struct judging *j, const char *check, const struct host_statement *x, const struct machine_diff *d)
{
	struct host_refusal *r = refuse(j, check, x->s.issuer, x, d);
	bool smt = strcmp(d->field, "smt") == 0, migration = strcmp(d->field, "migration") == 0;

	if (!r)
		return;
	if ((smt && !j->h->smt_known) || (migration && !j->h->migration_known))
		SET(r->d.found, "not stated, so taken as on");
	SET(r->who, "%s%s", mended_by(j, d->field), x->s.issuer);
	SET(r->command, PUBLISH_TCB);
}

static void judge_minimum(const struct judging *j, const struct host_statement *x)
{
	struct machine_diff d = { .field = "revoked", .wanted = "a minimum that is not revoked", .found = "one that is" };
	size_t at = 0;

	if (x->revoked) {
		struct host_refusal *r = refuse(j, "R11", x->s.issuer, x, &d);

		if (r)
			SET(r->command, PUBLISH_TCB);
	}
	while (tcb_platform_fault(x->tcb, &j->h->f, &at, &d))
		refuse_tcb(j, "R3", x, &d);
	at = 0;
	while (tcb_firmware_fault(x->tcb, &j->h->f, &at, &d))
		refuse_tcb(j, "R4", x, &d);
}

/* The owner's and the provider's. A revoked one stands in the way until its issuer states another. */
static void judge_minima(const struct judging *j)
{
	for (size_t i = 0; i < j->set->n; i++) {
		const struct host_statement *x = j->set->st[i];
		bool theirs = strcmp(x->s.issuer, j->asset->owner) == 0 || strcmp(x->s.issuer, j->w->workload.provider) == 0;

		if (x->s.kind == ST_TCB && theirs && strcmp(x->tcb->platform, j->h->f.platform) == 0 && x->stands)
			judge_minimum(j, x);
	}
}

/* ---- R11: the machine and the images by themselves ---- */

/* The provider released the image before that time, as its statement says: when it was logged is not known here, and was no earlier than some minutes before. */
static bool released_before(const struct judging *j, const struct man_container *c, int64_t since)
{
	for (size_t i = 0; i < j->set->n; i++) {
		const struct host_statement *x = in_force(j, i, ST_IMAGE_RELEASE, c->image_provider);

		if (x && span_eq(SPAN(x->release.digest), SPAN(c->image_digest)) && x->s.issued < since)
			return true;
	}
	return false;
}

static const char *field_of(enum thing_kind k)
{
	switch (k) {
	case THING_CHIP:      return "chip";
	case THING_IMAGE:     return "image";
	case THING_IMAGE_KEY: return "image-key";
	case THING_MEASUREMENT:
	case THING_NONE:      break;
	}
	return "measurement";
}

/* c: whose image or key it is, and whose provider's word counts too; NULL: it is the machine's. */
static void judge_thing(const struct judging *j, const struct thing *t, const struct man_container *c)
{
	struct machine_diff d = { .wanted = "one that is not revoked" };
	const char *also = c ? c->image_provider : "";

	SET(d.field, "%s", field_of(t->kind));
	SET(d.found, "%.*s", (int)sizeof(d.found) - 1, t->text);
	for (size_t i = 0; i < j->set->n; i++) {
		const struct host_statement *x = j->set->st[i];
		const char *by = x->s.issuer;
		bool counts = strcmp(by, j->asset->owner) == 0 || strcmp(by, j->w->workload.provider) == 0 || strcmp(by, also) == 0;

		if (c && x->since > 0 && released_before(j, c, x->since))
			continue;
		if (x->s.kind == ST_REVOCATION && counts && !x->revoked && x->s.issued <= j->set->at && span_eq(SPAN(x->revokes), SPAN(t->id)))
			(void)refuse(j, "R11", by, x, &d);
	}
}

static void judge_things(const struct judging *j)
{
	const struct manifest *m = &j->w->workload;
	struct thing machine[THINGS_MAX];
	size_t n = things_of(&j->h->f, machine);

	for (size_t i = 0; i < n; i++)
		judge_thing(j, &machine[i], NULL);
	for (size_t i = 0; i < m->n_containers; i++) {
		struct thing t;

		thing_image(m->container[i].image_digest, &t);
		judge_thing(j, &t, &m->container[i]);
		thing_image_key(m->container[i].method_key, &t);
		judge_thing(j, &t, &m->container[i]);
	}
}

/* ---- R5: where what is launched is not known, any boot image for the platform may be it ---- */

static bool approves_boot(const struct judging *j, const struct host_statement *boot)
{
	for (size_t i = 0; i < j->set->n; i++) {
		const struct host_statement *x = approval(j, i);

		for (size_t k = 0; x && k < x->approval->n_boot_images; k++)
			if (names(j, x, j->h->f.debug) && span_eq(SPAN(x->approval->boot_image[k]), SPAN(boot->s.id)))
				return true;
	}
	return false;
}

static bool for_platform(const struct boot_image *b, const char *platform)
{
	for (size_t i = 0; i < b->n_launches; i++)
		if (strcmp(b->launch[i].platform, platform) == 0)
			return true;
	return false;
}

/* How near each boot image of the provider comes; the nearest decides what is said. */
enum near { NEAR_NONE, NEAR_PLATFORM, NEAR_NAMED, NEAR_LAUNCHED, NEAR_GOOD, NEAR_APPROVED };
struct nearest { enum near near; const struct host_statement *x; struct machine_diff d; };

static enum near nearness(const struct judging *j, const struct host_statement *x, struct machine_diff *d)
{
	bool approved = own(j) || !any_approval(j) || approves_boot(j, x); /* for want of any, R9 is to blame */

	if (!for_platform(&x->boot, j->h->f.platform))
		return NEAR_NONE;
	if (j->h->boot && !boot_launched(&x->boot, &j->h->f, d))
		return approved ? NEAR_NAMED : NEAR_PLATFORM;
	if (!boot_relied_on(&x->boot, d))
		return NEAR_LAUNCHED;
	return approved ? NEAR_APPROVED : NEAR_GOOD;
}

static void refuse_boot(const struct judging *j, const struct nearest *n)
{
	const char *provider = j->w->workload.provider;
	struct machine_diff d = n->d;
	struct host_refusal *r;

	if (n->near == NEAR_NONE) {
		d = (struct machine_diff){ .field = "boot-image", .found = "none in force" };
		SET(d.wanted, "a boot image of %s for %s", provider, j->h->f.platform);
	}
	if (n->near == NEAR_GOOD) {
		d = (struct machine_diff){ .field = "boot-image", .found = "not in its approval" };
		SET(d.wanted, "one that %s has approved", j->asset->owner);
	}
	r = refuse(j, "R5", n->near == NEAR_GOOD ? j->asset->owner : provider, n->x, &d);
	if (r && n->near == NEAR_GOOD)
		approve_command(j, n->x, r);
	else if (r)
		SET(r->command, PUBLISH_BOOT);
}

/* The asset's owner stopped it for its own assets. */
static bool stopped(const struct judging *j, const struct host_statement *x)
{
	for (size_t i = 0; i < j->set->n; i++) {
		const struct host_statement *r = j->set->st[i];

		if (r->s.kind == ST_REVOCATION && strcmp(r->s.issuer, j->asset->owner) == 0 && span_eq(SPAN(r->revokes), SPAN(x->s.id)))
			return true;
	}
	return false;
}

/* Among those that the owner stopped, or among the others. */
static struct nearest find_boot(const struct judging *j, bool of_stopped)
{
	struct nearest best = { .near = NEAR_NONE };

	for (size_t i = 0; i < j->set->n; i++) {
		const struct host_statement *x = in_force(j, i, ST_BOOT_IMAGE, j->w->workload.provider);
		struct machine_diff d = { 0 };
		enum near near = x && stopped(j, x) == of_stopped ? nearness(j, x, &d) : NEAR_NONE;

		if (near > best.near)
			best = (struct nearest){ near, x, d };
	}
	return best;
}

static void judge_boot(const struct judging *j)
{
	struct machine_diff d = { .field = "boot-image", .wanted = "one that is not revoked" };
	struct nearest best, gone;

	if (strcmp(j->h->f.platform, "sample") == 0)
		return; /* measures nothing */
	best = find_boot(j, false);
	if (best.near == NEAR_APPROVED)
		return;
	gone = find_boot(j, true);
	if (gone.near == NEAR_APPROVED) {
		SET(d.found, "revoked by %s, for its own", j->asset->owner);
		(void)refuse(j, "R11", j->asset->owner, gone.x, &d);
		return;
	}
	refuse_boot(j, &best);
}

/* ---- a workload ---- */

#define ASSETS_MAX ((size_t)MAN_CONTAINERS_MAX * MAN_ENTITLEMENTS_MAX)
struct assets { const struct asset_path *a[ASSETS_MAX]; size_t n; };

static void collect(const struct manifest *m, struct assets *out)
{
	for (size_t i = 0; i < m->n_containers; i++) {
		for (size_t k = 0; k < m->container[i].n_entitlements; k++) {
			const struct asset_path *p = &m->container[i].entitlement[k].asset;
			bool had = p->text[0] == '\0'; /* a slot: nobody's yet */

			for (size_t n = 0; n < out->n; n++)
				had = had || asset_path_eq(out->a[n], p);
			if (!had && out->n < ASSETS_MAX)
				out->a[out->n++] = p;
		}
	}
}

/* Whether the machine has anything to do with it: nobody names its platform, in either form, for any of the assets. */
static bool elsewhere(struct judging *j, const struct assets *assets)
{
	for (size_t i = 0; i < assets->n; i++) {
		j->asset = assets->a[i];
		if (named(j, false))
			return false;
	}
	return assets->n > 0;
}

static void note_unapproved(struct judging *j, const struct assets *assets)
{
	for (size_t i = 0; i < assets->n && !j->out->asset[0]; i++) {
		j->asset = assets->a[i];
		if (!own(j) && !any_approval(j))
			SET(j->out->asset, "%s", j->asset->text);
	}
}

void host_judge(const struct host_set *set, const struct host *h, const struct host_statement *workload, struct host_result *out)
{
	struct judging j = { .set = set, .h = h, .w = workload, .out = out };
	struct assets assets = { .n = 0 };

	*out = (struct host_result){ .w = workload, .verdict = HOST_RUNS };
	collect(&workload->workload, &assets);
	note_unapproved(&j, &assets);
	if (elsewhere(&j, &assets)) {
		out->verdict = out->asset[0] ? HOST_UNAPPROVED : HOST_ELSEWHERE;
		return;
	}
	for (size_t i = 0; i < assets.n; i++) {
		j.asset = assets.a[i];
		judge_name(&j);
		judge_minima(&j);
		judge_things(&j);
		judge_boot(&j);
	}
	if (out->verdict == HOST_RUNS && out->asset[0])
		out->verdict = HOST_UNAPPROVED;
}
