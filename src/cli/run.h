/* `coffer run`: starts a guest on platform sample, speaks the boundary API to its agent, fetches what the manifest lets out.
 * docs/protocol/guest.md. The launcher is the host: nothing here is trusted, and nothing secret passes through it. */
#pragma once
#include "cli/cli.h"

extern const struct opt_spec opts_run[];

/* argv begins behind "run". Exit codes: 0; 1 refused, or a container ended with another code; 2 usage; 3 malformed;
 * 4 unavailable; 5 internal. */
int cmd_run(int argc, char **argv);
