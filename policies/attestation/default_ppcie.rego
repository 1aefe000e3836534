# Appraisal of a protected PCIe group, eight GPUs and their four switches as one: the default.
#
# Each GPU and switch has an appraisal of its own; this one says whether the group is the whole one that was wanted. Strict: without
# the reference value ppcie_accepted = true nothing affirms. input.nvidia: devices, and ppcie_complete, which is true when the GPUs are in
# protected mode and their links lead to these switches and no other.
package policy

default hardware := 97

default configuration := 36

trust_claims := {
	"hardware": hardware,
	"configuration": configuration,
}

accepted if query_reference_value("ppcie_accepted") == true

number(arch) := count([d | some d in input.nvidia.devices; d.arch == arch])

hardware := 2 if {
	accepted
	number("Hopper") == 8
	number("LS10") == 4
}

configuration := 2 if {
	accepted
	input.nvidia.ppcie_complete == true
}
