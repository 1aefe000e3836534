#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "cofferd/parent.h"

#define DAYS_MAX 36500 /* as cofferd-keep has it */

static const char usage[] =
	"cofferd, the trust service: evaluates evidence, keeps sealed keys, writes the journal\n"
	"\n"
	"  cofferd --config FILE          run the service\n"
	"  cofferd keygen --config FILE   make its keys; prints the service description that\n"
	"                                 `coffer genesis new` and `coffer service sign` read\n"
	"  cofferd accept-loss --config FILE   start from an old copy of the store: what the lost\n"
	"                                 entries revoked is in force again; it is written into the journal\n"
	"  cofferd fsck [--repair] --config FILE   check the store of a service that does not run; mend what the\n"
	"                                 entries give again\n"
	"  cofferd prune-evidence --older DAYS --config FILE   forget evidence whose receipts its asset's\n"
	"                                 owner fetched that long ago; of a service that does not run. The\n"
	"                                 journal shows it\n"
	"  cofferd --help | --version\n"
	"\n"
	"The configuration (TOML): id, listen, state, genesis, genesis-digest, log, [collateral], [evidence],\n"
	"[attest] (cofferd(8)).\n";

static int fail(const struct err *e)
{
	(void)fprintf(stderr, "cofferd: %s%s%s\n", e->check, e->check[0] ? ": " : "", e->msg);
	switch (e->rc) {
	case COFFER_OK:
		return 0;
	case COFFER_E_DENIED:
		return 1;
	case COFFER_E_INPUT:
	case COFFER_E_LIMIT:
		return 3;
	case COFFER_E_NOTFOUND:
	case COFFER_E_UPSTREAM:
		return 4;
	case COFFER_E_SYSTEM:
	case COFFER_E_BUG:
		return 5;
	}
	return 5;
}

enum verb { SERVE, KEYGEN, ACCEPT_LOSS, FSCK, PRUNE, VERBS };
struct words { enum verb verb; bool repair; const char *config, *older; };

static int wrong(const char *verb, const char *what, const char *which)
{
	(void)fprintf(stderr, "cofferd%s%s: %s%s\nTry 'cofferd --help'.\n", *verb ? " " : "", verb, what, which);
	return 2;
}

/* 0, or the exit code after what is wrong was said. */
static int read_words(int argc, char **argv, struct words *w)
{
	static const char *const verbs[VERBS] = { "", "keygen", "accept-loss", "fsck", "prune-evidence" };
	const char *verb = argc > 1 && argv[1][0] != '-' ? argv[1] : "";
	const char **value;
	uint64_t days = 0;

	while (w->verb < VERBS && strcmp(verb, verbs[w->verb]) != 0)
		w->verb++;
	if (w->verb == VERBS)
		return wrong("", "no command ", verb);
	for (int i = *verb ? 2 : 1; i < argc; i++) {
		if (w->verb == FSCK && strcmp(argv[i], "--repair") == 0) {
			w->repair = true;
			continue;
		}
		value = strcmp(argv[i], "--config") == 0 ? &w->config : w->verb == PRUNE && strcmp(argv[i], "--older") == 0 ? &w->older : NULL;
		if (!value || *value)
			return wrong(verb, value ? "given twice: " : "unknown option ", argv[i]);
		if (++i == argc)
			return wrong(verb, "this option needs a value: ", argv[i - 1]);
		*value = argv[i];
	}
	if (!w->config)
		return wrong(verb, "--config FILE is missing: the service's configuration, which names its state folder", "");
	if (w->verb != PRUNE)
		return 0;
	if (!w->older)
		return wrong(verb, "--older DAYS is missing: how long ago its receipt was fetched", "");
	return span_u64(span_of(w->older), &days) && days >= 1 && days <= DAYS_MAX ? 0 : wrong(verb, "--older: not 1 to 36500 days: ", w->older);
}

static enum coffer_rc run(const struct words *w, struct err *e)
{
	struct config c = { 0 };

	TRY(config_load(w->config, &c, e));
	switch (w->verb) {
	case KEYGEN:      return keygen(&c, e);
	case ACCEPT_LOSS: return accept_loss(&c, e);
	case FSCK:        return fsck(&c, w->repair, e);
	case PRUNE:       return prune_evidence(&c, w->older, e);
	case SERVE:
	case VERBS:       break;
	}
	return serve(&c, e);
}

int main(int argc, char **argv)
{
	struct words w = { SERVE, false, NULL, NULL };
	struct err e = { 0 };
	int rc;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		(void)fputs(usage, stdout);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)printf("cofferd %s\n", COFFER_VERSION);
		return 0;
	}
	if (argc == 1) {
		(void)fputs(usage, stderr);
		return 2;
	}
	rc = read_words(argc, argv, &w);
	if (rc != 0)
		return rc;
	(void)umask(077); /* whatever this or a child puts into the state folder is for the service alone */
	return run(&w, &e) == COFFER_OK ? 0 : fail(&e);
}
