// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Attestation.Tests;

/// <summary>The default policies decide as attestation-service.md 8.1 and 8.2 say (executables/hardware/configuration).</summary>
public sealed class DefaultPolicyTests
{
    private const string Snp = """
        {"measurement":"aa","reported_tcb_bootloader":4,"reported_tcb_microcode":219,"reported_tcb_snp":24,"reported_tcb_tee":0,
         "policy_debug_allowed":false,"policy_migrate_ma":false,"platform_smt_enabled":true,"platform_tsme_enabled":true,
         "policy_abi_major":1,"policy_abi_minor":0,"policy_single_socket":false,"policy_smt_allowed":true}
        """;

    private const string Tdx = """
        {"quote":{"header":{"tee_type":"81000000","vendor_id":"939a7233f79c4ca9940a0db3957f0607"},"body":{"mr_td":"aa","rtmr_1":"bb","rtmr_2":"cc","xfam":"dd"}},
         "tcb_status":"UpToDate","collateral_expiration_status":"0","td_attributes":{"debug":false},
         "uefi_event_logs":[{"type_name":"EV_EFI_BOOT_SERVICES_APPLICATION","details":{"device_paths":["File(kernel)"]},"digests":[{"alg":"SHA-384","digest":"k"}]},
                            {"type_name":"EV_EVENT_TAG","details":{"string":"LOADED_IMAGE::LoadOptions"},"digests":[{"alg":"SHA-384","digest":"p"}]}]}
        """;

    private const string AzSnp = """
        {"measurement":"m","tpm":{"pcr11":"p"},"reported_tcb_bootloader":"4","reported_tcb_microcode":"219","reported_tcb_snp":"24","reported_tcb_tee":"0",
         "platform_smt_enabled":"true","platform_tsme_enabled":"true","policy_abi_major":"1","policy_abi_minor":"0","policy_single_socket":"false","policy_smt_allowed":"true"}
        """;

    private const string AzTdx = """
        {"tpm":{"pcr11":"p"},"quote":{"header":{"tee_type":"81000000","vendor_id":"939a7233f79c4ca9940a0db3957f0607"},"body":{"mr_td":"aa","xfam":"dd"}},"tcb_status":"UpToDate"}
        """;

    [Theory]
    [InlineData("", "33/97/2", "contraindicated")]
    [InlineData("""{"launch_digest":["abcde"]}""", "3/97/2", "contraindicated")]
    [InlineData("""{"launch_digest":["abcde"],"svn":["1"],"major_version":1,"minimum_minor_version":4}""", "3/2/2", "affirming")]
    [InlineData("""{"launch_digest":["x"],"svn":["1"],"major_version":1,"minimum_minor_version":5}""", "33/97/2", "contraindicated")]
    [InlineData("""{"launch_digest":["x"],"svn":["1"],"major_version":1,"minimum_minor_version":3}""", "33/2/2", "warning")]
    [InlineData("""{"svn":["1"],"major_version":1}""", "33/97/2", "contraindicated")]
    public async Task Sample(string references, string expected, string status)
    {
        await using var test = new TestAttestation();
        Register(test, references);

        JsonObject payload = await test.RequireAsync(TestAttestation.Sample());

        Assert.Equal(expected, TestAttestation.Vector(payload));
        Assert.Equal(status, (string?)payload["submods"]!["cpu0"]!["ear.status"]);
    }

    [Theory]
    [InlineData(TeeType.Snp, Snp, "", "", "33/97/3")]
    [InlineData(TeeType.Snp, Snp, "", """{"snp_launch_measurement":["aa"]}""", "3/97/3")]
    [InlineData(TeeType.Snp, Snp, "", """{"snp_bootloader":[4],"snp_microcode":[219],"snp_snp_svn":[24],"snp_tee_svn":[0]}""", "33/2/3")]
    [InlineData(TeeType.Snp, Snp, "", """{"snp_bootloader":["4"],"snp_microcode":[219],"snp_snp_svn":[24],"snp_tee_svn":[0]}""", "33/97/3")]
    [InlineData(TeeType.Snp, Snp, "", """{"snp_smt_enabled":true,"snp_tsme_enabled":true,"snp_guest_abi_major":1,"snp_guest_abi_minor":0,"snp_single_socket":false,"snp_smt_allowed":true}""", "33/97/2")]
    [InlineData(TeeType.Snp, Snp, "policy_debug_allowed", """{"snp_smt_enabled":true,"snp_tsme_enabled":true,"snp_guest_abi_major":1,"snp_guest_abi_minor":0,"snp_single_socket":false,"snp_smt_allowed":true}""", "33/97/36")]
    [InlineData(TeeType.Snp, Snp, "policy_migrate_ma", "", "33/97/36")]
    [InlineData(TeeType.Tdx, Tdx, "", "", "33/97/36")]
    [InlineData(TeeType.Tdx, Tdx, "", """{"rtmr_1":["bb"],"rtmr_2":["cc"]}""", "4/97/36")]
    [InlineData(TeeType.Tdx, Tdx, "", """{"rtmr_1":["bb"],"rtmr_2":["cc"],"tdvfkernel":"k","tdvfkernelparams":"p"}""", "3/97/36")]
    [InlineData(TeeType.Tdx, Tdx, "", """{"rtmr_1":["bb"],"rtmr_2":["cc"],"tdvfkernel":"k","tdvfkernelparams":"q"}""", "4/97/36")]
    [InlineData(TeeType.Tdx, Tdx, "", """{"mr_td":["aa"],"xfam":["dd"]}""", "33/2/2")]
    [InlineData(TeeType.Tdx, Tdx, "td_attributes.debug", """{"mr_td":["aa"],"xfam":["dd"]}""", "33/2/36")]
    [InlineData(TeeType.Tdx, Tdx, "tcb_status=OutOfDate", """{"mr_td":["aa"],"xfam":["dd"]}""", "33/97/2")]
    [InlineData(TeeType.Tdx, Tdx, "collateral_expiration_status=1", """{"mr_td":["aa"]}""", "33/97/36")]
    [InlineData(TeeType.AzSnpVtpm, AzSnp, "", "", "33/97/36")]
    [InlineData(TeeType.AzSnpVtpm, AzSnp, "", """{"measurement":["m"],"snp_pcr11":["p"]}""", "3/97/36")]
    [InlineData(TeeType.AzSnpVtpm, AzSnp, "", """{"tcb_bootloader":["4"],"tcb_microcode":["219"],"tcb_snp":["24"],"tcb_tee":["0"]}""", "33/2/36")]
    [InlineData(TeeType.AzSnpVtpm, AzSnp, "", """{"smt_enabled":["true"],"tsme_enabled":["true"],"abi_major":["1"],"abi_minor":["0"],"single_socket":["false"],"smt_allowed":["true"]}""", "33/97/2")]
    [InlineData(TeeType.AzTdxVtpm, AzTdx, "", """{"tdx_pcr11":["p"],"mr_td":["aa"],"xfam":["dd"]}""", "3/2/2")]
    [InlineData(TeeType.AzTdxVtpm, AzTdx, "", "", "33/97/36")]
    [InlineData(TeeType.Tpm, """{"pcr11":"p","ak_public":"k"}""", "", """{"tpm_pcr11":["p"]}""", "33/2/0")]
    [InlineData(TeeType.Tpm, """{"pcr11":"p","ak_public":"k"}""", "", """{"tpm_pcr11":["p"],"trusted_aks":["k"]}""", "3/2/0")]
    [InlineData(TeeType.Se, """{"tag":"00"}""", "", "", "3/2/2")]
    [InlineData(TeeType.Sgx, """{"body":{}}""", "", "", "33/97/36")]
    [InlineData(TeeType.Csv, """{"version":"1"}""", "", "", "33/97/36")]
    [InlineData(TeeType.Cca, """{"realm":{}}""", "", "", "33/97/36")]
    public async Task Processors(TeeType tee, string claims, string change, string references, string expected)
    {
        await using var test = new TestAttestation();
        Register(test, references);
        JsonObject changed = JsonNode.Parse(claims)!.AsObject();
        Change(changed, change);

        JsonObject payload = await test.RequireAsync(TestAttestation.Input(tee, new JsonObject { ["claims"] = changed }.ToJsonString()));

        Assert.Equal(expected, TestAttestation.Vector(payload));
    }

    [Theory]
    [InlineData("gpu", "", "3/2/3")]
    [InlineData("gpu", """{"allowed_vbios_versions":["v"],"allowed_driver_versions":["d"]}""", "3/2/2")]
    [InlineData("switch", "", "3/2/3")]
    [InlineData("switch", """{"allowed_switch_bios_versions":["v"]}""", "3/2/2")]
    public async Task Devices(string teeClass, string references, string expected)
    {
        await using var test = new TestAttestation();
        Register(test, references);
        string kind = teeClass == "gpu" ? "vbios" : "bios";
        var claims = new JsonObject
        {
            [$"x-nvidia-{teeClass}-attestation-report-cert-chain"] = Chain(),
            [$"x-nvidia-{teeClass}-attestation-report-cert-chain-fwid-match"] = true,
            [$"x-nvidia-{teeClass}-attestation-report-parsed"] = true,
            [$"x-nvidia-{teeClass}-attestation-report-signature-verified"] = true,
            [$"x-nvidia-{teeClass}-arch-check"] = true,
            [$"x-nvidia-{teeClass}-{kind}-rim-cert-chain"] = Chain(),
            [$"x-nvidia-{teeClass}-{kind}-version"] = "v",
            [$"x-nvidia-{teeClass}-driver-version"] = "d",
            ["secboot"] = true,
            ["dbgstat"] = "disabled",
            ["measres"] = "success",
        };
        foreach (string what in new[] { "fetched", "measurements-available", "schema-validated", "signature-verified", "version-match" })
        {
            claims[$"x-nvidia-{teeClass}-{kind}-rim-{what}"] = true;
            claims[$"x-nvidia-{teeClass}-driver-rim-{what}"] = true;
        }

        foreach (string name in claims.Select(c => c.Key).ToArray())
        {
            // Every claim counts: without it something is no longer affirmed as before.
            JsonObject one = claims.DeepClone().AsObject();
            one.Remove(name);
            bool used = !name.Contains("driver", StringComparison.Ordinal) || teeClass == "gpu";
            bool version = name.EndsWith("-version", StringComparison.Ordinal);
            if (used && (!version || references.Length > 0))
            {
                Assert.NotEqual(expected, TestAttestation.Vector(await DeviceAsync(test, teeClass, one), teeClass + "0"));
            }
        }

        Assert.Equal(expected, TestAttestation.Vector(await DeviceAsync(test, teeClass, claims), teeClass + "0"));
    }

    [Fact]
    public async Task LocallyVerifiedGpu_IsContraindicated()
    {
        await using var test = new TestAttestation();

        JsonObject payload = await DeviceAsync(test, "gpu", new JsonObject { ["arch"] = "Hopper" });

        Assert.Equal("33/97/36", TestAttestation.Vector(payload, "gpu0"));
        Assert.Equal("contraindicated", (string?)payload["submods"]!["gpu0"]!["ear.status"]);
    }

    [Fact]
    public async Task Ppcie_IsAffirmed()
    {
        await using var test = new TestAttestation();

        JsonObject payload = await DeviceAsync(test, "ppcie", new JsonObject { ["switch_count"] = 4 });

        Assert.Equal("0/0/2", TestAttestation.Vector(payload, "ppcie0"));
    }

    [Theory]
    [InlineData("dcu")]
    [InlineData("nvidia-dpu")]
    public async Task ClassWithoutPolicy_IsRefused(string teeClass)
    {
        await using var test = new TestAttestation();

        Result<JsonObject> result = await test.AttestAsync(TestAttestation.Input(TeeType.HygonDcu, "{\"class\":\"" + teeClass + "\",\"claims\":{}}"));

        Assert.Equal($"Policy `default_{teeClass}.rego` not found", result.Refusal?.Detail);
    }

    private static Task<JsonObject> DeviceAsync(TestAttestation test, string teeClass, JsonObject claims) =>
        test.RequireAsync(TestAttestation.Input(TeeType.Nvidia, new JsonObject { ["class"] = teeClass, ["claims"] = claims.DeepClone() }.ToJsonString()));

    private static JsonObject Chain() => new() { ["x-nvidia-cert-ocsp-status"] = "good", ["x-nvidia-cert-status"] = "valid" };

    private static void Register(TestAttestation test, string references)
    {
        foreach ((string name, JsonNode? value) in references.Length == 0 ? [] : JsonNode.Parse(references)!.AsObject())
        {
            test.References.Set(name, value!.ToJsonString());
        }
    }

    // "a.b" turns a flag on, "a=b" sets a text.
    private static void Change(JsonObject claims, string change)
    {
        if (change.Length == 0)
        {
            return;
        }

        string[] parts = change.Split('=');
        string[] path = parts[0].Split('.');
        JsonObject at = claims;
        foreach (string step in path[..^1])
        {
            at = at[step]!.AsObject();
        }

        at[path[^1]] = parts.Length == 2 ? parts[1] : true;
    }
}
