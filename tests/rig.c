#include "tests/rig.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "tests/t.h"

/* Evidence for this session: report data and HOST_DATA set, signed. */
void rig_make(void *arg, struct span report_data, const uint8_t *reg, struct wr *json)
{
	struct snpkit *s = arg;

	memset(s->report + 0x50, 0, 64);
	memcpy(s->report + 0x50, report_data.p, report_data.n);
	memset(s->report + 0xc0, 0, 32);
	if (reg)
		memcpy(s->report + 0xc0, reg, 32);
	snpkit_sign(s);
	snpkit_json(s, SIZE_MAX, NULL, json);
}

void rig_close(struct rig *r)
{
	kit_free(&r->k);
	snpkit_close(&r->snp);
}

enum coffer_rc rig_attest(struct rig *r)
{
	return kit_begin(&r->k) == COFFER_OK ? kit_attest(&r->k, (struct kit_evidence){ 0 }) : COFFER_E_BUG;
}

enum coffer_rc rig_boot_by(struct rig *r, enum kit_party who, const char *references, uint8_t id[static 32])
{
	static const uint8_t digest[32] = { 7 };
	CLEANUP(freep) char *body = str_fmt("{\"name\":\"guest\",\"enforces\":[\"manifest\",\"image-digests\",\"container-scoping\"],"
	    "\"launches\":[{\"platform\":\"snp\",\"shape\":\"any\",\"registers\":{\"measurement\":\"" RIG_MEASURED "\"}}],\"rebuild\":\"make\"%s}",
	    references);

	return kit_log(&r->k, &(struct kit_st){ .kind = ST_BOOT_IMAGE, .issuer = who, .also = who, .subject = "kernel",
	    .digest = digest, .body = body }, id);
}

enum coffer_rc rig_boot(struct rig *r, const char *references, uint8_t id[static 32])
{
	return rig_boot_by(r, KIT_ACME, references, id);
}

enum coffer_rc rig_tcb(struct rig *r, enum kit_party who, unsigned snp)
{
	CLEANUP(freep) char *body = str_fmt("{\"platform\":\"snp\",\"minimum\":[{\"product\":\"milan\",\"svns\":{\"snp\":%u}}]}", snp);
	uint8_t id[32];

	return kit_log(&r->k, &(struct kit_st){ .kind = ST_TCB, .issuer = who, .also = who, .subject = "snp", .body = body }, id);
}

void rig_deploy_as(struct rig *r, const struct rig_how *how, uint8_t id[static 32])
{
	struct kit_hw hw = { .tee = TEE_SNP, .platform = "snp", .vendor = "amd", .root_name = "SEV-Milan", .make = rig_make, .arg = &r->snp,
		.file = how->file };
	CLEANUP(freep) char *extra = NULL;
	char hex[HEX32_LEN];
	struct kit *k = &r->k;

	snpkit_open(&r->snp, how->vek);
	hw.root = cert_bytes(r->snp.col.roots.c[0]);
	kit_open_hw(k, &hw);
	k->policy = NULL; /* the strict one that ships */
	CHECK(kit_service(k) == COFFER_OK && kit_release(k, 1, 1, NULL) == COFFER_OK && kit_release(k, 2, 1, NULL) == COFFER_OK);
	CHECK(kit_workload(k) == COFFER_OK && rig_boot(r, how->references, id) == COFFER_OK);
	hex32(id, hex);
	extra = how->boot ? str_fmt(",\"boot-images\":[\"%s\"]", hex) : str_fmt("%s", "");
	CHECK(kit_approve(k, extra, 1, NULL) == COFFER_OK && kit_put(k, KIT_HOSPITAL, "good morning") == COFFER_OK);
}

void rig_deploy(struct rig *r, const char *references, bool boot, uint8_t id[static 32])
{
	rig_deploy_as(r, &(struct rig_how){ .references = references, .boot = boot, .vek = &snpkit_good }, id);
}
