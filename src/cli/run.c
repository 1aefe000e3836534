#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/run_int.h"
#include "proto/ttrpc.h"

#define TIMEOUT_MAX_S 86400
#define AGENT_SAYS "coffer-agent: "
#define QUIET_MS 30000

const struct opt_spec opts_run[] = {
	{ "output", "NAME=FILE", "put the sealed bytes of a named output into FILE", true, false },
	{ "binding", "FILE", "fill slots of the workload: a binding, as its owner handed it out ('coffer workload bind')", true, false },
	{ "platform", "NAME", "run it on this very machine, a confidential one, with the evidence that it has: auto, snp, tdx, az-snp-vtpm, az-tdx-vtpm or tpm (coffer-agent(8)); default "
	    "sample, which protects nothing", false, false },
	{ "image", "DIR", "run it in a measured VM that boots this image ('coffer guest build')", false, false },
	{ "tee", "NAME", "what protects that VM: swtpm (emulated, protects nothing; default), snp, tdx, or auto: whichever of these two this host has", false, false },
	{ "firmware", "FILE", "of that VM, for snp or tdx: OVMF built for it (default /usr/share/ovmf/OVMF.amdsev.fd, OVMF.inteltdx.fd)", false, false },
	{ "print", NULL, "start nothing: print QEMU's command line, and what the launch measures as ('coffer measure')", false, false },
	{ "memory", "MIB", "of that VM: 32 to 2047 (default 1024)", false, false },
	{ "accel", "HOW", "of that VM: kvm, tcg (emulated, slow), or auto: kvm where trying it shows that it works (default)", false, false },
	{ "channel", "HOW", "between that VM and this host: vsock, virtio-serial, or auto: vsock where this host and the image have it (default)", false, false },
	{ "detach", NULL, "return when every container has started; the pod runs on (coffer ps, logs, exec, stop, wait, rm)", false, false },
	{ "name", "NAME", "what the pod is called here (default: its own name, with a number where that is taken)", false, false },
	{ "state", "DIR", "where pods are kept (default /run/coffer for root, else $XDG_RUNTIME_DIR/coffer)", false, false },
	{ "scratch", "SIZE", "of that VM's disk for images and empty volumes, which the guest encrypts: 64M to 1024G, or none (default 4G)", false, false },
	{ "timeout", "S", "end the guest after S seconds", false, false },
	{ NULL, NULL, NULL, false, false },
};
static const struct verb verb_run = { .path = "run", .args = "POD.yaml", .persona = "Orchestration Operator",
	.summary = "Start the guest and run the pod in it",
	.help = "Ends with 0 when every container did, 6 when the guest stopped one because a lease ended, 1 when another code ended one or something was refused, 5 when it was interrupted "
		"(Ctrl-C, 'coffer stop'), 4 when --timeout ended it.", .opts = opts_run, .min_pos = 1, .max_pos = 1 };

static void run_clear(struct run *r)
{
	guest_stop(&r->guest);
	closep(&r->rpc.fd);
	closep(&r->rpc.signal);
	for (size_t i = 0; i < RPC_WATCH_MAX; i++)
		closep(&r->rpc.watch[i]);
	manifest_clear(&r->man);
	json_freep(&r->doc);
	wr_close(&r->text);
	for (size_t i = 0; i < CLI_VALUES_MAX; i++)
		file_later_drop(&r->output[i]);
	run_leave(r);
	closep(&r->tell);
}

static void run_freep(struct run **r)
{
	if (*r)
		run_clear(*r);
	free(*r);
}

/* Found before the pod runs, because its result exists once. */
static enum coffer_rc can_write(const char *path, struct err *e)
{
	CLEANUP(freep) char *copy = str_fmt("%s", path);
	char *slash = copy ? strrchr(copy, '/') : NULL;
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return cli_bad(e, "--output %s: a folder; name a file in it", path);
	if (slash)
		*(slash == copy ? slash + 1 : slash) = 0;
	if (access(slash ? copy : ".", W_OK | X_OK) != 0)
		return cli_bad(e, "--output %s: its folder: %s", path, strerror(errno));
	return COFFER_OK;
}

/* Everything that can be wrong with the command line is found before anything starts. */
static enum coffer_rc check_options(const struct run *r, struct err *e)
{
	const char *value;

	for (size_t i = 0; (value = cli_opt_at(r->cli, "output", i)); i++) {
		size_t n = span_find(span_of(value), '='), container;

		if (n == 0 || value[n] == 0 || value[n + 1] == 0)
			return cli_bad(e, "--output %s: not NAME=FILE", value);
		TRY(run_find_output(r, (struct span){ (const uint8_t *)value, n }, &container, e));
		for (size_t k = 0; k < i; k++)
			if (strncmp(cli_opt_at(r->cli, "output", k), value, n + 1) == 0)
				return cli_bad(e, "--output %s: this output has a file already", value);
		TRY(can_write(value + n + 1, e));
	}
	return COFFER_OK;
}

/* Whether the workload takes it the guest says; whether it counts, the trust service. */
static enum coffer_rc bindings(const struct run *r, char *path[static BINDINGS_MAX], struct guest_opts *o, struct err *e)
{
	const char *value;

	if (cli_opt(r->cli, "platform") && cli_opt(r->cli, "image"))
		return cli_bad(e, "--platform is of this machine, --image of another: one of them");
	for (size_t i = 0; (value = cli_opt_at(r->cli, "binding", i)); i++) {
		if (i == BINDINGS_MAX)
			return cli_bad(e, "--binding: at most %d", BINDINGS_MAX);
		path[i] = realpath(value, NULL);
		if (!path[i])
			return errno == ENOENT || errno == ENOTDIR ? err_set(e, COFFER_E_NOTFOUND, "--binding %s: it is not there", value) :
			    cli_bad(e, "--binding %s: %s", value, strerror(errno));
		o->binding[o->n_bindings++] = path[i];
	}
	return COFFER_OK;
}

static void paths_free(char *path[static BINDINGS_MAX])
{
	for (size_t i = 0; i < BINDINGS_MAX; i++)
		free(path[i]);
}

static enum coffer_rc deadline(struct run *r, struct err *e)
{
	const char *text = cli_opt(r->cli, "timeout");
	uint64_t s = 0;

	if (!text)
		return COFFER_OK;
	if (!span_u64(span_of(text), &s) || s == 0 || s > TIMEOUT_MAX_S)
		return cli_bad(e, "--timeout %s: not 1 to %d seconds", text, TIMEOUT_MAX_S);
	r->rpc.until = clock_monotonic_ms() + (int64_t)s * 1000;
	return COFFER_OK;
}

static enum coffer_rc catch_signals(struct run *r, struct err *e)
{
	sigset_t s;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&s);
	(void)sigaddset(&s, SIGINT);
	(void)sigaddset(&s, SIGTERM);
	(void)sigaddset(&s, SIGHUP);
	r->rpc.signal = sigprocmask(SIG_BLOCK, &s, NULL) == 0 ? signalfd(-1, &s, SFD_CLOEXEC) : -1;
	return r->rpc.signal >= 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "signals: %s", strerror(errno));
}

/* A machine that hangs says nothing, and one that boots slowly for long: whoever waits is told how long that has been. */
static enum coffer_rc hear(struct run *r, struct err *e)
{
	const int64_t until = r->rpc.until, since = clock_monotonic_ms();

	for (;;) {
		int64_t slice = clock_monotonic_ms() + QUIET_MS;
		enum coffer_rc rc;

		r->rpc.until = until && until < slice ? until : slice;
		rc = rpc_wait(&r->rpc, r->guest.said, e);
		r->rpc.until = until;
		if (rc == COFFER_OK || strcmp(e->msg, RPC_TIMEOUT) != 0 || (until && clock_monotonic_ms() >= until))
			return rc;
		*e = (struct err){ .rc = COFFER_OK }; /* nobody's failure: how the pod ends is read from it */
		run_say("%s has said nothing for %lld s%s; Ctrl-C ends it, --timeout would have", r->vm ? "the machine" : "the guest",
		    (long long)(clock_monotonic_ms() - since) / 1000, r->vm ? ": it boots slowly, or hangs, as one with too little --memory does" : "");
	}
}

/* Reads to the end of a line and not further. */
static enum coffer_rc read_line(struct run *r, char *line, size_t room, struct span *out, struct err *e)
{
	size_t n = 0;

	for (;;) {
		char c;
		ssize_t got;

		TRY(hear(r, e));
		got = read(r->guest.said, &c, 1);
		if (got <= 0)
			return err_set(e, COFFER_E_SYSTEM, RPC_GONE ": before its agent was ready");
		if (c == '\n')
			break;
		if (n < room)
			line[n++] = c;
	}
	*out = (struct span){ (const uint8_t *)line, n };
	return COFFER_OK;
}

/* Which of the values foreseen of PCR 0 is the one said; the first where none is. */
static size_t pcr00_of(const struct vm_predicted *p, struct span said)
{
	for (size_t i = 0; i < p->n_pcr00; i++)
		if (span_eq_str(span_skip(said, 6), p->pcr00[i]))
			return i;
	return 0;
}

/* "pcrNN HEX" of a machine's console: the host's own word to the host, for whoever looks on. What counts is the quote. */
static bool is_register(const struct run *r, struct span s)
{
	const struct vm_predicted *p = &r->predicted;
	const struct { const char *name, *want; } known[] = { { "pcr00 ", p->pcr00[pcr00_of(p, s)] }, { "pcr02 ", p->pcr02 }, { "pcr04 ", p->pcr04 }, { "pcr09 ", p->pcr09 } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct span v = span_skip(s, 6);

		if (!span_starts(s, known[i].name))
			continue;
		run_say("register %.5s %.*s: %s", known[i].name, (int)v.n, (const char *)v.p, !cli_opt(r->cli, "image") ? "as this machine measured" :
		    !known[i].want[0] ? "nothing is predicted for this machine" : span_eq_str(v, known[i].want) ? "as predicted" : "NOT AS PREDICTED");
		return true;
	}
	return span_starts(s, "pcr");
}

/* An agent that knows the port alone finds none where it was given vsock; of an image of our own the launcher knows that before. */
static enum coffer_rc agent_failed(const struct run *r, const struct ttrpc_response *said, struct err *e)
{
	enum coffer_rc rc = ttrpc_failure(said, e);
	size_t n = strlen(e->msg);

	if (said->code == TTRPC_NOT_FOUND && strcmp(r->rec.channel, "vsock") == 0 && strstr(e->msg, " port "))
		(void)snprintf(e->msg + n, sizeof(e->msg) - n, "; an image whose kernel has no vsock: --channel virtio-serial");
	return rc;
}

/* "ready", or "failed CODE TEXT"; registers before. */
static enum coffer_rc agent_says(struct run *r, struct err *e)
{
	char line[ERR_MSG_MAX + 512]; /* longer than any refusal: what is cut here is seen to be */
	struct span s, code;
	uint64_t number = 0;

	do {
		TRY(read_line(r, line, sizeof(line), &s, e));
		if (span_starts(s, AGENT_SAYS)) /* of a machine its relay has taken it off */
			s = span_skip(s, sizeof(AGENT_SAYS) - 1);
	} while (is_register(r, s));
	if (span_eq_str(s, "ready"))
		return COFFER_OK;
	if (!span_starts(s, "failed "))
		return err_set(e, COFFER_E_SYSTEM, "the guest's agent says something else");
	s = span_skip(s, sizeof("failed ") - 1);
	code = (struct span){ s.p, span_find(s, ' ') };
	if (!span_u64(code, &number) || number == 0 || number > 16)
		return err_set(e, COFFER_E_SYSTEM, "the guest's agent says something else");
	return agent_failed(r, &(struct ttrpc_response){ .code = (uint32_t)number, .message = span_skip(s, code.n + 1) }, e);
}

static enum coffer_rc start_here(struct run *r, struct guest_opts *o, struct err *e)
{
	const char *crun = getenv("COFFER_CRUN");
	char agent[RUN_PATH_MAX], hardware[RUN_PATH_MAX];

	TRY(run_agent_path(agent, e));
	o->agent = agent;
	o->crun = crun ? crun : "/usr/bin/crun";
	o->platform = run_platform(r->cli);
	(void)snprintf(hardware, sizeof(hardware), "%.480s/hardware", r->place.path);
	if (run_hardware(o->platform, hardware))
		o->hardware = hardware;
	if (strcmp(o->platform, "sample") == 0)
		run_say("PLATFORM SAMPLE: PROTECTS NOTHING from whoever holds this machine");
	else
		run_say("platform: %s, of this machine; whoever is root in it reads what is in the pod", o->platform);
	return guest_start(o, &r->guest, e);
}

static enum coffer_rc start_with(struct run *r, struct guest_opts o, struct err *e)
{
	char initdata[RUN_PATH_MAX], sock[RUN_PATH_MAX], state[RUN_PATH_MAX];

	TRY(run_endpoints(r, &o, e));
	(void)snprintf(initdata, sizeof(initdata), "%.480s/initdata.img", r->place.path);
	(void)snprintf(sock, sizeof(sock), "%.480s/" POD_SOCKET, r->place.path);
	(void)snprintf(state, sizeof(state), "%.480s/state", r->place.path);
	TRY(run_device(r, initdata, e));
	o.initdata = initdata;
	o.socket = sock;
	o.state = state;
	TRY(r->vm ? run_vm(r, &o, e) : start_here(r, &o, e));
	TRY(run_parts(r, e));
	TRY(agent_says(r, e));
	run_say("guest attested, agent ready");
	return rpc_connect(sock, &r->rpc, e);
}

static enum coffer_rc start(struct run *r, struct err *e)
{
	char *path[BINDINGS_MAX] = { NULL };
	struct guest_opts o = { 0 };
	enum coffer_rc rc = bindings(r, path, &o, e);

	if (rc == COFFER_OK)
		rc = start_with(r, o, e);
	paths_free(path);
	return rc;
}

static void print_json(const struct run *r)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 20);
	struct json_wr j = jw_open(&w, true);
	const char *value;

	jw_obj(&j);
	jw_name(&j, "containers");
	jw_arr(&j);
	for (size_t i = 0; i < r->pod.n_containers; i++) {
		jw_obj(&j);
		jw_m_str(&j, "name", r->pod.container[i].name);
		jw_m_u64(&j, "exit", (uint64_t)(uint32_t)r->exit_code[i]);
		jw_m_bool(&j, "lapsed", r->lapsed[i]);
		jw_obj_end(&j);
	}
	jw_arr_end(&j);
	jw_name(&j, "outputs");
	jw_arr(&j);
	for (size_t i = 0; (value = cli_opt_at(r->cli, "output", i)); i++) {
		size_t n = span_find(span_of(value), '=');

		jw_obj(&j);
		jw_m_str(&j, "name", (struct span){ (const uint8_t *)value, n });
		jw_m_text(&j, "file", value + n + 1);
		jw_m_u64(&j, "bytes", r->output_bytes[i]);
		jw_obj_end(&j);
	}
	jw_arr_end(&j);
	jw_obj_end(&j);
	if (wr_ok(&w))
		(void)printf("%.*s\n", (int)wr_span(&w).n, (const char *)wr_span(&w).p);
}

/* 0 when every container ended with 0; RUN_LAPSED when one was stopped by its guest. */
static int verdict(const struct run *r)
{
	int code = 0;

	for (size_t i = 0; i < r->pod.n_containers; i++)
		if (r->exit_code[i] != 0) {
			(void)fprintf(stderr, "coffer run: container %.*s ended with %d\n", (int)r->pod.container[i].name.n,
			    (const char *)r->pod.container[i].name.p, r->exit_code[i]);
			code = code == RUN_LAPSED || r->lapsed[i] ? RUN_LAPSED : 1;
		}
	return code;
}

static void init(struct run *r, const struct cli *c)
{
	r->cli = c;
	rpc_init(&r->rpc);
	r->guest.said = r->tell = r->place.lock = -1;
	for (size_t i = 0; i < POD_CONTAINERS_MAX; i++)
		r->kept[i][0].fd = r->kept[i][1].fd = -1;
	for (size_t i = 0; i < CLI_VALUES_MAX; i++)
		r->output[i].fd = -1;
}

static enum coffer_rc prepare(struct run *r, struct err *e)
{
	TRY(run_read(r, r->cli->pos[0], e));
	TRY(check_options(r, e));
	TRY(run_vm_options(r, e));
	if (cli_flag(r->cli, "print"))
		return run_print(r, e);
	TRY(run_vm_host(r, e));
	run_foretell(r);
	TRY(catch_signals(r, e));
	return run_claim(r, e);
}

static enum coffer_rc live(struct run *r, struct err *e)
{
	TRY(deadline(r, e));
	TRY(run_begin(r, cli_flag(r->cli, "detach"), e));
	TRY(run_open_outputs(r, e));
	TRY(start(r, e));
	return run_pod(r, e);
}

/* The whole life of the pod, in the process that is its launcher. */
static int run_all(struct run *r)
{
	struct err e = { 0 };
	int code;

	if (live(r, &e) == COFFER_OK) {
		e = (struct err){ .rc = COFFER_OK }; /* what was waited out on the way is no failure: a guest that said nothing for a while */
		if (r->cli->json)
			print_json(r);
		code = verdict(r);
	} else {
		run_cause(r, &e);
		run_hint(r, &e);
		code = r->tell >= 0 ? cli_exit_code(&e) : cli_fail(r->cli, &e);
	}
	run_end(r, &e, code);
	guest_stop(&r->guest);
	if (!r->started && r->rec.keep)
		run_leave(r); /* before whoever waits may start it again */
	run_tell(r, &e, code);
	return code;
}

int cmd_run(int argc, char **argv)
{
	CLEANUP(run_freep) struct run *r = NULL;
	struct err e = { 0 };
	struct cli c;
	bool here = true;
	int code = cli_parse(&verb_run, argc, argv, &c);

	if (code >= 0)
		return code;
	r = calloc(1, sizeof(*r));
	if (!r) {
		(void)err_set(&e, COFFER_E_SYSTEM, "out of memory");
		return cli_fail(&c, &e);
	}
	init(r, &c);
	if (prepare(r, &e) != COFFER_OK)
		return cli_fail(&c, &e);
	if (cli_flag(&c, "print"))
		return 0;
	if (cli_flag(&c, "detach") && run_detach(r, &here, &code, &e) != COFFER_OK)
		return cli_fail(&c, &e);
	return here ? run_all(r) : code;
}
