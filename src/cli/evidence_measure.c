#include "cli/evidence_measure.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/measure_fw.h"
#include "evidence/measure_snp.h"
#include "fmt/enc.h"
#include "os/file.h"

#define KERNEL_MAX (64u << 20)

struct launch {
	struct snp_launch l;
	struct wr firmware, kernel, initrd;
};

static void launch_clear(struct launch *b)
{
	wr_close(&b->firmware);
	wr_close(&b->kernel);
	wr_close(&b->initrd);
}

static enum coffer_rc read_firmware(const struct case_run *r, const struct json *c, struct wr *out, struct err *e)
{
	CLEANUP(freep) char *cases = span_dup(json_str(json_get(json_get(r->c, "files"), "cases"))), *name = NULL, *path = NULL;
	struct span file;

	TRY(json_need_str(c, "ovmf", "launch", &file, e));
	if (span_find(file, '/') != file.n)
		return err_set(e, COFFER_E_INPUT, "launch: its firmware is not beside the list");
	name = span_dup(file);
	path = cases && name ? str_fmt("%s/%s/%s", r->dir, dirname(cases), name) : NULL;
	if (!path)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return file_read(path, EVIDENCE_FILE_MAX, out, e);
}

static bool read_hex(const struct json *v, struct wr *out)
{
	*out = wr_open(KERNEL_MAX);
	return json_type(v) != JSON_STRING || (hex_read(json_str(v), out) && wr_ok(out));
}

static enum coffer_rc read_launch(const struct case_run *r, const struct json *c, struct launch *b, struct err *e)
{
	struct span type = json_str(json_get(c, "vcpu_type")), sig = json_str(json_get(c, "vcpu_sig"));
	uint64_t vcpus = 0, told = 0;

	TRY(read_firmware(r, c, &b->firmware, e));
	if (!read_hex(json_get(c, "kernel_hex"), &b->kernel) || !read_hex(json_get(c, "initrd_hex"), &b->initrd) ||
	    !json_u64(json_get(c, "vcpus"), &vcpus) || !snp_vmm_by_name(json_str(json_get(c, "vmm")), &b->l.vmm) ||
	    !snp_features_read(json_str(json_get(c, "guest_features")), &b->l.features))
		return err_set(e, COFFER_E_INPUT, "a launch with members that are not understood");
	if (type.n > 0 &&
	    (!snp_vcpu_by_name(type, &b->l.vcpu_sig) || (sig.n > 0 && (!snp_features_read(sig, &told) || told != b->l.vcpu_sig))))
		return err_set(
		    e, COFFER_E_INPUT, "vCPU type %.*s: unknown, or of another signature", (int)type.n, (const char *)type.p);
	b->l.vcpus = vcpus;
	b->l.direct = json_type(json_get(c, "kernel_hex")) == JSON_STRING;
	b->l.firmware = wr_span(&b->firmware);
	b->l.kernel = wr_span(&b->kernel);
	b->l.initrd = wr_span(&b->initrd);
	b->l.cmdline = json_str(json_get(c, "append"));
	return COFFER_OK;
}

static bool has_page(const struct sev_fw *fw)
{
	for (size_t i = 0; i < fw->n; i++)
		if (fw->section[i].type == SEV_KERNEL_HASHES)
			return true;
	return false;
}

/* The same launch with a kernel: another digest where the firmware has a page for its hash, refused where it has none. */
static enum coffer_rc judge_kernel(struct snp_launch *l, const uint8_t *without, size_t i, struct ev_out *o, struct err *e)
{
	uint8_t got[SNP_MEASUREMENT];
	struct err why = { 0 };
	struct sev_fw fw;
	char id[24];
	bool page, done, right;

	TRY(sev_fw_read(l->firmware, &fw, e));
	l->direct = true;
	page = has_page(&fw);
	done = snp_measure(l, got, &why) == COFFER_OK;
	right = page ? done && memcmp(got, without, sizeof(got)) != 0 : !done; /* public: both are published */
	(void)snprintf(id, sizeof(id), "launch_%zu_kernel", i);
	(void)ev_need(o, id, right, VERDICT_INVALID, page ? "another digest" : "refused", done ? "a digest" : why.msg);
	return COFFER_OK;
}

static enum coffer_rc judge(const struct case_run *r, const struct json *c, size_t i, struct ev_out *o, struct err *e)
{
	CLEANUP(launch_clear) struct launch b = { 0 };
	uint8_t got[SNP_MEASUREMENT], want[SNP_MEASUREMENT];
	struct err why = { 0 };
	char id[24];
	bool same;

	TRY(read_launch(r, c, &b, e));
	if (!hex_fixed(json_str(json_get(c, "launch_digest")), want, sizeof(want)))
		return err_set(e, COFFER_E_INPUT, "launch %zu has no digest", i);
	(void)snprintf(id, sizeof(id), "launch_%zu", i);
	same = snp_measure(&b.l, got, &why) == COFFER_OK && memcmp(got, want, sizeof(want)) == 0; /* public: both are published */
	(void)ev_need(o, id, same, VERDICT_INVALID, "the launch digest",
	    same ? "reproduced" : why.msg[0] ? why.msg : "another digest");
	if (b.l.direct || !same)
		return COFFER_OK;
	return judge_kernel(&b.l, got, i, o, e);
}

enum coffer_rc case_snp_launches(const struct case_run *r, struct span cases, struct ev_out *o, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;

	TRY(json_parse(cases, EVIDENCE_FILE_MAX, &doc, e));
	if (json_type(json_root(doc)) != JSON_ARRAY || json_len(json_root(doc)) == 0)
		return err_set(e, COFFER_E_INPUT, "launches: not a list");
	for (size_t i = 0; i < json_len(json_root(doc)); i++)
		TRY(judge(r, json_at(json_root(doc), i), i, o, e));
	return COFFER_OK;
}
