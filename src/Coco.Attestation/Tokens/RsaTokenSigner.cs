// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Coco.Attestation.Tokens;

/// <summary>RS384 with a key in memory, for the Simple tokens (attestation-service.md 11.1).</summary>
internal sealed class RsaTokenSigner : ITokenSigner
{
    private readonly ConcurrentBag<RSA> _keys = [];
    private readonly Secret _pkcs8;

    private RsaTokenSigner(Secret pkcs8, RSA first, JsonObject jwk)
    {
        _pkcs8 = pkcs8;
        _keys.Add(first);
        PublicJwk = jwk;
    }

    public string Algorithm => "RS384";

    public JsonObject PublicJwk { get; }

    /// <summary>Takes the PKCS#8 key over.</summary>
    public static Result<RsaTokenSigner> Create(Secret pkcs8, SignerCertificates certificates)
    {
        RSA key;
        try
        {
            key = Import(pkcs8);
        }
        catch (CryptographicException e)
        {
            return new Refusal(RefusalCode.Malformed, $"signing key cannot be read: {e.Message}");
        }

        if (key.KeySize < 2048)
        {
            key.Dispose();
            return new Refusal(RefusalCode.Unsupported, "RSA signing keys need 2048 bits");
        }

        if (certificates.CheckLeaf(key.ExportSubjectPublicKeyInfo()) is { } wrong)
        {
            key.Dispose();
            return wrong;
        }

        RSAParameters p = key.ExportParameters(false);
        var jwk = new JsonObject
        {
            ["kty"] = "RSA",
            ["alg"] = "RS384",
            ["n"] = Base64Url.EncodeToString(p.Modulus),
            ["e"] = Base64Url.EncodeToString(p.Exponent),
        };
        certificates.AddTo(jwk);
        return new RsaTokenSigner(pkcs8, key, jwk);
    }

    public ValueTask<byte[]> SignAsync(ReadOnlyMemory<byte> data, CancellationToken ct)
    {
        if (!_keys.TryTake(out RSA? key))
        {
            key = Import(_pkcs8);
        }

        byte[] signature = key.SignData(data.Span, HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1);
        _keys.Add(key);
        return new ValueTask<byte[]>(signature);
    }

    private static RSA Import(Secret pkcs8)
    {
        var key = RSA.Create();
        key.ImportPkcs8PrivateKey(pkcs8.Reveal(), out _);
        return key;
    }
}
