#include "agent/spec.h"

/* What no container of ours needs and the kernel has paid for with holes: other people's keys, programs in the kernel,
 * other kernels, mounts, namespaces, the clock, other processes' memory. Debuggers do not work in a container, on purpose:
 * its memory holds what its owners gave it. Everything else is allowed; EPERM is what an unprivileged caller sees anyway. */
static const char *const denied[] = {
	"keyctl", "add_key", "request_key",
	"bpf", "perf_event_open", "userfaultfd", "lookup_dcookie", "kcmp",
	"kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "uselib",
	"mount", "umount", "umount2", "pivot_root", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick",
	"mount_setattr", "swapon", "swapoff", "quotactl", "quotactl_fd", "nfsservctl", "acct",
	"setns", "unshare", "open_by_handle_at", "name_to_handle_at",
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd",
	"settimeofday", "clock_settime", "clock_settime64", "clock_adjtime", "clock_adjtime64", "adjtimex", "stime",
	"iopl", "ioperm", "vm86", "vm86old", "modify_ldt", "syslog", "sethostname", "setdomainname", "_sysctl", "sysfs", "ustat",
	"io_uring_setup", "io_uring_enter", "io_uring_register", "vhangup", "fanotify_init", "personality",
};

/* CLONE_NEW*: NS, CGROUP, UTS, IPC, USER, PID, NET */
static const uint64_t clone_flags[] = { 0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000 };

static void rule(struct json_wr *j, const char *const *names, size_t n, uint64_t error)
{
	jw_name(j, "names");
	jw_arr(j);
	for (size_t i = 0; i < n; i++)
		jw_text(j, names[i]);
	jw_arr_end(j);
	jw_m_text(j, "action", "SCMP_ACT_ERRNO");
	jw_m_u64(j, "errnoRet", error);
}

/* Denied when an argument compares so; index 0 is the first. */
struct arg { const char *call, *op; uint64_t value, second, index; };

/* Sockets are local (1), IPv4 (2), IPv6 (10) and netlink (16): AF_VSOCK would be a way to the host. */
static const struct arg sockets[] = {
	{ "socket", "SCMP_CMP_EQ", 3, 0, 0 }, { "socket", "SCMP_CMP_EQ", 4, 0, 0 }, { "socket", "SCMP_CMP_EQ", 5, 0, 0 },
	{ "socket", "SCMP_CMP_EQ", 6, 0, 0 }, { "socket", "SCMP_CMP_EQ", 7, 0, 0 }, { "socket", "SCMP_CMP_EQ", 8, 0, 0 },
	{ "socket", "SCMP_CMP_EQ", 9, 0, 0 }, { "socket", "SCMP_CMP_EQ", 11, 0, 0 }, { "socket", "SCMP_CMP_EQ", 12, 0, 0 },
	{ "socket", "SCMP_CMP_EQ", 13, 0, 0 }, { "socket", "SCMP_CMP_EQ", 14, 0, 0 }, { "socket", "SCMP_CMP_EQ", 15, 0, 0 },
	{ "socket", "SCMP_CMP_GT", 16, 0, 0 },
	{ "socket", "SCMP_CMP_MASKED_EQ", 0xf, 10, 1 }, /* SOCK_PACKET: an old name by which IPv4 makes packet sockets (17) */
};

/* Nodes of devices, S_IFCHR and S_IFBLK of S_IFMT: with CAP_MKNOD a container would make itself the machine's TPM, channel and disks, and
 * could have the TPM quote what it likes. */
static const struct arg nodes[] = {
	{ "mknod", "SCMP_CMP_MASKED_EQ", 0170000, 0020000, 1 }, { "mknod", "SCMP_CMP_MASKED_EQ", 0170000, 0060000, 1 },
	{ "mknodat", "SCMP_CMP_MASKED_EQ", 0170000, 0020000, 2 }, { "mknodat", "SCMP_CMP_MASKED_EQ", 0170000, 0060000, 2 },
};

static void arg_rule(struct json_wr *j, const struct arg *a)
{
	jw_obj(j);
	rule(j, &a->call, 1, 1);
	jw_name(j, "args");
	jw_arr(j);
	jw_obj(j);
	jw_m_u64(j, "index", a->index);
	jw_m_u64(j, "value", a->value);
	jw_m_u64(j, "valueTwo", a->second);
	jw_m_text(j, "op", a->op);
	jw_obj_end(j);
	jw_arr_end(j);
	jw_obj_end(j);
}

void seccomp_write(struct json_wr *j)
{
	static const char *const clone3[] = { "clone3" };

	jw_obj(j);
	jw_m_text(j, "defaultAction", "SCMP_ACT_ALLOW");
	jw_name(j, "syscalls");
	jw_arr(j);
	jw_obj(j);
	rule(j, denied, sizeof(denied) / sizeof(denied[0]), 1);
	jw_obj_end(j);
	/* clone3's flags are in memory, where a filter cannot see them: ENOSYS makes libraries fall back to clone. */
	jw_obj(j);
	rule(j, clone3, 1, 38);
	jw_obj_end(j);
	for (size_t i = 0; i < sizeof(clone_flags) / sizeof(clone_flags[0]); i++)
		arg_rule(j, &(struct arg){ "clone", "SCMP_CMP_MASKED_EQ", clone_flags[i], clone_flags[i], 0 });
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
		arg_rule(j, &sockets[i]);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		arg_rule(j, &nodes[i]);
	jw_arr_end(j);
	jw_obj_end(j);
}
