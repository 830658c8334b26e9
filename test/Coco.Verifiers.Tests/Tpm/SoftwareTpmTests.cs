// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Simulator.Tpm;
using Coco.Tee.Tpm;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.Tpm;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.Tpm;

/// <summary>A TPM that is not ours: swtpm and tpm2-tools of Debian.</summary>
public sealed class SoftwareTpmTests(SoftwareTpm tpm) : IClassFixture<SoftwareTpm>
{
    private static readonly byte[] Challenge = SHA256.HashData("challenge"u8);

    [Theory]
    [InlineData("rsassa")]
    [InlineData("rsapss")]
    [InlineData("ecdsa")]
    public async Task Verify_QuoteOfRealSoftware_GivesClaims(string scheme)
    {
        Assert.SkipWhen(SoftwareTpm.Missing is not null, SoftwareTpm.Missing ?? string.Empty);
        byte[] digest = SHA256.HashData(Encoding.UTF8.GetBytes(scheme));
        await tpm.ExtendAsync(11, digest);
        JsonObject evidence = await tpm.GetEvidenceAsync(scheme, Challenge);
        var verifier = new TpmVerifier(new TpmVerifierOptions());

        JsonObject claims = await ClaimsAsync(verifier, evidence, Binding.ToDigest(Challenge));

        Assert.NotEqual(new string('0', 64), (string)claims["pcr11"]!);
        Assert.Equal(Convert.ToHexStringLower(Challenge), (string)claims["report_data"]!);
        await AssertRefusedAsync(verifier, evidence, "tpm.nonce", RefusalCode.Mismatch, Binding.ToDigest(SHA256.HashData("another"u8)));
    }

    [Fact]
    public async Task Verify_RegisterExtendedAfterTheQuote_IsRefused()
    {
        Assert.SkipWhen(SoftwareTpm.Missing is not null, SoftwareTpm.Missing ?? string.Empty);
        JsonObject old = await tpm.GetEvidenceAsync("rsassa", Challenge);
        await tpm.ExtendAsync(12, SHA256.HashData("event"u8));
        JsonObject now = await tpm.GetEvidenceAsync("rsassa", Challenge);
        old["tpm_quote"]!["pcrs"] = now["tpm_quote"]!["pcrs"]!.DeepClone();

        await AssertRefusedAsync(new TpmVerifier(new TpmVerifierOptions()), old, "tpm.pcr-digest", RefusalCode.Mismatch, Binding.ToDigest(Challenge));
    }

    [Fact]
    public async Task Verify_InitDataExtendedByTheTools_IsAccepted()
    {
        Assert.SkipWhen(SoftwareTpm.Missing is not null, SoftwareTpm.Missing ?? string.Empty);
        byte[] initData = SHA256.HashData("init-data"u8);
        await tpm.ExtendAsync(8, initData);
        JsonObject evidence = await tpm.GetEvidenceAsync("rsassa", Challenge);

        JsonObject claims = await ClaimsAsync(new TpmVerifier(new TpmVerifierOptions()), evidence, Binding.ToDigest(Challenge), Binding.ToDigest(initData));

        Assert.Equal((string)claims["pcr08"]!, (string)claims["init_data"]!);
    }

    [Fact]
    public async Task Verify_FewerRegistersQuoted_IsRefused()
    {
        Assert.SkipWhen(SoftwareTpm.Missing is not null, SoftwareTpm.Missing ?? string.Empty);
        JsonObject evidence = await tpm.GetEvidenceAsync("ecdsa", Challenge, "sha256:0,1,2,3,7,8,9,14");

        await AssertRefusedAsync(new TpmVerifier(new TpmVerifierOptions()), evidence, "tpm.pcr-selection", RefusalCode.Mismatch, Binding.ToDigest(Challenge));
    }

    [Theory]
    [InlineData("rsassa")]
    [InlineData("ecdsa")]
    public async Task Verify_CredentialChallengeAnsweredByTheTpm_EndorsesTheKey(string scheme)
    {
        Assert.SkipWhen(SoftwareTpm.Missing is not null, SoftwareTpm.Missing ?? string.Empty);
        using Secret key = Secret.Random(32);
        DerCertificate[] issuers = [.. tpm.Issuers.Select(i => DerCertificate.ParseAll(i).Require()[0])];
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DerCertificate.Parse(tpm.EkCertificate).Require().NotBefore.AddHours(1));
        var verifier = new TpmVerifier(new TpmVerifierOptions { Clock = clock, Roots = [TrustedKey.Of(issuers[^1])], RequireEndorsement = true, ChallengeKey = _ => new(key) });
        var parameters = new JsonObject
        {
            ["ek_certificates"] = new JsonArray(Convert.ToBase64String(tpm.EkCertificate), Convert.ToBase64String(issuers[0].Raw.Span)),
            ["ak_tpm_public"] = Convert.ToBase64String(await File.ReadAllBytesAsync(tpm.At(scheme + ".pub"), TestContext.Current.CancellationToken)),
        };

        JsonNode challenge = JsonNode.Parse((await verifier.CreateChallengeAsync(Element(parameters), TestContext.Current.CancellationToken)).Require())!;
        byte[] Member(string name) => Convert.FromBase64String((string)challenge[name]!);
        byte[] secret = await tpm.ActivateAsync(scheme, Member("credential_blob"), Member("encrypted_secret"));
        JsonObject evidence = await tpm.GetEvidenceAsync(scheme, Challenge);
        JsonObject endorsement = parameters.DeepClone().AsObject();
        endorsement["secret"] = Convert.ToBase64String(secret);
        endorsement["state"] = (string)challenge["state"]!;
        evidence["endorsement"] = endorsement;

        JsonObject claims = await ClaimsAsync(verifier, evidence, Binding.ToDigest(Challenge));

        Assert.Equal("endorsement-key", (string)claims["ak_endorsed_by"]!);
    }

    [Theory]
    [InlineData(TpmAlgorithm.RsaSsa)]
    [InlineData(TpmAlgorithm.EcDsa)]
    public async Task CheckQuote_OfTheSimulatedTpm_AgreesWithDebiansTool(TpmAlgorithm scheme)
    {
        Assert.SkipWhen(SoftwareTpm.Missing is not null, SoftwareTpm.Missing ?? string.Empty);
        using var simulated = new SimulatedTpm(scheme);
        TpmQuoteEvidence quote = simulated.Quote(Challenge);
        byte[] pem = Encoding.ASCII.GetBytes(PemEncoding.Write("PUBLIC KEY", simulated.AkPublic));
        byte[] signature = SimulatedTpm.Marshal(quote.Signature);
        byte[] changed = quote.Message.ToArray();
        changed[^1] ^= 1;

        Assert.True(await tpm.CheckQuoteAsync(pem, quote.Message.ToArray(), signature, Challenge));
        Assert.False(await tpm.CheckQuoteAsync(pem, changed, signature, Challenge));
        Assert.False(await tpm.CheckQuoteAsync(pem, quote.Message.ToArray(), signature, SHA256.HashData("another"u8)));
    }
}
