// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Coco.Attestation.Tokens;

/// <summary>ES256 with a key in memory.</summary>
internal sealed class EcdsaTokenSigner : ITokenSigner
{
    private readonly SigningKeyPool<ECDsa> _keys;

    private EcdsaTokenSigner(SigningKeyPool<ECDsa> keys, JsonObject jwk)
    {
        _keys = keys;
        PublicJwk = jwk;
    }

    public string Algorithm => "ES256";

    public JsonObject PublicJwk { get; }

    /// <summary>Takes the PKCS#8 key over.</summary>
    public static Result<EcdsaTokenSigner> Create(Secret pkcs8, SignerCertificates certificates)
    {
        var keys = new SigningKeyPool<ECDsa>(pkcs8, ECDsa.Create);
        if (!keys.TryTake().TryGet(out ECDsa? key, out Refusal? unreadable))
        {
            return unreadable;
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
        keys.Return(key);
        return new EcdsaTokenSigner(keys, jwk);
    }

    public ValueTask<byte[]> SignAsync(ReadOnlyMemory<byte> data, CancellationToken ct)
    {
        ECDsa key = _keys.Take();
        byte[] signature = key.SignData(data.Span, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        _keys.Return(key);
        return new ValueTask<byte[]>(signature);
    }
}
