/* Azure's confidential VMs read again: the hardware's report, the paravisor's text whose digest it holds, the key that the text names,
 * the quote by that key. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/fixed_int.h"
#include "evidence/hcl.h"

/* The report that vouches for the text: SNP's is inside the paravisor's own, a TD's is quoted beside it. */
static enum coffer_rc read_hardware(const struct fixed_in *in, const struct hcl *h, struct fixed_out *out, struct err *e)
{
	bool td = strcmp(in->platform, "az-tdx-vtpm") == 0;
	struct fixed_in hw = *in;

	if (h->type != (td ? HCL_TDX : HCL_SNP))
		return err_deny(e, "R2", "the paravisor's report is of other hardware than %.15s", in->platform);
	hw.report = td ? in->quote : h->hw_report;
	TRY(td ? fixed_tdx(&hw, out, e) : fixed_snp(&hw, out, e));
	if (!hcl_bound(h, (struct span){ out->report_data, out->report_data_n }))
		return err_deny(e, "R2", "the hardware's report does not hold the digest of the paravisor's text");
	return COFFER_OK;
}

/* The hardware's facts, and the quoted registers. */
static enum coffer_rc merge(const char *platform, const struct hw_facts *hw, struct fixed_out *out, struct err *e)
{
	struct hw_facts both = *hw;
	bool room = true;

	for (size_t i = 0; i < out->facts.n_regs; i++)
		room = room && facts_add_reg(&both, out->facts.reg[i].name, (struct span){ out->facts.reg[i].v, out->facts.reg[i].n });
	(void)snprintf(both.platform, sizeof(both.platform), "%s", platform);
	out->facts = both;
	return fixed_full(room, e);
}

enum coffer_rc fixed_az(const struct fixed_in *in, struct fixed_out *out, struct err *e)
{
	CLEANUP(hcl_clear) struct hcl h = { 0 };
	struct fixed_in quote = *in;
	struct fixed_out hw = { 0 };

	TRY(hcl_parse(in->key, &h, e));
	TRY(read_hardware(in, &h, &hw, e));
	quote.key = vkey_der(h.ak);
	quote.key_vouched = true; /* by the hardware */
	TRY(fixed_tpm(&quote, out, e));
	out->root = hw.root;
	return merge(in->platform, &hw.facts, out, e);
}
