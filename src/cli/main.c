/* coffer: the table of verbs, and how the program begins and ends. */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "cli/run.h"
#include "cli/verbs.h"

#define WP "Workload Provider"
#define IP "Image Provider"
#define DO "Data Owner"
#define OWNERS "every owner of assets"

const struct verb cli_verbs[] = {
	{ .path = "init", .args = "", .persona = "every party", .summary = "Make a party: its keys and its public description",
	    .opts = opts_init, .run = cmd_init },
	{ .path = "status", .args = "", .persona = "every party", .summary = "Check the trust service's keys up to the genesis and show its state", .run = cmd_status },
	{ .path = "token", .args = "", .persona = OWNERS, .summary = "Make a token for one request, for clients such as curl or kbs-client",
	    .help = "The token is bound to method, path and body, holds for 5 minutes and works once.", .opts = opts_token, .run = cmd_token },
	{ .path = "why", .args = "DECISION", .persona = OWNERS, .summary = "Explain a decision: the checks that concern your own statements",
	    .opts = opts_decisions, .min_pos = 1, .max_pos = 1, .run = cmd_why },
	{ .path = "genesis new", .args = "PARTY.json...", .persona = "founders", .summary = "Write the genesis that all founders sign",
	    .opts = opts_genesis_new, .min_pos = 1, .max_pos = 16, .run = cmd_genesis_new },
	{ .path = "genesis sign", .args = "GENESIS.json", .persona = "founders", .summary = "Add this party's signature to a genesis or an amendment",
	    .opts = opts_genesis_sign, .min_pos = 1, .max_pos = 1, .run = cmd_genesis_sign },
	{ .path = "genesis show", .args = "[GENESIS.json]", .persona = "everyone", .summary = "Show a genesis: digest, parties, who has signed; or the one you follow, as amended",
	    .max_pos = 1, .run = cmd_genesis_show },
	{ .path = "genesis amend", .args = "", .persona = "founders", .summary = "Write an amendment of the genesis: other witnesses of the ledger, other vendor roots",
	    .help = "All founders sign it ('coffer genesis sign'), then one of them logs it ('coffer genesis post'). It asks for no fewer cosignatures than\n"
		    "before. It counts for assets that are put after it, and for others when their owners say so ('coffer asset policy PATH --as-amended').",
	    .opts = opts_genesis_amend, .run = cmd_genesis_amend },
	{ .path = "genesis post", .args = "AMENDMENT.json", .persona = "founders", .summary = "Log an amendment that every founder has signed",
	    .opts = opts_genesis_post, .min_pos = 1, .max_pos = 1, .run = cmd_genesis_post },
	{ .path = "genesis use", .args = "GENESIS.json", .persona = "every party", .summary = "Follow a genesis and a trust service from now on",
	    .opts = opts_genesis_use, .min_pos = 1, .max_pos = 1, .run = cmd_genesis_use },
	{ .path = "party request", .args = "", .persona = "a newcomer", .summary = "Ask to join the genesis this folder follows",
	    .opts = opts_party_request, .run = cmd_party_request },
	{ .path = "party admit", .args = "REQUEST.json", .persona = "any known party", .summary = "Introduce a newcomer: vouch that this key is that party's",
	    .opts = opts_party_admit, .min_pos = 1, .max_pos = 1, .run = cmd_party_admit },
	{ .path = "party show", .args = "[PARTY]", .persona = "everyone", .summary = "Show a party's keys: in effect, waiting, compromised; who recovers it",
	    .opts = opts_party_show, .max_pos = 1, .run = cmd_party_show },
	{ .path = "party recovery-key", .args = "FILE", .persona = "every party", .summary = "Make a recovery key, for yourself or for one who trusts you with it",
	    .help = "FILE is the private key, FILE.pub the public one. Name that in 'coffer init'; keep FILE elsewhere than the signing key.",
	    .opts = opts_party_recovery_key, .min_pos = 1, .max_pos = 1, .run = cmd_party_recovery_key },
	{ .path = "party rotate", .args = "", .persona = "every party", .summary = "Replace your signing key by a new one",
	    .help = "By the present key alone it waits your hold, and your recovery quorum can end it; with the quorum it is in effect at once.\n"
		    "Old and new key may each be in a file, in a token (--new-key) or on a machine without network (--new-party): what is signed there goes by\n"
		    "--to-sign, 'coffer sign' and 'coffer statement submit'.",
	    .opts = opts_party_rotate, .run = cmd_party_rotate },
	{ .path = "party next-key", .args = "", .persona = "every party with a key on a machine of its own", .summary = "Make the next signing key, without network",
	    .help = "Run it where the key is to be. 'coffer party rotate --new-party' on the machine that publishes takes its party-next.json.",
	    .opts = opts_party_next_key, .run = cmd_party_next_key },
	{ .path = "party finish", .args = "", .persona = "every party", .summary = "Take up the new signing key once it is in effect",
	    .opts = opts_party_finish, .run = cmd_party_finish },
	{ .path = "party cancel", .args = "", .persona = "every party", .summary = "End a change of your keys that waits, by your recovery quorum",
	    .opts = opts_party_cancel, .run = cmd_party_cancel },
	{ .path = "party compromise", .args = "[KEY]", .persona = "every party", .summary = "Name a key of yours compromised from a time on",
	    .help = "KEY is a thumbprint (default: the signing key of this folder). What it granted since is void, what it held back stands; it signs nothing\n"
		    "more. Get a new one with 'coffer party rotate --lost --recovery FILE'; 'coffer party affected' lists what rested on it.",
	    .opts = opts_party_compromise, .max_pos = 1, .run = cmd_party_compromise },
	{ .path = "party affected", .args = "", .persona = "every party", .summary = "List what compromised keys of yours said, and the releases that rested on it",
	    .opts = opts_party_show, .run = cmd_party_affected },
	{ .path = "party lift", .args = "STATEMENT", .persona = "every party", .summary = "Lift a revocation that a stolen key signed, by your recovery quorum",
	    .opts = opts_party_lift, .min_pos = 1, .max_pos = 1, .run = cmd_party_lift },
	{ .path = "party post", .args = "FILE", .persona = "every party", .summary = "Log a statement about a party's keys that several have signed",
	    .opts = opts_party_post, .min_pos = 1, .max_pos = 1, .run = cmd_party_post },
	{ .path = "sign", .args = "FILE", .persona = "every party with a key on a machine of its own", .summary = "Sign what a command wrote with --to-sign: shown first, without network",
	    .help = "What is shown is read from the bytes that would be signed. It signs with the key that FILE asks: this party's, its next one, or --recovery's.", .opts = opts_sign, .min_pos = 1, .max_pos = 1, .run = cmd_sign },
	{ .path = "statement submit", .args = "FILE SIGNATURE [FILE SIGNATURE...]", .persona = "every party", .summary = "Publish what --to-sign wrote, with the signature that 'coffer sign' made",
	    .opts = opts_statement_submit, .min_pos = 2, .max_pos = 32, .run = cmd_statement_submit },
	{ .path = "statement sign", .args = "PAYLOAD.json", .persona = "every party", .summary = "Sign a statement's payload as it stands, without publishing it",
	    .opts = opts_statement_sign, .min_pos = 1, .max_pos = 1, .run = cmd_statement_sign },
	{ .path = "statement show", .args = "ENVELOPE.json", .persona = "everyone", .summary = "Show what a statement says, and who is said to have signed it",
	    .min_pos = 1, .max_pos = 1, .run = cmd_statement_show },
	{ .path = "statement verify", .args = "ENVELOPE.json", .persona = "everyone", .summary = "Verify a statement up to the genesis, with the service or without",
	    .opts = opts_statement_verify, .min_pos = 1, .max_pos = 1, .run = cmd_statement_verify },
	{ .path = "statement list", .args = "", .persona = "every party", .summary = "List the statements that the service has",
	    .opts = opts_statement_list, .run = cmd_statement_list },
	{ .path = "receipt get", .args = "DECISION", .persona = OWNERS, .summary = "Write the receipt of a release: what it rested on, and its place in the ledger",
	    .opts = opts_receipt_get, .min_pos = 1, .max_pos = 1, .run = cmd_receipt_get },
	{ .path = "receipt verify", .args = "FILE", .persona = "every party", .summary = "Check a receipt offline, from the genesis on, and decide again",
	    .help = "exit codes: 0 it holds; 1 it does not, and the check says why; 2 usage; 3 malformed; 4 collateral is missing\n"
		    "Checked are who said what it rested on, that it was in force, and that it is in the ledger; then the evidence is appraised as of when it was\n"
		    "shown, and R0 to R11 are decided again: the verdict and its words must be the logged ones. Whenever: no clock and no network is asked.\n"
		    "Of a measured boot the registers that were quoted are shown, each beside what boot image or manifest predicted.",
	    .opts = opts_receipt_verify, .min_pos = 1, .max_pos = 1, .run = cmd_receipt_verify },
	{ .path = "receipt show", .args = "FILE", .persona = "every party", .summary = "Show the statements a receipt has, without judging them",
	    .min_pos = 1, .max_pos = 1, .run = cmd_receipt_show },
	{ .path = "ledger verify", .args = "", .persona = "every party", .summary = "Check the service's ledger against the head this party saw last",
	    .help = "Reads every entry since then. A ledger that is smaller, or does not continue the one seen, is refused by name.", .run = cmd_ledger_verify },
	{ .path = "ledger compare", .args = "CHECKPOINT", .persona = "every party", .summary = "Check that another party was shown the same ledger",
	    .help = "CHECKPOINT is the ledger-....checkpoint in that party's folder ('coffer ledger verify' keeps it there); '-' is standard input.",
	    .min_pos = 1, .max_pos = 1, .run = cmd_ledger_compare },
	{ .path = "ledger show", .args = "", .persona = "every party", .summary = "Show the ledger's entries that concern this party, opened and proven",
	    .help = "A line each: its number, when it was written, what happened, and with which outcome. --json has the records as the ledger commits to them.",
	    .opts = opts_ledger_show, .run = cmd_ledger_show },
	{ .path = "ledger watch", .args = "", .persona = "every party", .summary = "Look at the ledger again and again, and tell what comes that concerns this party",
	    .help = "Ends with 1 when the ledger is smaller or another than the one seen before. A service that is away is asked again.",
	    .opts = opts_ledger_watch, .run = cmd_ledger_watch },
	{ .path = "ledger find", .args = "[ASSET...]", .persona = OWNERS, .summary = "Find the ledger's entries on your assets by their tags, and hold what the service shows against them",
	    .help = "Tags are random to all but you and the service: they come of your encryption key and its receive key. An entry that carries yours and is not shown "
	            "to you is refused as ledger-withheld.",
	    .opts = opts_ledger_find, .max_pos = 32, .run = cmd_ledger_find },
	{ .path = "ledger prove", .args = "SEQ", .persona = "every party", .summary = "Write an entry's proof of inclusion (.tlog-proof), with its opening",
	    .opts = opts_ledger_prove, .min_pos = 1, .max_pos = 1, .run = cmd_ledger_prove },
	{ .path = "witness init", .args = "DIR", .persona = "a witness", .summary = "Make a witness: its key, which the founders name in the genesis",
	    .opts = opts_witness_init, .min_pos = 1, .max_pos = 1, .run = cmd_witness_init },
	{ .path = "witness run", .args = "DIR", .persona = "a witness", .summary = "Sign the heads of ledgers that grow and never change (C2SP tlog-witness)",
	    .help = "Answers POST /add-checkpoint until SIGTERM. It keeps the newest head of each ledger in DIR and signs nothing that does not continue it;\n"
		    "two heads of one size, both signed by the log, are kept as evidence. DIR must never be put back from a copy.",
	    .opts = opts_witness_run, .min_pos = 1, .max_pos = 1, .run = cmd_witness_run },
	{ .path = "service sign", .args = "DESCRIPTOR.json", .persona = WP, .summary = "Designate a trust service by its keys",
	    .help = "DESCRIPTOR.json is what 'cofferd keygen' prints. Owners name the statement in their approvals.",
	    .opts = opts_service_sign, .min_pos = 1, .max_pos = 1, .run = cmd_service_sign },
	{ .path = "service show", .args = "", .persona = "everyone", .summary = "Show the trust service's statement: its keys, and how it says its machine is launched",
	    .run = cmd_service_show },
	{ .path = "service check", .args = "", .persona = "everyone", .summary = "Have the trust service attest itself, and verify it",
	    .help = "Its machine quotes a nonce of yours with the service's keys and your genesis; what was launched there has to be what the service statement\n"
		    "says. 'coffer asset put' and 'seal' do the same before they seal. It ends with 1 where anything of that fails, or nothing is stated.",
	    .opts = opts_service_check, .run = cmd_service_check },
	{ .path = "asset seal", .args = "FILE", .persona = OWNERS, .summary = "Seal a secret to the trust service's receive key, to be put later",
	    .opts = opts_asset_seal, .min_pos = 1, .max_pos = 1, .run = cmd_asset_seal },
	{ .path = "asset put", .args = "PATH", .persona = OWNERS, .summary = "Seal a secret and give it to the trust service under your own name",
	    .opts = opts_asset_put, .min_pos = 1, .max_pos = 1, .run = cmd_asset_put },
	{ .path = "asset policy", .args = "PATH [POLICY.rego]", .persona = OWNERS, .summary = "Set, or without a file show, an asset's release policy",
	    .help = "The trust service releases the asset only where the rule data.policy.allow is true. data: {plugin, resource-path, query}; "
		    "input: the claims of the attestation token. Without a policy of its own an asset has the strict one that ships.",
	    .opts = opts_asset_policy, .min_pos = 1, .max_pos = 2, .run = cmd_asset_policy },
	{ .path = "asset list", .args = "", .persona = OWNERS, .summary = "List your assets", .opts = opts_asset_list, .run = cmd_asset_list },
	{ .path = "asset delete", .args = "PATH", .persona = OWNERS, .summary = "Delete an asset of yours", .opts = opts_asset_delete, .min_pos = 1, .max_pos = 1, .run = cmd_asset_delete },
	{ .path = "selftest show", .args = "BUNDLE", .persona = "everyone", .summary = "Judge a bundle again, offline and as of then: the same bytes as were said there, or who differs",
	    .opts = opts_selftest_show, .min_pos = 1, .max_pos = 1, .run = cmd_selftest_show },
	{ .path = "selftest", .args = "", .persona = "who has a confidential machine", .summary = "Look at this machine, take evidence of it, judge that, and write a bundle that others can judge again",
	    .help = "exit codes: 0 all evidence that was found is valid; 1 some is refused; 2 usage; 3 malformed; 4 nothing was found, or collateral is missing; 5 an error here\n"
		    "Evidence is over a fresh value that no trust service asked for. Nothing is changed in the machine and nothing sent, but that the metadata service of Azure is asked for\n"
		    "a machine of its own. As root, else devices may be shut. No secret is in the bundle, and no name or address is put there; what tells this machine from others is listed.",
	    .opts = opts_selftest, .run = cmd_selftest },
	{ .path = "evidence appraise", .args = "", .persona = "everyone", .summary = "Judge evidence offline: is it genuine, bound as wanted, and of a known platform",
	    .help = "The verdict judges evidence, collateral and the bindings given; whether an owner wants such a platform is for its policy.\n"
		    "exit codes: 0 valid, and affirming where a policy was given; 1 invalid, stale or not affirming; 2 usage, or a file that was named cannot be read;\n"
		    "3 malformed; 4 collateral unavailable; 5 an error here",
	    .opts = opts_evidence_appraise, .run = cmd_evidence_appraise },
	{ .path = "evidence show", .args = "FILE", .persona = "everyone", .summary = "Explain any evidence: what it is, what it claims, which checks hold",
	    .opts = opts_evidence_show, .min_pos = 1, .max_pos = 1, .run = cmd_evidence_show },
	{ .path = "evidence test", .args = "MANIFEST", .persona = "everyone", .summary = "Judge the cases of an evidence manifest",
	    .opts = opts_evidence_test, .min_pos = 1, .max_pos = 1, .run = cmd_evidence_test },
	{ .path = "evidence platforms", .args = "", .persona = "everyone", .summary = "List the platforms whose evidence this version judges", .run = cmd_evidence_platforms },
	{ .path = "measure snp", .args = "", .persona = "everyone", .summary = "Compute the launch measurement of a SEV-SNP guest from what it is launched with",
	    .help = "With --json one entry for \"launches\" of a boot-image statement.", .opts = opts_measure_snp, .run = cmd_measure_snp },
	{ .path = "measure tdx", .args = "", .persona = "everyone", .summary = "Compute MRTD of a TD, and RTMR 1 and 2 of what QEMU boots in it",
	    .help = "RTMR 1 and 2 for a kernel of 6.9 or later that QEMU gives the firmware (--kernel). RTMR 0 is not computed; with --event-log it is replayed from a recorded log, and only as good as whoever recorded it.",
	    .opts = opts_measure_tdx, .run = cmd_measure_tdx },
	{ .path = "measure tpm", .args = "", .persona = "everyone", .summary = "Compute the PCRs of a VM's measured boot from what it boots",
	    .help = "Either --uki or --kernel. Of the firmware's own registers PCR 0 is computed with --firmware, of OVMF builds that are known; 1 to 3, 7,\n"
		    "and PCR 0 of others, are replayed from --event-log, which has to be of that firmware.\n"
		    "exit codes: 1 the event log is of other firmware; 4 PCR 0 of this firmware is not computed here",
	    .opts = opts_measure_tpm, .run = cmd_measure_tpm },
	{ .path = "collateral needs", .args = "", .persona = "everyone", .summary = "List what evidence needs from its platform's vendor, an item a line",
	    .help = "Nothing is printed where nothing could be fetched that helps.", .opts = opts_collateral_needs, .run = cmd_collateral_needs },
	{ .path = "collateral get", .args = "ITEM...", .persona = "everyone", .summary = "Fetch vendors' certificates, revocation lists and TCB documents into a folder",
	    .help = "ITEM: amd/vcek/PRODUCT/HWID/TCB, amd/vcek|vlek/PRODUCT/cert_chain|crl, intel/tdx|sgx/tcb/FMSPC, intel/tdx|sgx/qe, "
		    "intel/pckcrl/platform|processor, intel/rootcrl: 'coffer collateral needs' prints them. No signature is checked here; "
		    "whoever appraises with them does.",
	    .opts = opts_collateral_get, .min_pos = 1, .max_pos = 64, .run = cmd_collateral_get },
	{ .path = "data seal", .args = "FILE", .persona = DO, .summary = "Encrypt a data file under a fresh key",
	    .help = "Put the key with 'coffer asset put'; each sealing is a new version of the asset and opens under its own key alone.",
	    .opts = opts_data_seal, .min_pos = 1, .max_pos = 1, .run = cmd_data_seal },
	{ .path = "data open", .args = "FILE", .persona = DO, .summary = "Decrypt a sealed data file with its key, to check it",
	    .opts = opts_data_open, .min_pos = 1, .max_pos = 1, .run = cmd_data_open },
	{ .path = "image encrypt", .args = "LAYOUT[:TAG] OUT[:TAG]", .persona = IP, .summary = "Encrypt the layers of an OCI layout",
	    .opts = opts_image_encrypt, .min_pos = 2, .max_pos = 2, .run = cmd_image_encrypt },
	{ .path = "image decrypt", .args = "LAYOUT[:TAG] OUT[:TAG]", .persona = IP, .summary = "Decrypt the layers of an OCI layout",
	    .opts = opts_image_decrypt, .min_pos = 2, .max_pos = 2, .run = cmd_image_decrypt },
	{ .path = "image inspect", .args = "LAYOUT[:TAG]", .persona = "everyone", .summary = "Show manifest, layers and how they are encrypted", .min_pos = 1, .max_pos = 1, .run = cmd_image_inspect },
	{ .path = "image push", .args = "LAYOUT[:TAG] REFERENCE", .persona = IP, .summary = "Push an OCI layout to a registry",
	    .opts = opts_image_push, .min_pos = 2, .max_pos = 2, .run = cmd_image_push },
	{ .path = "image sign", .args = "REFERENCE", .persona = IP, .summary = "Sign an image in a registry, as cosign does",
	    .opts = opts_image_sign, .min_pos = 1, .max_pos = 1, .run = cmd_image_sign },
	{ .path = "image verify", .args = "REFERENCE", .persona = "everyone", .summary = "Verify an image in a registry against a policy or a key",
	    .opts = opts_image_verify, .min_pos = 1, .max_pos = 1, .run = cmd_image_verify },
	{ .path = "image release", .args = "REFERENCE", .persona = IP, .summary = "State how an image is verified, which keys open it and what comes with it",
	    .help = "A later release of the same image keeps what the one in force says, but for attestations of a type that is given anew. --replace keeps nothing, and says what is gone;\n"
	            "it is asked for where the version is to be lower, or your last release ended or was revoked. A private attestation is kept as kbs:///<you>/attestation/<type>-<image>, under\n"
	            "the strict policy until 'coffer asset policy' says another, for workloads that you approve ('coffer approve').",
	    .opts = opts_image_release, .min_pos = 1, .max_pos = 1, .run = cmd_image_release },
	{ .path = "image keys", .args = "REFERENCE", .persona = "everyone", .summary = "Fetch what an image's provider put beside it: how to verify it, what opens it, what was attested",
	    .help = "Shown is what its issuer signed and the trust service has in force; anything else beside the image is named and passed over.",
	    .opts = opts_image_keys, .min_pos = 1, .max_pos = 1, .run = cmd_image_keys },
	{ .path = "workload build", .args = "POD.yaml", .persona = WP, .summary = "Make manifest, initdata and annotated pod from a Kubernetes Pod",
	    .help = "The annotation coffer.internal/terms says what Kubernetes has no words for: see docs/workload.md.",
	    .opts = opts_workload_build, .min_pos = 1, .max_pos = 1, .run = cmd_workload_build },
	{ .path = "workload publish", .args = "MANIFEST.json", .persona = WP, .summary = "Sign a manifest and log it",
	    .opts = opts_workload_publish, .min_pos = 1, .max_pos = 1, .run = cmd_workload_publish },
	{ .path = "workload show", .args = "[DIGEST | PROVIDER/NAME]", .persona = OWNERS, .summary = "Show what a workload is and may do, before approving it",
	    .opts = opts_workload_show, .max_pos = 1, .run = cmd_workload_show },
	{ .path = "workload diff", .args = "A B", .persona = OWNERS, .summary = "Name what workload B may do that A may not, and the other way round",
	    .help = "A and B: manifest files, digests or PROVIDER/NAME. \"other\" has no direction and counts as wider.\n"
		    "exit codes: 0 B is at most as wide as A; 1 it is not",
	    .opts = opts_workload_diff, .min_pos = 2, .max_pos = 2, .exits = cmd_workload_diff },
	{ .path = "guest build", .args = "", .persona = WP, .summary = "Build the image of a measured VM from Debian's packages and the agent",
	    .help = "The same packages and agent give the same bytes anywhere: a Data Owner builds again with --lock and compares. Written are firmware, kernel,\n"
		    "ramdisk, command line, the list of packages, an SBOM, and boot-image.json: a draft for 'coffer boot-image publish' whose registers are predicted.",
	    .opts = opts_guest_build, .run = cmd_guest_build },
	{ .path = "boot-image publish", .args = "FILE.json", .persona = WP, .summary = "Sign what a measured guest launches as and enforces, and log it",
	    .help = "FILE.json is the body of docs/protocol/statements.md and \"artefacts\":[{\"name\",\"sha256\"}].",
	    .opts = opts_machine_publish, .min_pos = 1, .max_pos = 1, .run = cmd_boot_image_publish },
	{ .path = "boot-image show", .args = "STATEMENT", .persona = OWNERS, .summary = "Show a boot image: launches, what it enforces, how to rebuild it",
	    .opts = opts_machine_show, .min_pos = 1, .max_pos = 1, .run = cmd_boot_image_show },
	{ .path = "boot-image list", .args = "", .persona = OWNERS, .summary = "List the boot images in force", .opts = opts_machine_show, .run = cmd_boot_image_list },
	{ .path = "tcb publish", .args = "FILE.json", .persona = "Data Owner, Workload Provider", .summary = "Sign the least firmware you want, and log it",
	    .help = "FILE.json is the body of docs/protocol/statements.md.",
	    .opts = opts_machine_publish, .min_pos = 1, .max_pos = 1, .run = cmd_tcb_publish },
	{ .path = "tcb show", .args = "STATEMENT", .persona = OWNERS, .summary = "Show what firmware a statement asks for",
	    .opts = opts_machine_show, .min_pos = 1, .max_pos = 1, .run = cmd_tcb_show },
	{ .path = "tcb list", .args = "", .persona = OWNERS, .summary = "List the statements about firmware in force", .opts = opts_machine_show, .run = cmd_tcb_list },
	{ .path = "reference import", .args = "FILE...", .persona = "Data Owner, Workload Provider", .summary = "Put reference values that others made into a draft of yours",
	    .help = "FILE is a message as RVPS takes it, or its bare payload. The values count once you have signed and published the draft.",
	    .opts = opts_reference_import, .min_pos = 1, .max_pos = CLI_POS_MAX, .run = cmd_reference_import },
	{ .path = "reference list", .args = "", .persona = OWNERS, .summary = "List reference values: by whom, until when, in force or not",
	    .opts = opts_reference_list, .run = cmd_reference_list },
	{ .path = "reference diff", .args = "A.json B.json", .persona = "everyone", .summary = "Compare the reference values of two drafts or signed statements",
	    .min_pos = 2, .max_pos = 2, .run = cmd_reference_diff },
	{ .path = "host check", .args = "", .persona = "Infrastructure Operator",
	    .summary = "Tell which workloads a machine would be refused for, before its firmware or a minimum changes",
	    .help = "The machine is as evidence of a guest on it says, as stated, or both: what is stated is laid over the evidence. Every workload in "
		    "force is\nasked about as R3 (platform, chip, threads, migration), R4 (firmware) and R5 (boot image; its measurements where what is launched is known) of a "
		    "release would be;\nother checks are not. Any known party may read the statements this rests on.\n"
		    "exit codes: 0 none is refused; 1 some are, or the evidence is; 2 usage; 3 malformed input; 4 unavailable",
	    .opts = opts_host_check, .exits = cmd_host_check },
	{ .path = "workload bind", .args = "DIGEST | PROVIDER/NAME", .persona = OWNERS, .summary = "Put assets of yours into the slots of a workload",
	    .help = "Whoever runs the workload chooses the bindings of an instance. Nothing leaves that you have not approved for that slot ('coffer approve "
	            "--slot'), nor beside assets of other owners that your approval does not name ('--beside').",
	    .opts = opts_workload_bind, .min_pos = 1, .max_pos = 1, .run = cmd_workload_bind },
	{ .path = "assess", .args = "DIGEST | PROVIDER/NAME", .persona = "Auditor", .summary = "State what you examined of a workload, image or boot image, and found",
	    .help = "Owners can make their approvals wait for it: 'coffer approve --assessed-by PARTY'. A later finding takes the place of an earlier one.",
	    .opts = opts_assess, .min_pos = 1, .max_pos = 1, .run = cmd_assess },
	{ .path = "approve", .args = "DIGEST | PROVIDER/NAME", .persona = OWNERS, .summary = "Let one exact workload use assets of yours",
	    .opts = opts_approve, .min_pos = 1, .max_pos = 1, .run = cmd_approve },
	{ .path = "approvals", .args = "", .persona = OWNERS, .summary = "List approvals in force: yours, and others' for your assets", .opts = opts_history, .run = cmd_approvals },
	{ .path = "decisions", .args = "", .persona = OWNERS, .summary = "List the newest decisions about your assets and workloads",
	    .opts = opts_decisions, .run = cmd_decisions },
	{ .path = "revoke", .args = "STATEMENT | THING", .persona = "every party", .summary = "Revoke a statement, a chip, an image, a key of images or a measurement, for good",
	    .help = "Of what is another's (a service statement, a boot image, an approval, ...) it counts for your own assets and workloads alone; of an image, and of a key that it is signed with, also for all who run it, where you\n"
	            "are its provider. THING is chip:PLATFORM:HEX, image:DIGEST (SHA-256 of its manifest), image-key:DIGEST (SHA-256 of the key's DER) or image-key:FILE (PEM), or\n"
	            "measurement:PLATFORM:REGISTER:HEX, in lower case.",
	    .opts = opts_revoke, .min_pos = 1, .max_pos = 1, .run = cmd_revoke },
	{ .path = "statement cosign", .args = "FILE", .persona = "every party", .summary = "Add your signature to a statement that another made",
	    .help = "FILE is a signed statement, or what 'coffer asset seal' wrote for an asset of which you decide too.",
	    .opts = opts_statement_cosign, .min_pos = 1, .max_pos = 1, .run = cmd_statement_cosign },
	{ .path = "pending", .args = "", .persona = OWNERS, .summary = "Show which approvals of shared assets are missing, and what each would allow",
	    .opts = opts_history, .run = cmd_pending },
	{ .path = "delegate", .args = "PARTY", .persona = "data-owner, workload-provider, image-provider", .summary = "Let another party approve, state boot images, designate the service or verify images for you",
	    .help = "Revoking the delegation ('coffer revoke') revokes all that PARTY said by it.",
	    .opts = opts_delegate, .min_pos = 1, .max_pos = 1, .run = cmd_delegate },
	{ .path = "delegations", .args = "", .persona = "every party", .summary = "List delegations by you, to you and of your power that are in force",
	    .opts = opts_history, .run = cmd_delegations },
	{ .path = "pause", .args = "STATEMENT", .persona = "every party", .summary = "Hold a statement for 7 days, as far as your own assets or code go",
	    .help = "Whoever may revoke it may pause it. Pausing again renews; 'coffer resume' lifts your own pause alone.",
	    .opts = opts_pause, .min_pos = 1, .max_pos = 1, .run = cmd_pause },
	{ .path = "resume", .args = "STATEMENT", .persona = "every party", .summary = "Lift your own pause of a statement",
	    .opts = opts_resume, .min_pos = 1, .max_pos = 1, .run = cmd_resume },
	{ .path = "policy eval", .args = "QUERY", .persona = "everyone who writes policies", .summary = "Evaluate a query against Rego policies",
	    .help = "A query that is but the path of a rule (data.policy.allow) tells a rule that is undefined from one that is not there.\n"
	            "exit codes: 0 a value, false too; 1 undefined; 3 no such rule, an error or a budget that ran out",
	    .opts = opts_policy_eval, .min_pos = 1, .max_pos = 1, .exits = cmd_policy_eval },
	{ .path = "policy check", .args = "FILE...", .persona = "everyone who writes policies", .summary = "Compile Rego policies and say what is wrong with them",
	    .help = "Every file must compile on its own, or all of them together.\nexit codes: 0 they do; 3 they do not",
	    .opts = opts_policy_check, .min_pos = 1, .max_pos = CLI_POS_MAX, .exits = cmd_policy_check },
	{ .path = "policy test", .args = "PATH...", .persona = "everyone who writes policies", .summary = "Judge the Rego engine by files of test cases",
	    .help = "PATH is a file or a folder of JSON files. A line for each case that fails or is skipped, counts for each group, the total last.\n"
	            "exit codes: 0 none failed; 1 some failed; 2 usage; 3 a file cannot be read",
	    .opts = opts_policy_test, .min_pos = 1, .max_pos = CLI_POS_MAX, .exits = cmd_policy_test },
	{ .path = "run", .args = "POD.yaml", .persona = "Orchestration Operator", .summary = "Start the guest and run the pod in it", .opts = opts_run, .raw = cmd_run },
	{ .path = "ps", .args = "", .persona = "Orchestration Operator", .summary = "List the pods that 'coffer run' started, those that ended and those whose launcher was killed",
	    .opts = opts_pod, .run = cmd_pod_ps },
	{ .path = "logs", .args = "POD [CONTAINER]", .persona = "Orchestration Operator", .summary = "Show what containers print, where their manifest lets the host read it",
	    .help = "Of each stream the last 16 MiB are kept.", .opts = opts_pod_logs, .min_pos = 1, .max_pos = 2, .run = cmd_pod_logs },
	{ .path = "exec", .args = "POD CONTAINER -- COMMAND...", .persona = "Orchestration Operator", .summary = "Run a command that the manifest lists in a container",
	    .help = "Exactly a line of the manifest's host.exec; nothing is on its standard input. Ends with the command's own code; a refusal says \"refused:\" and ends with 1.",
	    .opts = opts_pod, .min_pos = 3, .max_pos = CLI_POS_MAX, .exits = cmd_pod_exec },
	{ .path = "stop", .args = "POD", .persona = "Orchestration Operator", .summary = "End a pod: SIGTERM where the manifest grants it, then its machine",
	    .opts = opts_pod_stop, .min_pos = 1, .max_pos = 1, .run = cmd_pod_stop },
	{ .path = "wait", .args = "POD", .persona = "Orchestration Operator", .summary = "Wait until a pod is over; ends with what its 'coffer run' ends with",
	    .opts = opts_pod, .min_pos = 1, .max_pos = 1, .exits = cmd_pod_wait },
	{ .path = "rm", .args = "POD", .persona = "Orchestration Operator", .summary = "Remove what is kept of a pod, and of a dead one what is left of it",
	    .opts = opts_pod_rm, .min_pos = 1, .max_pos = 1, .run = cmd_pod_rm },
	{ .path = "result open", .args = "FILE", .persona = "End User", .summary = "Check and open a named output that was sealed to this party",
	    .opts = opts_result_open, .min_pos = 1, .max_pos = 1, .run = cmd_result_open },
	{ 0 },
};

/* How many words of argv name v: 0 when they do not. */
static int matches(const struct verb *v, int argc, char **argv)
{
	const char *p = v->path;
	int n = 0;

	while (*p) {
		size_t len = strcspn(p, " ");

		if (n >= argc || strlen(argv[n]) != len || strncmp(argv[n], p, len) != 0)
			return 0;
		n++;
		p += len + (p[len] == ' ');
	}
	return n;
}

static bool is_group(const char *word)
{
	size_t n = strlen(word);

	for (const struct verb *v = cli_verbs; v->path; v++)
		if (strncmp(v->path, word, n) == 0 && v->path[n] == ' ')
			return true;
	return false;
}

static int run_verb(const struct verb *v, int argc, char **argv)
{
	struct err e = { 0 };
	struct cli c;
	int rc;

	if (v->raw)
		return v->raw(argc, argv);
	rc = cli_parse(v, argc, argv, &c);
	if (rc >= 0)
		return rc;
	if (v->exits)
		return v->exits(&c, &e);
	return v->run(&c, &e) == COFFER_OK ? 0 : cli_fail(&c, &e);
}

static int top(int argc, char **argv)
{
	if (argc == 0) {
		cli_help_top(stderr);
		return 2;
	}
	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "help") == 0)
		return cli_help_top(stdout), 0;
	if (strcmp(argv[0], "--version") == 0)
		return (void)puts("coffer " COFFER_VERSION), 0;
	if (strcmp(argv[0], "man") == 0)
		return cli_man(stdout), 0;
	if (strcmp(argv[0], "completion") == 0)
		return cli_completion(stdout), 0;
	if (is_group(argv[0])) {
		bool asked = argc > 1 && strcmp(argv[1], "--help") == 0;

		if (!asked && argc > 1)
			(void)fprintf(stderr, "coffer %s: no verb \"%s\"\n", argv[0], argv[1]);
		else if (!asked)
			(void)fprintf(stderr, "coffer %s: which verb?\n", argv[0]);
		cli_help_group(asked ? stdout : stderr, argv[0]);
		return asked ? 0 : 2;
	}
	(void)fprintf(stderr, "coffer: no command \"%s\"\nTry 'coffer --help'.\n", argv[0]);
	return 2;
}

int main(int argc, char **argv)
{
	const struct rlimit none = { 0, 0 };

	/* No core file of a process that holds private keys. */
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	for (const struct verb *v = cli_verbs; v->path; v++) {
		int n = matches(v, argc - 1, argv + 1);

		if (n)
			return run_verb(v, argc - 1 - n, argv + 1 + n);
	}
	return top(argc - 1, argv + 1);
}
