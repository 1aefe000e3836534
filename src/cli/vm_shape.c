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

/* What a machine of that memory is to be shown under KVM, by a draft's launches. */
unsigned vm_shape_bits(const struct json *launches, uint32_t memory)
{
	char now[VM_SHAPE_MAX], before[VM_SHAPE_MAX];
	bool old = false;

	vm_shape_measured(memory, VM_KVM_BITS, now);
	vm_shape_measured(memory, VM_KVM_BITS_BEFORE, before);
	for (size_t i = 0; i < json_len(launches); i++) {
		struct span shape = json_str(json_get(json_at(launches, i), "shape"));

		if (span_eq_str(shape, now))
			return VM_KVM_BITS;
		old = old || span_eq_str(shape, before);
	}
	return old ? VM_KVM_BITS_BEFORE : VM_KVM_BITS;
}

/* A machine under KVM may be one of several shapes, by its processor, in drafts for VM_KVM_BITS_BEFORE. What KVM changes is PCR 0: a launch that says nothing of
 * that is of both. */
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
