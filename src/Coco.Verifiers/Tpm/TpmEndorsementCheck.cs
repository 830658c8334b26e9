// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Tee.Tpm;
using Coco.Verifiers.Certificates;

namespace Coco.Verifiers.Tpm;

/// <summary>
/// Whether an attestation key belongs to a genuine TPM: by a certificate of a trusted authority over the key itself, or by a credential that
/// only the TPM of a certified endorsement key can open, and opens only for this key.
/// </summary>
/// <remarks>Source: TPM 2.0 Library, Part 1, 24; TCG EK Credential Profile 2.3, section 3.2.</remarks>
internal sealed class TpmEndorsementCheck(TpmVerifierOptions options)
{
    private const int SecretSize = 32;
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const string ExtendedKeyUsage = "2.5.29.37";
    private const string SubjectAlternativeName = "2.5.29.17";
    private const string EkUsage = "2.23.133.8.1";

    private const uint MustHave = TpmPublic.FixedTpm | TpmPublic.FixedParent | TpmPublic.SensitiveDataOrigin | TpmPublic.Restricted | TpmPublic.SignEncrypt;

    private const CertificateSignatureAlgorithms Algorithms = CertificateSignatureAlgorithms.RsaPkcs1Sha256 | CertificateSignatureAlgorithms.RsaPkcs1Sha384
        | CertificateSignatureAlgorithms.RsaPkcs1Sha512 | CertificateSignatureAlgorithms.EcdsaSha256 | CertificateSignatureAlgorithms.EcdsaSha384
        | CertificateSignatureAlgorithms.EcdsaSha512;

    // Subject alternative names of TPM certificates are critical and name model and firmware: nothing that a decision rests on.
    private readonly CertificatePath _path = new()
    {
        Roots = options.Roots,
        Algorithms = Algorithms,
        CheckedElsewhere = [ExtendedKeyUsage, SubjectAlternativeName],
    };

    /// <summary>Makes the challenge: <c>{"credential_blob", "encrypted_secret", "state"}</c>, all base64.</summary>
    public async ValueTask<Result<string>> CreateChallengeAsync(JsonElement parameters, CancellationToken ct)
    {
        if (options.ChallengeKey is not { } source)
        {
            return new Refusal(RefusalCode.Unsupported, "credential challenges are not configured");
        }

        if (!TpmEndorsementKey.Parse(parameters).TryGet(out TpmEndorsementKey? endorsement, out Refusal? refusal)
            || !ReadKeys(endorsement, null).TryGet(out Keys? keys, out refusal))
        {
            return refusal;
        }

        Secret sealing = await source(ct).ConfigureAwait(false);
        byte[] secret = RandomNumberGenerator.GetBytes(SecretSize);
        try
        {
            using RSA ek = RSA.Create();
            ek.ImportSubjectPublicKeyInfo(keys.EkPublic.Span, out _);
            var credential = TpmCredential.Make(ek, keys.AkName, secret);
            return new JsonObject
            {
                ["credential_blob"] = Convert.ToBase64String(credential.CredentialBlob),
                ["encrypted_secret"] = Convert.ToBase64String(credential.EncryptedSecret),
                ["state"] = Convert.ToBase64String(Seal(sealing, secret, keys)),
            }.ToJsonString();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>Checks what endorsement came; <see cref="TpmEndorser.None"/> when none came and none is demanded.</summary>
    public async ValueTask<Result<TpmEndorser>> CheckAsync(TpmEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        if (!evidence.AkCertificates.IsEmpty)
        {
            Result<TrustedKey> root = CheckAkCertificate(evidence, record);
            return record.Note("tpm.ak-certificate", root.Refusal) is { } refusal || !root.TryGet(out TrustedKey? cloud, out refusal)
                ? refusal
                : new TpmEndorser("certificate", cloud);
        }

        if (evidence.Endorsement is { } endorsement)
        {
            if (!ReadKeys(endorsement.Key, record).TryGet(out Keys? keys, out Refusal? bad))
            {
                return bad;
            }

            if (record.Note("tpm.ak-binding", CheckSameKey(keys.Ak, evidence.AkPublic)) is { } other)
            {
                return other;
            }

            Secret? sealing = options.ChallengeKey is { } source ? await source(ct).ConfigureAwait(false) : null;
            return record.Note("tpm.credential", Open(endorsement, keys, sealing)) is { } wrong ? wrong : new TpmEndorser("endorsement-key", keys.Root);
        }

        if (options.RequireEndorsement)
        {
            return record.Note("tpm.endorsement-required", new Refusal(RefusalCode.Untrusted, "the attestation key came without an endorsement"))!;
        }

        record?.Skipped("tpm.endorsement-required", "the options do not demand one");
        return TpmEndorser.None;
    }

    private Result<TrustedKey> CheckAkCertificate(TpmEvidence evidence, VerificationRecord? record)
    {
        if (!ParseAll(evidence.AkCertificates).TryGet(out ImmutableArray<DerCertificate> path, out Refusal? refusal))
        {
            return refusal;
        }

        return path[0].SubjectPublicKeyInfo.Span.SequenceEqual(evidence.AkPublic.Span)
            ? _path.Check(path, options.Clock.GetUtcNow(), record)
            : new Refusal(RefusalCode.Mismatch, "the certificate is of another key than ak_public");
    }

    /// <summary>Checks the endorsement certificate and reads both keys.</summary>
    private Result<Keys> ReadKeys(TpmEndorsementKey endorsement, VerificationRecord? record)
    {
        if (!ParseAll(endorsement.Certificates).TryGet(out ImmutableArray<DerCertificate> path, out Refusal? refusal))
        {
            return record.Note("tpm.ek-certificate", refusal)!;
        }

        Result<TrustedKey> root = _path.Check(path, options.Clock.GetUtcNow(), record);
        refusal = record.Note("tpm.ek-certificate", root.Refusal) ?? record.Note("tpm.ek-usage", CheckEkUsage(path[0]));
        if (refusal is not null || !root.TryGet(out TrustedKey? vendor, out refusal))
        {
            return refusal;
        }

        Result<TpmPublic> parsed = TpmPublic.ParseSized(endorsement.AkArea);
        if (!parsed.TryGet(out TpmPublic? ak, out refusal))
        {
            return record.Note("tpm.ak-attributes", refusal)!;
        }

        if (record.Note("tpm.ak-attributes", CheckAttributes(ak)) is { } attributes)
        {
            return attributes;
        }

        return ak.TryGetName(out byte[] name)
            ? new Keys(vendor, path[0].SubjectPublicKeyInfo, ak, name)
            : new Refusal(RefusalCode.Unsupported, "the attestation key's name algorithm is not SHA-256, SHA-384 or SHA-512");
    }

    private static Refusal? CheckEkUsage(DerCertificate certificate)
    {
        if (certificate.KeyAlgorithm != "1.2.840.113549.1.1.1")
        {
            return new Refusal(RefusalCode.Unsupported, "the endorsement key is not RSA");
        }

        if (certificate.FindExtension(ExtendedKeyUsage) is not { } usage)
        {
            return new Refusal(RefusalCode.Untrusted, "the certificate is not marked as of an endorsement key");
        }

        try
        {
            AsnReader list = new AsnReader(usage, AsnEncodingRules.DER).ReadSequence();
            while (list.HasData)
            {
                if (list.ReadObjectIdentifier() == EkUsage)
                {
                    return null;
                }
            }
        }
        catch (AsnContentException)
        {
            // Falls through to the refusal.
        }

        return new Refusal(RefusalCode.Untrusted, "the certificate is not marked as of an endorsement key");
    }

    /// <summary>A restricted signing key that the TPM made and that cannot leave it: only such a key signs nothing but what the TPM itself states.</summary>
    private static Refusal? CheckAttributes(TpmPublic ak) => (ak.Attributes & MustHave) == MustHave && (ak.Attributes & TpmPublic.Decrypt) == 0
        ? null
        : new Refusal(RefusalCode.Untrusted, $"attributes 0x{ak.Attributes:x8} are not those of a restricted signing key bound to its TPM");

    private static Refusal? CheckSameKey(TpmPublic ak, ReadOnlyMemory<byte> spki)
    {
        var differs = new Refusal(RefusalCode.Mismatch, "ak_tpm_public is another key than ak_public");
        try
        {
            if (ak.Type == TpmAlgorithm.Rsa)
            {
                using RSA rsa = RSA.Create();
                rsa.ImportSubjectPublicKeyInfo(spki.Span, out _);
                RSAParameters numbers = rsa.ExportParameters(includePrivateParameters: false);
                Span<byte> exponent = stackalloc byte[4];
                BinaryPrimitives.WriteUInt32BigEndian(exponent, ak.Exponent);
                return numbers.Modulus.AsSpan().SequenceEqual(ak.Modulus.Span.TrimStart((byte)0))
                    && numbers.Exponent.AsSpan().TrimStart((byte)0).SequenceEqual(exponent.TrimStart((byte)0)) ? null : differs;
            }

            using var ec = ECDsa.Create();
            ec.ImportSubjectPublicKeyInfo(spki.Span, out _);
            ECParameters point = ec.ExportParameters(includePrivateParameters: false);
            return point.Q.X.AsSpan().SequenceEqual(ak.X.Span) && point.Q.Y.AsSpan().SequenceEqual(ak.Y.Span) ? null : differs;
        }
        catch (CryptographicException)
        {
            return differs;
        }
    }

    private static Result<ImmutableArray<DerCertificate>> ParseAll(ImmutableArray<ReadOnlyMemory<byte>> ders)
    {
        var list = ImmutableArray.CreateBuilder<DerCertificate>(ders.Length);
        foreach (ReadOnlyMemory<byte> der in ders)
        {
            if (!DerCertificate.Parse(der).TryGet(out DerCertificate? one, out Refusal? refusal))
            {
                return refusal;
            }

            list.Add(one);
        }

        return list.ToImmutable();
    }

    /// <summary>State = IV ‖ AES-256-GCM(secret, associated: expiry, digests of both keys) ‖ tag ‖ expiry. No replica has to remember it.</summary>
    private byte[] Seal(Secret sealing, ReadOnlySpan<byte> secret, Keys keys)
    {
        long expiry = (options.Clock.GetUtcNow() + options.ChallengeLifetime).ToUnixTimeSeconds();
        byte[] state = new byte[NonceSize + SecretSize + TagSize + 8];
        RandomNumberGenerator.Fill(state.AsSpan(0, NonceSize));
        BinaryPrimitives.WriteInt64BigEndian(state.AsSpan(^8..), expiry);
        using var gcm = new AesGcm(sealing.Reveal(), TagSize);
        gcm.Encrypt(
            state.AsSpan(0, NonceSize), secret, state.AsSpan(NonceSize, SecretSize), state.AsSpan(NonceSize + SecretSize, TagSize), Associated(state.AsSpan(^8..), keys));
        return state;
    }

    private Refusal? Open(TpmEndorsement endorsement, Keys keys, Secret? sealing)
    {
        if (sealing is null)
        {
            return new Refusal(RefusalCode.Unsupported, "credential challenges are not configured");
        }

        ReadOnlySpan<byte> state = endorsement.State.Span;
        if (state.Length != NonceSize + SecretSize + TagSize + 8)
        {
            return new Refusal(RefusalCode.Malformed, "state: not one that was given out") { Field = "state" };
        }

        Span<byte> secret = stackalloc byte[SecretSize];
        using var gcm = new AesGcm(sealing.Reveal(), TagSize);
        try
        {
            gcm.Decrypt(state[..NonceSize], state.Slice(NonceSize, SecretSize), state.Slice(NonceSize + SecretSize, TagSize), secret, Associated(state[^8..], keys));
        }
        catch (AuthenticationTagMismatchException)
        {
            return new Refusal(RefusalCode.BadSignature, "state: not given out by this service for these keys") { Field = "state" };
        }

        bool same = CryptographicOperations.FixedTimeEquals(secret, endorsement.Secret.Span);
        CryptographicOperations.ZeroMemory(secret);
        if (!same)
        {
            return new Refusal(RefusalCode.Mismatch, "the TPM gave out another secret than the challenge's");
        }

        return options.Clock.GetUtcNow().ToUnixTimeSeconds() <= BinaryPrimitives.ReadInt64BigEndian(state[^8..])
            ? null
            : new Refusal(RefusalCode.Expired, "the credential challenge was answered too late");
    }

    private static byte[] Associated(ReadOnlySpan<byte> expiry, Keys keys) =>
        [.. "coco tpm credential\0"u8, .. expiry, .. SHA256.HashData(keys.EkPublic.Span), .. SHA256.HashData(keys.AkName)];

    private sealed record Keys(TrustedKey Root, ReadOnlyMemory<byte> EkPublic, TpmPublic Ak, byte[] AkName);
}
