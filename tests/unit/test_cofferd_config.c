/* cofferd's configuration file and listening address. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/config.h"
#include "cofferd/parent.h"
#include "os/listen.h"
#include "tests/t.h"

static enum coffer_rc parse(const char *text, struct config *c)
{
	struct err e = { 0 };

	return config_parse(span_of(text), "/etc/coffer", c, &e);
}

static void config_reads_all_keys(void)
{
	struct config c = { 0 };

	CHECK(parse("id = \"trust\"\nlisten = \"[::1]:0\"\nstate = \"/s\"\ngenesis = \"g.json\"\nlog = \"warn\"\n"
		    "genesis-digest = \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"\n", &c) == COFFER_OK);
	CHECK(strcmp(c.id, "trust") == 0 && strcmp(c.listen, "[::1]:0") == 0 && strcmp(c.state, "/s") == 0 && !c.log_all);
	CHECK(strcmp(c.genesis, "/etc/coffer/g.json") == 0 && c.has_digest && c.digest[31] == 31);
}

static void config_has_defaults(void)
{
	struct config c = { 0 };

	CHECK(parse("state = \"/s\"\n", &c) == COFFER_OK);
	CHECK(strcmp(c.listen, "127.0.0.1:8443") == 0 && c.log_all && c.genesis[0] == '\0' && !c.has_digest);
	CHECK(parse("state = \"/s\"\ngenesis = \"/g.json\"\n", &c) == COFFER_OK && strcmp(c.genesis, "/g.json") == 0);
}

static void config_reads_collateral(void)
{
	struct config c = { 0 };

	CHECK(parse("state = \"/s\"\n", &c) == COFFER_OK && c.collateral.enabled && c.collateral.max_age == 86400);
	CHECK(c.collateral.offline[0] == '\0' && c.collateral.amd_url[0] == '\0' && c.collateral.ca_file[0] == '\0');
	CHECK(parse("state = \"/s\"\n[collateral]\nenabled = false\noffline = \"/o\"\namd-url = \"https://a\"\nintel-url = \"https://i\"\n"
		    "intel-root-url = \"https://r\"\nca-file = \"ca.pem\"\nmax-age = 60\n", &c) == COFFER_OK);
	CHECK(!c.collateral.enabled && strcmp(c.collateral.offline, "/o") == 0 && strcmp(c.collateral.amd_url, "https://a") == 0);
	CHECK(strcmp(c.collateral.intel_url, "https://i") == 0 && strcmp(c.collateral.intel_root_url, "https://r") == 0);
	CHECK(strcmp(c.collateral.ca_file, "/etc/coffer/ca.pem") == 0 && c.collateral.max_age == 60);
}

static void config_reads_the_bounds_of_evidence(void)
{
	struct config c = { 0 };

	CHECK(parse("state = \"/s\"\n", &c) == COFFER_OK && c.evidence.all == 0 && c.evidence.owner == 0);
	CHECK(parse("state = \"/s\"\n[evidence]\nall = 5000000000\nowner = 7\n", &c) == COFFER_OK);
	CHECK(c.evidence.all == UINT64_C(5000000000) && c.evidence.owner == 7);
}

#define ID "state = \"/s\"\nid = \"trust\"\n"
static void config_reads_attest(void)
{
	struct config c = { 0 };

	CHECK(parse(ID, &c) == COFFER_OK && c.attest.by == ATTEST_NONE);
	CHECK(parse(ID "[attest]\nplatform = \"none\"\n", &c) == COFFER_OK && c.attest.by == ATTEST_NONE);
	CHECK(parse(ID "[attest]\nplatform = \"tpm\"\n", &c) == COFFER_OK && c.attest.by == ATTEST_TPM && c.attest.device[0] == '\0');
	CHECK(parse(ID "[attest]\nplatform = \"tpm\"\ndevice = \"/dev/tpm1\"\n", &c) == COFFER_OK && strcmp(c.attest.device, "/dev/tpm1") == 0);
	CHECK(parse(ID "[attest]\nplatform = \"tsm\"\nrequest = \"/r\"\n", &c) == COFFER_OK && c.attest.by == ATTEST_TSM && strcmp(c.attest.request, "/r") == 0);
	CHECK(parse(ID "[attest]\nplatform = \"auto\"\ndevice = \"/d\"\n", &c) == COFFER_OK && c.attest.by == ATTEST_AUTO && c.attest.request[0] == '\0');
}

static void config_refuses_mistakes(void)
{
	static const char *const bad[] = {"",
					  "state = 1",
					  "state = \"relative\"",
					  "state = \"/s\"\nx = 1",
					  "state = \"/s\"\nid = \"Trust\"",
					  "state = \"/s\"\nlog = \"debug\"",
					  "state = \"/s\"\nlog = \"information\"",
					  "state = \"/s\"\ngenesis-digest = \"00\"",
					  "state = \"/s\"\ngenesis-digest = 7",
					  "state = \"/s\"\nlisten = \"\"",
					  "state = \"/s\"\nstate = \"/t\"",
					  "state = ",
					  "state = \"/s\"\ncollateral = 1",
					  "state = \"/s\"\n[collateral]\nx = 1",
					  "state = \"/s\"\nevidence = 1",
					  "state = \"/s\"\n[evidence]\nx = 1",
					  "state = \"/s\"\n[evidence]\nall = 0",
					  "state = \"/s\"\n[evidence]\nowner = -1",
					  "state = \"/s\"\n[evidence]\nowner = \"1\"",
					  "state = \"/s\"\n[evidence]\nall = 1125899906842625",
					  "state = \"/s\"\n[collateral]\nenabled = 1",
					  "state = \"/s\"\n[collateral]\noffline = \"relative\"",
					  "state = \"/s\"\n[collateral]\namd-url = 1",
					  "state = \"/s\"\n[collateral]\nmax-age = 0",
					  "state = \"/s\"\n[collateral]\nmax-age = -1",
					  "state = \"/s\"\n[collateral]\nmax-age = 4294967296",
					  "state = \"/s\"\n[collateral]\nmax-age = \"1\"",
					  ID "attest = 1",
					  ID "[attest]\n",
					  ID "[attest]\nplatform = 1",
					  ID "[attest]\nplatform = \"snp\"",
					  ID "[attest]\nplatform = \"tsm\"\ndevice = \"/d\"",
					  ID "[attest]\nplatform = \"tsm\"\nrequest = \"relative\"",
					  ID "[attest]\nplatform = \"tpm\"\nrequest = \"/r\"",
					  ID "[attest]\nplatform = \"none\"\nrequest = \"/r\"",
					  "state = \"/s\"\n[attest]\nplatform = \"auto\"",
					  ID "[attest]\nplatform = \"tpm\"\nx = 1",
					  ID "[attest]\nplatform = \"tpm\"\ndevice = \"relative\"",
					  ID "[attest]\nplatform = \"none\"\ndevice = \"/d\"",
					  "state = \"/s\"\n[attest]\nplatform = \"tpm\""};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config c = { .id = "untouched" };

		CHECK(parse(bad[i], &c) != COFFER_OK && strcmp(c.id, "untouched") == 0);
	}
}

static void config_says_once_where_a_mistake_is(void)
{
	struct config c;
	struct err e = { 0 };

	CHECK(config_parse(span_of("state = \"/s\"\n[collateral]\nx = 1"), "/etc/coffer", &c, &e) == COFFER_E_INPUT);
	CHECK(strcmp(e.msg, "collateral: member \"x\" is not known here") == 0);
	CHECK(config_parse(span_of("state = \"/s\"\n[collateral]\nenabled = 1"), "/etc/coffer", &c, &e) == COFFER_E_INPUT);
	CHECK(strcmp(e.msg, "collateral: enabled is neither true nor false") == 0);
}

static void listen_takes_literal_addresses_and_names_the_port(void)
{
	CLEANUP(closep) int fd = -1;
	char name[80] = "";
	struct err e = { 0 };
	int again = -1;

	CHECK(listen_on("127.0.0.1:0", &fd, &e) == COFFER_OK);
	CHECK(listen_name(fd, name, sizeof(name), &e) == COFFER_OK);
	CHECK(strncmp(name, "127.0.0.1:", 10) == 0 && strcmp(name, "127.0.0.1:0") != 0);
	CHECK(listen_on(name, &again, &e) == COFFER_E_DENIED && strcmp(e.check, "listen") == 0 && strstr(e.msg, name) && again == -1);
}

static void listen_refuses_names_and_halves(void)
{
	static const char *const bad[] = {"",		":",   "127.0.0.1", "localhost:8443", "::1:80", "[::1:80", "127.0.0.1:x",
					  "127.0.0.1:", ":80", "[]:80"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = -1;
		struct err e = { 0 };

		CHECK(listen_on(bad[i], &fd, &e) == COFFER_E_INPUT && fd == -1);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(config_reads_all_keys), T(config_has_defaults), T(config_reads_collateral), T(config_reads_the_bounds_of_evidence), T(config_reads_attest), T(config_refuses_mistakes),
		T(config_says_once_where_a_mistake_is),
		T(listen_takes_literal_addresses_and_names_the_port), T(listen_refuses_names_and_halves),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
