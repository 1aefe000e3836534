# Appraisal of NVIDIA switches: the default. Strict: what no reference value names does not affirm.
#
# input.nvidia: arch, measurements {index: hex}, config {vbios_version}, rim_match {vbios, mismatches} where the appraiser had NVIDIA's
# manifests; devices, a list of such objects. docs/evidence.md lists the reference values.
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

# The claims of one device, or of several in one piece of evidence: each must be what is wanted.
devices := input.nvidia.devices

devices := [input.nvidia] if not input.nvidia.devices

# Every block that was measured is one of those wanted, and there is one.
measured(device) if {
	count(device.measurements) > 0
	every index, value in device.measurements {
		sprintf("%v:%v", [index, value]) in reference("nvidia_switch_measurements")
	}
}

# NVIDIA signed what this BIOS measures; `configuration` says which are wanted.
measured(device) if device.rim_match.vbios == true

executables := 3 if {
	count(devices) > 0
	every device in devices {
		measured(device)
	}
}

hardware := 2 if {
	count(devices) > 0
	every device in devices {
		device.arch in reference("nvidia_switch_arch")
	}
}

configuration := 2 if {
	count(devices) > 0
	every device in devices {
		device.config.vbios_version in reference("allowed_switch_bios_versions")
	}
}
