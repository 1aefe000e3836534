# Appraisal of NVIDIA GPUs: the default. Strict: what no reference value names does not affirm.
#
# input.nvidia: arch, measurements {index: hex}, config {vbios_version, driver_version}. docs/evidence.md lists the reference values.
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

# Every block that was measured is one of those wanted, and there is one.
executables := 3 if {
	count(input.nvidia.measurements) > 0
	every index, value in input.nvidia.measurements {
		sprintf("%v:%v", [index, value]) in reference("nvidia_gpu_measurements")
	}
}

hardware := 2 if input.nvidia.arch in reference("nvidia_gpu_arch")

configuration := 2 if {
	input.nvidia.config.vbios_version in reference("allowed_vbios_versions")
	input.nvidia.config.driver_version in reference("allowed_driver_versions")
}
