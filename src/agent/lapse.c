/* Secrets with their leases: how they are got, asked about and lost. When is lease.c's; this does it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/agent.h"
#include "agent/guard.h"
#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"

#define CALL_MIN_MS 250
#define CALL_MAX_MS 10000
#define CALLS 8 /* more than one question with a new attestation makes */

/* So that all calls of one turn end before the next lease does. */
static int64_t call_ms(const struct agent *a)
{
	int64_t end = leases_deadline(&a->leases), left = end == INT64_MAX ? 0 : (end - clock_boot_ms()) / CALLS;

	if (end == INT64_MAX)
		return 0; /* as usual */
	return left < CALL_MIN_MS ? CALL_MIN_MS : left < CALL_MAX_MS ? left : CALL_MAX_MS;
}

static void limit_calls(struct agent *a)
{
	service_timeout(a->service, call_ms(a));
}

/* All of it anew: what the connection knows of the service and the parties is as old as the connection. */
static enum coffer_rc renew(struct agent *a, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(rcar_freep) struct rcar *next = NULL;
	int64_t now = clock_boot_ms();

	a->where.now = clock_now();
	a->where.timeout_ms = call_ms(a);
	TRY(service_open(&a->where, &conn, e));
	TRY(rcar_attest(conn, &a->attester, a->initdata, &next, e));
	rcar_free(a->rcar);
	service_close(a->service);
	a->rcar = MOVE(next);
	a->service = MOVE(conn);
	a->leases.attested = now;
	return COFFER_OK;
}

static bool session_over(const struct err *e)
{
	return e->rc == COFFER_E_DENIED && (strcmp(e->check, "session") == 0 || strcmp(e->check, "TokenNotFound") == 0);
}

/* ---- got ---- */

static enum coffer_rc get(struct agent *a, const struct lease_grant *g, struct rcar_asset *out, struct err *e)
{
	const struct span name = a->man.container[g->container].name;
	enum coffer_rc rc;

	limit_calls(a);
	rc = rcar_get(a->rcar, g->asset, 0, name, g->purpose, out, e);
	if (rc == COFFER_OK || !session_over(e))
		return rc;
	TRY(renew(a, e));
	return rcar_get(a->rcar, g->asset, 0, name, g->purpose, out, e);
}

/* What was waited for longer than the lease lasts that was there renews nothing: the guard has done what a lapse does. */
static enum coffer_rc take(struct agent *a, const struct lease_grant *g, int64_t asked, struct err *e)
{
	const struct lease *old;
	enum coffer_rc rc;

	guard_hold();
	old = lease_find(&a->leases, g->container, g->asset, g->purpose);
	if (old && clock_boot_ms() >= lease_end(old))
		rc = err_deny(e, "lease", "the lease of %s has lapsed", g->asset->text);
	else
		rc = lease_take(&a->leases, g, asked, e);
	leases_guard(a);
	guard_release();
	return rc;
}

enum coffer_rc agent_get(struct agent *a, size_t i, const struct asset_path *path, enum purpose purpose, struct rcar_asset *out,
    struct err *e)
{
	CLEANUP(rcar_asset_clear) struct rcar_asset got = { .version = 0 };
	struct lease_grant g = { .container = i, .asset = path, .purpose = purpose, .statement = got.statement };
	const struct lease *old = lease_find(&a->leases, i, path, purpose);
	int64_t now = clock_boot_ms();

	if (a->lapse[i].over)
		return err_deny(e, "lease", "container %.*s was stopped when a lease lapsed", (int)a->man.container[i].name.n,
		    (const char *)a->man.container[i].name.p);
	if (old && old->state != LEASE_HELD)
		return err_deny(e, "lease", "the lease of %s has lapsed", path->text);
	TRY(get(a, &g, &got, e));
	g.terms = lease_strictest(&got.lease, &a->man.container[i].on_lapse);
	g.terms.stop = g.terms.stop || purpose == PURPOSE_IMAGE_KEY; /* what it opened is the container itself */
	TRY(take(a, &g, now, e));
	*out = got;
	got = (struct rcar_asset){ .version = 0 };
	return COFFER_OK;
}

/* ---- lost ---- */

static bool lives(const struct agent *a, size_t i)
{
	return a->b.ctr[i].state == CTR_CREATED || a->b.ctr[i].state == CTR_RUNNING;
}

static bool mounts(const struct man_container *c, const struct man_volume *v)
{
	for (size_t k = 0; k < c->n_mounts; k++)
		if (span_eq(c->mount[k].volume, v->name))
			return true;
	return false;
}

/* Volumes of container i that nobody else has open; asset NULL: all, else the sealed ones of that asset. */
static void close_volumes(struct agent *a, size_t i, const struct asset_path *asset)
{
	for (size_t v = 0; v < a->man.n_volumes; v++) {
		const struct man_volume *vol = &a->man.volume[v];
		bool others = false;

		if (!a->volume_open[v] || !mounts(&a->man.container[i], vol) ||
		    (asset && (vol->kind != VOL_SEALED || !asset_path_eq(&vol->asset, asset))))
			continue;
		for (size_t k = 0; k < a->man.n_containers; k++) {
			const struct lease *l = lease_find(&a->leases, k, &vol->asset, PURPOSE_VOLUME);

			others = others || (k != i && lives(a, k) && mounts(&a->man.container[k], vol) &&
			    (vol->kind != VOL_SEALED || (l && l->state != LEASE_LAPSED)));
		}
		if (!others)
			volume_wipe(a, v);
	}
}

static void why(const struct agent *a, const struct lease *l, bool stopped, struct err *e)
{
	const struct man_container *c = &a->man.container[l->container];
	char id[33] = "";

	for (size_t k = 0; k < 16 && l->why != FRESH_HELD; k++)
		(void)snprintf(id + 2 * k, 3, "%02x", l->decision[k]);
	if (l->why == FRESH_HELD)
		(void)err_deny(e, "lease", "container %.*s: the service said nothing of %s for %llu s; %s", (int)c->name.n, (const char *)c->name.p,
		    l->asset.text, (unsigned long long)(l->terms.check + l->terms.grace), stopped ? "stopped" : "wiped");
	else
		(void)err_deny(e, "lease", "container %.*s: %s is %s (%s, `coffer why %s`); %s", (int)c->name.n, (const char *)c->name.p,
		    l->asset.text, fresh_word(l->why), l->check, id, stopped ? "stopped" : "wiped");
}

static void send(struct agent *a, size_t i, int sig)
{
	struct err e = { 0 };

	if (a->ctr[i].pidfd >= 0 && container_signal(a, i, sig, &e) != COFFER_OK)
		(void)fprintf(stderr, "coffer-agent: lease: %s\n", e.msg);
}

/* Also a container that has ended: its files are still there. */
static void stop(struct agent *a, const struct lease *l)
{
	size_t i = l->container;
	bool lived = lives(a, i);

	if (a->b.ctr[i].state == CTR_NEW || a->b.ctr[i].state == CTR_REMOVED || a->lapse[i].over)
		return;
	why(a, l, lived, &a->lapse[i].why);
	(void)fprintf(stderr, "coffer-agent: lease: %s\n", a->lapse[i].why.msg);
	send(a, i, SIGKILL);
	a->lapse[i].over = true;
	a->lapse[i].stopped = a->lapse[i].stopped || lived;
	container_remove(a, i);
	close_volumes(a, i, NULL);
	if (lived)
		a->b.ctr[i].exit_code = 128 + SIGKILL;
	a->b.ctr[i].state = CTR_STOPPED;
}

/* What it hands out from now on counts for nothing, even when it ends well. */
static void tell(struct agent *a, const struct lease *l)
{
	struct lapse *p = &a->lapse[l->container];

	if (!l->terms.stop || !lives(a, l->container))
		return;
	p->told = p->stopped = true;
	why(a, l, true, &p->why);
	send(a, l->container, SIGTERM);
}

static void lose(struct agent *a, const struct lease *l)
{
	struct err e = { 0 };

	if (l->terms.stop) {
		stop(a, l);
		return;
	}
	if (l->purpose == PURPOSE_VOLUME)
		close_volumes(a, l->container, &l->asset);
	why(a, l, false, &e);
	(void)fprintf(stderr, "coffer-agent: lease: %s\n", e.msg);
}

/* ---- asked ---- */

static void asked(struct agent *a, int64_t now)
{
	for (size_t i = 0; i < a->leases.n; i++)
		if (a->leases.l[i].state == LEASE_HELD)
			a->leases.l[i].asked = now;
}

/* The held ones from *at on, as many as one question takes. */
static size_t gather(struct agent *a, size_t *at, struct lease *l[static FRESH_ITEMS_MAX], struct fresh_ask *ask)
{
	size_t n = 0;

	for (; *at < a->leases.n && n < FRESH_ITEMS_MAX; (*at)++) {
		struct lease *x = &a->leases.l[*at];

		if (x->state != LEASE_HELD)
			continue;
		ask->item[n] = (struct fresh_item){ .path = span_of(asset_path_tail(&x->asset)), .container = a->man.container[x->container].name,
			.purpose = x->purpose };
		memcpy(ask->item[n].statement, x->statement, sizeof(x->statement));
		l[n++] = x;
	}
	ask->n = n;
	return n;
}

static enum coffer_rc question(struct agent *a, struct err *e)
{
	struct fresh_answer said = { .n = 0 };
	struct lease *l[FRESH_ITEMS_MAX] = { NULL };
	struct fresh_ask ask = { .n = 0 };
	size_t at = 0;

	if (leases_renew(&a->leases, clock_boot_ms()))
		TRY(renew(a, e));
	while (gather(a, &at, l, &ask) > 0) {
		int64_t then = clock_boot_ms();

		limit_calls(a);
		TRY(rcar_fresh(a->rcar, &ask, &a->seen, &said, e));
		guard_hold();
		for (size_t i = 0; i < said.n && i < ask.n; i++)
			lease_said(l[i], &said.said[i], then, clock_boot_ms());
		leases_guard(a);
		guard_release();
	}
	return COFFER_OK;
}

/* A service that was started anew knows no session: once more after a new attestation. What else goes wrong is silence. */
static void ask_all(struct agent *a)
{
	struct err e = { 0 };
	enum coffer_rc rc = question(a, &e);

	if (rc != COFFER_OK && session_over(&e)) {
		rc = renew(a, &e);
		if (rc == COFFER_OK)
			rc = question(a, &e);
	}
	if (rc != COFFER_OK)
		(void)fprintf(stderr, "coffer-agent: lease: nothing heard that counts: %s%s%s\n", e.check, e.check[0] ? ": " : "", e.msg);
	asked(a, clock_boot_ms());
}

/* ---- guarded: the timers that need nobody ---- */

/* When the plain file of volume v is to be wiped, as close_volumes does it: with the last lease of those who may read it, and with the first where all who have
 * one have ended. That of nobody: at once. */
static int64_t wipe_at(const struct agent *a, size_t v)
{
	const struct man_volume *vol = &a->man.volume[v];
	int64_t last = INT64_MIN, first = INT64_MAX;

	for (size_t k = 0; k < a->man.n_containers; k++) {
		const struct lease *l = lease_find(&a->leases, k, &vol->asset, PURPOSE_VOLUME);
		int64_t at = leases_stop_at(&a->leases, k);

		if (!l || l->state == LEASE_LAPSED || !mounts(&a->man.container[k], vol))
			continue;
		at = lease_end(l) < at ? lease_end(l) : at;
		if (lives(a, k) || a->b.ctr[k].state == CTR_NEW) /* that one is being made */
			last = at > last ? at : last;
		else
			first = at < first ? at : first;
	}
	return last != INT64_MIN ? last : first != INT64_MAX ? first : 0;
}

void leases_guard(struct agent *a)
{
	for (size_t i = 0; i < a->man.n_containers; i++) {
		int64_t at = leases_stop_at(&a->leases, i);

		if (a->ctr[i].pidfd >= 0 && at != INT64_MAX)
			guard_set(i, a->ctr[i].pidfd, at);
		else
			guard_clear(i);
	}
	for (size_t v = 0; v < a->man.n_volumes; v++)
		if (a->volume_open[v] && a->man.volume[v].kind == VOL_SEALED)
			guard_file(v, a->volume_fd[v], wipe_at(a, v));
		else
			guard_file_clear(v);
}

void leases_end(struct agent *a, size_t i)
{
	for (size_t v = 0; v < a->man.n_volumes; v++)
		if (a->man.volume[v].kind == VOL_SEALED)
			close_volumes(a, i, &a->man.volume[v].asset);
	lease_drop(&a->leases, i);
	leases_guard(a);
}

/* What is due of every lease; true: one of them asks. */
static bool act(struct agent *a)
{
	bool ask = false;

	for (size_t i = 0; i < a->leases.n; i++) {
		struct lease *l = &a->leases.l[i];

		switch (lease_due(l, clock_boot_ms())) {
		case LEASE_REST:
			break;
		case LEASE_ASK:
			ask = true;
			break;
		case LEASE_END:
			tell(a, l);
			break;
		case LEASE_LAPSE:
			lose(a, l);
			break;
		}
	}
	for (size_t i = 0; i < a->man.n_containers; i++)
		if (a->lapse[i].over)
			lease_drop(&a->leases, i);
	return ask;
}

void leases_act(struct agent *a)
{
	(void)act(a);
	leases_guard(a);
}

int64_t leases_step(struct agent *a)
{
	int64_t next = INT64_MAX, now;

	if (act(a)) {
		ask_all(a);
		(void)act(a);
	}
	leases_guard(a);
	now = clock_boot_ms();
	for (size_t i = 0; i < a->leases.n; i++)
		if (lease_wake(&a->leases.l[i]) < next)
			next = lease_wake(&a->leases.l[i]);
	return next == INT64_MAX ? INT64_MAX : next > now ? next - now : 0;
}
