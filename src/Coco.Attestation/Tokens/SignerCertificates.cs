// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;

namespace Coco.Attestation.Tokens;

/// <summary>The certificates that a signing key is published with.</summary>
internal sealed record SignerCertificates(string? Url, ImmutableArray<byte[]> Chain)
{
    public static SignerCertificates None { get; } = new(null, []);

    /// <summary>Reads a PEM chain, leaf first.</summary>
    public static Result<SignerCertificates> Parse(string? url, string? pem)
    {
        if (pem is null)
        {
            return new SignerCertificates(url, []);
        }

        var collection = new X509Certificate2Collection();
        try
        {
            collection.ImportFromPem(pem);
        }
        catch (CryptographicException e)
        {
            return new Refusal(RefusalCode.Malformed, $"signer certificate chain cannot be read: {e.Message}");
        }

        return collection.Count == 0
            ? new Refusal(RefusalCode.Malformed, "signer certificate chain holds no certificate")
            : new SignerCertificates(url, [.. collection.Select(c => c.RawData)]);
    }

    /// <summary>The leaf must certify the signing key, else relying parties would refuse every token.</summary>
    public Refusal? CheckLeaf(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        if (Chain.IsEmpty)
        {
            return null;
        }

        using X509Certificate2 leaf = X509CertificateLoader.LoadCertificate(Chain[0]);
        return leaf.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(subjectPublicKeyInfo)
            ? null
            : new Refusal(RefusalCode.Mismatch, $"the first certificate of the signer's chain ({leaf.Subject}) is for another key");
    }

    /// <summary><c>x5c</c> entries are DER in standard base64.</summary>
    public void AddTo(JsonObject jwk)
    {
        if (Url is not null)
        {
            jwk["x5u"] = Url;
        }

        if (!Chain.IsEmpty)
        {
            jwk["x5c"] = new JsonArray([.. Chain.Select(c => (JsonNode?)JsonValue.Create(Convert.ToBase64String(c)))]);
        }
    }
}
