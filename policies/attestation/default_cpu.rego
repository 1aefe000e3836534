# Appraisal of confidential machines: the default. Strict for every platform: what no reference value names does not affirm.
#
# input: {"<tee>": claims, "report_data", "init_data", "init_data_claims", "runtime_data_claims", "platform"}.
# query_reference_value(name): a value, a list of values, or null. docs/evidence.md lists the names.
#
# executables   3: the measurement of what was started is a reference value.     33: it is not.
# hardware      2: the maker's key, the firmware and the TCB are as wanted.      32: genuine, but its TCB is not up to date.
#                                                                                97: anything else.
# configuration 2: every setting is as wanted.  36: some setting is not known to be.  96: debugging, or the like, opens the guest.
package policy

default executables := 33

default hardware := 97

default configuration := 36

trust_claims := {
	"executables": executables,
	"hardware": hardware,
	"configuration": configuration,
}

# A reference value as a list, whichever way it was written; none: the empty list.
reference(name) := query_reference_value(name) if is_array(query_reference_value(name))

reference(name) := [value] if {
	value := query_reference_value(name)
	not is_array(value)
	not is_null(value)
}

reference(name) := [] if is_null(query_reference_value(name))

# The same as text, for platforms whose claims are text.
texts(name) := [text | some value in reference(name); text := sprintf("%v", [value])]

# The least of them as a number; undefined where there is none.
least(name) := min([to_number(text) | some text in texts(name)])

# ---- snp ----

executables := 3 if input.snp.measurement in reference("snp_launch_measurement")

hardware := 2 if {
	input.snp.reported_tcb_bootloader in reference("snp_bootloader")
	input.snp.reported_tcb_microcode in reference("snp_microcode")
	input.snp.reported_tcb_snp in reference("snp_snp_svn")
	input.snp.reported_tcb_tee in reference("snp_tee_svn")

	# What the host can still go back to, and what the guest was launched under, is no older than the oldest that is wanted.
	every when in ["committed", "launch"] {
		input.snp[sprintf("%s_tcb_bootloader", [when])] >= least("snp_bootloader")
		input.snp[sprintf("%s_tcb_microcode", [when])] >= least("snp_microcode")
		input.snp[sprintf("%s_tcb_snp", [when])] >= least("snp_snp_svn")
		input.snp[sprintf("%s_tcb_tee", [when])] >= least("snp_tee_svn")
	}
}

configuration := 2 if {
	input.snp.policy_debug_allowed == false
	input.snp.policy_migrate_ma == false
	input.snp.platform_smt_enabled in reference("snp_smt_enabled")
	input.snp.platform_tsme_enabled in reference("snp_tsme_enabled")
	input.snp.policy_abi_major in reference("snp_guest_abi_major")
	input.snp.policy_abi_minor in reference("snp_guest_abi_minor")
	input.snp.policy_single_socket in reference("snp_single_socket")
	input.snp.policy_smt_allowed in reference("snp_smt_allowed")
} else := 96 if {
	input.snp
	snp_open
}

snp_open if input.snp.policy_debug_allowed != false

snp_open if input.snp.policy_migrate_ma != false

# ---- az-snp-vtpm: every claim is text ----

executables := 3 if {
	input["az-snp-vtpm"].measurement in texts("measurement")
	input["az-snp-vtpm"].tpm.pcr11 in texts("snp_pcr11")
}

hardware := 2 if {
	input["az-snp-vtpm"].reported_tcb_bootloader in texts("tcb_bootloader")
	input["az-snp-vtpm"].reported_tcb_microcode in texts("tcb_microcode")
	input["az-snp-vtpm"].reported_tcb_snp in texts("tcb_snp")
	input["az-snp-vtpm"].reported_tcb_tee in texts("tcb_tee")
	every when in ["committed", "launch"] {
		to_number(input["az-snp-vtpm"][sprintf("%s_tcb_bootloader", [when])]) >= least("tcb_bootloader")
		to_number(input["az-snp-vtpm"][sprintf("%s_tcb_microcode", [when])]) >= least("tcb_microcode")
		to_number(input["az-snp-vtpm"][sprintf("%s_tcb_snp", [when])]) >= least("tcb_snp")
		to_number(input["az-snp-vtpm"][sprintf("%s_tcb_tee", [when])]) >= least("tcb_tee")
	}
}

configuration := 2 if {
	input["az-snp-vtpm"].policy_debug_allowed == "false"
	input["az-snp-vtpm"].policy_migrate_ma == "false"
	input["az-snp-vtpm"].platform_smt_enabled in texts("smt_enabled")
	input["az-snp-vtpm"].platform_tsme_enabled in texts("tsme_enabled")
	input["az-snp-vtpm"].policy_abi_major in texts("abi_major")
	input["az-snp-vtpm"].policy_abi_minor in texts("abi_minor")
	input["az-snp-vtpm"].policy_single_socket in texts("single_socket")
	input["az-snp-vtpm"].policy_smt_allowed in texts("smt_allowed")
} else := 96 if {
	input["az-snp-vtpm"]
	az_snp_open
}

az_snp_open if input["az-snp-vtpm"].policy_debug_allowed != "false"

az_snp_open if input["az-snp-vtpm"].policy_migrate_ma != "false"

# ---- tdx ----

# Of the attributes, in hex and little-endian: none of bits 0 to 7, by each of which the TD is not trusted (debugging is but the first), nor
# bit 29, by which its host may have it moved.
td_closed(attributes) if {
	substring(attributes, 0, 2) == "00"
	substring(attributes, 6, 1) in ["0", "1", "4", "5", "8", "9", "c", "d"]
}

executables := 3 if {
	input.tdx.quote.body.rtmr_1 in reference("rtmr_1")
	input.tdx.quote.body.rtmr_2 in reference("rtmr_2")
}

hardware := 2 if {
	input.tdx.tcb_status == "UpToDate"
	input.tdx.collateral_expiration_status == "0"
	input.tdx.quote.body.mr_td in reference("mr_td")
} else := 32 if {
	input.tdx.tcb_status != "UpToDate"
	input.tdx.quote.body.mr_td in reference("mr_td")
}

configuration := 2 if {
	input.tdx.td_attributes.debug == false
	td_closed(input.tdx.quote.body.td_attributes)
	input.tdx.quote.body.xfam in reference("xfam")
} else := 96 if {
	input.tdx.td_attributes.debug != false
} else := 96 if {
	not td_closed(input.tdx.quote.body.td_attributes)
	input.tdx
}

# ---- az-tdx-vtpm ----

executables := 3 if input["az-tdx-vtpm"].tpm.pcr11 in reference("tdx_pcr11")

hardware := 2 if {
	input["az-tdx-vtpm"].tcb_status == "UpToDate"
	input["az-tdx-vtpm"].collateral_expiration_status == "0"
	input["az-tdx-vtpm"].quote.body.mr_td in reference("mr_td")
} else := 32 if {
	input["az-tdx-vtpm"].tcb_status != "UpToDate"
	input["az-tdx-vtpm"].quote.body.mr_td in reference("mr_td")
}

configuration := 2 if {
	input["az-tdx-vtpm"].td_attributes.debug == false
	td_closed(input["az-tdx-vtpm"].quote.body.td_attributes)
	input["az-tdx-vtpm"].quote.body.xfam in reference("xfam")
} else := 96 if {
	input["az-tdx-vtpm"].td_attributes.debug != false
} else := 96 if {
	not td_closed(input["az-tdx-vtpm"].quote.body.td_attributes)
	input["az-tdx-vtpm"]
}

# ---- sgx ----

executables := 3 if {
	input.sgx.body.mr_enclave in reference("sgx_mr_enclave")
	input.sgx.body.mr_signer in reference("sgx_mr_signer")
	input.sgx.body.isv_prod_id in reference("sgx_isv_prod_id")
	input.sgx.body.isv_svn in reference("sgx_isv_svn")
}

hardware := 2 if {
	input.sgx.body.mr_signer in reference("sgx_mr_signer")
	input.sgx.tcb_status == "UpToDate"
	input.sgx.collateral_expiration_status == "0"
} else := 32 if {
	input.sgx.body.mr_signer in reference("sgx_mr_signer")
	input.sgx.tcb_status != "UpToDate"
}

# Bit 1 of the little-endian flags: the second digit.
sgx_debug if substring(input.sgx.body["attributes.flags"], 1, 1) in ["2", "3", "6", "7", "a", "b", "e", "f"]

configuration := 2 if {
	not sgx_debug
	input.sgx.body["attributes.flags"] in reference("sgx_attributes_flags")
	input.sgx.body["attributes.xfrm"] in reference("sgx_attributes_xfrm")
} else := 96 if {
	input.sgx
	sgx_debug
}

# ---- tpm; swtpm is it only where a reference value says that a software TPM will do ----

tpm_accepted if input.platform == "tpm"

tpm_accepted if {
	input.platform == "swtpm"
	true in reference("swtpm_accepted")
}

executables := 3 if {
	input.tpm
	tpm_accepted
	input.tpm.pcr11 in reference("tpm_pcr11")
}

hardware := 2 if {
	input.tpm
	tpm_accepted
	input.tpm.ak_public in reference("trusted_aks")
}

# Secure Boot's state and keys.
configuration := 2 if {
	input.tpm
	tpm_accepted
	input.tpm.pcr07 in reference("tpm_pcr07")
}

# ---- cca ----

executables := 3 if input.cca.realm["cca-realm-initial-measurement"] in reference("cca_realm_initial_measurement")

hardware := 2 if {
	input.cca.platform["cca-platform-implementation-id"] in reference("cca_platform_implementation_id")
	count(cca_components) > 0
	every component in cca_components {
		component["measurement-value"] in reference("cca_platform_sw_components")
	}
}

cca_components := input.cca.platform["cca-platform-sw-components"]

# The life cycle "secured" is 0x3000 to 0x30ff.
cca_secured if {
	is_number(input.cca.platform["cca-platform-lifecycle"])
	input.cca.platform["cca-platform-lifecycle"] >= 12288
	input.cca.platform["cca-platform-lifecycle"] <= 12543
}

configuration := 2 if {
	cca_secured
	input.cca.platform["cca-platform-config"] in reference("cca_platform_config")
} else := 96 if {
	input.cca
	not cca_secured
}

# ---- csv ----

executables := 3 if input.csv.measure in reference("csv_measure")

hardware := 2 if {
	input.csv.version in reference("csv_version")
	input.csv.serial_number in reference("csv_serial_number")
}

csv_closed if input.csv.policy.nodbg in [true, 1, "1", "true"]

configuration := 2 if {
	csv_closed
	input.csv.vm_version in reference("csv_vm_version")
} else := 96 if {
	input.csv
	not csv_closed
}

# ---- sample: nobody signed it, so only who says so in as many words gets more than a refusal ----

executables := 3 if {
	input.sample
	true in reference("sample_accepted")
	input.sample.svn in reference("svn")
}

hardware := 2 if {
	input.sample
	true in reference("sample_accepted")
}

configuration := 2 if {
	input.sample
	true in reference("sample_accepted")
}
