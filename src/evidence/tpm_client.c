#include "evidence/tpm_client.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"

#define NO_SESSIONS 0x8001
#define SESSIONS    0x8002

#define RH_OWNER       0x40000001u
#define RH_ENDORSEMENT 0x4000000bu
#define RH_NULL	       0x40000007u
#define RS_PASSWORD    0x40000009u

#define CC_PCR_EXTEND	      0x00000182u
#define CC_PCR_READ	      0x0000017eu
#define CC_GET_CAPABILITY     0x0000017au
#define CC_NV_READ_PUBLIC     0x00000169u
#define CC_NV_READ	      0x0000014eu
#define CC_CREATE_PRIMARY     0x00000131u
#define CC_FLUSH_CONTEXT      0x00000165u
#define CC_QUOTE	      0x00000158u
#define CC_START_AUTH_SESSION 0x00000176u
#define CC_POLICY_SECRET      0x00000151u
#define CC_ACTIVATE	      0x00000147u

#define ALG_NULL  0x0010
#define RC_RETRY  0x922 /* Part 2, 6.6.3: the same command may be given again */
#define RETRIES	  8
#define NV_PIECE  512u
#define ALL_PCRS  0xffffffu
#define READ_ONCE 8 /* registers that one answer holds at most */

/* ---- commands and answers ---- */

struct command {
	const char *name;
	struct wr   w, answer;
	bool	    sessions;
	bool	    handle; /* the answer begins with one */
	bool	    reads;  /* changes nothing: may be given again whatever became of it */
};

static struct command command(const char *name, uint32_t code, bool sessions)
{
	struct command c = { .name = name, .w = wr_open(TPM_RESPONSE_MAX), .sessions = sessions };

	c.reads = code == CC_PCR_READ || code == CC_GET_CAPABILITY || code == CC_NV_READ_PUBLIC || code == CC_NV_READ;
	wr_be16(&c.w, sessions ? SESSIONS : NO_SESSIONS);
	wr_be32(&c.w, 0); /* the length, once it is known */
	wr_be32(&c.w, code);
	return c;
}

static void command_clear(struct command *c)
{
	wr_close(&c->w);
	wr_close(&c->answer);
}

/* n authorisations by the empty password. */
static void passwords(struct command *c, uint32_t n)
{
	wr_be32(&c->w, 9 * n);
	for (uint32_t i = 0; i < n; i++) {
		wr_be32(&c->w, RS_PASSWORD);
		wr_be16(&c->w, 0);
		wr_u8(&c->w, 0);
		wr_be16(&c->w, 0);
	}
}

static void put_sized(struct wr *w, struct span s)
{
	wr_be16(w, (uint16_t)s.n);
	wr_put(w, s);
}

static void put_selection(struct wr *w, uint32_t pcrs)
{
	wr_be32(w, 1);
	wr_be16(w, TPM_ALG_SHA256);
	wr_u8(w, 3);
	for (size_t i = 0; i < 3; i++)
		wr_u8(w, (uint8_t)(pcrs >> (8 * i)));
}

static struct span get_sized(struct rd *r)
{
	size_t n = rd_be16(r);

	return rd_span(r, n);
}

static enum coffer_rc malformed(const struct command *c, struct err *e)
{
	return err_set(e, COFFER_E_INPUT, "tpm: the answer to %s is none", c->name);
}

struct head { uint16_t tag; uint32_t rc; };

/* A TPM that says "again" has done nothing yet; *r stands behind the header. */
static enum coffer_rc send(const struct tpm_link *l, struct command *c, struct rd *r, struct head *h, struct err *e)
{
	for (int i = 0; i < RETRIES; i++) {
		uint32_t n;

		wr_close(&c->answer);
		TRY(l->transact(l->arg, wr_span(&c->w), &c->answer, e));
		if (c->answer.n == 0 && c->reads && i < RETRIES - 1)
			continue;
		if (c->answer.n == 0)
			return err_set(e, COFFER_E_UPSTREAM, "tpm: %s: no answer within the time that the kernel waits for one", c->name);
		*r = rd_open(wr_span(&c->answer));
		h->tag = rd_be16(r);
		n = rd_be32(r);
		h->rc = rd_be32(r);
		if (!rd_ok(r) || n != c->answer.n)
			return malformed(c, e);
		if (h->rc != RC_RETRY)
			break;
	}
	return COFFER_OK;
}

/* Sends it; *r stands behind the header, and before the parameters where there are sessions and no handle. */
static enum coffer_rc ask(const struct tpm_link *l, struct command *c, struct rd *r, struct err *e)
{
	struct head h = { 0 };
	uint32_t params;

	if (!wr_ok(&c->w))
		return err_set(e, COFFER_E_BUG, "tpm: %s does not fit", c->name);
	for (size_t i = 0; i < 4; i++)
		c->w.p[2 + i] = (uint8_t)(c->w.n >> (8 * (3 - i)));
	TRY(send(l, c, r, &h, e));
	if (h.rc != 0)
		return err_deny(e, "tpm", "%s: the TPM answers 0x%03x", c->name, h.rc);
	if (h.tag != (c->sessions ? SESSIONS : NO_SESSIONS))
		return malformed(c, e);
	if (!c->sessions || c->handle)
		return COFFER_OK;
	params = rd_be32(r);
	if (!rd_ok(r) || params > r->n)
		return malformed(c, e);
	r->n = params; /* what follows is the TPM's part of the sessions */
	return COFFER_OK;
}

/* ---- registers ---- */

enum coffer_rc tpm_extend(const struct tpm_link *l, uint32_t pcr, const uint8_t digest[static 32], struct err *e)
{
	CLEANUP(command_clear) struct command c = command("PCR_Extend", CC_PCR_EXTEND, true);
	struct rd r;

	wr_be32(&c.w, pcr);
	passwords(&c, 1);
	wr_be32(&c.w, 1);
	wr_be16(&c.w, TPM_ALG_SHA256);
	wr_put(&c.w, (struct span){ digest, 32 });
	TRY(ask(l, &c, &r, e));
	return rd_done(&r) ? COFFER_OK : malformed(&c, e);
}

/* Which of those wanted an answer has, in rising order; their values. */
static bool take_pcrs(struct rd *r, uint32_t wanted, uint32_t *got, uint8_t out[static TPM_PCRS][32])
{
	uint32_t mask = 0;
	size_t n;

	(void)rd_be32(r); /* how often registers changed */
	if (rd_be32(r) != 1 || rd_be16(r) != TPM_ALG_SHA256 || rd_u8(r) != 3)
		return false;
	for (size_t i = 0; i < 3; i++)
		mask |= (uint32_t)rd_u8(r) << (8 * i);
	n = rd_count(r, rd_be32(r), 2 + 32, READ_ONCE);
	for (size_t i = 0; i < TPM_PCRS && rd_ok(r); i++) {
		struct span v;

		if (!(mask >> i & 1))
			continue;
		v = get_sized(r);
		if (v.n != 32 || n-- == 0)
			return false;
		memcpy(out[i], v.p, 32);
	}
	*got = mask;
	return rd_done(r) && n == 0 && (mask & ~wanted) == 0;
}

enum coffer_rc tpm_read_pcrs(const struct tpm_link *l, uint8_t out[static TPM_PCRS][32], struct err *e)
{
	uint8_t value[TPM_PCRS][32] = { 0 };
	uint32_t left = ALL_PCRS;

	while (left) {
		CLEANUP(command_clear) struct command c = command("PCR_Read", CC_PCR_READ, false);
			uint32_t got = 0;
		struct rd r;

		put_selection(&c.w, left);
		TRY(ask(l, &c, &r, e));
		if (!take_pcrs(&r, left, &got, value))
			return malformed(&c, e);
		if (!got)
			return err_deny(e, "tpm", "PCR_Read: the TPM has no SHA-256 bank, or not all of it");
		left &= ~got;
	}
	memcpy(out, value, sizeof(value));
	return COFFER_OK;
}

enum coffer_rc tpm_maker(const struct tpm_link *l, char out[static 5], struct err *e)
{
	CLEANUP(command_clear) struct command c = command("GetCapability", CC_GET_CAPABILITY, false);
	char name[5] = { 0 };
	struct rd r;
	bool ok;

	wr_be32(&c.w, 6);     /* properties */
	wr_be32(&c.w, 0x105); /* of them the maker */
	wr_be32(&c.w, 1);
	TRY(ask(l, &c, &r, e));
	(void)rd_u8(&r); /* whether there is more */
	ok = rd_be32(&r) == 6 && rd_be32(&r) == 1 && rd_be32(&r) == 0x105;
	rd_copy(&r, name, 4);
	if (!ok || !rd_done(&r))
		return malformed(&c, e);
	for (size_t i = 0; i < 4; i++)
		name[i] = name[i] >= 0x20 && name[i] < 0x7f ? name[i] : ' ';
	memcpy(out, name, sizeof(name));
	return COFFER_OK;
}

enum coffer_rc tpm_has(const struct tpm_link *l, uint32_t handle, bool *out, struct err *e)
{
	CLEANUP(command_clear) struct command c = command("GetCapability", CC_GET_CAPABILITY, false);
	uint32_t n, first;
	struct rd r;

	wr_be32(&c.w, 1); /* handles, from this one on */
	wr_be32(&c.w, handle);
	wr_be32(&c.w, 1);
	TRY(ask(l, &c, &r, e));
	(void)rd_u8(&r); /* whether there are more */
	if (rd_be32(&r) != 1)
		return malformed(&c, e);
	n = rd_be32(&r);
	first = n == 1 ? rd_be32(&r) : 0;
	if (n > 1 || !rd_done(&r))
		return malformed(&c, e);
	*out = n == 1 && first == handle;
	return COFFER_OK;
}

/* ---- NV memory ---- */

static enum coffer_rc nv_size(const struct tpm_link *l, uint32_t index, size_t *out, struct err *e)
{
	CLEANUP(command_clear) struct command c = command("NV_ReadPublic", CC_NV_READ_PUBLIC, false);
	struct rd r, area;
	uint32_t named;
	uint16_t n;

	wr_be32(&c.w, index);
	TRY(ask(l, &c, &r, e));
	area = rd_open(get_sized(&r));
	(void)get_sized(&r); /* name */
	named = rd_be32(&area);
	(void)rd_span(&area, 6); /* algorithm, attributes */
	(void)get_sized(&area);	 /* policy */
	n = rd_be16(&area);
	if (!rd_done(&area) || !rd_done(&r) || named != index)
		return malformed(&c, e);
	*out = n;
	return COFFER_OK;
}

/* auth: whose empty password opens it, the index' own or the owner's. */
struct nv { uint32_t auth, index; };

static enum coffer_rc nv_piece(const struct tpm_link *l, const struct nv *v, uint16_t at, uint16_t n, struct wr *out, struct err *e)
{
	CLEANUP(command_clear) struct command c = command("NV_Read", CC_NV_READ, true);
	struct span piece;
	struct rd r;

	wr_be32(&c.w, v->auth);
	wr_be32(&c.w, v->index);
	passwords(&c, 1);
	wr_be16(&c.w, n);
	wr_be16(&c.w, at);
	TRY(ask(l, &c, &r, e));
	piece = get_sized(&r);
	if (!rd_done(&r) || piece.n != n)
		return malformed(&c, e);
	wr_put(out, piece);
	return COFFER_OK;
}

static enum coffer_rc nv_read(const struct tpm_link *l, const struct nv *v, size_t max, struct wr *out, struct err *e)
{
	size_t n = 0;

	TRY(nv_size(l, v->index, &n, e));
	if (n == 0 || n > max)
		return err_set(e, COFFER_E_LIMIT, "tpm: NV index 0x%08x has %zu bytes, at most %zu are read", v->index, n, max);
	*out = wr_open(max);
	for (size_t at = 0; at < n; at += NV_PIECE)
		TRY(nv_piece(l, v, (uint16_t)at, (uint16_t)(n - at < NV_PIECE ? n - at : NV_PIECE), out, e));
	return wr_done(out, "NV index", e);
}

enum coffer_rc tpm_nv_read(const struct tpm_link *l, uint32_t index, size_t max, struct wr *out, struct err *e)
{
	return nv_read(l, &(struct nv){ index, index }, max, out, e);
}

enum coffer_rc tpm_nv_read_owner(const struct tpm_link *l, uint32_t index, size_t max, struct wr *out, struct err *e)
{
	return nv_read(l, &(struct nv){ RH_OWNER, index }, max, out, e);
}

/* ---- keys ---- */

/* PolicySecret of the endorsement hierarchy, as template L-1 has it. */
static const uint8_t ek_policy[32] = { 0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
	0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa };

static void put_ak(struct wr *w)
{
	wr_be16(w, 0x0023); /* ECC */
	wr_be16(w, TPM_ALG_SHA256);
	wr_be32(w, TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_ORIGIN | 1u << 6 | TPM_RESTRICTED | TPM_SIGN); /* 6: used by password */
	put_sized(w, (struct span){ 0 });
	wr_be16(w, ALG_NULL);
	wr_be16(w, 0x0018); /* ECDSA */
	wr_be16(w, TPM_ALG_SHA256);
	wr_be16(w, 0x0003); /* P-256 */
	wr_be16(w, ALG_NULL);
	put_sized(w, (struct span){ 0 });
	put_sized(w, (struct span){ 0 });
}

static void put_ek(struct wr *w)
{
	static const uint8_t unique[256];

	wr_be16(w, 0x0001); /* RSA */
	wr_be16(w, TPM_ALG_SHA256);
	wr_be32(w, TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_ORIGIN | 1u << 7 | TPM_RESTRICTED | TPM_DECRYPT); /* 7: used by policy */
	put_sized(w, SPAN(ek_policy));
	wr_be16(w, 0x0006); /* AES, 128 bits, CFB */
	wr_be16(w, 128);
	wr_be16(w, 0x0043);
	wr_be16(w, ALG_NULL);
	wr_be16(w, 2048);
	wr_be32(w, 0);
	put_sized(w, SPAN(unique));
}

enum coffer_rc tpm_make_key(const struct tpm_link *l, enum tpm_template t, struct tpm_key *out, struct err *e)
{
	CLEANUP(command_clear) struct command c = command("CreatePrimary", CC_CREATE_PRIMARY, true);
	CLEANUP(wr_close) struct wr area = wr_open(512);
	struct tpm_key k = { 0 };
	struct span pub;
	struct rd r;

	c.handle = true;
	if (t == TPM_MAKE_AK)
		put_ak(&area);
	else
		put_ek(&area);
	wr_be32(&c.w, RH_ENDORSEMENT);
	passwords(&c, 1);
	wr_be16(&c.w, 4); /* no password, no data of ours */
	wr_be32(&c.w, 0);
	put_sized(&c.w, wr_span(&area));
	wr_be16(&c.w, 0);
	wr_be32(&c.w, 0);
	TRY(ask(l, &c, &r, e));
	k.handle = rd_be32(&r);
	(void)rd_be32(&r); /* bytes of parameters; creation data and name follow, which say nothing that the public area does not */
	pub = get_sized(&r);
	if (!rd_ok(&r) || pub.n == 0 || pub.n > sizeof(k.pub))
		return malformed(&c, e);
	memcpy(k.pub, pub.p, pub.n);
	k.pub_n = pub.n;
	*out = k;
	return COFFER_OK;
}

enum coffer_rc tpm_flush(const struct tpm_link *l, uint32_t handle, struct err *e)
{
	CLEANUP(command_clear) struct command c = command("FlushContext", CC_FLUSH_CONTEXT, false);
	struct rd r;

	wr_be32(&c.w, handle);
	TRY(ask(l, &c, &r, e));
	return rd_done(&r) ? COFFER_OK : malformed(&c, e);
}

/* ---- quotes ---- */

void tpm_quoted_clear(struct tpm_quoted *q)
{
	wr_close(&q->message);
	wr_close(&q->signature);
}

enum coffer_rc tpm_quote(const struct tpm_link *l, uint32_t ak, struct span nonce, struct tpm_quoted *out, struct err *e)
{
	CLEANUP(command_clear) struct command c = command("Quote", CC_QUOTE, true);
	struct span message, signature;
	struct rd r;

	if (nonce.n > TPM_NONCE_MAX)
		return err_set(e, COFFER_E_LIMIT, "tpm: a nonce of %zu bytes, at most %d fit", nonce.n, TPM_NONCE_MAX);
	wr_be32(&c.w, ak);
	passwords(&c, 1);
	put_sized(&c.w, nonce);
	wr_be16(&c.w, ALG_NULL); /* the key's own scheme */
	put_selection(&c.w, ALL_PCRS);
	TRY(ask(l, &c, &r, e));
	message = get_sized(&r);
	signature = rd_span(&r, r.n);
	if (!rd_done(&r) || message.n == 0 || signature.n == 0)
		return malformed(&c, e);
	out->message = wr_open(TPM_RESPONSE_MAX);
	out->signature = wr_open(TPM_RESPONSE_MAX);
	wr_put(&out->message, message);
	wr_put(&out->signature, signature);
	TRY(wr_done(&out->message, "quote", e));
	return wr_done(&out->signature, "signature", e);
}

/* ---- credentials ---- */

static enum coffer_rc policy_session(const struct tpm_link *l, uint32_t *out, struct err *e)
{
	static const uint8_t nonce[16]; /* seeds only what is encrypted or HMACed in the session: nothing is */
	CLEANUP(command_clear) struct command c = command("StartAuthSession", CC_START_AUTH_SESSION, false);
	uint32_t handle;
	struct rd r;

	wr_be32(&c.w, RH_NULL);
	wr_be32(&c.w, RH_NULL);
	put_sized(&c.w, SPAN(nonce));
	wr_be16(&c.w, 0);
	wr_u8(&c.w, 1); /* policy */
	wr_be16(&c.w, ALG_NULL);
	wr_be16(&c.w, TPM_ALG_SHA256);
	TRY(ask(l, &c, &r, e));
	handle = rd_be32(&r);
	(void)get_sized(&r);
	if (!rd_done(&r))
		return malformed(&c, e);
	*out = handle;
	return COFFER_OK;
}

static enum coffer_rc policy_secret(const struct tpm_link *l, uint32_t session, struct err *e)
{
	CLEANUP(command_clear) struct command c = command("PolicySecret", CC_POLICY_SECRET, true);
	struct rd r;

	wr_be32(&c.w, RH_ENDORSEMENT);
	wr_be32(&c.w, session);
	passwords(&c, 1);
	for (size_t i = 0; i < 3; i++) /* nonce, parameters, reference: none */
		wr_be16(&c.w, 0);
	wr_be32(&c.w, 0); /* never ends */
	return ask(l, &c, &r, e);
}

static enum coffer_rc activate(
    const struct tpm_link *l, const struct tpm_credential_of *k, uint32_t session, struct wr *out, struct err *e)
{
	CLEANUP(command_clear) struct command c = command("ActivateCredential", CC_ACTIVATE, true);
	struct span secret;
	struct rd r;

	wr_be32(&c.w, k->ak);
	wr_be32(&c.w, k->ek);
	wr_be32(&c.w, 18);
	wr_be32(&c.w, RS_PASSWORD); /* the AK's */
	wr_be16(&c.w, 0);
	wr_u8(&c.w, 0);
	wr_be16(&c.w, 0);
	wr_be32(&c.w, session); /* the EK's */
	wr_be16(&c.w, 0);
	wr_u8(&c.w, 0); /* it ends with this */
	wr_be16(&c.w, 0);
	wr_put(&c.w, k->credential);
	wr_put(&c.w, k->secret);
	TRY(ask(l, &c, &r, e));
	secret = get_sized(&r);
	if (!rd_done(&r) || secret.n == 0 || secret.n > 32)
		return malformed(&c, e);
	*out = wr_open(32);
	wr_put(out, secret);
	return wr_done(out, "credential", e);
}

enum coffer_rc tpm_activate(const struct tpm_link *l, const struct tpm_credential_of *c, struct wr *out, struct err *e)
{
	struct err ignore = { 0 };
	uint32_t session = 0;
	enum coffer_rc rc;

	TRY(policy_session(l, &session, e));
	rc = policy_secret(l, session, e);
	if (rc == COFFER_OK)
		rc = activate(l, c, session, out, e);
	if (rc != COFFER_OK && tpm_flush(l, session, &ignore) != COFFER_OK)
		return rc; /* of one that has ended already the TPM knows nothing */
	return rc;
}
