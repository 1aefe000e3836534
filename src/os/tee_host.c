#include "os/tee_host.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

#define PATH_ROOM 512
#define SEV_LEAF 0x8000001fu /* AMD APM volume 3, E.4.17: EBX bits 5:0 */
#define C_BIT_USUAL 51

static const struct kind {
	const char *parameter, *device; /* device: NULL where KVM's is all */
	const char *words;
} kinds[] = {
	[TEE_HOST_SNP] = { "/sys/module/kvm_amd/parameters/sev_snp", "/dev/sev",
		"its operator needs an AMD EPYC from Milan on, SEV-SNP switched on in the firmware's setup, and a kernel from 6.11 on" },
	[TEE_HOST_TDX] = { "/sys/module/kvm_intel/parameters/tdx", NULL,
		"its operator needs an Intel Xeon with TDX, switched on in the firmware's setup, a kernel from 6.16 on, and kvm_intel.tdx=1" },
};

/* "Y" or "1": what a module's switch reads as when it is on. */
static bool is_on(const char *path, char *why, size_t room)
{
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c = 0;

	if (fd < 0)
		(void)snprintf(why, room, "%.200s: %s", path, strerror(errno));
	else if (read(fd, &c, 1) != 1 || (c != 'Y' && c != '1'))
		(void)snprintf(why, room, "%.200s is off", path);
	else
		return true;
	return false;
}

static bool opens(const char *path, char *why, size_t room)
{
	CLEANUP(closep) int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		(void)snprintf(why, room, "%.200s: %s", path, strerror(errno));
	return fd >= 0;
}

bool tee_host_offers(enum tee_host t, const char *root, char *why, size_t room)
{
	const struct kind *k = &kinds[t];
	char path[PATH_ROOM], what[PATH_ROOM] = "";
	bool good;

	(void)snprintf(path, sizeof(path), "%.200s%s", root, k->parameter);
	good = is_on(path, what, sizeof(what));
	(void)snprintf(path, sizeof(path), "%.200s/dev/kvm", root);
	good = good && opens(path, what, sizeof(what));
	(void)snprintf(path, sizeof(path), "%.200s%s", root, k->device ? k->device : "/dev/kvm");
	good = good && opens(path, what, sizeof(what));
	if (good)
		why[0] = 0;
	else
		(void)snprintf(why, room, "%s; %s", what, k->words);
	return good;
}

unsigned tee_host_c_bit(void)
{
	unsigned a = 0, b = 0, c = 0, d = 0;

	return __get_cpuid(SEV_LEAF, &a, &b, &c, &d) && (b & 63) > 0 ? b & 63 : C_BIT_USUAL;
}
