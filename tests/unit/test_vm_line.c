/* QEMU's command lines, against lists written down by hand. */
#include "tests/t.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "cli/vm_line.h"

/* SHA-256 of "abc"; the texts below are of coreutils' base64. */
#define DIGEST { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, \
	0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad }
#define HOST_DATA "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
#define MRCONFIGID "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0AAAAAAAAAAAAAAAAAAAAA"

#define TAIL_OF_IMAGE "-kernel", "/i/vmlinuz", "-initrd", "/i/initrd.img", "-append", "console=ttyS0 quiet"
#define CHANNEL "-device", "virtio-serial-pci", "-chardev", "socket,id=c,fd=4", "-device", "virtserialport,chardev=c,name=org.coffer.agent.0", \
	"-device", "virtio-rng-pci"
#define SHAPE "-smp", "2", REST
#define REST "-m", "1024", "-display", "none", "-nodefaults", "-no-user-config", "-no-reboot", "-serial", "stdio"

static struct vm_opts opts(enum vm_tee t)
{
	return (struct vm_opts){ .tee = t, .image = "/i", .cmdline = "console=ttyS0 quiet", .dir = "/s/p", .initdata = "/s/p/initdata.img", .digest = DIGEST, .c_bit = 51,
		.memory = 1024 };
}

static bool is_line(const struct vm_opts *o, const char *const *want)
{
	CLEANUP(vm_line_clear) struct vm_line l = { .n = 0 };
	struct err e;
	size_t i = 0;

	if (vm_line_make(o, &l, &e) != COFFER_OK)
		return false;
	for (; want[i] && i < l.n; i++)
		if (strcmp(want[i], l.argv[i]) != 0) {
			printf("# argument %zu: %s, not %s\n", i, l.argv[i], want[i]);
			return false;
		}
	return !want[i] && i == l.n && !l.argv[i];
}

static bool has(const struct vm_opts *o, const char *argument)
{
	CLEANUP(vm_line_clear) struct vm_line l = { .n = 0 };
	struct err e;
	bool found = false;

	if (vm_line_make(o, &l, &e) != COFFER_OK)
		return false;
	for (size_t i = 0; i < l.n; i++)
		found = found || strcmp(l.argv[i], argument) == 0;
	return found;
}

static void swtpm_has_its_tpm_and_is_emulated(void)
{
	static const char *const want[] = { "/usr/bin/qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max,-erms", "-smp", "1", REST, "-bios", "/usr/share/ovmf/OVMF.fd",
		"-chardev", "socket,id=t,fd=3", "-tpmdev", "emulator,id=tpm0,chardev=t", "-device", "tpm-crb,tpmdev=tpm0", TAIL_OF_IMAGE, CHANNEL,
		"-drive", "if=none,id=d0,file=/s/p/initdata.img,format=raw,readonly=on", "-device", "virtio-blk-pci,drive=d0,serial=coffer-initdata", NULL };
	struct vm_opts o = opts(VM_SWTPM);

	CHECK(is_line(&o, want));
	o.kvm = true;
	CHECK(has(&o, "kvm") && has(&o, "host,host-phys-bits=on,host-phys-bits-limit=36") && has(&o, "2"));
	o.kvm_bits = VM_KVM_BITS_BEFORE;
	CHECK(has(&o, "host,host-phys-bits=on,host-phys-bits-limit=42"));
	o.firmware = "/i/firmware.fd";
	CHECK(has(&o, "/i/firmware.fd"));
}

static void snp_is_bound_to_its_initdata_and_measures_what_it_boots(void)
{
	static const char *const want[] = { "/usr/bin/qemu-system-x86_64", "-M",
		"q35,confidential-guest-support=tee,memory-backend=ram,kernel-irqchip=split,vmport=off", "-accel", "kvm", "-cpu", "EPYC-v4",
		"-object", "memory-backend-memfd,id=ram,size=1024M,share=on,prealloc=off", "-object",
		"sev-snp-guest,id=tee,cbitpos=51,reduced-phys-bits=1,policy=0x30000,kernel-hashes=on,host-data=" HOST_DATA, SHAPE, "-bios", "/f/OVMF.amdsev.fd", TAIL_OF_IMAGE,
		CHANNEL, "-drive", "if=none,id=d0,file=/s/p/initdata.img,format=raw,readonly=on", "-device", "virtio-blk-pci,drive=d0,serial=coffer-initdata", NULL };
	struct vm_opts o = opts(VM_SNP);

	o.firmware = "/f/OVMF.amdsev.fd";
	o.kvm = true;
	CHECK(is_line(&o, want));
}

static void tdx_is_bound_to_its_initdata_and_gets_quotes_of_the_host_s_service(void)
{
	static const char *const want[] = { "/usr/bin/qemu-system-x86_64", "-M",
		"q35,confidential-guest-support=tee,memory-backend=ram,kernel-irqchip=split,vmport=off,hpet=off", "-accel", "kvm", "-cpu", "host,pmu=off",
		"-object", "memory-backend-memfd,id=ram,size=1024M,share=on,prealloc=off", "-object",
		"{\"qom-type\":\"tdx-guest\",\"id\":\"tee\",\"mrconfigid\":\"" MRCONFIGID "\",\"quote-generation-socket\":{\"type\":\"vsock\",\"cid\":\"2\",\"port\":\"4050\"}}",
		SHAPE, "-bios", "/f/OVMF.inteltdx.fd", TAIL_OF_IMAGE, CHANNEL,
		"-drive", "if=none,id=d0,file=/s/p/initdata.img,format=raw,readonly=on", "-device", "virtio-blk-pci,drive=d0,serial=coffer-initdata", NULL };
	struct vm_opts o = opts(VM_TDX);

	o.firmware = "/f/OVMF.inteltdx.fd";
	o.kvm = true;
	CHECK(is_line(&o, want));
}

/* QEMU gets the device that has the number already, in the place of the port and not beside it. */
static void vsock_takes_the_place_of_the_port(void)
{
	static const char *const want[] = { "/usr/bin/qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max,-erms", "-smp", "1", REST, "-bios", "/usr/share/ovmf/OVMF.fd",
		"-chardev", "socket,id=t,fd=3", "-tpmdev", "emulator,id=tpm0,chardev=t", "-device", "tpm-crb,tpmdev=tpm0", TAIL_OF_IMAGE,
		"-device", "vhost-vsock-pci,guest-cid=4294967294,vhostfd=4", "-device", "virtio-rng-pci",
		"-drive", "if=none,id=d0,file=/s/p/initdata.img,format=raw,readonly=on", "-device", "virtio-blk-pci,drive=d0,serial=coffer-initdata", NULL };
	static const struct vsock_guest g = { .device = 77, .sock = 78, .cid = 4294967294u };

	for (enum vm_tee t = VM_SWTPM; t <= VM_TDX; t++) {
		struct vm_opts o = opts(t);

		o.vsock = &g;
		CHECK(t != VM_SWTPM || is_line(&o, want));
		CHECK(has(&o, "vhost-vsock-pci,guest-cid=4294967294,vhostfd=4") && !has(&o, "virtio-serial-pci") && !has(&o, "socket,id=c,fd=4"));
		o.vsock = NULL;
		CHECK(!has(&o, "vhost-vsock-pci,guest-cid=4294967294,vhostfd=4") && has(&o, "virtio-serial-pci") && has(&o, "socket,id=c,fd=4"));
	}
}

static void disks_have_numbers_of_their_own_and_each_its_serial(void)
{
	struct vm_opts o = opts(VM_SNP);

	o.firmware = "/f";
	o.scratch = "/s/p/scratch.img";
	CHECK(has(&o, "if=none,id=d1,file=/s/p/scratch.img,format=raw,cache=unsafe,werror=report,rerror=report") && has(&o, "virtio-blk-pci,drive=d1,serial=coffer-scratch"));
	o.bindings = "/s/p/bindings.img";
	CHECK(has(&o, "if=none,id=d1,file=/s/p/bindings.img,format=raw,readonly=on") && has(&o, "virtio-blk-pci,drive=d1,serial=coffer-bindings"));
	CHECK(has(&o, "virtio-blk-pci,drive=d2,serial=coffer-scratch"));
}

/* A folder could give its disk other properties, another file among them. */
static void commas_of_a_path_end_no_option(void)
{
	struct vm_opts o = opts(VM_SNP);

	o.firmware = "/f,x";
	o.image = "/a,b";
	o.initdata = "/s,readonly=off/,,p";
	o.scratch = ",";
	CHECK(has(&o, "if=none,id=d0,file=/s,,readonly=off/,,,,p,format=raw,readonly=on") && has(&o, "if=none,id=d1,file=,,,format=raw,cache=unsafe,werror=report,rerror=report"));
	CHECK(has(&o, "/f,x") && has(&o, "/a,b/vmlinuz") && has(&o, "/a,b/initrd.img"));
}

static void a_line_for_a_shell_is_quoted(void)
{
	static const char *const argv[] = { "/bin/x", "a b", "it's", "", "{\"a\"}", "k=v,w" };
	CLEANUP(vm_line_clear) struct vm_line l = { .n = 0 };
	CLEANUP(freep) char *text = NULL;

	for (; l.n < sizeof(argv) / sizeof(argv[0]); l.n++)
		l.argv[l.n] = strdup(argv[l.n]);
	text = vm_line_text(&l);
	CHECK(text && strcmp(text, "/bin/x 'a b' 'it'\\''s' '' '{\"a\"}' k=v,w") == 0);
}

int main(void)
{
	static const struct t_case cases[] = { T(swtpm_has_its_tpm_and_is_emulated), T(snp_is_bound_to_its_initdata_and_measures_what_it_boots),
		T(tdx_is_bound_to_its_initdata_and_gets_quotes_of_the_host_s_service), T(disks_have_numbers_of_their_own_and_each_its_serial),
		T(vsock_takes_the_place_of_the_port), T(commas_of_a_path_end_no_option), T(a_line_for_a_shell_is_quoted) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
