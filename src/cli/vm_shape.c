/* Shapes of VMs that drafts name. */
#include "cli/vm.h"

#include <stdio.h>

#include "base/str.h"

#define UNDER_KVM "qemu with KVM, "

void vm_shape_measured(uint32_t memory, unsigned bits, char out[static VM_SHAPE_MAX])
{
	if (bits > 0)
		(void)snprintf(out, VM_SHAPE_MAX, UNDER_KVM "%u MiB, %u-bit addresses", memory, bits);
	else
		(void)snprintf(out, VM_SHAPE_MAX, VM_SHAPE_QEMU "%u MiB", memory);
}

/* A machine under KVM is one of several shapes, by its processor. What KVM changes is PCR 0: a launch that says nothing of that is of both. */
bool vm_shape_is(const struct json *launch, const struct vm_opts *o)
{
	struct span shape = json_str(json_get(launch, "shape"));
	char text[VM_SHAPE_MAX];

	vm_shape_measured(o->memory, 0, text);
	if (span_eq_str(shape, text))
		return !o->kvm || !json_get(json_get(launch, "registers"), "pcr00");
	(void)snprintf(text, sizeof(text), UNDER_KVM "%u MiB, ", o->memory);
	return o->kvm && span_starts(shape, text);
}
