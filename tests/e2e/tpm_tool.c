/* The guest's TPM commands on a TPM: tpm_tool SOCKET VERB [ARGUMENT], answers in hex. For test_tpm_client.py, test_azure.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/attest_az.h"
#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "evidence/tpm_client.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "os/tpm.h"

static enum coffer_rc transact(void *arg, struct span command, struct wr *response, struct err *e)
{
	return tpm_device_transact(*(int *)arg, command, TPM_RESPONSE_MAX, response, e);
}

static void say(const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr hex = wr_open(2 * s.n + 1);

	hex_write(&hex, s);
	(void)printf("%s %.*s\n", name, (int)hex.n, (const char *)hex.p);
}

static enum coffer_rc pcrs(const struct tpm_link *l, struct err *e)
{
	uint8_t v[TPM_PCRS][32];

	TRY(tpm_read_pcrs(l, v, e));
	for (size_t i = 0; i < TPM_PCRS; i++)
		say("pcr", SPAN(v[i]));
	return COFFER_OK;
}

static enum coffer_rc quote(const struct tpm_link *l, struct span nonce, struct err *e)
{
	CLEANUP(tpm_quoted_clear) struct tpm_quoted q = { 0 };
	struct tpm_key ak;

	TRY(tpm_make_key(l, TPM_MAKE_AK, &ak, e));
	TRY(tpm_quote(l, ak.handle, nonce, &q, e));
	say("ak", (struct span){ ak.pub, ak.pub_n });
	say("message", wr_span(&q.message));
	say("signature", wr_span(&q.signature));
	TRY(pcrs(l, e));
	return tpm_flush(l, ak.handle, e);
}

static enum coffer_rc keys(const struct tpm_link *l, struct err *e)
{
	CLEANUP(wr_close) struct wr cert = { 0 };
	struct tpm_key ak, ek;
	char maker[5];

	TRY(tpm_maker(l, maker, e));
	TRY(tpm_nv_read(l, TPM_EK_CERT_RSA, 8192, &cert, e));
	TRY(tpm_make_key(l, TPM_MAKE_AK, &ak, e));
	TRY(tpm_make_key(l, TPM_MAKE_EK, &ek, e));
	say("maker", span_of(maker));
	say("cert", wr_span(&cert));
	say("ak", (struct span){ ak.pub, ak.pub_n });
	say("ek", (struct span){ ek.pub, ek.pub_n });
	TRY(tpm_flush(l, ak.handle, e));
	return tpm_flush(l, ek.handle, e);
}

/* ARGUMENT: a file with TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET. */
static enum coffer_rc activate(const struct tpm_link *l, const char *path, struct err *e)
{
	CLEANUP(wr_close) struct wr file = { 0 }, out = { 0 };
	struct tpm_credential_of c = { 0 };
	struct tpm_key ak, ek;
	struct rd r;

	TRY(file_read(path, 4096, &file, e));
	r = rd_open(wr_span(&file));
	c.credential.p = r.p;
	c.credential.n = 2 + (size_t)rd_be16(&r);
	c.secret = span_skip(wr_span(&file), c.credential.n);
	TRY(tpm_make_key(l, TPM_MAKE_AK, &ak, e));
	TRY(tpm_make_key(l, TPM_MAKE_EK, &ek, e));
	c.ak = ak.handle;
	c.ek = ek.handle;
	TRY(tpm_activate(l, &c, &out, e));
	say("secret", wr_span(&out));
	TRY(tpm_flush(l, ak.handle, e));
	return tpm_flush(l, ek.handle, e);
}

/* The guest's evidence as JSON. */
static enum coffer_rc evidence(int fd, struct span report_data, struct err *e)
{
	CLEANUP(attest_tpm_close) struct attest_tpm t = { .fd = -1 };
	CLEANUP(wr_close) struct wr json = wr_open(1u << 20);
	struct attester a;
	uint8_t reg[32] = { 0 };

	TRY(attest_tpm_begin(&t, fd, e));
	a = attest_tpm_attester(&t);
	TRY(a.evidence(a.arg, report_data, reg, &json, e));
	(void)printf("%s %.*s\n", a.tee, (int)json.n, (const char *)json.p);
	return COFFER_OK;
}

/* The same of an Azure machine; the port is where a test plays the metadata service. */
static enum coffer_rc evidence_az(int fd, const char *port, struct span report_data, struct err *e)
{
	CLEANUP(attest_tpm_close) struct attest_tpm t = { .fd = -1 };
	CLEANUP(wr_close) struct wr json = wr_open(1u << 20);
	uint8_t reg[32] = { 0 };
	struct attester a;
	struct attest_az az;

	TRY(attest_tpm_begin(&t, fd, e));
	TRY(attest_az_open(&az, &t, e));
	az.host = "127.0.0.1";
	az.port = (uint16_t)strtoul(port, NULL, 10);
	a = attest_az_attester(&az);
	TRY(a.evidence(a.arg, report_data, reg, &json, e));
	(void)printf("%s %.*s\n", a.tee, (int)json.n, (const char *)json.p);
	return COFFER_OK;
}

/* As the agent's first act in a machine: ARGUMENT is the initdata. */
static enum coffer_rc init(int fd, struct span initdata, struct err *e)
{
	CLEANUP(attest_tpm_close) struct attest_tpm t = { .fd = -1 };

	TRY(attest_tpm_begin(&t, fd, e));
	return attest_tpm_init(&t, initdata, e);
}

static enum coffer_rc run(char **a, const struct tpm_link *l, struct err *e)
{
	uint8_t digest[32], long_digest[48];

	if (strncmp(a[2], "az:", 3) == 0)
		return a[3] && hex_fixed(span_of(a[3]), long_digest, 48) ? evidence_az(dup(*(int *)l->arg), a[2] + 3, SPAN(long_digest), e)
									 : err_set(e, COFFER_E_INPUT, "usage");
	if (strcmp(a[2], "pcrs") == 0)
		return pcrs(l, e);
	if (strcmp(a[2], "keys") == 0)
		return keys(l, e);
	if (a[3] && strcmp(a[2], "init") == 0)
		return init(dup(*(int *)l->arg), span_of(a[3]), e);
	if (!a[3] || (strcmp(a[2], "activate") != 0 && !hex_fixed(span_of(a[3]), digest, 32)))
		return err_set(e, COFFER_E_INPUT, "usage");
	if (strcmp(a[2], "extend") == 0)
		return tpm_extend(l, 8, digest, e);
	if (strcmp(a[2], "quote") == 0)
		return quote(l, SPAN(digest), e);
	if (strcmp(a[2], "evidence") == 0)
		return evidence(dup(*(int *)l->arg), SPAN(digest), e);
	return activate(l, a[3], e);
}

int main(int argc, char **argv)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct tpm_link l = { transact, &fd };
	struct err e = { 0 };

	if (argc < 3 || argc > 4 || strlen(argv[1]) >= sizeof(at.sun_path))
		return 2;
	memcpy(at.sun_path, argv[1], strlen(argv[1]));
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return 2;
	if (run(argv, &l, &e) == COFFER_OK)
		return 0;
	(void)fprintf(stderr, "%s: %s\n", e.check, e.msg);
	return 1;
}
