# What holds for an asset whose owner set no release policy of its own: every part of the platform must have been
# appraised as affirming. A missing, empty or malformed appraisal denies.
package policy

import rego.v1

default allow := false

allow if {
	is_object(input.submods)
	count(input.submods) > 0
	every submod in input.submods {
		submod["ear.status"] == "affirming"
	}
}
