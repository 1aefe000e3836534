/* The boundary: every allowed call, and every way to ask for more. */
#include "tests/t.h"
#include "tests/unit/guest_man.h"

#include <string.h>
#include <sys/stat.h>

#include "agent/agent.h"
#include "proto/agent.pb-c.h"
#include "proto/pb.h"

#define S(text) ((char *)(uintptr_t)(text))

/* A request equal to the manifest, whose parts a test changes one at a time. */
struct world {
	struct manifest man;
	struct boundary b;
	char *args[2], *env[2], *caps[1], *opt[2][2];
	uint32_t groups[1];
	Grpc__Mount mount[2], *mounts[2];
	Grpc__CreateContainerRequest q;
	Grpc__Spec spec;
	Grpc__Process process;
	Grpc__User user;
	Grpc__LinuxCapabilities cap;
	Grpc__Root root;
	Grpc__Linux linux_;
	struct err e;
};

static void fill_mount(struct world *w, size_t i, const char *destination, const char *source, const char *opt)
{
	grpc__mount__init(&w->mount[i]);
	w->mount[i].destination = S(destination);
	w->mount[i].source = S(source);
	w->mount[i].type = S("bind");
	w->opt[i][0] = S(opt);
	w->mount[i].options = w->opt[i];
	w->mount[i].n_options = 1;
	w->mounts[i] = &w->mount[i];
}

static void fill_process(struct world *w)
{
	w->args[0] = S("/bin/analyse");
	w->args[1] = S("-v");
	w->env[0] = S("PATH=/bin");
	w->caps[0] = S("CAP_NET_ADMIN");
	w->groups[0] = 7;
	w->user.uid = 5;
	w->user.gid = 6;
	w->user.additionalgids = w->groups;
	w->user.n_additionalgids = 1;
	w->cap.bounding = w->cap.effective = w->cap.permitted = w->caps;
	w->cap.n_bounding = w->cap.n_effective = w->cap.n_permitted = 1;
	w->process.args = w->args;
	w->process.n_args = 2;
	w->process.env = w->env;
	w->process.n_env = 1;
	w->process.cwd = S("/");
	w->process.user = &w->user;
	w->process.capabilities = &w->cap;
	w->process.nonewprivileges = true;
}

static void world_open(struct world *w)
{
	*w = (struct world){ .man = { .n_containers = 0 } };
	man_load(&w->man);
	w->b = (struct boundary){ .man = &w->man, .opened = true };
	w->b.in[0].whole = true;
	grpc__create_container_request__init(&w->q);
	grpc__spec__init(&w->spec);
	grpc__process__init(&w->process);
	grpc__user__init(&w->user);
	grpc__linux_capabilities__init(&w->cap);
	grpc__root__init(&w->root);
	grpc__linux__init(&w->linux_);
	fill_process(w);
	fill_mount(w, 0, "/data", "patients", "ro");
	fill_mount(w, 1, "/out", "out", "rw");
	w->root.readonly = true;
	w->spec.process = &w->process;
	w->spec.root = &w->root;
	w->spec.linux = &w->linux_;
	w->spec.mounts = w->mounts;
	w->spec.n_mounts = 2;
	w->q.container_id = S("analyse");
	w->q.oci = &w->spec;
}

static bool granted(struct world *w)
{
	return gate_create_container(&w->b, &w->q.base, &w->e) == COFFER_OK;
}

/* Refused by the gate, and for what is named. */
static bool refused(struct world *w, const char *why)
{
	w->e = (struct err){ 0 };
	return gate_create_container(&w->b, &w->q.base, &w->e) == COFFER_E_DENIED && strcmp(w->e.check, "gate") == 0 &&
	    strstr(w->e.msg, why) != NULL;
}

#define WORLD(w) struct world w; world_open(&w)
/* One change, seen refused. */
#define REFUSED(change, why) do { WORLD(w); change; CHECK(refused(&w, why)); manifest_clear(&w.man); } while (0)

static void create_equal_to_manifest_is_granted(void)
{
	WORLD(w);
	CHECK(granted(&w));
	w.spec.linux = NULL;
	CHECK(granted(&w));
	w.q.exec_id = S("analyse");
	CHECK(granted(&w));
	manifest_clear(&w.man);
}

static void create_other_process_is_refused(void)
{
	REFUSED(w.spec.process = NULL, "process");
	REFUSED(w.args[1] = S("-x"), "process.args");
	REFUSED(w.process.n_args = 1, "process.args");
	REFUSED(w.env[0] = S("PATH=/evil"), "process.env");
	REFUSED(w.env[1] = S("LD_PRELOAD=/data"); w.process.n_env = 2, "process.env");
	REFUSED(w.process.cwd = S("/tmp"), "process.cwd");
	REFUSED(w.user.uid = 0, "process.user");
	REFUSED(w.user.gid = 0, "process.user");
	REFUSED(w.groups[0] = 0, "process.user");
	REFUSED(w.user.n_additionalgids = 0, "process.user");
	REFUSED(w.user.username = S("root"), "process.user");
	REFUSED(w.process.user = NULL, "process.user");
	REFUSED(w.process.terminal = true, "terminal");
	REFUSED(w.process.nonewprivileges = false, "noNewPrivileges");
	REFUSED(w.process.apparmorprofile = S("unconfined"), "profile");
	REFUSED(w.process.selinuxlabel = S("x"), "profile");
	REFUSED(w.process.oomscoreadj = -1000, "profile");
}

static void create_other_limits_are_refused(void)
{
	Grpc__POSIXRlimit limit = GRPC__POSIXRLIMIT__INIT, *limits[] = { &limit };
	Grpc__Box box = GRPC__BOX__INIT;

	REFUSED(w.process.rlimits = limits; w.process.n_rlimits = 1, "rlimits");
	REFUSED(w.process.consolesize = &box, "terminal");
}

static void create_other_capabilities_are_refused(void)
{
	REFUSED(w.caps[0] = S("CAP_SYS_ADMIN"), "process.capabilities");
	REFUSED(w.process.capabilities = NULL, "process.capabilities");
	REFUSED(w.cap.n_bounding = 0, "process.capabilities");
	REFUSED(w.cap.n_effective = 0, "process.capabilities");
	REFUSED(w.cap.n_permitted = 0, "process.capabilities");
	REFUSED(w.cap.ambient = w.caps; w.cap.n_ambient = 1, "process.capabilities");
	REFUSED(w.cap.inheritable = w.caps; w.cap.n_inheritable = 1, "process.capabilities");
}

static void create_other_root_or_mounts_are_refused(void)
{
	REFUSED(w.root.readonly = false, "root.readonly");
	REFUSED(w.spec.root = NULL, "root.readonly");
	REFUSED(w.spec.n_mounts = 1, "mounts");
	REFUSED(w.mount[0].destination = S("/etc"), "mount 0");
	REFUSED(w.mount[1].source = S("patients"), "mount 1");
	REFUSED(w.mount[0].type = S("tmpfs"), "mount 0");
	REFUSED(w.opt[0][0] = S("rw"), "mount 0");
	REFUSED(w.opt[1][1] = S("suid"); w.mount[1].n_options = 2, "mount 1");
	REFUSED(w.mount[1].n_options = 0, "mount 1");
}

static void create_with_hooks_or_annotations_is_refused(void)
{
	Grpc__Hook hook = GRPC__HOOK__INIT, *one[] = { &hook };
	Grpc__Hooks pre = GRPC__HOOKS__INIT, post = GRPC__HOOKS__INIT, stop = GRPC__HOOKS__INIT, none = GRPC__HOOKS__INIT;
	Grpc__Spec__AnnotationsEntry note = GRPC__SPEC__ANNOTATIONS_ENTRY__INIT, *notes[] = { &note };

	pre.prestart = post.poststart = stop.poststop = one;
	pre.n_prestart = post.n_poststart = stop.n_poststop = 1;
	REFUSED(w.spec.hooks = &pre, "hook");
	REFUSED(w.spec.hooks = &post, "hook");
	REFUSED(w.spec.hooks = &stop, "hook");
	REFUSED(w.spec.annotations = notes; w.spec.n_annotations = 1, "annotation");
	{
		WORLD(w);
		w.spec.hooks = &none;
		CHECK(granted(&w));
		manifest_clear(&w.man);
	}
}

static void create_with_linux_extras_is_refused(void)
{
	Grpc__LinuxNamespace ns = GRPC__LINUX_NAMESPACE__INIT, *spaces[] = { &ns };
	Grpc__LinuxDevice dev = GRPC__LINUX_DEVICE__INIT, *devs[] = { &dev };
	Grpc__Linux__SysctlEntry ctl = GRPC__LINUX__SYSCTL_ENTRY__INIT, *ctls[] = { &ctl };
	Grpc__LinuxIDMapping map = GRPC__LINUX_IDMAPPING__INIT, *maps[] = { &map };
	Grpc__LinuxResources res = GRPC__LINUX_RESOURCES__INIT;
	Grpc__LinuxSeccomp sec = GRPC__LINUX_SECCOMP__INIT;
	char *path[] = { S("/proc/kcore") };

	ns.type = S("pid");
	{
		WORLD(w);
		w.linux_.namespaces = spaces;
		w.linux_.n_namespaces = 1;
		CHECK(granted(&w));
		manifest_clear(&w.man);
	}
	REFUSED(w.linux_.namespaces = spaces; w.linux_.n_namespaces = 1; ns.path = S("/proc/1/ns/pid"), "namespace");
	ns.path = S("");
	REFUSED(w.linux_.namespaces = spaces; w.linux_.n_namespaces = 1; ns.type = S("network"), "namespace");
	REFUSED(w.linux_.devices = devs; w.linux_.n_devices = 1, "devices");
	REFUSED(w.linux_.sysctl = ctls; w.linux_.n_sysctl = 1, "sysctl");
	REFUSED(w.linux_.uidmappings = maps; w.linux_.n_uidmappings = 1, "mapping");
	REFUSED(w.linux_.gidmappings = maps; w.linux_.n_gidmappings = 1, "mapping");
	REFUSED(w.linux_.resources = &res, "resources");
	REFUSED(w.linux_.cgroupspath = S("/x"), "resources");
	REFUSED(w.linux_.seccomp = &sec, "seccomp");
	REFUSED(w.linux_.rootfspropagation = S("shared"), "propagation");
	REFUSED(w.linux_.mountlabel = S("x"), "label");
	REFUSED(w.linux_.maskedpaths = path; w.linux_.n_maskedpaths = 1, "masked");
	REFUSED(w.linux_.readonlypaths = path; w.linux_.n_readonlypaths = 1, "masked");
}

static void create_with_request_extras_is_refused(void)
{
	Grpc__StringUser user = GRPC__STRING_USER__INIT;
	Grpc__Device dev = GRPC__DEVICE__INIT, *devs[] = { &dev };
	Grpc__Storage sto = GRPC__STORAGE__INIT, *stos[] = { &sto };
	Grpc__SharedMount shared = GRPC__SHARED_MOUNT__INIT, *mounts[] = { &shared };

	REFUSED(w.q.exec_id = S("other"), "exec_id");
	REFUSED(w.q.string_user = &user, "string_user");
	REFUSED(w.q.devices = devs; w.q.n_devices = 1, "devices");
	REFUSED(w.q.storages = stos; w.q.n_storages = 1, "storages");
	REFUSED(w.q.shared_mounts = mounts; w.q.n_shared_mounts = 1, "shared mounts");
	REFUSED(w.q.sandbox_pidns = true, "process namespace");
	REFUSED(w.q.stdin_port = 1, "ports");
	REFUSED(w.q.stdout_port = 1, "ports");
	REFUSED(w.q.stderr_port = 1, "ports");
	REFUSED(w.q.oci = NULL, "OCI");
}

static void create_out_of_turn_is_refused(void)
{
	REFUSED(w.b.opened = false, "no sandbox");
	REFUSED(w.b.closed = true, "no sandbox");
	REFUSED(w.q.container_id = S("other"), "no container");
	REFUSED(w.q.container_id = S(""), "no container");
	REFUSED(w.q.container_id = S("helper"), "process.args");
	REFUSED(w.b.ctr[0].state = CTR_CREATED, "already");
	REFUSED(w.b.ctr[0].state = CTR_REMOVED, "already");
	REFUSED(w.b.in[0].whole = false, "not delivered");
}

/* ---- the other calls ---- */

#define DENIED(call, why) CHECK((call) == COFFER_E_DENIED && strcmp(e.check, "gate") == 0 && strstr(e.msg, why))

static void sandbox_extras_and_second_time_are_refused(void)
{
	WORLD(w);
	struct boundary b = { .man = &w.man };
	Grpc__CreateSandboxRequest q = GRPC__CREATE_SANDBOX_REQUEST__INIT;
	Grpc__DestroySandboxRequest d = GRPC__DESTROY_SANDBOX_REQUEST__INIT;
	Grpc__Storage sto = GRPC__STORAGE__INIT, *stos[] = { &sto };
	Grpc__KernelModule mod = GRPC__KERNEL_MODULE__INIT, *mods[] = { &mod };
	struct err e = { 0 };

	DENIED(gate_destroy_sandbox(&b, &d.base, &e), "no sandbox");
	CHECK(gate_create_sandbox(&b, &q.base, &e) == COFFER_OK);
	q.storages = stos;
	q.n_storages = 1;
	DENIED(gate_create_sandbox(&b, &q.base, &e), "storages");
	q.n_storages = 0;
	q.kernel_modules = mods;
	q.n_kernel_modules = 1;
	DENIED(gate_create_sandbox(&b, &q.base, &e), "kernel modules");
	q.n_kernel_modules = 0;
	q.guest_hook_path = S("/hooks");
	DENIED(gate_create_sandbox(&b, &q.base, &e), "hooks");
	q.guest_hook_path = S("");
	q.sandbox_pidns = true;
	DENIED(gate_create_sandbox(&b, &q.base, &e), "process namespace");
	q.sandbox_pidns = false;
	b.opened = true;
	DENIED(gate_create_sandbox(&b, &q.base, &e), "once");
	CHECK(gate_destroy_sandbox(&b, &d.base, &e) == COFFER_OK);
	b.closed = true;
	DENIED(gate_destroy_sandbox(&b, &d.base, &e), "no sandbox");
	manifest_clear(&w.man);
}

#define PATIENTS SHARED_DIR "/patients.sealed"

static void copy_file_beyond_sealed_volumes_is_refused(void)
{
	static const char *const paths[] = { "", "/etc/passwd", SHARED_DIR "/", SHARED_DIR "/.sealed", SHARED_DIR "/out.sealed",
		SHARED_DIR "/../patients.sealed", SHARED_DIR "/patients", SHARED_DIR "/x/patients.sealed", "patients.sealed",
		SHARED_DIR "/patients.sealed/" };
	WORLD(w);
	Grpc__CopyFileRequest q = GRPC__COPY_FILE_REQUEST__INIT;
	uint8_t bytes[4] = { 0 };
	struct err e = { 0 };

	w.b.in[0] = (struct in_view){ 0 };
	q.path = S(PATIENTS);
	q.file_size = 8;
	q.data.data = bytes;
	q.data.len = 4;
	CHECK(gate_copy_file(&w.b, &q.base, &e) == COFFER_OK);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		q.path = S(paths[i]);
		CHECK(gate_copy_file(&w.b, &q.base, &e) == COFFER_E_DENIED);
	}
	for (size_t i = 0; i < sizeof(PATIENTS) - 1; i++) { /* another folder, name or ending of the same length */
		char near[] = PATIENTS;

		near[i] ^= 1;
		q.path = near;
		CHECK(gate_copy_file(&w.b, &q.base, &e) == COFFER_E_DENIED);
	}
	q.path = S(PATIENTS);
	q.file_mode = S_IFLNK | 0777;
	DENIED(gate_copy_file(&w.b, &q.base, &e), "regular");
	q.file_mode = S_IFDIR;
	DENIED(gate_copy_file(&w.b, &q.base, &e), "regular");
	manifest_clear(&w.man);
}

static void copy_file_out_of_order_or_size_is_refused(void)
{
	WORLD(w);
	Grpc__CopyFileRequest q = GRPC__COPY_FILE_REQUEST__INIT;
	uint8_t bytes[5] = { 0 };
	struct err e = { 0 };

	w.b.in[0] = (struct in_view){ .size = 8, .at = 4 };
	q = (Grpc__CopyFileRequest)GRPC__COPY_FILE_REQUEST__INIT;
	q.path = S(PATIENTS);
	q.file_size = 8;
	q.offset = 4;
	q.data.data = bytes;
	q.data.len = 4;
	CHECK(gate_copy_file(&w.b, &q.base, &e) == COFFER_OK);
	q.data.len = 5;
	DENIED(gate_copy_file(&w.b, &q.base, &e), "do not fit");
	q.data.len = 0;
	DENIED(gate_copy_file(&w.b, &q.base, &e), "do not fit");
	q.data.len = 4;
	q.offset = 0;
	DENIED(gate_copy_file(&w.b, &q.base, &e), "out of order");
	q.offset = -4;
	DENIED(gate_copy_file(&w.b, &q.base, &e), "out of order");
	q.offset = 4;
	q.file_size = 9;
	DENIED(gate_copy_file(&w.b, &q.base, &e), "size changed");
	q.file_size = 0;
	DENIED(gate_copy_file(&w.b, &q.base, &e), "size of");
	q.file_size = (int64_t)SEALED_MAX + 1;
	DENIED(gate_copy_file(&w.b, &q.base, &e), "size of");
	q.file_size = 8;
	w.b.created_any = true;
	DENIED(gate_copy_file(&w.b, &q.base, &e), "after CreateContainer");
	w.b.created_any = false;
	w.b.in[0].whole = true;
	DENIED(gate_copy_file(&w.b, &q.base, &e), "complete");
	w.b.opened = false;
	DENIED(gate_copy_file(&w.b, &q.base, &e), "no sandbox");
	manifest_clear(&w.man);
}

static void calls_on_a_container_in_the_wrong_state_are_refused(void)
{
	WORLD(w);
	Grpc__StartContainerRequest start = GRPC__START_CONTAINER_REQUEST__INIT;
	Grpc__WaitProcessRequest wait = GRPC__WAIT_PROCESS_REQUEST__INIT;
	Grpc__RemoveContainerRequest rm = GRPC__REMOVE_CONTAINER_REQUEST__INIT;
	Grpc__StatsContainerRequest stats = GRPC__STATS_CONTAINER_REQUEST__INIT;
	struct err e = { 0 };

	start.container_id = wait.container_id = rm.container_id = stats.container_id = S("helper");
	DENIED(gate_start(&w.b, &start.base, &e), "state");
	DENIED(gate_wait(&w.b, &wait.base, &e), "state");
	DENIED(gate_remove(&w.b, &rm.base, &e), "state");
	DENIED(gate_stats(&w.b, &stats.base, &e), "state");
	w.b.ctr[1].state = CTR_CREATED;
	CHECK(gate_start(&w.b, &start.base, &e) == COFFER_OK);
	CHECK(gate_wait(&w.b, &wait.base, &e) == COFFER_OK);
	CHECK(gate_remove(&w.b, &rm.base, &e) == COFFER_OK);
	CHECK(gate_stats(&w.b, &stats.base, &e) == COFFER_OK);
	w.b.ctr[1].state = CTR_RUNNING;
	DENIED(gate_start(&w.b, &start.base, &e), "state");
	wait.exec_id = S("exec");
	DENIED(gate_wait(&w.b, &wait.base, &e), "beside its own");
	w.b.ctr[1].state = CTR_REMOVED;
	DENIED(gate_wait(&w.b, &wait.base, &e), "state");
	DENIED(gate_remove(&w.b, &rm.base, &e), "state");
	manifest_clear(&w.man);
}

static void signal_not_listed_is_refused(void)
{
	WORLD(w);
	Grpc__SignalProcessRequest q = GRPC__SIGNAL_PROCESS_REQUEST__INIT;
	struct err e = { 0 };

	q.container_id = S("helper");
	q.signal = 15;
	DENIED(gate_signal(&w.b, &q.base, &e), "state");
	w.b.ctr[1].state = CTR_RUNNING;
	CHECK(gate_signal(&w.b, &q.base, &e) == COFFER_OK);
	q.signal = 10;
	DENIED(gate_signal(&w.b, &q.base, &e), "signal 10");
	q.signal = 0;
	DENIED(gate_signal(&w.b, &q.base, &e), "signal 0");
	q.signal = 9;
	q.exec_id = S("helper");
	DENIED(gate_signal(&w.b, &q.base, &e), "beside its own");
	manifest_clear(&w.man);
}

static void logs_not_listed_are_refused(void)
{
	WORLD(w);
	Grpc__ReadStreamRequest q = GRPC__READ_STREAM_REQUEST__INIT;
	struct err e = { 0 };

	w.b.ctr[0].state = w.b.ctr[1].state = CTR_RUNNING;
	q.container_id = S("helper");
	CHECK(gate_read_stdout(&w.b, &q.base, &e) == COFFER_OK);
	CHECK(gate_read_stderr(&w.b, &q.base, &e) == COFFER_OK);
	q.exec_id = S("shell");
	DENIED(gate_read_stdout(&w.b, &q.base, &e), "beside its own");
	q.exec_id = S("");
	q.container_id = S("analyse");
	DENIED(gate_read_stdout(&w.b, &q.base, &e), "ReadStdout");
	DENIED(gate_read_stderr(&w.b, &q.base, &e), "ReadStderr");
	manifest_clear(&w.man);
}

static void output_before_a_good_end_is_refused(void)
{
	WORLD(w);
	Grpc__ReadStreamRequest q = GRPC__READ_STREAM_REQUEST__INIT;
	struct err e = { 0 };

	q.container_id = S("analyse");
	q.exec_id = S("output:result");
	w.b.ctr[0].state = CTR_RUNNING;
	DENIED(gate_read_stdout(&w.b, &q.base, &e), "not ended well");
	w.b.ctr[0] = (struct ctr_view){ CTR_STOPPED, 1 };
	DENIED(gate_read_stdout(&w.b, &q.base, &e), "not ended well");
	w.b.ctr[0] = (struct ctr_view){ CTR_STOPPED, 0 };
	CHECK(gate_read_stdout(&w.b, &q.base, &e) == COFFER_OK);
	q.exec_id = S("output:other");
	DENIED(gate_read_stdout(&w.b, &q.base, &e), "no output");
	q.exec_id = S("output:");
	DENIED(gate_read_stdout(&w.b, &q.base, &e), "no output");
	q.exec_id = S("output:result");
	DENIED(gate_read_stderr(&w.b, &q.base, &e), "beside its own");
	manifest_clear(&w.man);
}

static void method_outside_the_table_is_refused_with_its_message_name(void)
{
	static const char *const absent[] = { "SetPolicy", "UpdateContainer", "PauseContainer", "WriteStdin", "CloseStdin",
		"TtyWinResize", "UpdateInterface", "AddSwap", "SetGuestDateTime", "UpdateEphemeralMounts", "ReseedRandomDev", "" };
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		CHECK(!method_find(span_of("grpc.AgentService"), span_of(absent[i])));
	CHECK(method_find(span_of("grpc.AgentService"), span_of("CreateContainer")));
	CHECK(!method_find(span_of("grpc.Health"), span_of("CreateContainer")));
	CHECK(!method_find(span_of("api.GetResourceService"), span_of("GetResource")));
	DENIED(method_unknown(span_of("SetPolicy"), &e), "SetPolicyRequest is not granted by the manifest");
	DENIED(method_unknown(span_of("WriteStdin"), &e), "WriteStreamRequest is not granted");
	DENIED(method_unknown(span_of("a\n\x1b[2J"), &e), "a???2JRequest is not granted");
}

static void message_with_an_unknown_field_is_malformed(void)
{
	static const uint8_t known[] = { 0x0a, 1, 'x' }, unknown[] = { 0x0a, 1, 'x', 0xfa, 0x01, 1, 'y' };
	/* OCI{Linux{field 13}}: deep inside */
	static const uint8_t deep[] = { 0x32, 4, 0x42, 2, 0x6a, 0 };
	const struct method *m = method_find(span_of("grpc.AgentService"), span_of("CreateContainer"));
	ProtobufCMessage *q = NULL;
	struct err e = { 0 };

	CHECK(method_decode(m, SPAN(known), &q, &e) == COFFER_OK);
	pb_freep(&q);
	CHECK(method_decode(m, SPAN(unknown), &q, &e) == COFFER_E_INPUT && !q);
	CHECK(method_decode(m, SPAN(deep), &q, &e) == COFFER_E_INPUT && !q);
}

static void message_that_unpacks_to_too_much_is_refused(void)
{
	/* Each empty device costs two bytes on the wire and some hundred in memory. */
	size_t n = 4u << 20;
	uint8_t *p = malloc(n);
	const struct method *m = method_find(span_of("grpc.AgentService"), span_of("CreateContainer"));
	ProtobufCMessage *q = NULL;
	struct err e = { 0 };

	for (size_t i = 0; p && i < n; i++)
		p[i] = i % 2 ? 0 : 0x22;
	CHECK(p && method_decode(m, (struct span){ p, n }, &q, &e) == COFFER_E_LIMIT && !q);
	free(p);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(create_equal_to_manifest_is_granted), T(create_other_process_is_refused), T(create_other_limits_are_refused),
		T(create_other_capabilities_are_refused), T(create_other_root_or_mounts_are_refused),
		T(create_with_hooks_or_annotations_is_refused), T(create_with_linux_extras_is_refused),
		T(create_with_request_extras_is_refused), T(create_out_of_turn_is_refused), T(sandbox_extras_and_second_time_are_refused),
		T(copy_file_beyond_sealed_volumes_is_refused), T(copy_file_out_of_order_or_size_is_refused),
		T(calls_on_a_container_in_the_wrong_state_are_refused), T(signal_not_listed_is_refused), T(logs_not_listed_are_refused),
		T(output_before_a_good_end_is_refused), T(method_outside_the_table_is_refused_with_its_message_name),
		T(message_with_an_unknown_field_is_malformed), T(message_that_unpacks_to_too_much_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
