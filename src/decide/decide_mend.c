/* Commands that mend a check. Who follows one says something anew, in place of what it said before: so it has all in it that was a condition there. */
#include "decide/decide_int.h"

#include "base/clock.h"
#include "fmt/enc.h"

#define TEXT_MAX 1024 /* of a command while it is made; what does not fit the check is left out whole */

struct text { char s[TEXT_MAX]; size_t n; };

static void put(struct text *t, const char *before, const char *what)
{
	int n = t->n < sizeof(t->s) ? snprintf(t->s + t->n, sizeof(t->s) - t->n, "%s%s", before, what) : 0;

	t->n += n > 0 ? (size_t)n : 0;
}

/* Never cut: half a command would lack a condition. */
static void give(const struct text *t, const char *instead, struct check *c)
{
	if (t->n < sizeof(c->command))
		memcpy(c->command, t->s, t->n + 1);
	else
		SET(c->command, "%s", instead);
}

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("+-./:=@_%,", c) != NULL;
}

/* Another party chose it, and somebody may paste the command: a shell shall take it as one word. False: no quotes make it one. */
static bool put_word(struct text *t, const char *before, struct span s)
{
	char word[TEXT_MAX];
	bool bare = true;

	if (s.n > 0 && s.p[0] == '-') /* nor is it an option */
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\'' || s.p[i] == 0)
			return false;
		bare = bare && plain((char)s.p[i]);
	}
	(void)snprintf(word, sizeof(word), bare ? "%.*s" : "'%.*s'", (int)(s.n > 512 ? 512 : s.n), (const char *)s.p);
	put(t, before, word);
	return true;
}

/* ---- approvals ---- */

/* What bounded the approvals that a new one may take the place of: all of it together. */
struct bounds {
	struct wants_assessed assessed[ASSET_OWNERS_MAX * APPROVAL_ASSESSED_MAX];
	size_t                n;
	uint64_t              uses;  /* 0: unbounded */
	const struct fact_approval *spent; /* the owner's, which had uses and has none left; or NULL */
	int64_t               until; /* 0: past, or none */
};

static void add_assessed(struct bounds *b, const struct wants_assessed *w)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->assessed[i].about == w->about && strcmp(b->assessed[i].by, w->by) == 0)
			return;
	if (b->n < sizeof(b->assessed) / sizeof(b->assessed[0])) /* more than one approval says, in any case */
		b->assessed[b->n++] = *w;
}

/* Of all its assets in one run: each release counts one. */
static uint64_t a_run(const struct fact_workload *w, const struct fact_approval *a)
{
	uint64_t n = 0;

	for (size_t i = 0; i < a->body.n_assets; i++)
		n += manifest_releases(&w->manifest, &a->body.asset[i]);
	return n;
}

/* As many uses as are left; where none is, as many as there were, and no fewer than one run takes. */
static void add_bounds(struct bounds *b, const struct fact_approval *a, const struct fact_workload *w, int64_t now)
{
	uint64_t run = a_run(w, a), all = a->body.uses > run ? a->body.uses : run;
	uint64_t uses = a->used < a->body.uses ? a->body.uses - a->used : all;

	for (size_t i = 0; i < a->body.n_assessed; i++)
		add_assessed(b, &a->body.assessed[i]);
	if (a->body.has_uses && (b->uses == 0 || uses < b->uses))
		b->uses = uses;
	if (a->body.until > now && (b->until == 0 || a->body.until < b->until))
		b->until = a->body.until;
}

static void put_bounds(const struct bounds *b, struct text *t)
{
	char until[CLOCK_TEXT_LEN], uses[24];

	for (size_t i = 0; i < b->n; i++) {
		put(t, " --assessed-by ", b->assessed[i].by);
		put(t, ":", assessed_name(b->assessed[i].about));
	}
	if (b->uses > 0) {
		(void)snprintf(uses, sizeof(uses), "%llu", (unsigned long long)b->uses);
		put(t, " --uses ", uses);
	}
	if (b->until > 0) {
		clock_text(b->until, until);
		put(t, " --until ", until);
	}
}

/* Of each who decides, the approval that came nearest; and of the owner's own, all that the new one would stand in the place of. */
static void find_bounds(const struct decide_in *in, const struct fact_workload *w, struct bounds *out)
{
	const struct asset_body *b = &in->asset.body;
	const struct fact_approval *a;

	*out = (struct bounds){ .n = 0 };
	for (size_t i = 0; w && i < in->n_approvals; i++)
		if (decide_replaced_by_new(in, w, &in->approval[i]))
			add_bounds(out, &in->approval[i], w, in->now);
	if (w && (a = decide_nearest(in, w, in->q.path.owner))) {
		add_bounds(out, a, w, in->now);
		out->spent = a->body.has_uses && a->used >= a->body.uses ? a : NULL;
	}
	for (size_t i = 0; w && in->has_asset && i < b->n_of; i++)
		if (strcmp(b->of[i], in->q.path.owner) != 0 && (a = decide_nearest(in, w, b->of[i])))
			add_bounds(out, a, w, in->now);
}

/* What was approved together is spent together: for one of them alone the next run would lack the others. */
static void put_others(const struct bounds *b, const struct asset_path *asked, struct text *t)
{
	for (size_t i = 0; b->spent && i < b->spent->body.n_assets; i++)
		if (!asset_path_eq(&b->spent->body.asset[i], asked))
			put(t, " --asset ", b->spent->body.asset[i].text);
}

/* No approval is for another. */
static bool made_for(const struct decide_in *in, const struct manifest *m)
{
	for (size_t i = 0; i < json_len(m->platforms); i++)
		if (decide_accepts(&in->a, json_str(json_at(m->platforms, i))))
			return true;
	return false;
}

void decide_mend(const struct decide_in *in, const struct decision *d, struct check *c)
{
	bool debug = in->a.hw && in->a.hw->debug;
	const struct fact_boot *boot = d->workload && !decide_unmeasured(&in->a) ? decide_boot(in, d->workload, NULL) : NULL;
	char digest[HEX32_LEN] = "WORKLOAD-DIGEST", id[HEX32_LEN] = "", slots[TEXT_MAX] = "";
	struct text t = { .n = 0 };
	struct bounds b;

	SET(c->who, "%s", in->q.path.owner);
	if (decide_own(in, d->workload)) {
		SET(c->command, "%s", DECIDE_PUBLISH);
		return;
	}
	if (d->workload && !made_for(in, &d->workload->manifest)) {
		SET(c->who, "whoever runs it, on a platform that its manifest names (not %s),", in->a.platform);
		c->command[0] = '\0';
		return;
	}
	if (d->workload)
		hex32(d->workload->manifest.digest, digest);
	put(&t, "coffer approve ", digest);
	find_bounds(in, d->workload, &b);
	put(&t, " --asset ", in->q.path.text);
	put_others(&b, &in->q.path, &t);
	put(&t, " --platform ", in->a.platform);
	put(&t, debug ? "+debug" : "", "");
	if (boot) {
		hex32(boot->s.id, id);
		put(&t, " --boot-image ", id);
	}
	if (d->workload)
		decide_slot_options(in, d->workload, slots, sizeof(slots));
	put(&t, slots, "");
	put_bounds(&b, &t);
	if (b.n > APPROVAL_ASSESSED_MAX) /* no approval says as many */
		t.n = sizeof(t.s);
	give(&t, "coffer approvals", c);
}

/* ---- assessments ---- */

/* What is to be assessed: what of it did not pass yet. */
static bool lacking(const struct decide_in *in, const struct fact_approval *a, const struct fact_workload *w, struct wants_assessed *of, uint8_t digest[static 32])
{
	const struct fact_boot *boot = decide_unmeasured(&in->a) ? NULL : decide_boot(in, w, a);

	for (size_t i = 0; i < a->body.n_assessed; i++) {
		*of = a->body.assessed[i];
		if (!decide_unassessed(in, of, w, boot, digest))
			continue;
		return true;
	}
	return false;
}

/* The first party whose approval waits. */
static const struct fact_approval *waits(const struct decide_in *in, const struct fact_workload *w)
{
	const struct asset_body *b = &in->asset.body;

	for (size_t i = 0; i < b->n_of; i++) {
		const struct fact_approval *a = decide_consents(in, w, b->of[i]) ? NULL : decide_nearest(in, w, b->of[i]);

		if (a && decide_waits(in, w, a))
			return a;
	}
	return NULL;
}

void decide_wait(const struct decide_in *in, const struct decision *d, struct check *c)
{
	static const uint8_t none[32];
	const struct fact_approval *a = waits(in, d->workload);
	struct wants_assessed of;
	struct text t = { .n = 0 };
	uint8_t digest[32] = { 0 };
	char hex[HEX32_LEN];

	if (!a || !lacking(in, a, d->workload, &of, digest))
		return;
	if (span_eq(SPAN(digest), SPAN(none))) { /* no boot image was measured, so none can have been examined */
		SET(c->who, "whoever runs it, where what is booted is measured,");
		c->command[0] = '\0';
		return;
	}
	hex32(digest, hex);
	SET(c->who, "%s, whose finding it waits for", of.by);
	put(&t, "coffer assess ", hex);
	put(&t, " --about ", assessed_name(of.about));
	put(&t, " --finding FINDING --method TEXT", "");
	give(&t, "", c);
}

/* ---- others ---- */

/* With each kind of artefact that the manifest requires: a release without is none here. After one that was revoked nothing is taken over by itself. */
void decide_mend_release(const struct man_container *m, const struct image_release *revoked, struct check *c)
{
	struct text t = { .n = 0 };
	bool words;

	words = put_word(&t, "coffer image release ", m->image_reference);
	for (size_t i = 0; words && i < json_len(m->attestations); i++) {
		words = put_word(&t, " --attestation ", json_str(json_at(m->attestations, i)));
		put(&t, "=FILE", "");
	}
	for (size_t i = 0; words && revoked && i < json_len(revoked->keys); i++)
		words = put_word(&t, " --key ", json_str(json_at(revoked->keys, i)));
	put(&t, revoked ? " --replace" : "", "");
	if (!words)
		t.n = sizeof(t.s);
	give(&t, "coffer image release REFERENCE --attestation TYPE=FILE", c);
}
