// SPDX-License-Identifier: Apache-2.0
using Coco.Rego;

namespace Coco.Benchmarks;

/// <summary>A policy that decides what the default appraisal of processors decides, and claims of a SEV-SNP guest.</summary>
internal static class RegoBenchPolicy
{
    internal const string DefaultCpu =
        """
        package policy

        import rego.v1

        default executables := 33

        default hardware := 97

        default configuration := 36

        default file_system := 0

        default instance_identity := 0

        default runtime_opaque := 0

        default storage_opaque := 0

        default sourced_data := 0

        trust_claims := {
            "executables": executables,
            "hardware": hardware,
            "configuration": configuration,
            "file-system": file_system,
            "instance-identity": instance_identity,
            "runtime-opaque": runtime_opaque,
            "storage-opaque": storage_opaque,
            "sourced-data": sourced_data,
        }

        # sample
        executables := 3 if {
            input.sample
            input.sample.launch_digest in query_reference_value("launch_digest")
        }

        hardware := 2 if {
            input.sample
            input.sample.svn in query_reference_value("svn")
            input.sample.platform_version.major == query_reference_value("major_version")
            input.sample.platform_version.minor >= query_reference_value("minimum_minor_version")
        }

        configuration := 2 if {
            input.sample
            input.sample.debug == false
        }

        # SEV-SNP
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

        configuration := 2 if {
            input.snp
            input.snp.policy_debug_allowed == false
            input.snp.policy_migrate_ma == false
            input.snp.platform_smt_enabled == query_reference_value("snp_smt_enabled")
            input.snp.platform_tsme_enabled == query_reference_value("snp_tsme_enabled")
            input.snp.policy_abi_major == query_reference_value("snp_guest_abi_major")
            input.snp.policy_abi_minor == query_reference_value("snp_guest_abi_minor")
            input.snp.policy_single_socket == query_reference_value("snp_single_socket")
            input.snp.policy_smt_allowed == query_reference_value("snp_smt_allowed")
        } else := 3 if {
            input.snp
            input.snp.policy_debug_allowed == false
            input.snp.policy_migrate_ma == false
        }

        # TDX
        kernel_measured if {
            some event in input.tdx.uefi_event_logs
            event.type_name == "EV_EFI_BOOT_SERVICES_APPLICATION"
            some path in event.details.device_paths
            contains(path, "File(kernel)")
            some digest in event.digests
            digest.digest == query_reference_value("tdvfkernel")
        }

        parameters_measured if {
            some event in input.tdx.uefi_event_logs
            event.type_name == "EV_EVENT_TAG"
            event.details.string == "LOADED_IMAGE::LoadOptions"
            some digest in event.digests
            digest.digest == query_reference_value("tdvfkernelparams")
        }

        executables := 3 if {
            input.tdx
            input.tdx.quote.body.rtmr_1 in query_reference_value("rtmr_1")
            input.tdx.quote.body.rtmr_2 in query_reference_value("rtmr_2")
            kernel_measured
            parameters_measured
        } else := 4 if {
            input.tdx
            input.tdx.quote.body.rtmr_1 in query_reference_value("rtmr_1")
            input.tdx.quote.body.rtmr_2 in query_reference_value("rtmr_2")
        }

        hardware := 2 if {
            input.tdx
            input.tdx.quote.header.tee_type == "81000000"
            input.tdx.quote.header.vendor_id == "939a7233f79c4ca9940a0db3957f0607"
            input.tdx.quote.body.mr_td in query_reference_value("mr_td")
            input.tdx.tcb_status == "UpToDate"
            input.tdx.collateral_expiration_status == "0"
        }

        configuration := 2 if {
            input.tdx
            input.tdx.td_attributes.debug == false
            input.tdx.quote.body.xfam in query_reference_value("xfam")
        }

        # Azure vTPM on SEV-SNP
        executables := 3 if {
            input["az-snp-vtpm"]
            input["az-snp-vtpm"].measurement in query_reference_value("measurement")
            input["az-snp-vtpm"].tpm.pcr11 in query_reference_value("snp_pcr11")
        }

        hardware := 2 if {
            input["az-snp-vtpm"]
            input["az-snp-vtpm"].reported_tcb_bootloader in query_reference_value("tcb_bootloader")
            input["az-snp-vtpm"].reported_tcb_microcode in query_reference_value("tcb_microcode")
            input["az-snp-vtpm"].reported_tcb_snp in query_reference_value("tcb_snp")
            input["az-snp-vtpm"].reported_tcb_tee in query_reference_value("tcb_tee")
        }

        configuration := 2 if {
            input["az-snp-vtpm"]
            input["az-snp-vtpm"].platform_smt_enabled in query_reference_value("smt_enabled")
            input["az-snp-vtpm"].platform_tsme_enabled in query_reference_value("tsme_enabled")
            input["az-snp-vtpm"].policy_abi_major in query_reference_value("abi_major")
            input["az-snp-vtpm"].policy_abi_minor in query_reference_value("abi_minor")
            input["az-snp-vtpm"].policy_single_socket in query_reference_value("single_socket")
            input["az-snp-vtpm"].policy_smt_allowed in query_reference_value("smt_allowed")
        }

        # Azure vTPM on TDX
        executables := 3 if {
            input["az-tdx-vtpm"]
            input["az-tdx-vtpm"].tpm.pcr11 in query_reference_value("tdx_pcr11")
        }

        hardware := 2 if {
            input["az-tdx-vtpm"]
            input["az-tdx-vtpm"].quote.header.tee_type == "81000000"
            input["az-tdx-vtpm"].quote.header.vendor_id == "939a7233f79c4ca9940a0db3957f0607"
            input["az-tdx-vtpm"].quote.body.mr_td in query_reference_value("mr_td")
            input["az-tdx-vtpm"].tcb_status == "UpToDate"
        }

        configuration := 2 if {
            input["az-tdx-vtpm"]
            input["az-tdx-vtpm"].quote.body.xfam in query_reference_value("xfam")
        }

        # TPM
        executables := 3 if {
            input.tpm
            input.tpm.pcr11 in query_reference_value("tpm_pcr11")
            input.tpm.ak_public in query_reference_value("trusted_aks")
        }

        hardware := 2 if input.tpm

        configuration := 0 if input.tpm

        # Secure Execution
        executables := 3 if input.se

        hardware := 2 if input.se

        configuration := 2 if input.se

        # What the agent's policy says of the containers.
        container_images := [image |
            some container in input.init_data_claims.agent_policy_claims.containers
            image := container.OCI.Annotations["io.kubernetes.cri.image-name"]
        ]

        container_uids := [uid |
            some container in input.init_data_claims.agent_policy_claims.containers
            uid := container.OCI.Process.User.UID
        ]

        validated := object.union_n([
            {"container_images": images | images := container_images; count(images) > 0},
            {"container_uids": uids | uids := container_uids; count(uids) > 0},
        ])

        extensions := [{
            "name": "ear.trustee.identifiers",
            "key": -18,
            "value": {"validated": validated},
        }]
        """;

    internal const string SnpClaims =
        """
        {
          "init_data": "0000000000000000000000000000000000000000000000000000000000000000",
          "init_data_claims": null,
          "report_data": "1111111111111111111111111111111111111111111111111111111111111111",
          "runtime_data_claims": {"nonce": "bm9uY2U", "tee-pubkey": {"kty": "EC", "crv": "P-256", "alg": "ECDH-ES+A256KW", "x": "eA", "y": "eQ"}},
          "snp": {
            "policy_abi_major": 0, "policy_abi_minor": 31, "policy_smt_allowed": true, "policy_migrate_ma": false,
            "policy_debug_allowed": false, "policy_single_socket": false, "policy_cipher_text_hiding": false,
            "reported_tcb_bootloader": 4, "reported_tcb_tee": 0, "reported_tcb_snp": 22, "reported_tcb_microcode": 213,
            "current_tcb_bootloader": 4, "current_tcb_tee": 0, "current_tcb_snp": 22, "current_tcb_microcode": 213,
            "committed_tcb_bootloader": 4, "committed_tcb_tee": 0, "committed_tcb_snp": 22, "committed_tcb_microcode": 213,
            "launch_tcb_bootloader": 4, "launch_tcb_tee": 0, "launch_tcb_snp": 22, "launch_tcb_microcode": 213,
            "platform_tsme_enabled": true, "platform_smt_enabled": true, "platform_ecc_enabled": true,
            "measurement": "8f3e6ce5a1c9e7ad9c0f5b1f9d1e4c7a8f3e6ce5a1c9e7ad9c0f5b1f9d1e4c7a8f3e6ce5a1c9e7ad9c0f5b1f9d1e4c7a",
            "chip_id": "00112233", "family_id": "00", "image_id": "00", "vmpl": 0, "version": 3, "guest_svn": 0,
            "id_key_digest": "00", "author_key_digest": "00", "report_id": "aa", "report_id_ma": "ff",
            "cpuid_fam_id": 25, "cpuid_mod_id": 17, "cpuid_step": 1
          }
        }
        """;

    internal static Dictionary<string, RegoValue> ReferenceValues => new(StringComparer.Ordinal)
    {
        ["snp_launch_measurement"] = RegoArray.Of("00", "8f3e6ce5a1c9e7ad9c0f5b1f9d1e4c7a8f3e6ce5a1c9e7ad9c0f5b1f9d1e4c7a8f3e6ce5a1c9e7ad9c0f5b1f9d1e4c7a"),
        ["snp_bootloader"] = RegoArray.Of(3, 4),
        ["snp_microcode"] = RegoArray.Of(209, 213),
        ["snp_snp_svn"] = RegoArray.Of(20, 22),
        ["snp_tee_svn"] = RegoArray.Of(0),
        ["snp_smt_enabled"] = true,
        ["snp_tsme_enabled"] = true,
        ["snp_guest_abi_major"] = 0,
        ["snp_guest_abi_minor"] = 31,
        ["snp_single_socket"] = false,
        ["snp_smt_allowed"] = true,
    };
}
