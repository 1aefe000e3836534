#include "cli/self.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/evidence_files.h"
#include "cli/self_judge.h"
#include "crypto/hash.h"
#include "decide/shown.h"
#include "evidence/fixed.h"
#include "evidence/needs.h"
#include "evidence/tpm_credential.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "proto/self.h"
#include "trust/machine_match.h"

#define PATH "/coffer/v0/service/evidence"

/* One question to one service. */
struct asked {
	struct service_conn  *conn;
	const struct service *svc;
	struct genesis        genesis; /* its vendor roots, and those of --roots */
	struct evidence_files files, collateral;
	struct vendor_roots  *roots;
	int64_t               now;
	enum tee_kind         tee;
	uint8_t               nonce[SELF_NONCE], data[32];
	bool                  credential;
	struct vkey          *ak;      /* with a credential */
	uint8_t               secret[TPM_CREDENTIAL_SECRET];
	uint8_t               ek[32];  /* the same: which TPM, as a statement names it */
};

static void asked_clear(struct asked *a)
{
	vendor_roots_close(a->roots);
	vkey_free(a->ak);
	evidence_files_clear(&a->files);
	evidence_files_clear(&a->collateral);
	explicit_bzero(a->secret, sizeof(a->secret));
}

/* ---- whom to believe ---- */

/* Whose word evidence of a platform rests on, as a genesis names them. */
static const char *vendor_of(enum tee_kind tee)
{
	return tee == TEE_SNP ? "amd" : tee == TEE_TDX ? "intel" : "tpm";
}

static enum coffer_rc add_root(const struct cert *cert, const char *vendor, struct genesis *g, struct err *e)
{
	struct genesis_root *r = &g->root[g->n_roots];
	struct span der = cert_bytes(cert);

	if (g->n_roots == GENESIS_ROOTS_MAX || der.n > sizeof(r->der))
		return err_set(e, COFFER_E_LIMIT, "--roots: with those of the genesis more than %d, or one of more than %zu bytes", GENESIS_ROOTS_MAX,
		    sizeof(r->der));
	(void)snprintf(r->vendor, sizeof(r->vendor), "%s", vendor);
	if (!cert_subject_cn(cert, r->name, sizeof(r->name)))
		return err_set(e, COFFER_E_INPUT, "--roots: a certificate without a name");
	memcpy(r->der, der.p, der.n);
	r->der_n = der.n;
	g->n_roots++;
	return COFFER_OK;
}

static enum coffer_rc roots(const struct cli *c, struct asked *a, struct err *e)
{
	const struct parties *all = NULL;

	TRY(service_parties(a->conn, &all, e));
	a->genesis = *parties_genesis(all); /* what is put goes by it */
	if (cli_opt(c, "roots"))
		TRY(evidence_files_read(cli_opt(c, "roots"), true, &a->files, e));
	for (size_t i = 0; i < a->files.col.roots.n; i++)
		TRY(add_root(a->files.col.roots.c[i], vendor_of(a->tee), &a->genesis, e));
	if (cli_opt(c, "collateral")) /* bytes: the child finds out what they are */
		TRY(evidence_files_load(cli_opt(c, "collateral"), false, &a->collateral, e));
	return vendor_roots_open(&a->genesis, &a->roots, e);
}

/* ---- the platform ---- */

static bool stated(const struct service *s, const char *platform)
{
	for (size_t i = 0; i < s->n_launches; i++)
		if (strcmp(s->launch[i].platform, platform) == 0)
			return true;
	return false;
}

static enum coffer_rc check_platform(const struct cli *c, const struct asked *a, struct err *e)
{
	const char *accepted = cli_opt(c, "accept-service"), *tee = tee_name(a->tee);

	if (!stated(a->svc, tee))
		return err_deny(e, "service-platform", "the service shows evidence of %s, of which its statement says nothing", tee);
	if (a->tee != TEE_TPM && a->tee != TEE_SWTPM && a->tee != TEE_SNP && a->tee != TEE_TDX) /* what cofferd makes, and what is asked for below */
		return err_deny(e, "service-platform", "evidence of %s by a service is not judged here", tee);
	if (a->tee == TEE_SWTPM && !accepted)
		return err_deny(e, "service-platform", "the service's TPM is emulated (swtpm): the host of its machine could forge what it shows. "
		    "Who wants it all the same says --accept-service swtpm");
	return COFFER_OK;
}

/* ---- a credential that only this TPM opens ---- */

static bool named_root(const struct genesis *g)
{
	for (size_t i = 0; i < g->n_roots; i++)
		if (strcmp(g->root[i].vendor, "tpm") == 0)
			return true;
	return false;
}

/* Always of a TPM; of an emulated one where somebody vouches for its maker, or the statement names it. What the service leaves out does not change it. */
static bool wants_credential(const struct asked *a)
{
	return a->tee == TEE_TPM || (a->tee == TEE_SWTPM && (named_root(&a->genesis) || a->svc->has_tpm));
}

/* Genuine is not enough where the statement says which one. */
static enum coffer_rc check_named(struct asked *a, const struct vkey *ek, struct err *e)
{
	sha256(vkey_der(ek), a->ek);
	return !a->svc->has_tpm || span_eq(SPAN(a->ek), SPAN(a->svc->tpm)) ? COFFER_OK : err_deny(e, "service-machine", "the service's TPM is genuine, and not the one that its "
	    "statement names");
}

static enum coffer_rc judge_ek(const struct asked *a, const struct self_description *d, struct vkey **ek, struct err *e)
{
	CLEANUP(wr_close) struct wr said = { 0 };
	struct fixed_root root[FIXED_ROOTS_MAX];
	struct eval_ek_req q = { .now = a->now, .ek_cert = wr_span(&d->tpm.ek_cert) };
	struct fixed_in again = { .platform = tee_name(a->tee), .root = root };
	struct eval_ek_rep r;
	uint8_t tag = 0;

	q.n_roots = vendor_roots_certs(a->roots, again.platform, q.root);
	TRY(self_judge_ek(&q, &tag, &said, e));
	if (tag == EVAL_FAILED)
		return err_deny(e, "service-evidence", "the TPM's certificate could not be judged");
	TRY(eval_ek_rep_read(wr_span(&said), &r, e));
	if (tag != SAID_VALID || r.n_path == 0 || !span_eq(r.path[0], q.ek_cert)) {
		char reason[160];

		eval_printable(r.reason, reason, sizeof(reason));
		return err_deny(e, "service-evidence", "nobody vouches for the service's TPM: %s", reason);
	}
	again.n_roots = vendor_roots_keys(a->roots, again.platform, root);
	again.n_path = r.n_path;
	memcpy(again.path, r.path, sizeof(r.path));
	if (fixed_ek(&again, ek, NULL, e) != COFFER_OK)
		return err_deny(e, "service-evidence", "nobody vouches for the service's TPM");
	return COFFER_OK;
}

static enum coffer_rc lock(struct asked *a, const struct vkey *ek, struct span ak_public, struct tpm_credential *out, struct err *e)
{
	CLEANUP(tpm_public_clear) struct tpm_public ak = { 0 };
	uint8_t random[64];
	struct tpm_credential_in in = { .ek = ek, .secret = SPAN(a->secret), .random = random };
	enum coffer_rc rc;

	TRY(tpm_public_parse(ak_public, &ak, e));
	if (tpm_ak_check(&ak, e) != COFFER_OK)
		return err_deny(e, "service-evidence", "the key that quotes may sign anything");
	random_bytes(a->secret, sizeof(a->secret));
	random_bytes(random, sizeof(random));
	in.ak_name = (struct span){ ak.name, 34 }; /* SHA-256's: tpm_ak_check */
	rc = tpm_credential_make(&in, out, e);
	explicit_bzero(random, sizeof(random));
	if (rc == COFFER_OK)
		a->ak = MOVE(ak.key);
	return rc;
}

static enum coffer_rc challenge(struct asked *a, const struct self_description *d, struct tpm_credential *out, struct err *e)
{
	CLEANUP(vkey_freep) struct vkey *ek = NULL;

	if (d->tpm.ek_cert.n == 0)
		return err_deny(e, "service-evidence", "the service shows no certificate of its TPM");
	TRY(judge_ek(a, d, &ek, e));
	TRY(check_named(a, ek, e));
	return lock(a, ek, wr_span(&d->tpm.ak_public), out, e);
}

/* ---- asking ---- */

static enum coffer_rc no_evidence(struct err *e)
{
	if (e->rc == COFFER_E_NOTFOUND)
		return err_deny(e, "service-unattested", "the service statement says how its machine is launched, and the service shows no evidence of it; "
		    "whoever runs it has to start it with [attest] in its configuration");
	return err_wrap(e, "the service was asked to attest itself");
}

static enum coffer_rc describe(struct asked *a, struct self_description *out, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };

	if (service_call(a->conn, &(struct service_req){ .method = "GET", .path = PATH }, SELF_DESCRIPTION_MAX, &res, e) != COFFER_OK)
		return no_evidence(e);
	TRY(self_description_read(wr_span(&res.body), out, e));
	a->tee = out->tee;
	return COFFER_OK;
}

static enum coffer_rc ask(struct asked *a, const struct tpm_credential *t, struct self_answer *out, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(wr_close) struct wr body = wr_open(4096);
	const struct rcar_credential c = { { t->blob, t->blob_n }, { t->seed, t->seed_n } };
	struct service_req q = { .method = "POST", .path = PATH };
	uint8_t binding[32];

	random_bytes(a->nonce, sizeof(a->nonce));
	self_binding(a->genesis.id, a->svc, binding);
	self_report_data(binding, a->nonce, a->data);
	self_question_write(&body, a->nonce, a->credential ? &c : NULL);
	TRY(wr_done(&body, "question", e));
	q.body = wr_span(&body);
	if (service_call(a->conn, &q, SELF_REPLY_MAX, &res, e) != COFFER_OK)
		return no_evidence(e);
	TRY(self_answer_read(wr_span(&res.body), out, e));
	return out->tee == a->tee ? COFFER_OK : err_deny(e, "service-platform", "the service shows evidence of another platform than it said before");
}

/* ---- judging ---- */

/* Which of the vendor's documents, and how they are brought: the service is not asked for them. */
static enum coffer_rc wanting(const struct eval_evidence_rep *r, const char *expected, struct err *e)
{
	struct span rest = r->needs;

	for (size_t i = 0; i < NEEDS_MAX && rest.n > 0; i++) {
		struct span one = { rest.p, span_find(rest, '\n') };
		char item[VENDOR_KEY_MAX];

		eval_printable(one, item, sizeof(item));
		(void)fprintf(stderr, "wanting   %s\n", item);
		rest = span_skip(rest, one.n < rest.n ? one.n + 1 : one.n);
	}
	return err_set(e, COFFER_E_UPSTREAM, "the service's evidence: collateral unavailable: %s; 'coffer collateral get ITEM... --into DIR' brings what is wanting above, for --collateral DIR",
	    expected);
}

static enum coffer_rc refused(uint8_t tag, struct span body, struct err *e)
{
	char check[48], expected[96], found[96];
	struct eval_evidence_rep r;

	if (tag > SAID_COLLATERAL)
		return err_deny(e, "service-evidence", "the service's evidence could not be judged");
	TRY(eval_evidence_rep_read(body, &r, e));
	eval_printable(r.check, check, sizeof(check));
	eval_printable(r.expected, expected, sizeof(expected));
	eval_printable(r.found, found, sizeof(found));
	if (tag == SAID_COLLATERAL)
		return wanting(&r, expected, e);
	if (strcmp(check, "report_data") == 0)
		return err_deny(e, "service-binding", "the service's evidence is not over the keys of its statement, this genesis and our nonce: somebody else's, "
		    "or an old one");
	return err_deny(e, "service-evidence", "%s: %s: expected %s, found %s", tag == SAID_STALE ? "stale" : tag == SAID_MALFORMED ? "malformed" : "invalid",
	    check, expected, found);
}

/* What the child said is opened by us alone: who does not have the secret cannot show it. */
static enum coffer_rc check_credential(const struct asked *a, const struct eval_evidence_rep *r, struct err *e)
{
	if (!a->credential)
		return COFFER_OK;
	if (!span_eq(r->key, vkey_der(a->ak)) || !ct_eq(r->activated, SPAN(a->secret)))
		return err_deny(e, "service-evidence", "the quote is not by the key that the TPM's certificate vouches for");
	return COFFER_OK;
}

/* What is signed is `data`, with zeros behind where the platform's field is longer. */
static bool over(const struct reread *v, struct span data)
{
	bool same = v->report_data_n >= data.n && span_eq((struct span){ v->report_data, data.n }, data);

	for (size_t i = data.n; i < v->report_data_n; i++)
		same = same && v->report_data[i] == 0;
	return same;
}

/* Once more from the signed bytes, without the JSON. */
static enum coffer_rc reread(const struct asked *a, const struct eval_evidence_rep *r, struct reread *out, struct err *e)
{
	const struct shown shown = { .tee = a->tee };
	const struct reread_in in = { .s = &shown, .r = r, .roots = a->roots, .vouched = a->credential };

	TRY(check_credential(a, r, e));
	if (shown_reread(&in, out, e) != COFFER_OK) {
		(void)snprintf(e->check, sizeof(e->check), "service-evidence");
		return e->rc;
	}
	if (!over(out, SPAN(a->data)))
		return err_deny(e, "service-binding", "the service's evidence is over something else than its keys, this genesis and our nonce");
	return COFFER_OK;
}

/* The owner's files alone. */
static enum coffer_rc bring(const struct asked *a, struct eval_evidence_req *q, struct err *e)
{
	if (a->collateral.n > EVAL_FILES_MAX)
		return err_set(e, COFFER_E_LIMIT, "--collateral: more than %d files", EVAL_FILES_MAX);
	for (size_t i = 0; i < a->collateral.n; i++)
		q->file[q->n_files++] = wr_span(&a->collateral.kept[i].bytes);
	return COFFER_OK;
}

static enum coffer_rc judge(const struct asked *a, struct span evidence, struct reread *out, struct err *e)
{
	CLEANUP(wr_close) struct wr said = { 0 };
	struct eval_evidence_req q = { .now = a->now, .platform = span_of(tee_name(a->tee)), .report_data = SPAN(a->data), .evidence = evidence,
		.runtime = span_of("{}"), .references = span_of("{}") };
	struct eval_evidence_rep r;
	uint8_t tag = 0;

	if (a->credential)
		q.ak = vkey_der(a->ak);
	q.n_roots = vendor_roots_certs(a->roots, tee_name(a->tee), q.root);
	TRY(bring(a, &q, e));
	TRY(self_judge_evidence(&q, &tag, &said, e));
	if (tag != SAID_VALID)
		return refused(tag, wr_span(&said), e);
	TRY(eval_evidence_rep_read(wr_span(&said), &r, e));
	return reread(a, &r, out, e);
}

/* Who names a machine of one kind is not served by another of the other kind, of which nothing is named. */
static enum coffer_rc check_kind_named(const struct asked *a, struct err *e)
{
	bool chip = a->tee == TEE_SNP || a->tee == TEE_TDX;

	if ((!a->svc->has_tpm && a->svc->chip_n == 0) || (chip ? a->svc->chip_n > 0 : a->svc->has_tpm))
		return COFFER_OK;
	return err_deny(e, "service-machine", "the service's statement names its %s, and it answers by its %s, of which nothing is named", chip ? "TPM" : "processor",
	    chip ? "processor" : "TPM");
}

/* A chip that the evidence hides, or that a cloud's key hides, is not the one. */
static enum coffer_rc check_chip(const struct asked *a, const struct hw_facts *f, struct err *e)
{
	if (a->svc->chip_n == 0 || (a->tee != TEE_SNP && a->tee != TEE_TDX))
		return COFFER_OK;
	return span_eq((struct span){ f->chip, f->chip_n }, (struct span){ a->svc->chip, a->svc->chip_n }) ? COFFER_OK :
	    err_deny(e, "service-machine", "the service's processor is %s, and not the one that its statement names",
		f->chip_n == 0 ? "not told" : "genuine");
}

static enum coffer_rc check_launch(const struct asked *a, const struct reread *v, struct err *e)
{
	struct machine_diff d;

	if (v->facts.debug)
		return err_deny(e, "service-platform", "the memory of the service's machine is open to debugging");
	if (!launches_match(a->svc->launch, a->svc->n_launches, &v->facts, &d))
		return err_deny(e, "service-measurement", "the service's machine was launched otherwise than its statement says: %s: stated %.64s, found %.64s",
		    d.field, d.wanted, d.found);
	return check_chip(a, &v->facts, e);
}

static void name_machine(const struct asked *a, const struct hw_facts *f, struct self_seen *out)
{
	struct span id = a->credential ? SPAN(a->ek) : (struct span){ f->chip, a->tee == TEE_SNP || a->tee == TEE_TDX ? f->chip_n : 0 };
	char hex[2 * sizeof(f->chip) + 1];

	if (id.n == 0)
		return;
	hex_text(id, hex);
	(void)snprintf(out->machine, sizeof(out->machine), "%s %s", a->credential ? "tpm" : "chip", hex);
}

static enum coffer_rc verify(const struct cli *c, struct asked *a, struct self_seen *out, struct err *e)
{
	CLEANUP(self_description_clear) struct self_description d = { 0 };
	CLEANUP(self_answer_clear) struct self_answer answer = { 0 };
	struct tpm_credential credential = { .blob_n = 0 };
	struct reread v = { .genuine = false };

	TRY(describe(a, &d, e));
	TRY(check_platform(c, a, e));
	TRY(check_kind_named(a, e));
	TRY(roots(c, a, e));
	a->credential = wants_credential(a);
	if (a->credential)
		TRY(challenge(a, &d, &credential, e));
	TRY(ask(a, &credential, &answer, e));
	TRY(judge(a, wr_span(&answer.evidence), &v, e));
	TRY(check_launch(a, &v, e));
	TRY(self_firmware(c, &v.facts, a->now, e));
	name_machine(a, &v.facts, out);
	return COFFER_OK;
}

/* ---- what this party saw ---- */

static enum coffer_rc remember(const struct home *h, const struct asked *a, const struct self_seen *seen, struct err *e)
{
	bool named = a->svc->has_tpm || a->svc->chip_n > 0;
	char path[600], hex[HEX32_LEN];

	hex32(seen->statement, hex);
	TRY(home_file(h, "service-attested", path, sizeof(path), e));
	TRY(file_write(path, span_of(hex), 0644, e));
	TRY(home_file(h, "service-named", path, sizeof(path), e));
	return named ? file_write(path, span_of(hex), 0644, e) : COFFER_OK;
}

/* Only a file that is certainly not there was never written. */
static bool was_seen(const char *path)
{
	return access(path, F_OK) == 0 || errno != ENOENT;
}

/* An older statement, signed and not expired, does not take back that a machine was named. */
static enum coffer_rc still_named(const struct home *h, const struct service *s, struct err *e)
{
	char path[600];

	TRY(home_file(h, "service-named", path, sizeof(path), e));
	if (s->has_tpm || s->chip_n > 0 || !was_seen(path) || cli_flag(h->cli, "any-machine"))
		return COFFER_OK;
	return err_deny(e, "service-machine", "a statement that you saw before named the service's TPM or processor, and the one shown now names none: ask its provider "
	    "why. --any-machine takes it, and any genuine machine that is launched so will do");
}

static enum coffer_rc unattested(const struct home *h, bool demanded, struct err *e)
{
	char path[600];

	if (demanded || cli_flag(h->cli, "attested"))
		return err_deny(e, "service-unattested", "the service statement says nothing of how its machine is launched: root there can read what it "
		    "keeps. Its provider mends that ('coffer service sign --measurements')");
	TRY(home_file(h, "service-attested", path, sizeof(path), e));
	if (was_seen(path) && !cli_flag(h->cli, "unattested"))
		return err_deny(e, "service-unattested", "a service attested itself to you before, and the statement shown now says nothing of its machine: ask its "
		    "provider why. --unattested takes it, and root there can read what it keeps");
	return COFFER_OK;
}

enum coffer_rc self_check(const struct home *h, bool demanded, struct service_conn *conn, struct self_seen *out, struct err *e)
{
	CLEANUP(asked_clear) struct asked a = { .conn = conn, .svc = service_keys(conn), .now = clock_now() };
	const char *accepted = cli_opt(h->cli, "accept-service");

	*out = (struct self_seen){ 0 };
	if (accepted && strcmp(accepted, "swtpm") != 0)
		return cli_bad(e, "--accept-service %s: swtpm is the only platform that has to be named", accepted);
	if (cli_flag(h->cli, "attested") && cli_flag(h->cli, "unattested"))
		return cli_bad(e, "--attested and --unattested exclude each other");
	memcpy(out->statement, service_id(conn), sizeof(out->statement));
	if (a.svc->n_launches == 0)
		return unattested(h, demanded, e);
	TRY(still_named(h, a.svc, e));
	TRY(verify(h->cli, &a, out, e));
	out->attested = true;
	out->emulated = a.tee == TEE_SWTPM;
	(void)snprintf(out->platform, sizeof(out->platform), "%s", tee_name(a.tee));
	return remember(h, &a, out, e);
}

const char *self_words(const struct self_seen *s)
{
	if (!s->attested)
		return "its operator could read it (the service does not run attested)";
	if (s->emulated)
		return "it attested itself by an emulated TPM: the host could forge it, and whoever holds that host could read it";
	return "it attested itself, launched as its statement says; who can read it is for that image and the makers of its machine";
}
