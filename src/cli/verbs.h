/* Every verb's entry. One file per group: cmd_<group>.c. */
#pragma once
#include "cli/cli.h"

#define VERB(name) enum coffer_rc name(struct cli *c, struct err *e)
VERB(cmd_init);
VERB(cmd_genesis_new);
VERB(cmd_genesis_sign);
VERB(cmd_genesis_show);
VERB(cmd_genesis_amend);
VERB(cmd_genesis_post);
VERB(cmd_genesis_use);
VERB(cmd_witness_init);
VERB(cmd_witness_run);
VERB(cmd_party_request);
VERB(cmd_party_admit);
VERB(cmd_party_show);
VERB(cmd_party_affected);
VERB(cmd_party_recovery_key);
VERB(cmd_party_rotate);
VERB(cmd_party_finish);
VERB(cmd_party_next_key);
VERB(cmd_party_cancel);
VERB(cmd_party_compromise);
VERB(cmd_party_lift);
VERB(cmd_party_post);
VERB(cmd_service_sign);
VERB(cmd_service_show);
VERB(cmd_service_check);
VERB(cmd_status);
VERB(cmd_token);
VERB(cmd_selftest);
VERB(cmd_selftest_show);
VERB(cmd_evidence_appraise);
VERB(cmd_evidence_show);
VERB(cmd_evidence_test);
VERB(cmd_evidence_platforms);
VERB(cmd_measure_snp);
VERB(cmd_measure_tdx);
VERB(cmd_measure_tpm);
VERB(cmd_collateral_get);
VERB(cmd_collateral_needs);
VERB(cmd_asset_seal);
VERB(cmd_asset_put);
VERB(cmd_asset_policy);
VERB(cmd_asset_list);
VERB(cmd_asset_delete);
VERB(cmd_data_seal);
VERB(cmd_data_open);
VERB(cmd_image_encrypt);
VERB(cmd_image_decrypt);
VERB(cmd_image_sign);
VERB(cmd_image_verify);
VERB(cmd_image_inspect);
VERB(cmd_image_push);
VERB(cmd_image_release);
VERB(cmd_image_keys);
VERB(cmd_workload_build);
VERB(cmd_workload_publish);
VERB(cmd_workload_show);
VERB(cmd_guest_build);
VERB(cmd_boot_image_publish);
VERB(cmd_boot_image_show);
VERB(cmd_boot_image_list);
VERB(cmd_tcb_publish);
VERB(cmd_tcb_show);
VERB(cmd_tcb_list);
VERB(cmd_reference_import);
VERB(cmd_reference_list);
VERB(cmd_reference_diff);
VERB(cmd_approve);
VERB(cmd_assess);
VERB(cmd_ledger_find);
VERB(cmd_ledger_watch);
VERB(cmd_workload_bind);
VERB(cmd_revoke);
VERB(cmd_sign);
VERB(cmd_statement_sign);
VERB(cmd_statement_show);
VERB(cmd_statement_verify);
VERB(cmd_statement_list);
VERB(cmd_statement_submit);
VERB(cmd_delegate);
VERB(cmd_delegations);
VERB(cmd_statement_cosign);
VERB(cmd_pending);
VERB(cmd_pause);
VERB(cmd_resume);
VERB(cmd_why);
VERB(cmd_approvals);
VERB(cmd_decisions);
VERB(cmd_result_open);
VERB(cmd_receipt_get);
VERB(cmd_receipt_verify);
VERB(cmd_receipt_show);
VERB(cmd_ledger_verify);
VERB(cmd_ledger_compare);
VERB(cmd_ledger_show);
VERB(cmd_ledger_prove);
VERB(cmd_pod_ps);
VERB(cmd_pod_logs);
VERB(cmd_pod_stop);
VERB(cmd_pod_rm);
int cmd_pod_exec(struct cli *c, struct err *e);
int cmd_pod_wait(struct cli *c, struct err *e);
int cmd_workload_diff(struct cli *c, struct err *e);
int cmd_host_check(struct cli *c, struct err *e);
int cmd_policy_eval(struct cli *c, struct err *e);
int cmd_policy_check(struct cli *c, struct err *e);
int cmd_policy_test(struct cli *c, struct err *e);

extern const struct opt_spec opts_genesis_amend[], opts_genesis_post[];
extern const struct opt_spec opts_party_next_key[], opts_party_finish[];
extern const struct opt_spec opts_init[], opts_genesis_new[], opts_genesis_sign[], opts_genesis_use[], opts_witness_init[], opts_witness_run[], opts_party_request[],
    opts_party_admit[], opts_party_show[], opts_party_recovery_key[], opts_party_rotate[], opts_party_cancel[], opts_party_compromise[],
    opts_party_lift[], opts_party_post[], opts_service_sign[], opts_service_check[], opts_token[], opts_selftest[], opts_selftest_show[], opts_evidence_appraise[], opts_evidence_show[], opts_evidence_test[], opts_collateral_get[], opts_collateral_needs[], opts_measure_snp[], opts_measure_tdx[], opts_measure_tpm[], opts_asset_seal[], opts_asset_put[], opts_asset_policy[], opts_asset_list[],
    opts_asset_delete[], opts_data_seal[], opts_data_open[], opts_image_encrypt[], opts_image_decrypt[], opts_image_sign[],
    opts_image_verify[], opts_image_push[], opts_image_release[], opts_image_keys[], opts_workload_build[], opts_workload_publish[],
    opts_workload_show[], opts_workload_diff[], opts_workload_bind[], opts_ledger_find[], opts_ledger_watch[], opts_assess[], opts_approve[], opts_revoke[], opts_pause[], opts_resume[], opts_history[], opts_decisions[], opts_result_open[], opts_policy_eval[],
    opts_sign[], opts_delegate[], opts_statement_cosign[], opts_statement_sign[], opts_statement_verify[], opts_statement_list[], opts_statement_submit[],
    opts_guest_build[], opts_machine_publish[], opts_host_check[], opts_machine_show[], opts_reference_import[], opts_reference_list[], opts_policy_check[], opts_policy_test[], opts_ledger_show[], opts_ledger_prove[],
    opts_receipt_get[], opts_receipt_verify[];
extern const struct opt_spec opts_pod[], opts_pod_logs[], opts_pod_stop[], opts_pod_rm[];
