/* cofferd-attest: has this machine's processor or TPM sign what the service is, for whoever brings a nonce. See proto/self.h.
 *
 * It holds the open TPM, or the folder of one request for the processor's reports, and 32 bytes that say what the service is, which come from keep by way
 * of the parent. What a stranger sends has passed net's reader; here it is a nonce, hashed before the machine sees it, and a credential, which the TPM
 * opens or not. The machine's answers are taken for bytes of the host's, as a guest takes its own.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "attest/tpm.h"
#include "attest/tsm.h"
#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "os/ipc.h"
#include "os/sandbox.h"
#include "proto/self.h"

struct self {
	uint8_t           binding[32];
	struct attest_tpm tpm;
	struct attest_tsm tsm;
	int               request;     /* folder of the processor's reports; -1: by the TPM */
	struct attester   attester;
	struct rcar_tpm   shown;       /* certificate of the endorsement key, and the attestation key: the same as long as the machine runs */
};

static void self_clear(struct self *s)
{
	attest_tpm_close(&s->tpm);
	closep(&s->request);
	rcar_tpm_clear(&s->shown);
}

static enum coffer_rc look_processor(struct self *s, struct err *e)
{
	struct tsm_link link = tsm_held_link(&s->request);

	TRY(attest_tsm_open(&s->tsm, &link, e));
	s->tsm.any_init = true;
	s->tsm.ccel = NULL; /* a path; and the registers say it all */
	s->attester = attest_tsm_attester(&s->tsm);
	return COFFER_OK;
}

/* Without a certificate nobody could tell a TPM from one that was made up; of an emulated one nobody can in any case. */
static enum coffer_rc look_tpm(struct self *s, struct err *e)
{
	struct err no_cert = { 0 };

	TRY(attest_tpm_begin(&s->tpm, SELF_FD_MACHINE, e));
	s->attester = attest_tpm_attester(&s->tpm);
	if (s->attester.ask(&s->tpm, &s->shown, &no_cert) == COFFER_OK)
		return COFFER_OK;
	rcar_tpm_clear(&s->shown);
	if (strcmp(s->attester.tee, "swtpm") == 0)
		return COFFER_OK;
	*e = no_cert;
	return no_cert.rc;
}

static enum coffer_rc evidence(struct self *s, struct span frame, struct wr *reply, struct err *e)
{
	static const uint8_t no_register[32];
	CLEANUP(self_question_clear) struct self_question q = { 0 };
	CLEANUP(wr_close) struct wr json = wr_open(SELF_REPLY_MAX);
	uint8_t data[32];

	TRY(self_frame_read(frame, &q, e));
	if (q.credential.credential.n > 0 && !s->attester.open)
		return err_set(e, COFFER_E_INPUT, "a credential is for a TPM, and this service attests itself by %s", s->attester.tee);
	if (q.credential.credential.n > 0)
		TRY(s->attester.open(s->attester.arg, &q.credential, e));
	self_report_data(s->binding, q.nonce, data);
	TRY(s->attester.evidence(s->attester.arg, SPAN(data), no_register, &json, e));
	self_answer_write(reply, s->attester.tee, wr_span(&json));
	return wr_done(reply, "evidence", e);
}

static enum coffer_rc answer(struct self *s, uint8_t tag, struct span frame, struct wr *reply, struct err *e)
{
	if (tag == SELF_EVIDENCE)
		return evidence(s, frame, reply, e);
	if (tag != SELF_DESCRIBE || frame.n > 0)
		return err_set(e, COFFER_E_INPUT, "attest: net sent message %u", (unsigned)tag);
	self_description_write(reply, s->attester.tee, &s->shown);
	return wr_done(reply, "description", e);
}

static enum coffer_rc serve(struct self *s, struct err *e)
{
	while (ipc_wait(SELF_FD_NET, SELF_FD_PARENT)) {
		CLEANUP(wr_close) struct wr frame = { 0 }, reply = wr_open(SELF_REPLY_MAX);
		struct err said = { 0 };
		uint8_t tag = 0;
		enum coffer_rc rc = ipc_recv(SELF_FD_NET, SELF_FRAME_MAX, &tag, &frame, e);

		if (rc == COFFER_E_UPSTREAM)
			return COFFER_OK; /* net has gone */
		if (rc != COFFER_OK)
			return rc;
		rc = answer(s, tag, wr_span(&frame), &reply, &said);
		TRY(ipc_send(SELF_FD_NET, (uint8_t)rc, rc == COFFER_OK ? wr_span(&reply) : span_of(said.msg), e));
	}
	return COFFER_OK;
}

static enum coffer_rc run(const char *binding, const char *what, struct self *s, struct err *e)
{
	bool tsm = strcmp(what, "tsm") == 0;
	uint8_t warm[32] = { 0 };

	if (!hex_fixed(span_of(binding), s->binding, sizeof(s->binding)) || (!tsm && strcmp(what, "tpm") != 0))
		return err_set(e, COFFER_E_INPUT, "usage: cofferd-attest BINDING tpm|tsm (started by cofferd)");
	if (tsm)
		s->request = SELF_FD_MACHINE;
	TRY(sandbox_drop_root(e));
	sha256(SPAN(warm), warm); /* the crypto library starts now: its settings are files */
	TRY(sandbox_enter_attest(s->request, e));
	TRY(tsm ? look_processor(s, e) : look_tpm(s, e));
	if (write(SELF_FD_PARENT, "R", 1) != 1)
		return err_set(e, COFFER_E_SYSTEM, "the parent is gone");
	(void)fprintf(stderr, "cofferd-attest: this service attests itself, by %s%s\n", s->attester.tee,
	    strcmp(s->attester.tee, "swtpm") == 0 ? ": emulated, this machine's host could forge it" : "");
	return serve(s, e);
}

int main(int argc, char **argv)
{
	static struct self s = { .tpm = { .fd = -1, .no_log = true }, .request = -1 };
	struct err e = { 0 };
	enum coffer_rc rc;

	(void)setvbuf(stderr, NULL, _IOLBF, 4096);
	(void)signal(SIGPIPE, SIG_IGN);
	rc = run(argc == 3 ? argv[1] : "", argc == 3 ? argv[2] : "", &s, &e);
	self_clear(&s);
	if (rc != COFFER_OK)
		(void)fprintf(stderr, "cofferd-attest: %s\n", e.msg);
	return rc == COFFER_OK ? 0 : 1;
}
