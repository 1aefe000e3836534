/* Which launches of an image's draft are of the machine that is about to start. */
#include "tests/t.h"

#include <string.h>

#include "base/str.h"
#include "cli/vm.h"

static bool is(const char *text, bool kvm)
{
	struct json_doc *doc = NULL;
	const struct vm_opts o = { .memory = 512, .kvm = kvm };
	struct err e = { 0 };
	bool yes;

	CHECK(json_parse(span_of(text), 4096, &doc, &e) == COFFER_OK);
	yes = vm_shape_is(json_root(doc), &o);
	json_free(doc);
	return yes;
}

#define WITH "\"registers\":{\"pcr00\":\"aa\",\"pcr04\":\"bb\"}}"
#define WITHOUT "\"registers\":{\"pcr04\":\"bb\"}}"

static void launches_are_of_machines_by_memory_and_by_kvm(void)
{
	CHECK(is("{\"shape\":\"qemu, 512 MiB\"," WITH, false) && is("{\"shape\":\"qemu, 512 MiB\"," WITHOUT, false));
	CHECK(is("{\"shape\":\"qemu with KVM, 512 MiB, 42-bit addresses\"," WITH, true) && is("{\"shape\":\"qemu with KVM, 512 MiB, 39-bit addresses\"," WITH, true));
	CHECK(!is("{\"shape\":\"qemu with KVM, 512 MiB, 42-bit addresses\"," WITH, false));
	for (int kvm = 0; kvm < 2; kvm++)
		CHECK(!is("{\"shape\":\"qemu, 1024 MiB\"," WITHOUT, kvm) && !is("{\"shape\":\"qemu with KVM, 1024 MiB, 42-bit addresses\"," WITH, kvm) && !is("{" WITHOUT, kvm) && !is("[]", kvm));
}

/* PCR 0 is all that KVM changes: a draft that says nothing of the firmware has one launch for both. */
static void a_launch_without_pcr_0_is_of_machines_under_kvm_too(void)
{
	CHECK(is("{\"shape\":\"qemu, 512 MiB\"," WITHOUT, true));
	CHECK(!is("{\"shape\":\"qemu, 512 MiB\"," WITH, true));
}

static unsigned bits_by(const char *launches)
{
	struct json_doc *doc = NULL;
	struct err e = { 0 };
	unsigned bits;

	CHECK(json_parse(span_of(launches), 4096, &doc, &e) == COFFER_OK);
	bits = vm_shape_bits(json_root(doc), 512);
	json_free(doc);
	return bits;
}

/* A draft from before 36 bits is of machines with 42, or its statement would refuse them; another's says nothing of it. */
static void a_machine_is_shown_as_many_bits_as_its_draft_is_of(void)
{
	CHECK(bits_by("[{\"shape\":\"qemu with KVM, 512 MiB, 42-bit addresses\"},{\"shape\":\"qemu with KVM, 512 MiB, 39-bit addresses\"}]") == 42);
	CHECK(bits_by("[{\"shape\":\"qemu with KVM, 512 MiB, 42-bit addresses\"},{\"shape\":\"qemu with KVM, 512 MiB, 36-bit addresses\"}]") == 36);
	CHECK(bits_by("[{\"shape\":\"qemu with KVM, 1024 MiB, 42-bit addresses\"},{\"shape\":\"qemu, 512 MiB\"}]") == 36);
	CHECK(bits_by("[{\"shape\":\"qemu with KVM, 512 MiB, 52-bit addresses\"}]") == 36 && bits_by("[]") == 36 && bits_by("{}") == 36 && bits_by("[7]") == 36);
}

static void shapes_are_named_as_drafts_name_them(void)
{
	char text[VM_SHAPE_MAX];

	vm_shape_measured(512, 0, text);
	CHECK(strcmp(text, "qemu, 512 MiB") == 0);
	vm_shape_measured(512, 42, text);
	CHECK(strcmp(text, "qemu with KVM, 512 MiB, 42-bit addresses") == 0);
}

int main(void)
{
	static const struct t_case cases[] = { T(launches_are_of_machines_by_memory_and_by_kvm), T(a_launch_without_pcr_0_is_of_machines_under_kvm_too),
		T(a_machine_is_shown_as_many_bits_as_its_draft_is_of), T(shapes_are_named_as_drafts_name_them) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
