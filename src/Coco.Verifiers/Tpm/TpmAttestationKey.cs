// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Coco.Tee.Tpm;

namespace Coco.Verifiers.Tpm;

/// <summary>The public half of a TPM's attestation key: RSA of 2048 bits and more, or ECDSA on a NIST curve.</summary>
public sealed class TpmAttestationKey : IDisposable
{
    private const int WeakestRsa = 2048;
    private const int StrongestRsa = 4096;

    private readonly RSA? _rsa;
    private readonly ECDsa? _ec;

    private TpmAttestationKey(RSA? rsa, ECDsa? ec)
    {
        _rsa = rsa;
        _ec = ec;
    }

    /// <summary>The key of a DER SubjectPublicKeyInfo; every byte has to belong to it.</summary>
    public static Result<TpmAttestationKey> FromSubjectPublicKeyInfo(ReadOnlySpan<byte> spki)
    {
        RSA rsa = RSA.Create();
        try
        {
            rsa.ImportSubjectPublicKeyInfo(spki, out int read);
            return read == spki.Length ? OfRsa(rsa) : Malformed("bytes after the end");
        }
        catch (CryptographicException)
        {
            // No RSA key; it may be an elliptic one.
            rsa.Dispose();
        }

        var ec = ECDsa.Create();
        try
        {
            ec.ImportSubjectPublicKeyInfo(spki, out int read);
            if (read == spki.Length && ec.KeySize is 256 or 384 or 521)
            {
                return new TpmAttestationKey(null, ec);
            }
        }
        catch (CryptographicException)
        {
            // Neither.
        }

        ec.Dispose();
        return Malformed("neither an RSA key nor an ECDSA key on a NIST curve");
    }

    /// <summary>An RSA key by its numbers, big-endian.</summary>
    public static Result<TpmAttestationKey> FromRsa(ReadOnlyMemory<byte> modulus, ReadOnlyMemory<byte> exponent)
    {
        RSA rsa = RSA.Create();
        try
        {
            rsa.ImportParameters(new RSAParameters { Modulus = modulus.Span.TrimStart((byte)0).ToArray(), Exponent = exponent.Span.TrimStart((byte)0).ToArray() });
        }
        catch (CryptographicException)
        {
            rsa.Dispose();
            return Malformed("no RSA key");
        }

        return OfRsa(rsa);
    }

    /// <summary>Checks that the scheme is one of RSASSA, RSAPSS and ECDSA with SHA-256, SHA-384 or SHA-512, and fits the key; null when it does.</summary>
    public Refusal? CheckScheme(TpmSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        if (!signature.Hash.TryGetSignatureHash(out _))
        {
            return new Refusal(RefusalCode.Unsupported, $"signature hash 0x{(ushort)signature.Hash:x4} is not SHA-256, SHA-384 or SHA-512");
        }

        bool rsaScheme = signature.Algorithm is TpmAlgorithm.RsaSsa or TpmAlgorithm.RsaPss;
        return rsaScheme == _rsa is not null
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

        if (_rsa is not null)
        {
            RSASignaturePadding padding = signature.Algorithm == TpmAlgorithm.RsaPss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;
            return _rsa.VerifyData(message, signature.Value.Span, hash, padding);
        }

        int width = (_ec!.KeySize + 7) / 8;
        int half = signature.Value.Length / 2;
        if (half > width)
        {
            return false;
        }

        // r and s may be shorter than the field; the platform wants them in full width.
        Span<byte> fixedWidth = stackalloc byte[2 * width];
        fixedWidth.Clear();
        signature.Value.Span[..half].CopyTo(fixedWidth[(width - half)..]);
        signature.Value.Span[half..].CopyTo(fixedWidth[((2 * width) - half)..]);
        return _ec.VerifyData(message, fixedWidth, hash);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rsa?.Dispose();
        _ec?.Dispose();
    }

    private static Result<TpmAttestationKey> OfRsa(RSA rsa)
    {
        if (rsa.KeySize is >= WeakestRsa and <= StrongestRsa)
        {
            return new TpmAttestationKey(rsa, null);
        }

        int size = rsa.KeySize;
        rsa.Dispose();
        return new Refusal(RefusalCode.Unsupported, $"attestation key: RSA of {size} bits; {WeakestRsa} to {StrongestRsa} accepted") { Field = "ak_public" };
    }

    private static Refusal Malformed(string what) => new(RefusalCode.Malformed, "attestation key: " + what) { Field = "ak_public" };
}
