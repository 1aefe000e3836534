/* Reports of the platform that the kernel runs on, through configfs-tsm: a folder a request, the data to be reported written into it, report and
 * certificates read out of it. The bytes that come back are the platform's and, where it passes certificates on, the host's: nothing of them is
 * looked at here.
 * Source: Linux, Documentation/ABI/testing/configfs-tsm-report. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define TSM_ROOT     "/sys/kernel/config/tsm/report"
#define TSM_IN_LEN   64
#define TSM_OUT_MAX  (64u << 10)
#define TSM_AUX_MAX  (256u << 10)
#define TSM_TRIES    5
#define TSM_PROVIDER 32

/* What is done to the folders; a test that plays the kernel has its own. */
struct tsm_link {
	/* A new, empty request; all that follows is about it. COFFER_E_NOTFOUND: this kernel or machine has no reports. */
	enum coffer_rc (*make)(void *arg, struct err *e);
	void (*drop)(void *arg);
	/* A whole attribute. COFFER_E_NOTFOUND: the platform has none of this name; COFFER_E_UPSTREAM: busy, another try may do. */
	enum coffer_rc (*read)(void *arg, const char *attribute, size_t max, struct wr *out, struct err *e);
	enum coffer_rc (*write)(void *arg, const char *attribute, struct span s, struct err *e);
	void *arg;
};

struct tsm_files { char root[128], at[192]; unsigned n; };
/* The kernel's, below root (TSM_ROOT, or a folder of its form). The link borrows f. */
struct tsm_link tsm_files_link(struct tsm_files *f, const char *root);

/* A request that stays, for a process that may give up root and every path but this: made below root, or at `there`, which somebody made before and keeps.
 * Whoever is root gives it to the user that sandbox_drop_root becomes. COFFER_E_NOTFOUND as of tsm_link's make. */
struct tsm_held { int dir; char at[192]; }; /* dir -1: none; at "": not ours to take away */
enum coffer_rc tsm_held_make(const char *root, struct tsm_held *out, struct err *e) NODISCARD;
enum coffer_rc tsm_held_take(const char *there, struct tsm_held *out, struct err *e) NODISCARD;
void	       tsm_held_drop(struct tsm_held *h); /* the folder, where it is ours */
/* Every request is this one: nothing is made or taken away. dir is its open folder; the link borrows it. */
struct tsm_link tsm_held_link(int *dir);

/* Who makes reports here: "sev_guest", "tdx_guest", ... COFFER_E_NOTFOUND: nobody. */
enum coffer_rc tsm_provider(const struct tsm_link *l, char out[static TSM_PROVIDER], struct err *e) NODISCARD;

struct tsm_report { struct wr out, aux; }; /* aux: empty where the platform gives none */
void tsm_report_clear(struct tsm_report *r); /* CLEANUP-ready */
/* A report over `in` (at most TSM_IN_LEN bytes, zeros behind). The request's generation says whether this write, and no other, came between:
 * if not, a new request, TSM_TRIES times in all. A write takes effect when the file is closed, where the kernel tells nobody of an error: the
 * generation tells that too. COFFER_E_DENIED (check "tsm"): another provider than the one wanted, or never undisturbed.
 * The privilege level stays the platform's default, 0 where nothing runs beneath. */
enum coffer_rc tsm_report(const struct tsm_link *l, const char *provider, struct span in, struct tsm_report *out, struct err *e) NODISCARD;
