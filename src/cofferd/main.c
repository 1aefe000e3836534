#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cofferd/parent.h"

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
	"The configuration (TOML): id, listen, state, genesis, genesis-digest, log, [collateral], [evidence].\n";

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

int main(int argc, char **argv)
{
	bool make = argc > 1 && strcmp(argv[1], "keygen") == 0;
	bool accept = argc > 1 && strcmp(argv[1], "accept-loss") == 0;
	bool check = argc > 1 && strcmp(argv[1], "fsck") == 0;
	bool repair = check && argc > 2 && strcmp(argv[2], "--repair") == 0;
	bool prune = argc > 3 && strcmp(argv[1], "prune-evidence") == 0 && strcmp(argv[2], "--older") == 0;
	int at = prune ? 4 : repair ? 3 : make || accept || check ? 2 : 1;
	struct config c = { 0 };
	struct err e = { 0 };
	enum coffer_rc rc;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		(void)fputs(usage, stdout);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)printf("cofferd %s\n", COFFER_VERSION);
		return 0;
	}
	if (argc != at + 2 || strcmp(argv[at], "--config") != 0) {
		(void)fputs(usage, stderr);
		return 2;
	}
	(void)umask(077); /* whatever this or a child puts into the state folder is for the service alone */
	rc = config_load(argv[at + 1], &c, &e);
	if (rc == COFFER_OK)
		rc = make ? keygen(&c, &e) : accept ? accept_loss(&c, &e) : check ? fsck(&c, repair, &e) : prune ? prune_evidence(&c, argv[3], &e) : serve(&c, &e);
	return rc == COFFER_OK ? 0 : fail(&e);
}
