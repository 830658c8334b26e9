# The policy for processors that applies until an administrator sets another.
#
# Every claim begins at a value that does not affirm, and is raised only by claims of the evidence that are among the
# reference values. A reference value that nobody registered is null, and nothing is a member of null.
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

# 33: the software is not known. 97: the hardware is not known. 36: nothing is known about the configuration.
default executables := 33

default hardware := 97

default configuration := 36

##### sample

executables := 3 if {
	input.sample
	input.sample.launch_digest in query_reference_value("launch_digest")
}

hardware := 2 if {
	input.sample
	input.sample.svn in query_reference_value("svn")
	input.sample.platform_version.major == query_reference_value("major_version")

	# Every number is greater than null.
	is_number(query_reference_value("minimum_minor_version"))
	input.sample.platform_version.minor >= query_reference_value("minimum_minor_version")
}

configuration := 2 if {
	input.sample
	input.sample.debug == false
}

##### AMD SEV-SNP

executables := 3 if {
	input.snp
	input.snp.measurement in query_reference_value("snp_launch_measurement")
}

hardware := 2 if {
	input.snp
	input.snp.reported_tcb_bootloader in query_reference_value("snp_bootloader")
	input.snp.reported_tcb_microcode in query_reference_value("snp_microcode")
	input.snp.reported_tcb_snp in query_reference_value("snp_snp_svn")
	input.snp.reported_tcb_tee in query_reference_value("snp_tee_svn")
}

snp_not_debuggable if {
	input.snp.policy_debug_allowed == false
	input.snp.policy_migrate_ma == false
}

configuration := 2 if {
	snp_not_debuggable
	input.snp.platform_smt_enabled == query_reference_value("snp_smt_enabled")
	input.snp.platform_tsme_enabled == query_reference_value("snp_tsme_enabled")
	input.snp.policy_abi_major == query_reference_value("snp_guest_abi_major")
	input.snp.policy_abi_minor == query_reference_value("snp_guest_abi_minor")
	input.snp.policy_single_socket == query_reference_value("snp_single_socket")
	input.snp.policy_smt_allowed == query_reference_value("snp_smt_allowed")
} else := 3 if {
	snp_not_debuggable
}

##### Intel TDX

tdx_runtime_registers if {
	input.tdx.quote.body.rtmr_1 in query_reference_value("rtmr_1")
	input.tdx.quote.body.rtmr_2 in query_reference_value("rtmr_2")
}

tdx_kernel if {
	expected := query_reference_value("tdvfkernel")
	expected != null
	some event in input.tdx.uefi_event_logs
	event.type_name == "EV_EFI_BOOT_SERVICES_APPLICATION"
	"File(kernel)" in event.details.device_paths
	some entry in event.digests
	entry.digest == expected
}

tdx_kernel_parameters if {
	expected := query_reference_value("tdvfkernelparams")
	expected != null
	some event in input.tdx.uefi_event_logs
	event.type_name == "EV_EVENT_TAG"
	event.details.string == "LOADED_IMAGE::LoadOptions"
	some entry in event.digests
	entry.digest == expected
}

executables := 3 if {
	input.tdx
	tdx_runtime_registers
	tdx_kernel
	tdx_kernel_parameters
} else := 4 if {
	input.tdx
	tdx_runtime_registers
}

# Constants of a TDX quote: TEE type 0x81, the quoting enclave of Intel.
intel_quote(tee) if {
	tee.quote.header.tee_type == "81000000"
	tee.quote.header.vendor_id == "939a7233f79c4ca9940a0db3957f0607"
}

hardware := 2 if {
	intel_quote(input.tdx)
	input.tdx.quote.body.mr_td in query_reference_value("mr_td")
	input.tdx.tcb_status == "UpToDate"
	input.tdx.collateral_expiration_status == "0"
}

configuration := 2 if {
	input.tdx.td_attributes.debug == false
	input.tdx.quote.body.xfam in query_reference_value("xfam")
}

##### Azure confidential VM on SEV-SNP

executables := 3 if {
	az := input["az-snp-vtpm"]
	az.measurement in query_reference_value("measurement")
	az.tpm.pcr11 in query_reference_value("snp_pcr11")
}

hardware := 2 if {
	az := input["az-snp-vtpm"]
	az.reported_tcb_bootloader in query_reference_value("tcb_bootloader")
	az.reported_tcb_microcode in query_reference_value("tcb_microcode")
	az.reported_tcb_snp in query_reference_value("tcb_snp")
	az.reported_tcb_tee in query_reference_value("tcb_tee")
}

configuration := 2 if {
	az := input["az-snp-vtpm"]
	az.platform_smt_enabled in query_reference_value("smt_enabled")
	az.platform_tsme_enabled in query_reference_value("tsme_enabled")
	az.policy_abi_major in query_reference_value("abi_major")
	az.policy_abi_minor in query_reference_value("abi_minor")
	az.policy_single_socket in query_reference_value("single_socket")
	az.policy_smt_allowed in query_reference_value("smt_allowed")
}

##### Azure confidential VM on TDX

executables := 3 if {
	input["az-tdx-vtpm"].tpm.pcr11 in query_reference_value("tdx_pcr11")
}

hardware := 2 if {
	az := input["az-tdx-vtpm"]
	intel_quote(az)
	az.quote.body.mr_td in query_reference_value("mr_td")
	az.tcb_status == "UpToDate"
}

configuration := 2 if {
	input["az-tdx-vtpm"].quote.body.xfam in query_reference_value("xfam")
}

##### TPM: its attestation key is trusted only when it is registered

executables := 3 if {
	input.tpm.pcr11 in query_reference_value("tpm_pcr11")
	input.tpm.ak_public in query_reference_value("trusted_aks")
}

hardware := 2 if {
	input.tpm
}

configuration := 0 if {
	input.tpm
}

##### IBM Secure Execution: the image is bound to the host keys when it is built

executables := 3 if {
	input.se
}

hardware := 2 if {
	input.se
}

configuration := 2 if {
	input.se
}

##### What the token tells about containers

agent_containers := object.get(input, ["init_data_claims", "agent_policy_claims", "containers"], [])

container_images := [image |
	some container in agent_containers
	image := container.OCI.Annotations["io.kubernetes.cri.image-name"]
]

container_uids := [uid |
	some container in agent_containers
	uid := container.OCI.Process.User.UID
]

validated_images := {"container_images": container_images} if {
	count(container_images) > 0
} else := {}

validated_uids := {"container_uids": container_uids} if {
	count(container_uids) > 0
} else := {}

extensions := [{
	"name": "ear.trustee.identifiers",
	"key": -18,
	"value": {"validated": object.union_n([validated_images, validated_uids])},
}]
