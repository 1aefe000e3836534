#include "trust/manifest_diff.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

#define WHAT_MAX 1024
#define SHOWN_MAX 200 /* bytes of one value in a sentence */

struct diff {
	const struct diff_ask *q;
	diff_cb     each;
	void       *arg;
	const char *where;
	bool        within;
};

const char *diff_way_name(enum diff_way w)
{
	return w == DIFF_NARROWER ? "narrower" : w == DIFF_WIDER ? "wider" : "other";
}

/* Values come from a manifest that somebody else wrote. */
static void put(struct wr *w, struct span s)
{
	for (size_t i = 0; i < s.n && i < SHOWN_MAX; i++) {
		if (s.p[i] < 0x20 || s.p[i] >= 0x7F || s.p[i] == '\\')
			wr_fmt(w, "\\x%02x", s.p[i]);
		else
			wr_u8(w, s.p[i]);
	}
	if (s.n > SHOWN_MAX)
		wr_str(w, "...");
}

struct words { const char *before; struct span value; const char *after; };

static void say(struct diff *d, enum diff_way way, struct words x)
{
	CLEANUP(wr_close) struct wr w = wr_open((size_t)8 * WHAT_MAX);

	d->within = d->within && way == DIFF_NARROWER;
	if (!d->each)
		return;
	wr_str(&w, x.before);
	put(&w, x.value);
	wr_str(&w, x.after);
	wr_u8(&w, 0);
	d->each(d->arg, way, d->where, wr_ok(&w) ? (const char *)w.p : x.before);
}

static void other(struct diff *d, const char *what)
{
	say(d, DIFF_OTHER, (struct words){ what, { 0 }, "" });
}

/* ---- lists of strings or numbers ---- */

static struct span item(const struct json *list, size_t i)
{
	const struct json *v = json_at(list, i);

	return json_type(v) == JSON_STRING ? json_str(v) : json_num(v);
}

static bool has(const struct json *list, struct span s)
{
	for (size_t i = 0; i < json_len(list); i++)
		if (span_eq(item(list, i), s))
			return true;
	return false;
}

static bool same_list(const struct json *a, const struct json *b)
{
	bool same = json_len(a) == json_len(b);

	for (size_t i = 0; same && i < json_len(a); i++)
		same = span_eq(item(a, i), item(b, i));
	return same;
}

/* A set of permissions. less: what taking one away is. */
static void subset(struct diff *d, const struct json *a, const struct json *b, const char *what, enum diff_way less)
{
	for (size_t i = 0; i < json_len(b); i++)
		if (!has(a, item(b, i)))
			say(d, DIFF_WIDER, (struct words){ what, item(b, i), " is added" });
	for (size_t i = 0; i < json_len(a); i++)
		if (!has(b, item(a, i)))
			say(d, less, (struct words){ what, item(a, i), " is taken away" });
}

/* ---- a container ---- */

static bool same_entitlement(const struct man_entitlement *a, const struct man_entitlement *b)
{
	return asset_path_eq(&a->asset, &b->asset) && span_eq(a->slot, b->slot) && a->purpose == b->purpose && span_eq(a->volume, b->volume);
}

static bool entitled(const struct man_container *c, const struct man_entitlement *t)
{
	for (size_t i = 0; i < c->n_entitlements; i++)
		if (same_entitlement(&c->entitlement[i], t))
			return true;
	return false;
}

static void given(struct diff *d, const struct man_entitlement *t, bool more)
{
	const char *words[2][2] = { { "is no longer given ", "is no longer given what fills slot " }, { "is given ", "is given what fills slot " } };

	say(d, more ? DIFF_WIDER : DIFF_NARROWER,
	    (struct words){ words[more][t->slot.n > 0], t->slot.n > 0 ? t->slot : span_of(t->asset.text), more ? ", which it was not" : "" });
}

static void entitlements(struct diff *d, const struct man_container *a, const struct man_container *b)
{
	for (size_t i = 0; i < b->n_entitlements; i++)
		if (!entitled(a, &b->entitlement[i]))
			given(d, &b->entitlement[i], true);
	for (size_t i = 0; i < a->n_entitlements; i++)
		if (!entitled(b, &a->entitlement[i]))
			given(d, &a->entitlement[i], false);
}

static const struct man_output *output_of(const struct man_container *c, struct span name)
{
	for (size_t i = 0; i < c->n_outputs; i++)
		if (span_eq(c->output[i].name, name))
			return &c->output[i];
	return NULL;
}

static void one_output(struct diff *d, const struct man_output *a, const struct man_output *b)
{
	if (!span_eq(a->path, b->path) || strcmp(a->to, b->to) != 0 || !pubkey_eq(&a->key, &b->key))
		say(d, DIFF_OTHER, (struct words){ "output ", b->name, " is another file, or goes to another party or key" });
	if (b->max_bytes > a->max_bytes)
		say(d, DIFF_WIDER, (struct words){ "output ", b->name, " may be larger" });
	if (b->max_bytes < a->max_bytes)
		say(d, DIFF_NARROWER, (struct words){ "output ", b->name, " is at most smaller" });
}

static void outputs(struct diff *d, const struct man_container *a, const struct man_container *b)
{
	for (size_t i = 0; i < b->n_outputs; i++) {
		const struct man_output *o = output_of(a, b->output[i].name);

		if (o)
			one_output(d, o, &b->output[i]);
		else
			say(d, DIFF_WIDER, (struct words){ "hands out ", b->output[i].name, ", which it did not" });
	}
	for (size_t i = 0; i < a->n_outputs; i++)
		if (!output_of(b, a->output[i].name))
			say(d, DIFF_NARROWER, (struct words){ "no longer hands out ", a->output[i].name, "" });
}

static bool same_mounts(const struct man_container *a, const struct man_container *b)
{
	bool same = a->n_mounts == b->n_mounts;

	for (size_t i = 0; same && i < a->n_mounts; i++)
		same = span_eq(a->mount[i].destination, b->mount[i].destination) && span_eq(a->mount[i].volume, b->mount[i].volume) &&
		       a->mount[i].read_only == b->mount[i].read_only;
	return same;
}

/* Another digest is other code, whoever made it; unless its maker is trusted with any. */
static void image(struct diff *d, const struct man_container *a, const struct man_container *b)
{
	bool any = d->q->images_by && strcmp(a->image_provider, d->q->images_by) == 0;

	if (strcmp(a->image_provider, b->image_provider) != 0)
		other(d, "its image is made by another party");
	if (!any && (!span_eq(SPAN(a->image_digest), SPAN(b->image_digest)) || !span_eq(a->image_reference, b->image_reference)))
		say(d, DIFF_OTHER, (struct words){ "runs another image, ", b->image_reference, "" });
	if (!span_eq(a->method_type, b->method_type) || !span_eq(a->method_key, b->method_key))
		other(d, "its image is verified in another way or by another key");
}

/* Whoever asks for no version asks for the least that there is. */
static void minimum(struct diff *d, const struct man_container *a, const struct man_container *b)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRIu64, b->image_minimum);
	if (b->image_minimum > a->image_minimum)
		say(d, DIFF_NARROWER, (struct words){ "its image must be released as security version ", span_of(text), " or later" });
	else if (b->image_minimum < a->image_minimum && b->image_minimum > 0)
		say(d, DIFF_WIDER, (struct words){ "its image may be of a lower security version, from ", span_of(text), " on" });
	else if (b->image_minimum < a->image_minimum)
		say(d, DIFF_WIDER, (struct words){ "its image may be of any security version", { 0 }, "" });
}

/* Longer times and a weaker act let it keep what it should give up. */
static void on_lapse(struct diff *d, const struct lease_terms *a, const struct lease_terms *b)
{
	bool wider = b->check > a->check || b->grace > a->grace || (a->stop && !b->stop);
	bool narrower = b->check < a->check || b->grace < a->grace || (b->stop && !a->stop);

	if (a->term != b->term || (wider && narrower))
		other(d, "ends in another way when a lease lapses");
	else if (wider)
		say(d, DIFF_WIDER, (struct words){ "asks less often for leave to keep what it got, or gives up less without it", { 0 }, "" });
	else if (narrower)
		say(d, DIFF_NARROWER, (struct words){ "asks more often for leave to keep what it got, or gives up more without it", { 0 }, "" });
}

static bool same_terms(const struct lease_terms *a, const struct lease_terms *b)
{
	return a->check == b->check && a->grace == b->grace && a->term == b->term && a->stop == b->stop;
}

static void container(struct diff *d, const struct man_container *a, const struct man_container *b)
{
	image(d, a, b);
	minimum(d, a, b);
	for (size_t i = 0; i < json_len(b->attestations); i++)
		if (!has(a->attestations, item(b->attestations, i)))
			say(d, DIFF_NARROWER, (struct words){ "its image must come with ", item(b->attestations, i), "" });
	for (size_t i = 0; i < json_len(a->attestations); i++)
		if (!has(b->attestations, item(a->attestations, i)))
			say(d, DIFF_WIDER, (struct words){ "its image need not come with ", item(a->attestations, i), " any more" });
	if (!span_eq(a->role, b->role))
		other(d, "has another role");
	if (!same_list(a->args, b->args) || !span_eq(a->cwd, b->cwd))
		other(d, "runs another command, or elsewhere");
	if (!same_list(a->env, b->env))
		other(d, "has another environment");
	if (a->uid != b->uid || a->gid != b->gid || !same_list(a->groups, b->groups))
		other(d, "runs as another user or in other groups");
	if (a->read_only_root != b->read_only_root)
		say(d, b->read_only_root ? DIFF_OTHER : DIFF_WIDER, (struct words){ b->read_only_root ? "its root is read-only now" : "may write its root now", { 0 }, "" });
	subset(d, a->capabilities, b->capabilities, "capability ", DIFF_OTHER);
	if (!same_mounts(a, b))
		other(d, "sees other volumes, elsewhere, or may write what it might not");
	entitlements(d, a, b);
	outputs(d, a, b);
	on_lapse(d, &a->on_lapse, &b->on_lapse);
	if (a->lapse_said != b->lapse_said && same_terms(&a->on_lapse, &b->on_lapse)) /* R5 wants an agent that keeps leases only where something is said */
		say(d, b->lapse_said ? DIFF_NARROWER : DIFF_WIDER, (struct words){ b->lapse_said ? "wants an agent that keeps leases" :
		    "does not want an agent that keeps leases any more", { 0 }, "" });
}

static void containers(struct diff *d, const struct manifest *a, const struct manifest *b)
{
	char name[SHOWN_MAX];
	bool all = a->n_containers == b->n_containers, ordered = all;

	for (size_t i = 0; i < b->n_containers; i++) {
		const struct man_container *c = manifest_container(a, b->container[i].name);

		ordered = ordered && span_eq(a->container[i].name, b->container[i].name);
		if (!c) {
			all = false;
			say(d, DIFF_OTHER, (struct words){ "container ", b->container[i].name, " is new" });
			continue;
		}
		(void)snprintf(name, sizeof(name), "%.*s", (int)c->name.n, (const char *)c->name.p);
		d->where = name;
		container(d, c, &b->container[i]);
		d->where = "";
	}
	for (size_t i = 0; i < a->n_containers; i++)
		if (!manifest_container(b, a->container[i].name))
			say(d, DIFF_OTHER, (struct words){ "container ", a->container[i].name, " is gone" });
	if (all && !ordered)
		other(d, "the containers start in another order");
}

/* ---- the pod ---- */

static bool lists_exec(const struct json *list, const struct json *v)
{
	for (size_t i = 0; i < json_len(list); i++)
		if (manifest_same_exec(json_at(list, i), v))
			return true;
	return false;
}

static void one_exec(struct diff *d, enum diff_way way, const struct json *v)
{
	CLEANUP(wr_close) struct wr w = wr_open(64u << 10);

	for (size_t i = 0; i < json_len(json_get(v, "args")); i++) {
		wr_str(&w, i ? "' '" : "'");
		wr_put(&w, json_str(json_at(json_get(v, "args"), i)));
	}
	wr_str(&w, "' in ");
	wr_put(&w, json_str(json_get(v, "container")));
	say(d, way, (struct words){ "the host running ", wr_ok(&w) ? wr_span(&w) : span_of("something long"), way == DIFF_WIDER ? " is added" : " is taken away" });
}

static void execs(struct diff *d, const struct json *a, const struct json *b)
{
	for (size_t i = 0; i < json_len(b); i++)
		if (!lists_exec(a, json_at(b, i)))
			one_exec(d, DIFF_WIDER, json_at(b, i));
	for (size_t i = 0; i < json_len(a); i++)
		if (!lists_exec(b, json_at(a, i)))
			one_exec(d, DIFF_NARROWER, json_at(a, i));
}

static bool same_volumes(const struct manifest *a, const struct manifest *b)
{
	bool same = a->n_volumes == b->n_volumes;

	for (size_t i = 0; same && i < a->n_volumes; i++) {
		const struct man_volume *x = &a->volume[i], *y = &b->volume[i];

		same = span_eq(x->name, y->name) && x->kind == y->kind && asset_path_eq(&x->asset, &y->asset) && span_eq(x->slot, y->slot);
	}
	return same;
}

static void head(struct diff *d, const struct manifest *a, const struct manifest *b)
{
	if (!span_eq(a->name, b->name))
		say(d, DIFF_OTHER, (struct words){ "is another workload, ", b->name, "" });
	if (strcmp(a->provider, b->provider) != 0)
		say(d, DIFF_OTHER, (struct words){ "is provided by ", span_of(b->provider), "" });
	if (!span_eq(SPAN(a->genesis), SPAN(b->genesis)))
		other(d, "belongs to another genesis");
	if (strcmp(a->service_id, b->service_id) != 0 || !span_eq(a->service_url, b->service_url))
		say(d, DIFF_OTHER, (struct words){ "asks another trust service, at ", b->service_url, "" });
	subset(d, a->platforms, b->platforms, "platform ", DIFF_NARROWER);
	if (!same_volumes(a, b))
		other(d, "has other volumes");
	subset(d, a->host_logs, b->host_logs, "the host reading the output of ", DIFF_NARROWER);
	subset(d, a->host_signals, b->host_signals, "the host sending signal ", DIFF_NARROWER);
	execs(d, a->host_exec, b->host_exec);
	subset(d, a->plain_http, b->plain_http, "without TLS, registry ", DIFF_NARROWER);
}

bool manifest_diff(const struct diff_ask *q, diff_cb each, void *arg)
{
	struct diff d = { .q = q, .each = each, .arg = arg, .where = "", .within = true };

	head(&d, q->a, q->b);
	containers(&d, q->a, q->b);
	return d.within;
}
