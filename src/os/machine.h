/* What this machine has that a guest or its launcher may need: looked at, not used, and nothing is changed. No names of hosts or users. */
#pragma once
#include <stdbool.h>

#define MACHINE_FACTS_MAX 24
#define MACHINE_WHAT	  120

struct machine_fact {
	const char *name; /* "kernel", "configfs-tsm", ... */
	bool	    there;
	char	    what[MACHINE_WHAT]; /* which, or why not; printable ASCII */
};
struct machine { struct machine_fact fact[MACHINE_FACTS_MAX]; int n; };
/* Never fails: what cannot be found out is not there, and says why. */
void machine_look(struct machine *out);
