# Appraisal of a protected PCIe group, eight GPUs and their four switches as one: the default.
#
# Each GPU and switch has an appraisal of its own; this one says whether the group is the whole one that was wanted. Strict: without
# the reference value ppcie_accepted = true nothing affirms.
package policy

default hardware := 97

default configuration := 36

trust_claims := {
	"hardware": hardware,
	"configuration": configuration,
}

accepted if query_reference_value("ppcie_accepted") == true

hardware := 2 if {
	accepted
	input.nvidia.gpus == 8
	input.nvidia.switches == 4
}

configuration := 2 if {
	accepted
	input.nvidia.complete == true
}
