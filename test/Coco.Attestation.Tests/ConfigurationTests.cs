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
        Assert.Equal("KDS", Assert.Single(config.Verifiers.VcekSources).Type);
        Assert.Equal("https://api.trustedservices.intel.com/sgx/certification/v4/", config.Verifiers.DcapCollateralService);
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
        Assert.Equal(["/opt/confidential-containers/attestation-service/kds-store", "https://k"], config.Verifiers.VcekSources.Select(s => s.Location));
        Assert.True(config.Verifiers.NvidiaRemote);
        Assert.Equal(60, config.Verifiers.DpuMaxCertAgeSeconds);
        Assert.Equal("/s", config.Storage!.LocalFsPath);
        Assert.True(config.Decisions.RecordEvidence);
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
