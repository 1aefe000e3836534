/* Disks of the machine, by the serial that whoever launched it gave them; never by what is on them. */
#pragma once
#include "base/err.h"
#include "base/wr.h"

#define VM_DISK_NAME 32
#define VM_SYS_BLOCK "/sys/block"

/* The one virtio disk with this serial, by its name in /dev. sys: VM_SYS_BLOCK. COFFER_E_NOTFOUND: none; COFFER_E_DENIED (check "disk"): several,
 * of which the host would choose one; COFFER_E_SYSTEM. */
enum coffer_rc vm_disk_find(const char *sys, const char *serial, char name[static VM_DISK_NAME], struct err *e) NODISCARD;
/* All of an open disk; what: for messages. COFFER_E_LIMIT: larger than max. */
enum coffer_rc vm_disk_read(int fd, const char *what, size_t max, struct wr *out, struct err *e) NODISCARD;
