// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Coco.Simulator.Certificates;
using Coco.Verifiers.Certificates;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.Certificates;

public sealed class CertificatePathTests : IDisposable
{
    private readonly SimulatedAuthority _root = SimulatedAuthority.CreateRoot("CN=root", Now);
    private readonly ECDsa _leafKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);

    public void Dispose()
    {
        _root.Dispose();
        _leafKey.Dispose();
    }

    [Fact]
    public void Check_PathToARoot_GivesTheRoot()
    {
        using SimulatedAuthority middle = _root.CreateIntermediate("CN=middle");
        var record = new VerificationRecord();
        DerCertificate[] path = Path(middle.Issue("CN=leaf", Spki, []), middle.Certificate, _root.Certificate);

        Assert.Equal("root", Checker().Check(path, Now, record).Require().Name);
        Assert.Equal(3, record.Collateral.Count);
        Assert.Equal("root", Checker().Check(path[..2], Now, null).Require().Name);
    }

    [Fact]
    public void Check_RootDemandedInThePath_RefusesAPathWithoutIt()
    {
        using SimulatedAuthority middle = _root.CreateIntermediate("CN=middle");
        DerCertificate[] path = Path(middle.Issue("CN=leaf", Spki, []), middle.Certificate, _root.Certificate);
        CertificatePath checker = Checker(rootIncluded: true);

        Assert.Null(checker.Check(path, Now, null).Refusal);
        Assert.Equal(RefusalCode.Untrusted, checker.Check(path[..2], Now, null).Refusal!.Code);
    }

    [Fact]
    public void Check_CertificateThatTheNextDidNotIssue_IsRefused()
    {
        using SimulatedAuthority middle = _root.CreateIntermediate("CN=middle");
        using SimulatedAuthority namesake = _root.CreateIntermediate("CN=middle");
        using SimulatedAuthority other = _root.CreateIntermediate("CN=other");
        byte[] leaf = middle.Issue("CN=leaf", Spki, []);

        Assert.Equal(RefusalCode.Untrusted, Checker().Check(Path(leaf, other.Certificate), Now, null).Refusal!.Code);
        Assert.Equal(RefusalCode.BadSignature, Checker().Check(Path(leaf, namesake.Certificate), Now, null).Refusal!.Code);
    }

    [Fact]
    public void Check_RootThatIsNotTrusted_IsRefused()
    {
        using var stranger = SimulatedAuthority.CreateRoot("CN=root", Now);

        Assert.Equal(RefusalCode.Untrusted, Checker().Check(Path(stranger.Issue("CN=leaf", Spki, []), stranger.Certificate), Now, null).Refusal!.Code);
        Assert.Equal(RefusalCode.Untrusted, Checker().Check(Path(stranger.Issue("CN=leaf", Spki, [])), Now, null).Refusal!.Code);
    }

    [Fact]
    public void Check_AlgorithmThatIsNotAllowed_IsRefused()
    {
        var strict = new CertificatePath { Roots = [new TrustedKey("root", _root.PublicKeyInfo)], Algorithms = CertificateSignatureAlgorithms.EcdsaSha512 };

        Assert.NotNull(strict.Check(Path(_root.Issue("CN=leaf", Spki, []), _root.Certificate), Now, null).Refusal);
    }

    [Theory]
    [InlineData(-2, -1)]
    [InlineData(1, 2)]
    public void Check_AnyCertificateOutsideItsTime_IsRefused(int from, int to)
    {
        CertificateContent Moved(CertificateContent c) => c with { NotBefore = Now.AddDays(from), NotAfter = Now.AddDays(to) };
        using SimulatedAuthority middle = _root.CreateIntermediate("CN=middle", Moved);
        using SimulatedAuthority good = _root.CreateIntermediate("CN=middle");

        Assert.Equal(RefusalCode.Expired, Checker().Check(Path(middle.Issue("CN=leaf", Spki, []), middle.Certificate), Now, null).Refusal!.Code);
        Assert.Equal(RefusalCode.Expired, Checker().Check(Path(good.Issue("CN=leaf", Spki, [], Moved), good.Certificate), Now, null).Refusal!.Code);
    }

    [Fact]
    public void Check_IssuerThatIsNoAuthority_IsRefused()
    {
        X509Extension[][] wrong =
        [
            [],
            [new X509BasicConstraintsExtension(false, false, 0, true)],
            [new X509BasicConstraintsExtension(true, false, 0, true), new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true)],
            [new X509BasicConstraintsExtension(true, true, 0, true), new X509Extension(new Oid("1.2.3.4"), [5, 0], critical: true)],
            [new X509Extension(new Oid("2.5.29.19"), [1, 2, 3], critical: true)],
        ];
        foreach (X509Extension[] extensions in wrong)
        {
            using SimulatedAuthority middle = _root.CreateIntermediate("CN=middle", c => c with { Extensions = extensions });

            Assert.NotNull(Checker().Check(Path(middle.Issue("CN=leaf", Spki, []), middle.Certificate, _root.Certificate), Now, null).Refusal);
        }
    }

    [Fact]
    public void Check_PathLongerThanAnAuthorityAllows_IsRefused()
    {
        using SimulatedAuthority first = _root.CreateIntermediate("CN=first", c => c with { Extensions = [new X509BasicConstraintsExtension(true, true, 0, true)] });
        using SimulatedAuthority second = first.CreateIntermediate("CN=second");

        Assert.Null(Checker().Check(Path(first.Issue("CN=leaf", Spki, []), first.Certificate), Now, null).Refusal);
        Assert.Equal(RefusalCode.Untrusted, Checker().Check(Path(second.Issue("CN=leaf", Spki, []), second.Certificate, first.Certificate), Now, null).Refusal!.Code);
    }

    [Fact]
    public void Check_CriticalExtensionOfTheLeaf_IsRefusedUnlessCheckedElsewhere()
    {
        byte[] leaf = _root.Issue("CN=leaf", Spki, [new X509Extension(new Oid("2.5.29.17"), [0x30, 0], critical: true)]);
        var told = new CertificatePath { Roots = [new TrustedKey("root", _root.PublicKeyInfo)], Algorithms = CertificateSignatureAlgorithms.EcdsaSha384, CheckedElsewhere = ["2.5.29.17"] };

        Assert.Equal(RefusalCode.Unsupported, Checker().Check(Path(leaf), Now, null).Refusal!.Code);
        Assert.Null(told.Check(Path(leaf), Now, null).Refusal);
    }

    [Fact]
    public void Check_EmptyOrEndlessPath_IsRefused()
    {
        DerCertificate[] many = [.. Enumerable.Repeat(DerCertificate.Parse(_root.Certificate).Require(), 9)];

        Assert.NotNull(Checker().Check([], Now, null).Refusal);
        Assert.NotNull(Checker().Check(many, Now, null).Refusal);
    }

    private byte[] Spki => _leafKey.ExportSubjectPublicKeyInfo();

    private static DerCertificate[] Path(params byte[][] ders) => [.. ders.Select(d => DerCertificate.Parse(d).Require())];

    private CertificatePath Checker(bool rootIncluded = false) =>
        new() { Roots = [new TrustedKey("root", _root.PublicKeyInfo)], Algorithms = CertificateSignatureAlgorithms.EcdsaSha384, RootIncluded = rootIncluded };
}
