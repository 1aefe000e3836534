/* The agent as the first process of a measured VM. There is no way out but the machine's end, and no shell on the way. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define INIT_MODULES "/etc/coffer/modules" /* in every guest image and nowhere else */
#define INIT_DEBUG   "/etc/coffer/debug"   /* in images that say what they are for */

/* Mounts, modules, then the agent in a child (vm.h), whose end and every other child's it awaits. Powers the machine off. */
_Noreturn void init_main(void);

/* init_machine.c: a machine out of a kernel that has just started: mounts, a root that pivot_root(2) can leave, loopback, modules
 * in the order that the image lists. COFFER_E_SYSTEM. */
enum coffer_rc init_machine(struct err *e) NODISCARD;
