/* Who holds a socket, and what a container uses: read from /proc. */
#pragma once
#include <sys/types.h>

#include "base/err.h"
#include "base/rd.h"

/* One end of a TCP connection over IPv4 (also as an IPv6 socket that speaks it). */
struct proc_peer { uint32_t local_ip, remote_ip; uint16_t local_port, remote_port; }; /* host byte order */

/* Pure: finds the connection in the text of /proc/net/tcp or tcp6. false unless exactly one line matches and has an
 * inode. Lines that do not have the kernel's form are skipped. */
bool proc_tcp_inode(struct span text, bool v6, const struct proc_peer *p, uint64_t *inode) NODISCARD;

/* The process namespace of everything that holds p's local end. COFFER_E_DENIED (check "gate") when nothing holds it or when
 * holders are in different namespaces: then nobody knows who asks. */
enum coffer_rc proc_holder(const struct proc_peer *p, ino_t *pidns, struct err *e) NODISCARD;

/* Sums over the processes of one process namespace. */
struct proc_use { uint64_t cpu_ns, memory, processes; };
void proc_usage(ino_t pidns, struct proc_use *out);
