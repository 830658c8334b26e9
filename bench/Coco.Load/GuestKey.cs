// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;

namespace Coco.Load;

/// <summary>A TEE key in the two spellings that are needed.</summary>
/// <param name="Wire">As sent.</param>
/// <param name="Canonical">As hashed.</param>
internal sealed record GuestKey(ReadOnlyMemory<byte> Wire, ReadOnlyMemory<byte> Canonical)
{
    /// <summary>A fresh P-256 key.</summary>
    public static GuestKey Ec()
    {
        using ECDiffieHellman key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        ECPoint q = key.ExportParameters(false).Q;
        string x = StrictBase64.EncodeUrl(q.X), y = StrictBase64.EncodeUrl(q.Y);
        return Of(
            $"{{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"{x}\",\"y\":\"{y}\"}}",
            $"{{\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"{x}\",\"y\":\"{y}\"}}");
    }

    /// <summary>A fresh RSA key.</summary>
    public static GuestKey Rsa()
    {
        using RSA key = RSA.Create(2048);
        RSAParameters p = key.ExportParameters(false);
        string n = StrictBase64.EncodeUrl(p.Modulus), e = StrictBase64.EncodeUrl(p.Exponent);
        return Of(
            $"{{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP-256\",\"n\":\"{n}\",\"e\":\"{e}\"}}",
            $"{{\"alg\":\"RSA-OAEP-256\",\"e\":\"{e}\",\"kty\":\"RSA\",\"n\":\"{n}\"}}");
    }

    private static GuestKey Of(string wire, string canonical) => new(Encoding.ASCII.GetBytes(wire), Encoding.ASCII.GetBytes(canonical));
}
