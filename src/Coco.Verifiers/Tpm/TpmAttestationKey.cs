// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Coco.Tee.Tpm;

namespace Coco.Verifiers.Tpm;

/// <summary>The public half of a TPM's attestation key: RSA of 2048 bits and more, or ECDSA on a NIST curve.</summary>
public sealed class TpmAttestationKey : IDisposable
{
    private readonly VerificationKey _key;

    private TpmAttestationKey(VerificationKey key) => _key = key;

    private bool IsRsa => _key.PublicJwk.Kind == JwkKind.Rsa;

    /// <summary>The key of a DER SubjectPublicKeyInfo; every byte has to belong to it.</summary>
    public static Result<TpmAttestationKey> FromSubjectPublicKeyInfo(ReadOnlyMemory<byte> spki) => Of(VerificationKey.FromSubjectPublicKeyInfo(spki));

    /// <summary>An RSA key by its numbers, big-endian.</summary>
    public static Result<TpmAttestationKey> FromRsa(ReadOnlyMemory<byte> modulus, ReadOnlyMemory<byte> exponent) =>
        Of(VerificationKey.FromJwk(Jwk.FromRsa(modulus.Span.TrimStart((byte)0), exponent.Span.TrimStart((byte)0), null)));

    /// <summary>Checks that the scheme is one of RSASSA, RSAPSS and ECDSA with SHA-256, SHA-384 or SHA-512, and fits the key; null when it does.</summary>
    public Refusal? CheckScheme(TpmSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        if (!signature.Hash.TryGetSignatureHash(out _))
        {
            return new Refusal(RefusalCode.Unsupported, $"signature hash 0x{(ushort)signature.Hash:x4} is not SHA-256, SHA-384 or SHA-512");
        }

        bool rsaScheme = signature.Algorithm is TpmAlgorithm.RsaSsa or TpmAlgorithm.RsaPss;
        return rsaScheme == IsRsa
            ? null
            : new Refusal(RefusalCode.Unsupported, $"signature algorithm 0x{(ushort)signature.Algorithm:x4} is not of the attestation key's kind");
    }

    /// <summary>Whether it signed <paramref name="message"/>.</summary>
    public bool Verify(TpmSignature signature, ReadOnlySpan<byte> message)
    {
        ArgumentNullException.ThrowIfNull(signature);
        if (CheckScheme(signature) is not null || !signature.Hash.TryGetSignatureHash(out HashAlgorithmName hash))
        {
            return false;
        }

        ReadOnlySpan<byte> value = signature.Value.Span;
        if (IsRsa)
        {
            return _key.VerifyRsa(hash, signature.Algorithm == TpmAlgorithm.RsaPss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1, message, value);
        }

        int width = _key.PublicJwk.Curve switch { "P-256" => 32, "P-384" => 48, _ => 66 };
        int half = value.Length / 2;
        if (half > width)
        {
            return false;
        }

        // r and s may be shorter than the field; the platform wants them in full width.
        Span<byte> fixedWidth = stackalloc byte[2 * width];
        fixedWidth.Clear();
        value[..half].CopyTo(fixedWidth[(width - half)..]);
        value[half..].CopyTo(fixedWidth[((2 * width) - half)..]);
        return _key.VerifyEcdsa(hash, message, fixedWidth, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private static Result<TpmAttestationKey> Of(Result<VerificationKey> imported)
    {
        if (!imported.TryGet(out VerificationKey? key, out Refusal? refusal))
        {
            return refusal.Within("attestation key") with { Field = "ak_public" };
        }

        return key.PublicJwk.Kind is JwkKind.Rsa or JwkKind.EllipticCurve
            ? new TpmAttestationKey(key)
            : new Refusal(RefusalCode.Unsupported, "attestation key: neither RSA nor on a NIST curve") { Field = "ak_public" };
    }
}
