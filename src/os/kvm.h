/* Whether this machine's KVM can run a machine of ours, found out by running one. That /dev/kvm is there says little: some hosts offer one that
 * starts and then fails at instructions or registers that every kernel uses. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* False: `why` says at what it failed. In a process of its own, which has two seconds. */
bool kvm_works(char *why, size_t room);
