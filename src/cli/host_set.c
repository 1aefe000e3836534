/* Statements gathered from a service and from files, and which of them are in force at a time. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/host.h"
#include "cli/machine.h"

static void host_statement_free(struct host_statement *x)
{
	if (!x)
		return;
	manifest_clear(&x->workload);
	boot_image_clear(&x->boot);
	free(x->approval);
	free(x->tcb);
	statement_clear(&x->s);
	json_free(x->body);
	free(x);
}

static void host_statement_freep(struct host_statement **x)
{
	host_statement_free(*x);
	*x = NULL;
}

void host_set_clear(struct host_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		host_statement_free(s->st[i]);
	free((void *)s->st);
	*s = (struct host_set){ 0 };
}

/* Takes x. */
static enum coffer_rc keep(struct host_set *s, struct host_statement **x, struct err *e)
{
	if (s->n == HOST_STATEMENTS_MAX)
		return err_set(e, COFFER_E_LIMIT, "more than %d statements", HOST_STATEMENTS_MAX);
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : 64;
		struct host_statement **more = reallocarray((void *)s->st, room, sizeof(struct host_statement *));

		if (!more)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		s->st = more;
		s->room = room;
	}
	s->st[s->n++] = *x;
	*x = NULL;
	return COFFER_OK;
}

static enum coffer_rc read_body(struct host_statement *x, struct err *e)
{
	struct revocation v;

	switch (x->s.kind) {
	case ST_WORKLOAD:
		return workload_read(&x->s, &x->workload, e);
	case ST_BOOT_IMAGE:
		return boot_image_read(&x->s, &x->boot, e);
	case ST_APPROVAL:
		x->approval = calloc(1, sizeof(*x->approval));
		return x->approval ? approval_read(&x->s, x->approval, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
	case ST_TCB:
		x->tcb = calloc(1, sizeof(*x->tcb));
		return x->tcb ? tcb_read(&x->s, x->tcb, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
	case ST_REVOCATION:
		TRY(revocation_read(&x->s, &v, e));
		memcpy(x->revokes, v.of_thing ? v.thing.id : v.statement, sizeof(x->revokes));
		x->since = v.of_thing ? v.from : 0;
		return COFFER_OK;
	case ST_IMAGE_RELEASE:
		return image_release_read(&x->s, &x->release, e);
	case ST_GENESIS:
	case ST_PARTY:
	case ST_SERVICE:
	case ST_ASSET:
	case ST_DELEGATION:
	case ST_PAUSE:
	case ST_ASSESSMENT:
	case ST_BINDING:
	case ST_AMENDMENT:
		break;
	}
	return err_set(e, COFFER_E_BUG, "a %s statement among those about machines", statement_kind_name(x->s.kind));
}

static bool matters(enum statement_kind k)
{
	return k == ST_WORKLOAD || k == ST_APPROVAL || k == ST_BOOT_IMAGE || k == ST_TCB || k == ST_REVOCATION || k == ST_IMAGE_RELEASE;
}

static bool there(const struct host_set *s, const uint8_t id[static 32])
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->st[i]->draft && span_eq(SPAN(s->st[i]->s.id), (struct span){ id, 32 }))
			return true;
	return false;
}

enum coffer_rc host_set_add(struct host_set *s, struct span payload, bool given, struct err *e)
{
	CLEANUP(host_statement_freep) struct host_statement *x = calloc(1, sizeof(*x));

	if (!x)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(statement_parse(payload, &x->s, e));
	if (!matters(x->s.kind) || there(s, x->s.id))
		return COFFER_OK;
	if (given && x->s.issued > s->at) {
		s->n_later++;
		return COFFER_OK;
	}
	x->given = given;
	TRY(read_body(x, e));
	return keep(s, &x, e);
}

enum coffer_rc host_set_draft(struct host_set *s, const char *party, const char *file, struct err *e)
{
	CLEANUP(host_statement_freep) struct host_statement *x = calloc(1, sizeof(*x));
	CLEANUP(machine_file_clear) struct machine_file m = { .kind = ST_TCB };

	if (!x)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(machine_read(file, &m, e));
	x->s.kind = ST_TCB;
	(void)snprintf(x->s.issuer, sizeof(x->s.issuer), "%s", party);
	x->s.issued = s->at;
	x->s.expires = INT64_MAX;
	x->s.serial = UINT64_MAX;
	x->draft = file;
	x->body = m.body;
	m.body = NULL;
	x->s.body = json_root(x->body);
	x->s.subject[0].name = json_str(json_get(x->s.body, "platform"));
	x->s.n_subjects = 1;
	TRY(read_body(x, e));
	return keep(s, &x, e);
}

/* ---- in force ---- */

/* Serials count per subject; of a workload, an image's release and a boot image the content is part of it. */
static bool same_subject(const struct statement *a, const struct statement *b)
{
	bool content = a->kind == ST_WORKLOAD || a->kind == ST_BOOT_IMAGE || a->kind == ST_IMAGE_RELEASE;

	if (a->kind != b->kind || strcmp(a->issuer, b->issuer) != 0 || a->n_subjects != b->n_subjects)
		return false;
	for (size_t i = 0; i < a->n_subjects; i++)
		if (!span_eq(a->subject[i].name, b->subject[i].name) ||
		    (content && !span_eq(SPAN(a->subject[i].sha256), SPAN(b->subject[i].sha256))))
			return false;
	return true;
}

static bool stands(const struct host_set *set, const struct host_statement *x)
{
	if (x->s.issued > set->at || x->s.expires <= set->at)
		return false;
	for (size_t i = 0; i < set->n; i++)
		if (set->st[i]->s.serial > x->s.serial && same_subject(&set->st[i]->s, &x->s))
			return false;
	return true;
}

static bool revoked(const struct host_set *set, const struct host_statement *x)
{
	for (size_t i = 0; !x->draft && i < set->n; i++) {
		const struct host_statement *r = set->st[i];

		if (r->s.kind == ST_REVOCATION && strcmp(r->s.issuer, x->s.issuer) == 0 && span_eq(SPAN(r->revokes), SPAN(x->s.id)))
			return true;
	}
	return false;
}

void host_settle(struct host_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct host_statement *x = s->st[i];

		x->stands = stands(s, x) && (x->s.kind != ST_APPROVAL || s->at < x->approval->until);
		x->revoked = revoked(s, x);
		x->in_force = x->stands && !x->revoked;
	}
}

int64_t host_until(const struct host_statement *x)
{
	return x->s.kind == ST_APPROVAL && x->approval->until < x->s.expires ? x->approval->until : x->s.expires;
}
