// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Coco.Simulator.Certificates;
using Coco.Simulator.SecureExecution;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.SecureExecution;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.SecureExecution;

public sealed class SeHostKeyTests
{
    [Fact]
    public async Task Check_GenuineDocument_GivesTheKey()
    {
        using var host = new SimulatedSeHost(Now);
        var record = new VerificationRecord();

        Result<ECParameters> key = await CheckAsync(host, Options(host), record: record);

        Assert.Equal(66, key.Require().Q.X!.Length);
        Assert.All(record.Checks, c => Assert.True(c.Held));
        Assert.Contains(record.Collateral, c => c.Kind == CollateralKinds.IbmCrl);
    }

    [Fact]
    public async Task Check_KeyOnAnotherCurve_IsRefused()
    {
        using var host = new SimulatedSeHost(Now);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        byte[] document = host.SigningKey.Issue("CN=host", key.ExportSubjectPublicKeyInfo(), []);

        await AssertAsync("se.host-key-form", host, Options(host), document);
        await AssertAsync("se.host-key-form", host, Options(host), new byte[10]);
    }

    [Fact]
    public async Task Check_NoSigningKeyOrSeveral_IsRefused()
    {
        using var host = new SimulatedSeHost(Now);
        using var named = new SimulatedSeHost(Now, f => f.SigningKeyName = f.SigningKeyName.Replace("Key Signing Service", "Key Service", StringComparison.Ordinal));
        using var second = new SimulatedSeHost(Now);

        await AssertAsync("se.signing-key", host, Options(host) with { Certificates = [] });
        await AssertAsync("se.signing-key", named, Options(named));
        await AssertAsync("se.signing-key", host, Options(host) with { Certificates = [.. host.Certificates, second.SigningKey.Certificate] });
    }

    [Fact]
    public async Task Check_SigningKeyOfAnotherRoot_IsRefused()
    {
        using var host = new SimulatedSeHost(Now);
        using var stranger = new SimulatedSeHost(Now);
        using var self = new SimulatedSeHost(Now, f => f.SigningKeyIssuer = stranger.Root);

        await AssertAsync("se.signing-key-chain", host, Options(host) with { Roots = [new TrustedKey("other", stranger.Root.PublicKeyInfo)] });
        await AssertAsync("se.signing-key-chain", self, Options(self));
        await AssertAsync("se.signing-key-chain", host, Options(host) with { Roots = [] });
    }

    [Fact]
    public async Task Check_SigningKeyOverItsTime_IsRefused()
    {
        using var host = new SimulatedSeHost(Now, f => f.ChangeSigningKey = c => c with { NotAfter = Now.AddDays(-1) });

        await AssertAsync("se.signing-key-chain", host, Options(host), code: RefusalCode.Expired);
    }

    [Fact]
    public async Task Check_HostKeyOfAnotherIssuer_IsRefused()
    {
        using var other = new SimulatedSeHost(Now);
        using var host = new SimulatedSeHost(Now, f => f.HostKeyIssuer = other.Root);

        await AssertAsync("se.host-key-issuer", host, Options(host));
    }

    [Fact]
    public async Task Check_HostKeySignedByAnotherOfTheSameName_IsRefused()
    {
        using var other = new SimulatedSeHost(Now);
        using var host = new SimulatedSeHost(Now, f => f.HostKeyIssuer = other.SigningKey);

        await AssertAsync("se.host-key-signature", host, Options(host), code: RefusalCode.BadSignature);
    }

    [Fact]
    public async Task Check_HostKeyOverItsTime_IsRefused()
    {
        using var host = new SimulatedSeHost(Now, f => f.ChangeHostKey = c => c with { NotAfter = Now.AddDays(-1) });

        await AssertAsync("se.host-key-dates", host, Options(host), code: RefusalCode.Expired);
    }

    [Fact]
    public async Task Check_RevokedHostKey_IsRefused()
    {
        using var host = new SimulatedSeHost(Now);
        byte[] list = host.SigningKey.MakeRevocationList([DerCertificate.Parse(host.HostKeyDocument).Require().SerialNumber]);

        await AssertAsync("se.host-key-revocation", host, Options(host) with { RevocationLists = [host.Root.MakeRevocationList([]), host.Intermediate.MakeRevocationList([]), list] }, code: RefusalCode.Revoked);
    }

    [Fact]
    public async Task Check_NoOrOldRevocationList_IsRefused()
    {
        using var host = new SimulatedSeHost(Now);
        using var other = new SimulatedSeHost(Now);
        byte[] root = host.Root.MakeRevocationList([]), intermediate = host.Intermediate.MakeRevocationList([]);

        await AssertAsync("se.host-key-revocation", host, Options(host) with { RevocationLists = [] });
        await AssertAsync("se.host-key-revocation", host, Options(host) with { RevocationLists = [root, intermediate, host.SigningKey.MakeRevocationList([], Now.AddHours(-1))] });
        await AssertAsync("se.host-key-revocation", host, Options(host) with { RevocationLists = [root, intermediate, other.SigningKey.MakeRevocationList([])] });
    }

    [Fact]
    public async Task Check_RevokedSigningKey_IsRefused()
    {
        using var host = new SimulatedSeHost(Now);
        byte[] signing = host.SigningKey.MakeRevocationList([]), root = host.Root.MakeRevocationList([]), intermediate = host.Intermediate.MakeRevocationList([]);
        byte[] revoked = host.Intermediate.MakeRevocationList([DerCertificate.Parse(host.SigningKey.Certificate).Require().SerialNumber]);
        byte[] above = host.Root.MakeRevocationList([DerCertificate.Parse(host.Intermediate.Certificate).Require().SerialNumber]);

        await AssertAsync("se.signing-key-revocation", host, Options(host) with { RevocationLists = [root, revoked, signing] }, code: RefusalCode.Revoked);
        await AssertAsync("se.signing-key-revocation", host, Options(host) with { RevocationLists = [above, intermediate, signing] }, code: RefusalCode.Revoked);
        await AssertAsync("se.signing-key-revocation", host, Options(host) with { RevocationLists = [intermediate, signing] });
        await AssertAsync("se.signing-key-revocation", host, Options(host) with { RevocationLists = [root, signing] });
    }

    [Fact]
    public async Task Check_ListsOfDistributionPoints_AreFetched()
    {
        using var host = new SimulatedSeHost(
            Now, f => f.ChangeHostKey = c => c with { Extensions = [CertificateRevocationListBuilder.BuildCrlDistributionPointExtension(["http://lists.example/a.crl?x=1", "ldap://lists.example/b"])] });
        byte[] signing = host.SigningKey.MakeRevocationList([DerCertificate.Parse(host.HostKeyDocument).Require().SerialNumber]);
        var asked = new List<CollateralKey>();
        SeHostKeyOptions options = Options(host) with
        {
            RevocationLists = [host.Root.MakeRevocationList([]), host.Intermediate.MakeRevocationList([])],
            Collateral = new OneItem(asked, signing),
        };

        await AssertAsync("se.host-key-revocation", host, options, code: RefusalCode.Revoked);

        Assert.Equal([new CollateralKey(CollateralKinds.IbmCrl, "lists.example/a.crl?x=1")], asked);
    }

    [Fact]
    public async Task Check_HostKeyThatNamesAnotherSigningKey_IsRefused()
    {
        using var host = new SimulatedSeHost(Now, f =>
        {
            f.ChangeSigningKey = c => c with { Extensions = [.. c.Extensions, new X509SubjectKeyIdentifierExtension(new byte[20], critical: false)] };
            f.ChangeHostKey = c => c with { Extensions = [X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(Enumerable.Repeat((byte)1, 20).ToArray())] };
        });

        await AssertAsync("se.host-key-issuer", host, Options(host), code: RefusalCode.Untrusted);
    }

    [Theory]
    [InlineData("CN=a, L=Poughkeepsie", "L=Armonk, CN=a", true)]
    [InlineData("CN=a, L=Poughkeepsie", "CN=a, L=Berlin", false)]
    [InlineData("CN=a, L=Berlin", "CN=a, L=Armonk", false)]
    [InlineData("CN=Armonk", "CN=Poughkeepsie", false)]
    [InlineData("CN=a", "CN=a, L=Armonk", false)]
    [InlineData("CN=a", "O=a", false)]
    [InlineData("CN=a", "CN=b", false)]
    public void SameAuthority_OfTwoNames_ComparesAttributes(string first, string second, bool same)
    {
        Assert.Equal(same, DistinguishedNames.SameAuthority(new X500DistinguishedName(first).RawData, new X500DistinguishedName(second).RawData));
        Assert.False(DistinguishedNames.SameAuthority(new byte[] { 0x30, 0 }, new byte[] { 0x30, 0 }));
    }

    [Theory]
    [InlineData("3000")]
    [InlineData("30023000")]
    [InlineData("3004300281 00")]
    [InlineData("30063004A0028100")]
    [InlineData("3008 3006A004A0028100")]
    [InlineData("FF")]
    public void DistributionPoints_OfAnotherForm_AreNone(string extension)
    {
        using var host = new SimulatedSeHost(
            Now, f => f.ChangeHostKey = c => c with { Extensions = [new X509Extension("2.5.29.31", Convert.FromHexString(extension.Replace(" ", string.Empty, StringComparison.Ordinal)), critical: false)] });

        Assert.Empty(DistributionPoints.Of(DerCertificate.Parse(host.HostKeyDocument).Require()));
    }

    [Fact]
    public async Task Check_SkippedOnPurpose_TakesAnyKeyAndSaysSo()
    {
        using var host = new SimulatedSeHost(Now);
        var record = new VerificationRecord();

        Result<ECParameters> key = await CheckAsync(host, new SeHostKeyOptions { InsecureSkipVerification = true }, record: record);

        Assert.Null(key.Refusal);
        Assert.Contains(record.Checks, c => c is { Check: "se.host-key-signature", Held: null });
    }

    private sealed class OneItem(List<CollateralKey> asked, byte[] body) : ICollateralProvider
    {
        public ValueTask<Result<CollateralItem>> GetAsync(CollateralKey key, CancellationToken ct)
        {
            asked.Add(key);
            return new(new CollateralItem(body));
        }
    }

    private static SeHostKeyOptions Options(SimulatedSeHost host) => new()
    {
        Clock = Clock(),
        Roots = [new TrustedKey("root", host.Root.PublicKeyInfo)],
        Certificates = host.Certificates,
        RevocationLists = host.RevocationLists,
    };

    private static async Task<Result<ECParameters>> CheckAsync(SimulatedSeHost host, SeHostKeyOptions options, byte[]? document = null, VerificationRecord? record = null) =>
        await SeHostKeyCheck.Create(options).Require().CheckAsync(document ?? host.HostKeyDocument, record, TestContext.Current.CancellationToken);

    private static async Task AssertAsync(string check, SimulatedSeHost host, SeHostKeyOptions options, byte[]? document = null, RefusalCode? code = null)
    {
        Refusal? refusal = (await CheckAsync(host, options, document)).Refusal;

        Assert.True(refusal?.Check == check, $"expected {check}, but: {refusal?.ToString() ?? "accepted"}");
        if (code is not null)
        {
            Assert.Equal(code, refusal!.Code);
        }
    }
}
