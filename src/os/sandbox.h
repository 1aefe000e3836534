/* One-way doors for processes that touch hostile bytes or hold keys.
 *
 * Common to all: call once, single-threaded (refused otherwise), after every lazy
 * initialiser has run (crypto provider, locale, RNG) and before the first hostile byte
 * is read. Afterwards the process leaves no core file, cannot be traced, holds no
 * capability, gains no privilege and maps no executable page. A system call that is not on
 * the door's list kills the process (SIGSYS).
 * Fails closed: on any error the caller must exit, there is no weaker mode; a kernel
 * without seccomp or without landlock is an error.
 */
#pragma once
#include "base/err.h"

/* A process that was started as root goes on as the unprivileged user 65534, without groups; otherwise nothing happens. Before the door. */
enum coffer_rc sandbox_drop_root(struct err *e) NODISCARD;

/* Gives an open folder to the user that sandbox_drop_root becomes, where the caller is root; otherwise nothing happens. */
enum coffer_rc sandbox_own_as_nobody(int dir, struct err *e) NODISCARD;
/* The same of a file in it. */
enum coffer_rc sandbox_own_at_as_nobody(int dir, const char *name, struct err *e) NODISCARD;

/* After COFFER_OK this process can compute, read and write fds it already holds,
 * get memory, and exit. It cannot open, connect, exec, fork or ptrace. */
enum coffer_rc sandbox_enter_compute(struct err *e) NODISCARD;

/* For the holder of keys and store: as compute, and it can open, create, lock, sync and
 * remove files below state_dir (an existing folder; landlock: EACCES elsewhere), lock memory,
 * and wait for and use the sockets it already holds. It cannot make a socket, exec, fork
 * or start a thread. */
enum coffer_rc sandbox_enter_keep(const char *state_dir, struct err *e) NODISCARD;

/* For the process that talks to the network: it can accept on listening sockets it holds,
 * use them, wait (poll, epoll, eventfd) and start threads. It cannot make a socket of its
 * own, connect, bind, listen, exec, fork or open a file for writing; landlock denies it every
 * path, so opening one for reading fails with EACCES. */
enum coffer_rc sandbox_enter_net(struct err *e) NODISCARD;

/* For the process that asks the machine for evidence: it uses the descriptors that it holds, and waits. It cannot open a file (not even with
 * EACCES: that kills), make a socket, fork, exec or start a thread. With a folder (that of a request for reports; -1: none) it opens the files
 * that are in it, and no other. */
enum coffer_rc sandbox_enter_attest(int folder, struct err *e) NODISCARD;

/* For the process that hands each hostile request to a child of its own: it uses the descriptors it holds, waits, forks, waits for and
 * kills its children. It cannot exec, start a thread, make a socket, or open a file. Its children may go on to
 * sandbox_enter_compute, and must, before they read a hostile byte; they can take on nothing but that. */
enum coffer_rc sandbox_enter_forker(struct err *e) NODISCARD;

/* For the process that fetches from vendors: it reads and writes files in cache_dir, reads below offline_fd (an open folder; -1:
 * none) and what resolving names and checking certificates needs, forks, waits for and kills its children. It cannot exec, start
 * a thread or listen. It touches no byte of the network itself: that is for its children, which must go on to
 * sandbox_enter_fetcher before they do. */
enum coffer_rc sandbox_enter_fetch(const char *cache_dir, int offline_fd, struct err *e) NODISCARD;

/* For such a child: it connects to the internet and reads resolver settings and CA certificates, and uses the descriptors it
 * holds. It cannot open or remove a file of the cache, write one, fork, or signal anybody. */
enum coffer_rc sandbox_enter_fetcher(struct err *e) NODISCARD;

/* For the process that pulls and unpacks an image: it connects to the internet, reads resolver settings and CA certificates, starts threads, and does in dir, and in no other
 * folder, all that unpacking is: files, folders, links, pipes, owners, modes, attributes. It keeps the capabilities which that takes (CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID,
 * CAP_SETFCAP, and CAP_SYS_ADMIN for the attributes of overlays, of which the filter leaves nothing else). It cannot exec, fork, mount, trace or signal anybody, or make a device. */
enum coffer_rc sandbox_enter_puller(const char *dir, struct err *e) NODISCARD;
