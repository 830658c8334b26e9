// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Coco.Attestation.Tokens;

/// <summary>RS384 with a key in memory, for the Simple tokens (attestation-service.md 11.1).</summary>
internal sealed class RsaTokenSigner : ITokenSigner
{
    private readonly SigningKeyPool<RSA> _keys;

    private RsaTokenSigner(SigningKeyPool<RSA> keys, JsonObject jwk)
    {
        _keys = keys;
        PublicJwk = jwk;
    }

    public string Algorithm => "RS384";

    public JsonObject PublicJwk { get; }

    /// <summary>Takes the PKCS#8 key over.</summary>
    public static Result<RsaTokenSigner> Create(Secret pkcs8, SignerCertificates certificates)
    {
        var keys = new SigningKeyPool<RSA>(pkcs8, RSA.Create);
        if (!keys.TryTake().TryGet(out RSA? key, out Refusal? unreadable))
        {
            return unreadable;
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
        keys.Return(key);
        return new RsaTokenSigner(keys, jwk);
    }

    public ValueTask<byte[]> SignAsync(ReadOnlyMemory<byte> data, CancellationToken ct)
    {
        RSA key = _keys.Take();
        byte[] signature = key.SignData(data.Span, HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1);
        _keys.Return(key);
        return new ValueTask<byte[]>(signature);
    }

    /// <summary>Whether a signature is this key's.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        RSA key = _keys.Take();
        bool good = key.VerifyData(data, signature, HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1);
        _keys.Return(key);
        return good;
    }
}
