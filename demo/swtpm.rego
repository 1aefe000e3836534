# The release policy of the demo's owners for a VM whose TPM is emulated: whoever holds the host could forge it, and it is accepted all
# the same, by its name. What was launched is not for this policy: each approval names the boot images it is for (R5).
package policy

import rego.v1

default allow := false

allow if {
	data.plugin == "resource"
	some evidence in [submod["ear.veraison.annotated-evidence"] | some submod in input.submods]
	evidence.tpm
}
