// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Simulator.SecureExecution;
using Coco.Tee.SecureExecution;
using Coco.Verifiers;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.SecureExecution;

namespace Coco.Attestation.Tests.OneBitWrong;

/// <summary>The built-in policy takes every image that the host's key opens; this one looks at the image and the key too.</summary>
internal sealed class SeLab : EvidenceLab
{
    private static readonly byte[] Cuid = SHA256.HashData("a configuration"u8)[..16];

    private readonly SimulatedSeHost _host = new(Now);
    private readonly RSA _serviceKey = RSA.Create(2048);
    private readonly SeVerifier _verifier;
    private byte[] _hostKeyDigest = [];

    public SeLab()
    {
        _verifier = new SeVerifier(new SeVerifierOptions
        {
            EncryptionKey = _serviceKey,
            ImageHeader = SeImageHeader.Parse(SimulatedSeHost.MakeImageHeader()).Require(),
            HostKeyDocuments = [_host.HostKeyDocument],
            HostKeyCheck = SeHostKeyCheck.Create(new SeHostKeyOptions
            {
                Clock = Clock(),
                Roots = [new TrustedKey("root", _host.Root.PublicKeyInfo)],
                Certificates = _host.Certificates,
                RevocationLists = _host.RevocationLists,
            }).Require(),
        });
        EvidenceAsync(f => _hostKeyDigest = f.AdditionalData[..32]).AsTask().GetAwaiter().GetResult();
    }

    public override IVerifier Verifier => _verifier;

    public override byte[] ReportData { get; } = SHA512.HashData("runtime data"u8);

    public override IReadOnlyDictionary<string, string> References => new Dictionary<string, string>
    {
        ["se_tag"] = Quoted(SHA256.HashData("tag"u8)[..16]),
        ["se_cuid"] = Quoted(Cuid),
        ["se_image_phkh"] = Quoted(_hostKeyDigest),
        ["se_attestation_phkh"] = Quoted(_hostKeyDigest),
    };

    public override (string TeeClass, string Text)? Policy => ("cpu", """
        package policy
        import rego.v1
        trust_claims := {"executables": executables, "hardware": hardware}
        default executables := 33
        default hardware := 97
        executables := 3 if {
          input.se.tag in query_reference_value("se_tag")
          input.se.cuid in query_reference_value("se_cuid")
        }
        hardware := 2 if {
          input.se.image_phkh in query_reference_value("se_image_phkh")
          input.se.attestation_phkh in query_reference_value("se_attestation_phkh")
        }
        """);

    public override async ValueTask<JsonNode> GoodAsync() => await EvidenceAsync(_ => { });

    public override IEnumerable<WrongBit> Bits()
    {
        yield return Changed("cuid", "se_cuid", f => f.Cuid[0] ^= 1);
        yield return Changed("image_phkh", "se_image_phkh", f => f.AdditionalData[0] ^= 1);
        yield return Changed("attestation_phkh", "se_attestation_phkh", f => f.AdditionalData[63] ^= 1);
        yield return Changed("tag", "se_tag", f => f.ImageTags[^1] ^= 1);
        yield return Changed(string.Empty, "se.report-data", f => f.UserData[0] ^= 1);
        yield return Changed(string.Empty, "se.measurement", f => f.Afterwards = (_, measurement) => measurement[0] ^= 1);
    }

    public override void Dispose()
    {
        _host.Dispose();
        _serviceKey.Dispose();
    }

    private WrongBit Changed(string claim, string against, Action<SeEvidenceFields> change) => new(claim, against, () => EvidenceAsync(change));

    private async ValueTask<JsonNode> EvidenceAsync(Action<SeEvidenceFields> change)
    {
        string challenge = (await _verifier.CreateChallengeAsync(JsonElement.Parse("{}"), CancellationToken.None)).Require();
        return _host.GetEvidence(challenge, ReportData, f =>
        {
            f.Cuid = [.. Cuid];
            change(f);
        });
    }
}
