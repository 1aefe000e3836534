/* The agent once it knows what it is to run: attests, listens, serves until the sandbox is over. */
#pragma once
#include "client/rcar.h"
#include "trust/manifest.h"

struct agent_start {
	struct attester at;
	struct span	initdata;	      /* the document that the manifest is in; borrowed for life */
	const char     *socket, *state, *crun; /* where the boundary listens; a folder of its own, absolute; the runtime */
	const char     *disk;		      /* a device with a file system for what may be large (scratch.h); NULL: memory */
	const struct span *binding;	      /* envelopes of bindings (slots.h) */
	size_t		n_bindings;
	bool (*ready)(void);		      /* the socket answers from now on; false: nobody is there to be told */
};
/* Takes the manifest. Ends when DestroySandbox has been answered, or cannot begin. */
enum coffer_rc agent_run(const struct agent_start *s, struct manifest *man, struct err *e) NODISCARD;
