/* Upstream's decoded report, packed again: what was signed are bytes, so bytes are what is judged. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "evidence/ints.h"
#include "evidence/snp_report.h"

static const char *const members[] = { "version", "guest_svn", "policy", "family_id", "image_id", "vmpl", "sig_algo",
	"current_tcb", "plat_info", "key_info", "report_data", "measurement", "host_data", "id_key_digest", "author_key_digest",
	"report_id", "report_id_ma", "reported_tcb", "cpuid_fam_id", "cpuid_mod_id", "cpuid_step", "chip_id", "committed_tcb",
	"current", "committed", "launch_tcb", "launch_mit_vector", "current_mit_vector", "signature", NULL };

struct pack { const struct json *v; struct wr *w; const char *bad; }; /* bad: the member that was wrong */

static uint64_t number(struct pack *p, const struct json *o, const char *name, uint64_t max)
{
	uint64_t n = 0;

	if (!json_u64(json_get(o, name), &n) || n > max)
		p->bad = p->bad ? p->bad : name;
	return n;
}

static void le(struct pack *p, const char *name, size_t bytes)
{
	uint64_t n = number(p, p->v, name, bytes == 8 ? UINT64_MAX : UINT32_MAX);

	for (size_t i = 0; i < bytes; i++)
		wr_u8(p->w, (uint8_t)(n >> (8 * i)));
}

static void bytes(struct pack *p, const struct json *o, const char *name, size_t n)
{
	uint8_t b[72] = { 0 };

	if (n > sizeof(b) || !ints_fixed(json_get(o, name), b, n))
		p->bad = p->bad ? p->bad : name;
	wr_put(p->w, (struct span){ b, n });
}

static void zeros(struct pack *p, size_t n)
{
	while (n-- > 0)
		wr_u8(p->w, 0);
}

/* fmc is null where the generation has none; that tells how the bytes lie. */
static void tcb(struct pack *p, const char *name)
{
	static const char *const names[] = { "fmc", "bootloader", "tee", "snp", "microcode", NULL };
	const struct json *o = json_get(p->v, name), *fmc = json_get(o, "fmc");
	bool turin = fmc && json_type(fmc) == JSON_NUMBER;
	struct err ignore = { 0 };
	uint8_t b[8] = { 0 };

	if (json_closed(o, names, name, &ignore) != COFFER_OK || (fmc && !turin && json_type(fmc) != JSON_NULL))
		p->bad = p->bad ? p->bad : name;
	if (turin)
		b[0] = (uint8_t)number(p, o, "fmc", 255);
	b[turin ? 1 : 0] = (uint8_t)number(p, o, "bootloader", 255);
	b[turin ? 2 : 1] = (uint8_t)number(p, o, "tee", 255);
	b[turin ? 3 : 6] = (uint8_t)number(p, o, "snp", 255);
	b[7] = (uint8_t)number(p, o, "microcode", 255);
	wr_put(p->w, SPAN(b));
}

static void build(struct pack *p, const char *name)
{
	static const char *const names[] = { "major", "minor", "build", NULL };
	const struct json *o = json_get(p->v, name);
	struct err ignore = { 0 };

	if (json_closed(o, names, name, &ignore) != COFFER_OK)
		p->bad = p->bad ? p->bad : name;
	wr_u8(p->w, (uint8_t)number(p, o, "build", 255));
	wr_u8(p->w, (uint8_t)number(p, o, "minor", 255));
	wr_u8(p->w, (uint8_t)number(p, o, "major", 255));
	wr_u8(p->w, 0);
}

static void pack_head(struct pack *p)
{
	le(p, "version", 4);
	le(p, "guest_svn", 4);
	le(p, "policy", 8);
	bytes(p, p->v, "family_id", 16);
	bytes(p, p->v, "image_id", 16);
	le(p, "vmpl", 4);
	le(p, "sig_algo", 4);
	tcb(p, "current_tcb");
	le(p, "plat_info", 8);
	le(p, "key_info", 4);
	zeros(p, 4);
	bytes(p, p->v, "report_data", 64);
	bytes(p, p->v, "measurement", 48);
	bytes(p, p->v, "host_data", 32);
	bytes(p, p->v, "id_key_digest", 48);
	bytes(p, p->v, "author_key_digest", 48);
	bytes(p, p->v, "report_id", 32);
	bytes(p, p->v, "report_id_ma", 32);
}

static void pack_cpuid(struct pack *p, uint64_t version)
{
	static const char *const names[] = { "cpuid_fam_id", "cpuid_mod_id", "cpuid_step" };

	for (size_t i = 0; i < 3; i++) {
		const struct json *v = json_get(p->v, names[i]);

		if (version >= 3)
			wr_u8(p->w, (uint8_t)number(p, p->v, names[i], 255));
		else if (v && json_type(v) != JSON_NULL)
			p->bad = p->bad ? p->bad : names[i];
	}
	zeros(p, 0x1A0 - p->w->n);
}

static void pack_tail(struct pack *p, uint64_t version)
{
	const struct json *sig = json_get(p->v, "signature");

	tcb(p, "reported_tcb");
	pack_cpuid(p, version);
	bytes(p, p->v, "chip_id", 64);
	tcb(p, "committed_tcb");
	build(p, "current");
	build(p, "committed");
	tcb(p, "launch_tcb");
	if (version >= 5) {
		le(p, "launch_mit_vector", 8);
		le(p, "current_mit_vector", 8);
	}
	zeros(p, SNP_SIGNED_LEN - p->w->n);
	bytes(p, sig, "r", SNP_SIG_HALF);
	bytes(p, sig, "s", SNP_SIG_HALF);
	zeros(p, SNP_REPORT_LEN - p->w->n);
}

enum coffer_rc snp_report_from_json(const struct json *v, uint8_t out[static SNP_REPORT_LEN], struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(SNP_REPORT_LEN);
	struct pack p = { .v = v, .w = &w };
	uint64_t version = 0;

	TRY(json_closed(v, members, "attestation_report", e));
	TRY(json_need_u64(v, "version", "attestation_report", &version, e));
	pack_head(&p);
	pack_tail(&p, version);
	if (p.bad)
		return err_set(e, COFFER_E_INPUT, "attestation_report: member \"%s\" is missing or not of its form", p.bad);
	if (!wr_ok(&w) || w.n != SNP_REPORT_LEN)
		return err_set(e, COFFER_E_BUG, "attestation_report: packed to another length");
	memcpy(out, w.p, SNP_REPORT_LEN);
	return COFFER_OK;
}
