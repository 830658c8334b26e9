// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Coco.Attestation.Tokens;

/// <summary>ES256 with a key in memory.</summary>
internal sealed class EcdsaTokenSigner : ITokenSigner
{
    // Key objects are not promised to be thread-safe, and importing one costs more than a signature.
    private readonly ConcurrentBag<ECDsa> _keys = [];
    private readonly Secret _pkcs8;

    private EcdsaTokenSigner(Secret pkcs8, ECDsa first, JsonObject jwk)
    {
        _pkcs8 = pkcs8;
        _keys.Add(first);
        PublicJwk = jwk;
    }

    public string Algorithm => "ES256";

    public JsonObject PublicJwk { get; }

    /// <summary>Takes the PKCS#8 key over.</summary>
    public static Result<EcdsaTokenSigner> Create(Secret pkcs8, SignerCertificates certificates)
    {
        ECDsa key;
        try
        {
            key = Import(pkcs8);
        }
        catch (CryptographicException e)
        {
            return new Refusal(RefusalCode.Malformed, $"signing key cannot be read: {e.Message}");
        }

        ECParameters p = key.ExportParameters(false);
        if (key.KeySize != 256 || p.Curve.Oid.Value != "1.2.840.10045.3.1.7")
        {
            key.Dispose();
            return new Refusal(RefusalCode.Unsupported, "Only P-256 attestation token signing keys are supported");
        }

        if (certificates.CheckLeaf(key.ExportSubjectPublicKeyInfo()) is { } wrong)
        {
            key.Dispose();
            return wrong;
        }

        var jwk = new JsonObject
        {
            ["kty"] = "EC",
            ["crv"] = "P-256",
            ["x"] = Base64Url.EncodeToString(p.Q.X),
            ["y"] = Base64Url.EncodeToString(p.Q.Y),
            ["alg"] = "ES256",
        };
        certificates.AddTo(jwk);
        return new EcdsaTokenSigner(pkcs8, key, jwk);
    }

    public ValueTask<byte[]> SignAsync(ReadOnlyMemory<byte> data, CancellationToken ct)
    {
        if (!_keys.TryTake(out ECDsa? key))
        {
            key = Import(_pkcs8);
        }

        byte[] signature = key.SignData(data.Span, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        _keys.Add(key);
        return new ValueTask<byte[]>(signature);
    }

    private static ECDsa Import(Secret pkcs8)
    {
        var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(pkcs8.Reveal(), out _);
        return key;
    }
}
