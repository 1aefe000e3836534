/* A TPM: the kernel's device, or a socket that takes the same bytes (swtpm's). */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

/* The resource manager's device, else the bare one. COFFER_E_NOTFOUND: none. */
enum coffer_rc tpm_device_open(int *fd, struct err *e) NODISCARD;
/* By its name: a device, or a listening unix socket of an emulator. COFFER_E_NOTFOUND: there is nothing. */
enum coffer_rc tpm_path_open(const char *path, int *fd, struct err *e) NODISCARD;
/* One command, one answer of at most max bytes, as long as it says; empty where the kernel has waited for it as long as it waits (ETIME): whether it was carried
 * out is not known then. COFFER_E_UPSTREAM when the other side is gone or its answer is no TPM's. *response is opened here. */
enum coffer_rc tpm_device_transact(int fd, struct span command, size_t max, struct wr *response, struct err *e) NODISCARD;
