/* What a host needs to start guests of a TEE, looked for where its kernel says it. It says nothing of what a guest is worth: that is
 * the evidence's to show, and the owners' to judge. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum tee_host { TEE_HOST_SNP, TEE_HOST_TDX };

/* root: "", or a folder that has dev and sys (tests). False: `why` says what is missing and who can mend it. Looks at /dev/kvm, at the
 * parameter of the kernel's module, and for SNP at /dev/sev; whether QEMU can is not looked at. */
bool tee_host_offers(enum tee_host t, const char *root, char *why, size_t room);

/* The bit of an address that SEV encrypts by, as this processor says; what all processors with SNP have so far where it says nothing. */
unsigned tee_host_c_bit(void);
