# Release of a resource to a workload: the default.
#
# input: the claims of the attestation token, an EAR: input.submods holds one appraisal for each attested part.
# data:  "plugin", "resource-path" (an array of names) and "query" of the request. This policy looks at none of them:
#        whoever wants to give a resource to some workloads only, writes a policy of their own.
#
# Allowed is what was appraised, and appraised as good in every part: at least one submod, and each with the status
# "affirming". A missing status, one of another type, a submod that is no object, and no submods at all deny.
package policy

default allow := false

allow if {
	is_object(input.submods)
	count(input.submods) > 0
	every submod in input.submods {
		affirming(submod)
	}
}

affirming(submod) if submod["ear.status"] == "affirming"
