# The policy for NVIDIA GPUs that applies until an administrator sets another. It reads the claims of NVIDIA's own
# verification; a report that was verified locally has none of them and is contraindicated.
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

gpu := input.nvidia

good_chain(chain) if {
	chain["x-nvidia-cert-ocsp-status"] == "good"
	chain["x-nvidia-cert-status"] == "valid"
}

hardware := 2 if {
	good_chain(gpu["x-nvidia-gpu-attestation-report-cert-chain"])
	gpu["x-nvidia-gpu-attestation-report-cert-chain-fwid-match"] == true
	gpu["x-nvidia-gpu-attestation-report-parsed"] == true
	gpu["x-nvidia-gpu-attestation-report-signature-verified"] == true
	gpu["x-nvidia-gpu-arch-check"] == true
}

locked if {
	gpu.secboot == true
	gpu.dbgstat == "disabled"
}

configuration := 2 if {
	locked
	gpu["x-nvidia-gpu-vbios-version"] in query_reference_value("allowed_vbios_versions")
	gpu["x-nvidia-gpu-driver-version"] in query_reference_value("allowed_driver_versions")
} else := 3 if {
	locked
}

rim_holds(kind) if {
	gpu[concat("", ["x-nvidia-gpu-", kind, "-rim-fetched"])] == true
	gpu[concat("", ["x-nvidia-gpu-", kind, "-rim-measurements-available"])] == true
	gpu[concat("", ["x-nvidia-gpu-", kind, "-rim-schema-validated"])] == true
	gpu[concat("", ["x-nvidia-gpu-", kind, "-rim-signature-verified"])] == true
	gpu[concat("", ["x-nvidia-gpu-", kind, "-rim-version-match"])] == true
}

executables := 3 if {
	good_chain(gpu["x-nvidia-gpu-vbios-rim-cert-chain"])
	rim_holds("driver")
	rim_holds("vbios")
	gpu.measres == "success"
}
