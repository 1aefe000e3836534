# The release policy of the demo's owners: a platform that proves nothing is accepted, by its name and only by its name. Without this
# the strict policy that ships holds, and refuses.
package policy

import rego.v1

default allow := false

allow if {
	data.plugin == "resource"
	some evidence in [submod["ear.veraison.annotated-evidence"] | some submod in input.submods]
	evidence.sample
}
