/* A pull by a process of its own (the agent's program, started anew, so that nothing of the agent's memory is in it): it alone reads what a registry sends, until that
 * is unpacked. It holds no key but those of the layers it asks for, writes below the folder it was given alone, and makes connections; nothing else
 * (os/sandbox.h, sandbox_enter_puller). Frames of os/ipc.h between the two; the agent reads the puller's as it reads any stranger's. */
#pragma once
#include "image/pull.h"

#define PULLER_ARG "--pull" /* the only argument */

/* As image_pull, which what it starts calls; of *out only the layers. o->ca_pem, o->max_bytes and o->max_entries are not passed on. Waits as long as the pull takes. Whatever
 * ended the puller, it and its threads are gone and reaped afterwards, and on failure o->dir is empty. */
enum coffer_rc puller_run(const struct image_pull *o, size_t *n_layers, struct err *e) NODISCARD;

/* What main does when started so: the request comes on descriptor 3. Returns the exit code. */
int puller_main(void);
