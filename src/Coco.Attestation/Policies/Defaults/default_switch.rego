# The policy for NVIDIA switches that applies until an administrator sets another.
package policy

import rego.v1

trust_claims := {
	"instance-identity": 0,
	"configuration": configuration,
	"executables": executables,
	"file-system": 0,
	"hardware": hardware,
	"runtime-opaque": 0,
	"storage-opaque": 0,
	"sourced-data": 0,
}

default executables := 33

default hardware := 97

default configuration := 36

device := input.nvidia

good_chain(chain) if {
	chain["x-nvidia-cert-ocsp-status"] == "good"
	chain["x-nvidia-cert-status"] == "valid"
}

hardware := 2 if {
	good_chain(device["x-nvidia-switch-attestation-report-cert-chain"])
	device["x-nvidia-switch-attestation-report-cert-chain-fwid-match"] == true
	device["x-nvidia-switch-attestation-report-parsed"] == true
	device["x-nvidia-switch-attestation-report-signature-verified"] == true
	device["x-nvidia-switch-arch-check"] == true
}

locked if {
	device.secboot == true
	device.dbgstat == "disabled"
}

configuration := 2 if {
	locked
	device["x-nvidia-switch-bios-version"] in query_reference_value("allowed_switch_bios_versions")
} else := 3 if {
	locked
}

executables := 3 if {
	good_chain(device["x-nvidia-switch-bios-rim-cert-chain"])
	device["x-nvidia-switch-bios-rim-fetched"] == true
	device["x-nvidia-switch-bios-rim-measurements-available"] == true
	device["x-nvidia-switch-bios-rim-schema-validated"] == true
	device["x-nvidia-switch-bios-rim-signature-verified"] == true
	device["x-nvidia-switch-bios-rim-version-match"] == true
	device.measres == "success"
}
