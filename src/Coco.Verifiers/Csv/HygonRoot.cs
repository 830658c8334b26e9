// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Coco.Tee.Csv;

namespace Coco.Verifiers.Csv;

/// <summary>A Hygon root key (HRK) that is trusted.</summary>
/// <param name="KeyId">Its identifier, 16 bytes.</param>
/// <param name="Key">The key.</param>
/// <param name="IsSimulated">Whether no hardware stands behind it: claims of evidence that hangs from it say so.</param>
public sealed record HygonRoot(ReadOnlyMemory<byte> KeyId, HygonKey Key, bool IsSimulated)
{
    /// <summary>Hygon's own root. A test compares it with the vendor's certificate.</summary>
    public static HygonRoot BuiltIn { get; } = new(
        Convert.FromHexString("3ae86a9701355cce333a589de21583d7"),
        new HygonKey(
            Convert.FromHexString("be62e14d62a4f14cf3d702db09563a75c80935e785cd1f502af5f21d92c2f62d"),
            Convert.FromHexString("3bab123a57bb7015584f8b97164e95384a640c10b9be884738744d68b41eb946"),
            "HYGON-SSD-HRK"u8.ToArray(),
            HygonKeyUsage.Hrk,
            0),
        IsSimulated: false);

    /// <summary>SHA-256 of the key as a SubjectPublicKeyInfo on sm2p256v1, lower-case hexadecimal.</summary>
    public string Sha256
    {
        get
        {
            byte[] header = Convert.FromHexString("3059301306072a8648ce3d020106082a811ccf5501822d03420004");
            return Convert.ToHexStringLower(SHA256.HashData([.. header, .. Key.X.Span, .. Key.Y.Span]));
        }
    }

    /// <summary>The root of a simulated vendor.</summary>
    public static HygonRoot Simulated(HygonCaCertificate certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return new HygonRoot(certificate.KeyId, certificate.Key, IsSimulated: true);
    }
}
