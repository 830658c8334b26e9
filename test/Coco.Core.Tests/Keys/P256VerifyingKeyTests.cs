// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco.Core.Tests.Keys;

public sealed class P256VerifyingKeyTests
{
    private static readonly byte[] Data = "coco"u8.ToArray();

    [Fact]
    public void Verify_BothForms_HoldAndBreakWithTheData()
    {
        using ECDsa signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        P256VerifyingKey key = P256VerifyingKey.FromPublicKeyInfo(signer.ExportSubjectPublicKeyInfo()).Require();
        byte[] raw = signer.SignData(Data, HashAlgorithmName.SHA256);
        byte[] der = signer.SignData(Data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

        Assert.True(key.VerifyRaw(Data, raw));
        Assert.True(key.VerifyDer(Data, der));
        Assert.False(key.VerifyRaw("other"u8, raw));
        Assert.False(key.VerifyDer("other"u8, der));
        Assert.False(key.VerifyRaw(Data, der));
        Assert.False(key.VerifyDer(Data, raw));
        Assert.False(key.VerifyDer(Data, []));
    }

    [Fact]
    public void FromPoint_NotOnTheCurve_IsRefused()
    {
        byte[] point = new byte[P256VerifyingKey.PointLength];
        point[0] = 1;

        Assert.Equal(RefusalCode.Malformed, P256VerifyingKey.FromPoint(point).Refusal?.Code);
        Assert.Equal(RefusalCode.Malformed, P256VerifyingKey.FromPoint(point.AsSpan(1)).Refusal?.Code);
    }

    [Fact]
    public void FromPublicKeyInfo_OfAnotherCurve_IsRefused()
    {
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP384);

        Assert.Equal(RefusalCode.Unsupported, P256VerifyingKey.FromPublicKeyInfo(other.ExportSubjectPublicKeyInfo()).Refusal?.Code);
    }

    [Fact]
    public void Verify_FromManyThreads_Holds()
    {
        using ECDsa signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        P256VerifyingKey key = P256VerifyingKey.FromPublicKeyInfo(signer.ExportSubjectPublicKeyInfo()).Require();
        byte[] raw = signer.SignData(Data, HashAlgorithmName.SHA256);

        Assert.All(ParallelEnumerable.Range(0, 200).Select(_ => key.VerifyRaw(Data, raw)).ToArray(), Assert.True);
    }
}
