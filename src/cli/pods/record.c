#include "cli/pods/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "fmt/json.h"

#define PID_MAX_LIMIT (1u << 30)
#define EXIT_MAX 255

static const char *const states[] = { [POD_STARTING] = "starting", [POD_RUNNING] = "running", [POD_ENDED] = "ended", [POD_STOPPED] = "stopped",
	[POD_FAILED] = "failed", [POD_DEAD] = "dead" };

const char *pod_state_name(enum pod_state s)
{
	return states[s];
}

/* ---- reading ---- */

static enum coffer_rc text(const struct json *o, const char *name, char *out, size_t room, struct err *e)
{
	struct span s;

	TRY(json_need_str(o, name, "pod", &s, e));
	if (s.n >= room)
		return err_set(e, COFFER_E_INPUT, "pod: member \"%s\" is too long", name);
	memcpy(out, s.p ? s.p : (const uint8_t *)"", s.n);
	out[s.n] = 0;
	return COFFER_OK;
}

static enum coffer_rc flag(const struct json *o, const char *name, bool *out, struct err *e)
{
	return json_bool(json_get(o, name), out) ? COFFER_OK : err_set(e, COFFER_E_INPUT, "pod: member \"%s\" is not true or false", name);
}

static enum coffer_rc number(const struct json *o, const char *name, uint64_t max, uint64_t *out, struct err *e)
{
	TRY(json_need_u64(o, name, "pod", out, e));
	return *out <= max ? COFFER_OK : err_set(e, COFFER_E_INPUT, "pod: member \"%s\" is too large", name);
}

static enum coffer_rc party_text(const struct json *o, const char *name, char out[static PARTY_MAX], struct err *e)
{
	TRY(text(o, name, out, PARTY_MAX, e));
	return party_ok(span_of(out)) ? COFFER_OK : err_set(e, COFFER_E_INPUT, "pod: member \"%s\" is no name", name);
}

static enum coffer_rc read_process(const struct json *v, struct pod_process *out, struct err *e)
{
	static const char *const names[] = { "role", "pid", "start", NULL };
	uint64_t pid = 0;

	TRY(json_closed(v, names, "process", e));
	TRY(text(v, "role", out->role, sizeof(out->role), e));
	TRY(number(v, "pid", PID_MAX_LIMIT, &pid, e));
	TRY(number(v, "start", UINT64_MAX, &out->p.start, e));
	if (pid < 2)
		return err_set(e, COFFER_E_INPUT, "process: no process of a pod has number %d", (int)pid);
	out->p.pid = (pid_t)pid;
	return COFFER_OK;
}

static enum coffer_rc read_part(const struct json *v, struct pod_part *out, struct err *e)
{
	static const char *const names[] = { "name", "logs", "ended", "exit", "lapsed", NULL };
	uint64_t code = 0;

	TRY(json_closed(v, names, "container", e));
	TRY(party_text(v, "name", out->name, e));
	TRY(flag(v, "logs", &out->logs, e));
	TRY(flag(v, "ended", &out->ended, e));
	TRY(flag(v, "lapsed", &out->lapsed, e));
	TRY(number(v, "exit", EXIT_MAX, &code, e));
	out->exit = (int)code;
	return COFFER_OK;
}

static enum coffer_rc read_lists(const struct json *v, struct pod_record *r, struct err *e)
{
	const struct json *list = NULL;

	TRY(json_need_arr(v, "processes", "pod", &list, e));
	if (json_len(list) > POD_PROCESSES_MAX)
		return err_set(e, COFFER_E_INPUT, "pod: more than %d processes", POD_PROCESSES_MAX);
	for (; r->n_processes < json_len(list); r->n_processes++)
		TRY(read_process(json_at(list, r->n_processes), &r->process[r->n_processes], e));
	TRY(json_need_arr(v, "containers", "pod", &list, e));
	if (json_len(list) > MAN_CONTAINERS_MAX)
		return err_set(e, COFFER_E_INPUT, "pod: more than %d containers", MAN_CONTAINERS_MAX);
	for (; r->n_parts < json_len(list); r->n_parts++)
		TRY(read_part(json_at(list, r->n_parts), &r->part[r->n_parts], e));
	return COFFER_OK;
}

static enum coffer_rc read_head(const struct json *v, struct pod_record *r, struct err *e)
{
	char state[16], created[CLOCK_TEXT_LEN];
	uint64_t version = 0, code = 0;

	TRY(number(v, "version", 1, &version, e));
	if (version != 1)
		return err_set(e, COFFER_E_INPUT, "pod: the version is not 1");
	TRY(party_text(v, "pod", r->pod, e));
	TRY(text(v, "workload", r->workload, sizeof(r->workload), e));
	TRY(text(v, "platform", r->platform, sizeof(r->platform), e));
	if (json_get(v, "channel")) /* pods that an earlier launcher started have none */
		TRY(text(v, "channel", r->channel, sizeof(r->channel), e));
	TRY(text(v, "boot", r->boot, sizeof(r->boot), e));
	TRY(text(v, "reason", r->reason, sizeof(r->reason), e));
	TRY(text(v, "created", created, sizeof(created), e));
	TRY(text(v, "state", state, sizeof(state), e));
	TRY(flag(v, "keep", &r->keep, e));
	TRY(number(v, "code", EXIT_MAX, &code, e));
	r->code = (int)code;
	for (int s = POD_STARTING; s <= POD_DEAD; s++)
		if (strcmp(state, states[s]) == 0)
			r->state = (enum pod_state)s;
	if (!r->state || !clock_parse(span_of(created), &r->created))
		return err_set(e, COFFER_E_INPUT, "pod: member \"state\" or \"created\" is none");
	return COFFER_OK;
}

enum coffer_rc pod_record_read(struct span in, struct pod_record *out, struct err *e)
{
	static const char *const names[] = { "version", "pod", "workload", "platform", "channel", "boot", "created", "keep", "state", "code", "reason", "processes",
		"containers", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(freep) struct pod_record *r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(json_parse(in, POD_RECORD_MAX, &doc, e));
	TRY(json_closed(json_root(doc), names, "pod", e));
	TRY(read_head(json_root(doc), r, e));
	TRY(read_lists(json_root(doc), r, e));
	*out = *r;
	return COFFER_OK;
}

/* ---- writing ---- */

static void write_lists(struct json_wr *j, const struct pod_record *r)
{
	jw_name(j, "processes");
	jw_arr(j);
	for (size_t i = 0; i < r->n_processes; i++) {
		jw_obj(j);
		jw_m_text(j, "role", r->process[i].role);
		jw_m_u64(j, "pid", (uint64_t)r->process[i].p.pid);
		jw_m_u64(j, "start", r->process[i].p.start);
		jw_obj_end(j);
	}
	jw_arr_end(j);
	jw_name(j, "containers");
	jw_arr(j);
	for (size_t i = 0; i < r->n_parts; i++) {
		const struct pod_part *p = &r->part[i];

		jw_obj(j);
		jw_m_text(j, "name", p->name);
		jw_m_bool(j, "logs", p->logs);
		jw_m_bool(j, "ended", p->ended);
		jw_m_u64(j, "exit", (uint64_t)(p->exit & EXIT_MAX));
		jw_m_bool(j, "lapsed", p->lapsed);
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

/* A reason may quote what a guest sent. */
static void write_reason(struct json_wr *j, const char *s)
{
	char clean[sizeof(((struct pod_record *)0)->reason)];
	size_t n = 0;

	for (; s[n] && n < sizeof(clean) - 1; n++)
		clean[n] = (char)(s[n] >= 0x20 && s[n] < 0x7f ? s[n] : '?');
	clean[n] = 0;
	jw_m_text(j, "reason", clean);
}

enum coffer_rc pod_record_write(const struct pod_record *r, struct wr *out, struct err *e)
{
	struct json_wr j = jw_open(out, true);
	char created[CLOCK_TEXT_LEN];

	clock_text(r->created, created);
	jw_obj(&j);
	jw_m_u64(&j, "version", 1);
	jw_m_text(&j, "pod", r->pod);
	jw_m_text(&j, "workload", r->workload);
	jw_m_text(&j, "platform", r->platform);
	jw_m_text(&j, "channel", r->channel);
	jw_m_text(&j, "boot", r->boot);
	jw_m_text(&j, "created", created);
	jw_m_bool(&j, "keep", r->keep);
	jw_m_text(&j, "state", pod_state_name(r->state));
	jw_m_u64(&j, "code", (uint64_t)(r->code & EXIT_MAX));
	write_reason(&j, r->reason);
	write_lists(&j, r);
	jw_obj_end(&j);
	return wr_done(out, "pod.json", e);
}
