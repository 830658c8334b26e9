// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using Coco.Protocol;

namespace Coco.Attestation.Tests;

/// <summary>The configuration document of attestation-service.md 4.</summary>
public sealed class ConfigurationTests
{
    [Fact]
    public void Read_Empty_GivesTheDefaultsOfTheSpecification()
    {
        (AsConfig config, ConfigProblems problems) = Read("{}");

        Assert.Empty(problems.Errors);
        Assert.Equal(5, config.Token.DurationMinutes);
        Assert.Equal("attestation-service 0.1.0", config.Token.BuildName);
        Assert.Equal("KDS", Assert.Single(config.Verifiers.Snp.VcekSources).Type);
        Assert.Equal("https://api.trustedservices.intel.com/sgx/certification/v4/", config.Verifiers.Dcap.CollateralService);
        Assert.Null(config.RvpsAddress);
        Assert.Null(config.Storage);
    }

    [Fact]
    public void Read_EveryKey_IsTaken()
    {
        (AsConfig config, ConfigProblems problems) = Read("""
            {"work_dir":"/x","policy_engine":"opa",
             "rvps_config":{"type":"GrpcRemote","address":"rvps:50003"},
             "attestation_token_broker":{"duration_min":7,"issuer_name":"i","developer_name":"d","build_name":"b","profile_name":"p","verbose_token":false,
               "signer":{"key_path":"/k","cert_url":"https://c","cert_path":"/c"}},
             "verifier_config":{"nvidia_verifier":{"type":"remote","verifier_url":"https://n"},"tpm_verifier":{},
               "snp_verifier":{"vcek_sources":[{"type":"OfflineStore"},{"type":"KDS","base_url":"https://k"}]},
               "dcap_verifier":{"collateral_service":"file:///d.json","tcb_update_type":"standard","use_secure_cert":true},
               "nvidia_dpu_verifier":{"root_ca_cert_path":"/r","max_cert_age_secs":60}},
             "storage_backend":{"storage_type":"LocalFs","backends":{"local_fs":{"dir_path":"/s"}}},
             "decisions":{"retention_days":3,"record_evidence":true}}
            """);

        Assert.Empty(problems.Errors);
        Assert.Empty(problems.Warnings);
        Assert.Equal("http://rvps:50003", config.RvpsAddress);
        Assert.Equal((7, "i", false, "/k", "https://c", "/c"), (config.Token.DurationMinutes, config.Token.IssuerName, config.Token.Verbose, config.Token.SignerKeyPath, config.Token.SignerCertUrl, config.Token.SignerCertPath));
        Assert.Equal(["/opt/confidential-containers/attestation-service/kds-store", "https://k"], config.Verifiers.Snp.VcekSources.Select(s => s.Location));
        Assert.True(config.Verifiers.Nvidia.Remote);
        Assert.Equal(60, config.Verifiers.Dpu!.MaxCertAgeSeconds);
        Assert.Equal("/s", config.Storage!.LocalFsPath);
        Assert.True(config.Decisions.RecordEvidence);
    }

    [Fact]
    public void Read_SettingsOfVerifiersThatTheReferenceHasNot_AreTaken()
    {
        (AsConfig config, ConfigProblems problems) = Read("""
            {"verifier_config":{"insecure_simulated_tee":"/s.json","sample":false,"offline":true,"collateral_directories":["/a","/b"],
              "snp_verifier":{"revocation":"required","masked_chip_id":"refuse","accept_version_2":true,"accept_legacy_json":true},
              "dcap_verifier":{"collateral_service":"https://pccs","accepted_tcb_statuses":["UpToDate"],"collateral_grace_secs":0,"accept_evidence_collateral":true},
              "tpm_verifier":{"trusted_roots":"/t","require_endorsement":true,"challenge_lifetime_secs":30},
              "nvidia_verifier":{"trusted_roots":"/n","driver_manifests":"/d","vbios_manifests":"/v","manifest_roots":"/m","require_manifests":true}}}
            """);

        AsVerifierConfig verifiers = config.Verifiers;

        Assert.Empty(problems.Errors);
        Assert.Empty(problems.Warnings);
        Assert.Equal(("/s.json", false, true), (verifiers.InsecureSimulatedTee, verifiers.Sample, verifiers.Offline));
        Assert.Equal(["/a", "/b"], verifiers.CollateralDirectories);
        Assert.Equal(("required", "refuse", true, true), (verifiers.Snp.Revocation, verifiers.Snp.MaskedChipId, verifiers.Snp.AcceptVersion2, verifiers.Snp.AcceptLegacyJson));
        Assert.Equal(["UpToDate"], verifiers.Dcap.AcceptedTcbStatuses);
        Assert.Equal((0L, true), (verifiers.Dcap.CollateralGraceSeconds, verifiers.Dcap.AcceptEvidenceCollateral));
        Assert.Equal(new AsTpmConfig { TrustedRoots = "/t", RequireEndorsement = true, ChallengeLifetimeSeconds = 30 }, verifiers.Tpm);
        Assert.Equal(
            new AsNvidiaConfig { TrustedRoots = "/n", DriverManifests = "/d", VbiosManifests = "/v", ManifestRoots = "/m", RequireManifests = true }, verifiers.Nvidia);
    }

    [Fact]
    public void Read_FormerBroker_IsASimpleToken()
    {
        (AsConfig config, ConfigProblems problems) = Read("""{"attestation_token_broker":"Simple","attestation_token_config":{"duration_min":9}}""");

        Assert.Empty(problems.Errors);
        AttestationOptions options = AttestationConfiguration.ToOptions(config, problems);
        Assert.Equal(TokenForm.SimpleV011, options.Token.Form);
        Assert.Equal(TimeSpan.FromMinutes(9), options.Token.Duration);
    }

    [Theory]
    [InlineData("""{"attestation_token_broker":{"duration_min":0}}""", "attestation_token_broker.duration_min")]
    [InlineData("""{"attestation_token_broker":{"signer":{}}}""", "attestation_token_broker.signer.key_path")]
    [InlineData("""{"attestation_token_broker":{"profile_name":""}}""", "attestation_token_broker.profile_name")]
    [InlineData("""{"rvps_config":{"type":"Other"}}""", "rvps_config.type")]
    [InlineData("""{"rvps_config":{"publication_rules":[{"prefix":"a","signer":["x"]}]}}""", "rvps_config.publication_rules[0].signer")]
    [InlineData("""{"verifier_config":{"dcap_verifier":{}}}""", "verifier_config.dcap_verifier.collateral_service")]
    [InlineData("""{"verifier_config":{"dcap_verifier":{"collateral_service":"ftp://x"}}}""", "verifier_config.dcap_verifier.collateral_service")]
    [InlineData("""{"verifier_config":{"snp_verifier":{"vcek_sources":[{"type":"Moon"}]}}}""", "verifier_config.snp_verifier.vcek_sources[0].type")]
    [InlineData("""{"verifier_config":{"snp_verifier":{"vcek_sources":[{"type":"KDS","base_url":"kds"}]}}}""", "verifier_config.snp_verifier.vcek_sources[0].base_url")]
    [InlineData("""{"verifier_config":{"snp_verifier":{"revocation":"sometimes"}}}""", "verifier_config.snp_verifier.revocation")]
    [InlineData("""{"verifier_config":{"snp_verifier":{"masked_chip_id":true}}}""", "verifier_config.snp_verifier.masked_chip_id")]
    [InlineData("""{"verifier_config":{"dcap_verifier":{"collateral_service":"https://x","accepted_tcb_statuses":["Revoked"]}}}""", "verifier_config.dcap_verifier.accepted_tcb_statuses")]
    [InlineData("""{"verifier_config":{"dcap_verifier":{"collateral_service":"https://x","accepted_tcb_statuses":[]}}}""", "verifier_config.dcap_verifier.accepted_tcb_statuses")]
    [InlineData("""{"verifier_config":{"dcap_verifier":{"collateral_service":"https://x","collateral_grace_secs":-1}}}""", "verifier_config.dcap_verifier.collateral_grace_secs")]
    [InlineData("""{"verifier_config":{"tpm_verifier":{"require_endorsement":true}}}""", "verifier_config.tpm_verifier.require_endorsement")]
    [InlineData("""{"verifier_config":{"nvidia_verifier":{"driver_manifests":"/m"}}}""", "verifier_config.nvidia_verifier.manifest_roots")]
    [InlineData("""{"verifier_config":{"nvidia_verifier":{"require_manifests":true,"driver_manifests":"/m","manifest_roots":"/r"}}}""", "verifier_config.nvidia_verifier.require_manifests")]
    [InlineData("""{"verifier_config":{"nvidia_verifier":{"type":"Remote","trusted_roots":"/r"}}}""", "verifier_config.nvidia_verifier.type")]
    [InlineData("""{"verifier_config":{"nvidia_dpu_verifier":{}}}""", "verifier_config.nvidia_dpu_verifier.root_ca_cert_path")]
    public void Read_Mistake_IsNamedByItsPath(string json, string path)
    {
        (_, ConfigProblems problems) = Read(json);

        Assert.Contains(problems.Errors, e => e.Path == path);
    }

    [Fact]
    public async Task ToOptions_KeyFile_SignsTokens()
    {
        string directory = Directory.CreateTempSubdirectory("coco-as-").FullName;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync(Path.Combine(directory, "key.pem"), key.ExportECPrivateKeyPem());
        (AsConfig config, ConfigProblems problems) = Read("""{"attestation_token_broker":{"signer":{"key_path":"DIRECTORY/key.pem"}}}""".Replace("DIRECTORY", directory, StringComparison.Ordinal));

        AttestationOptions options = AttestationConfiguration.ToOptions(config, problems);

        Assert.Empty(problems.Errors);
        await using var test = new TestAttestation(options);
        Assert.Contains(StrictBase64.EncodeUrl(key.ExportParameters(false).Q.X), await test.Core.GetKeySetAsync(CancellationToken.None), StringComparison.Ordinal);
    }

    [Fact]
    public void ToOptions_MissingKeyFile_IsAMistake()
    {
        (AsConfig config, ConfigProblems problems) = Read("""{"attestation_token_broker":{"signer":{"key_path":"/nowhere/key.pem"}}}""");

        Assert.Null(AttestationConfiguration.ToOptions(config, problems).Signer);
        Assert.Single(problems.Errors);
    }

    private static (AsConfig Config, ConfigProblems Problems) Read(string json)
    {
        var problems = new ConfigProblems();
        return (AsConfig.Read(ConfigDocument.Parse(Encoding.UTF8.GetBytes(json), ConfigSyntax.Json).Require(), problems), problems);
    }
}
