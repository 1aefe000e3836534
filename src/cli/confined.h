/* Hostile bytes read by a child that can do nothing but compute (os/sandbox.h): no file, no network, no key, no other process, bounded
 * memory and time. The command that started it reads none of them.
 *
 * Whoever breaks such a child with what it reads can have it say something else about those very bytes, and nothing beyond. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "base/wr.h"

#define CONFINED_SECONDS 60		/* of processor time */
#define CONFINED_TEXT_MAX (16u << 20)	/* that it prints */

typedef enum coffer_rc confined_job(void *arg, struct err *e);

/* What `job` prints to stdout in the child is printed here once the child has ended in order, controls but tab and newline replaced; its error
 * becomes *e. A child that dies, takes too long or says too much is COFFER_E_INPUT, and prints nothing. What the libraries load at first use has
 * to be loaded before (evidence_warm, zones_load). */
enum coffer_rc confined(confined_job *job, void *arg, struct err *e) NODISCARD;
/* The same, and says whether the child printed anything, whatever it returned. */
enum coffer_rc confined_printing(confined_job *job, void *arg, bool *printed, struct err *e) NODISCARD;
/* The same, with what it prints for the caller, as it is: *text is opened here, and closed again where the child says an error. */
enum coffer_rc confined_text(confined_job *job, void *arg, struct wr *text, struct err *e) NODISCARD;
