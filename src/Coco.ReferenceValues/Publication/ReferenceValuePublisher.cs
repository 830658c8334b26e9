// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Coco.ReferenceValues;

/// <summary>Who asks for a change of reference values, as far as the transport knows.</summary>
/// <param name="Identities">Identities as in <see cref="PublicationRule.Signers"/>.</param>
public sealed record ReferenceValuePublisher(ImmutableArray<string> Identities)
{
    /// <summary>A caller about whom nothing is known.</summary>
    public static ReferenceValuePublisher Anonymous { get; } = new([]);

    /// <summary>A caller whom the host authenticated under <paramref name="name"/>.</summary>
    public static ReferenceValuePublisher Caller(string name) => new(["caller:" + name]);

    /// <summary>A caller whose TLS client certificate the host accepted.</summary>
    public static ReferenceValuePublisher Certificate(X509Certificate2 certificate) =>
        new([KeyIdentity(certificate.PublicKey.ExportSubjectPublicKeyInfo())]);

    /// <summary>The identity of a public key: <c>spki:</c> and the SHA-256 of its SubjectPublicKeyInfo.</summary>
    public static string KeyIdentity(ReadOnlySpan<byte> subjectPublicKeyInfo) =>
        "spki:" + Convert.ToHexStringLower(SHA256.HashData(subjectPublicKeyInfo));
}
