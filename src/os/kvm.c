#include "os/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define API 12
#define ROOM 0x8000u	     /* of the machine: code, then tables, then scratch */
#define TABLES 0x1000u	     /* three pages: the first 2 MiB, mapped to themselves */
#define SCRATCH 0x4000u
#define LIMIT_MS 2000
#define CPUID_MAX 128
#define ARCH_CAPABILITIES 0x10a /* QEMU sets what KVM says it has there */
#define CR0 0x80050033u	     /* protected, paged; as a kernel has it */
#define CR4 0x20u	     /* PAE */
#define EFER 0x500u	     /* long mode, active */

/* What a stock kernel does early and a half KVM cannot: a backward copy, a 16-byte exchange; then hlt. */
static const uint8_t code[] = {
	0xfd,			     /* std */
	0xb9, 0x10, 0, 0, 0,	     /* mov ecx, 16 */
	0xbe, 0x0f, 0x40, 0, 0,	     /* mov esi, SCRATCH + 15 */
	0xbf, 0x1f, 0x40, 0, 0,	     /* mov edi, SCRATCH + 31 */
	0xf3, 0xa4,		     /* rep movsb */
	0xfc,			     /* cld */
	0xf0, 0x48, 0x0f, 0xc7, 0x0c, 0x25, 0x00, 0x40, 0, 0, /* lock cmpxchg16b [SCRATCH] */
	0xf4,			     /* hlt */
};

enum step { GOOD, NO_DEVICE, NO_API, NO_MACHINE, NO_MEMORY, NO_PROCESSOR, NO_REGISTERS, NO_FEATURES, NO_INSTRUCTION, STEPS };
static const char *const words[STEPS] = { "", "/dev/kvm cannot be opened", "/dev/kvm speaks another version", "it makes no machine", "it takes no memory",
	"it makes no processor", "it takes no 64-bit state", "it does not take back the processor features that it names",
	"it fails at instructions that every kernel uses" };

static struct kvm_segment segment(bool is_code)
{
	return (struct kvm_segment){ .limit = ~0u, .selector = is_code ? 8 : 16, .type = is_code ? 11 : 3, .present = 1, .s = 1, .g = 1, .l = is_code, .db = !is_code };
}

static bool set_registers(int cpu)
{
	struct kvm_regs r = { .rflags = 2 };
	struct kvm_sregs s;

	if (ioctl(cpu, KVM_GET_SREGS, &s) != 0)
		return false;
	s.cr0 = CR0;
	s.cr3 = TABLES;
	s.cr4 = CR4;
	s.efer = EFER;
	s.cs = segment(true);
	s.ds = s.es = s.fs = s.gs = s.ss = segment(false);
	return ioctl(cpu, KVM_SET_SREGS, &s) == 0 && ioctl(cpu, KVM_SET_REGS, &r) == 0;
}

static bool takes_features(int kvm, int cpu)
{
	union { struct kvm_msrs head; uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)]; } m;

	memset(&m, 0, sizeof(m));
	m.head.nmsrs = 1;
	m.head.entries[0].index = ARCH_CAPABILITIES;
	if (ioctl(kvm, KVM_GET_MSRS, &m) != 1)
		return true; /* it names none */
	return ioctl(cpu, KVM_SET_MSRS, &m) == 1;
}

static void fill(uint8_t *memory)
{
	const uint64_t entry[3] = { (TABLES + 0x1000) | 3, (TABLES + 0x2000) | 3, 0x83 };

	memcpy(memory, code, sizeof(code));
	for (size_t i = 0; i < 3; i++)
		memcpy(memory + TABLES + i * 0x1000, &entry[i], sizeof(entry[i]));
}

static bool give_cpuid(int kvm, int cpu)
{
	union { struct kvm_cpuid2 head; uint8_t room[sizeof(struct kvm_cpuid2) + CPUID_MAX * sizeof(struct kvm_cpuid_entry2)]; } c;

	memset(&c, 0, sizeof(c));
	c.head.nent = CPUID_MAX;
	return ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &c) == 0 && ioctl(cpu, KVM_SET_CPUID2, &c) == 0;
}

static enum step run(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, cpu, size;
	uint8_t *memory = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region room = { .memory_size = ROOM, .userspace_addr = (uint64_t)(uintptr_t)memory };
	struct kvm_run *r;

	if (kvm < 0)
		return NO_DEVICE;
	if (ioctl(kvm, KVM_GET_API_VERSION, 0) != API)
		return NO_API;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		return NO_MACHINE;
	if (memory == MAP_FAILED || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &room) != 0)
		return NO_MEMORY;
	fill(memory);
	cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	r = cpu < 0 || size <= 0 ? MAP_FAILED : mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	if (r == MAP_FAILED)
		return NO_PROCESSOR;
	if (!give_cpuid(kvm, cpu) || !set_registers(cpu))
		return NO_REGISTERS;
	if (!takes_features(kvm, cpu))
		return NO_FEATURES;
	return ioctl(cpu, KVM_RUN, 0) == 0 && r->exit_reason == KVM_EXIT_HLT ? GOOD : NO_INSTRUCTION;
}

static enum step try_it(void)
{
	pid_t parent = getpid(), pid = fork();
	int fd, status = 0;
	struct pollfd p = { .events = POLLIN };

	if (pid < 0)
		return NO_MACHINE;
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
			_exit(NO_MACHINE);
		_exit((int)run());
	}
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	p.fd = fd;
	if (fd < 0 || poll(&p, 1, LIMIT_MS) <= 0)
		(void)kill(pid, SIGKILL);
	if (fd >= 0)
		(void)close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) < STEPS ? (enum step)WEXITSTATUS(status) : NO_INSTRUCTION;
}

bool kvm_works(char *why, size_t room)
{
	enum step s = try_it();

	(void)snprintf(why, room, "%s", words[s]);
	return s == GOOD;
}
