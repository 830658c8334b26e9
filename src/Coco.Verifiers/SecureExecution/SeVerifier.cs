// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.SecureExecution;

namespace Coco.Verifiers.SecureExecution;

/// <summary>Makes attestation requests for IBM Secure Execution guests and verifies the answers.</summary>
/// <remarks>
/// Source: tee-evidence.md 10. The service holds no state: measurement key and nonce of a request come back with the evidence, encrypted to the
/// service's own key. That the answer is fresh rests on the report data.
/// </remarks>
public sealed class SeVerifier : IVerifier
{
    private const int ReportDataSize = 64;
    private const int HostKeyDigestSize = 32;

    /// <summary>The version of the attestation protocol, as the reference writes it into the claims.</summary>
    private const int ProtocolVersion = 0x100;

    private readonly SeVerifierOptions _options;

    /// <summary>Makes a verifier.</summary>
    /// <exception cref="ArgumentException">The key is too short.</exception>
    public SeVerifier(SeVerifierOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.EncryptionKey.KeySize < 2048)
        {
            throw new ArgumentException("the encryption key has to have 2048 bits or more", nameof(options));
        }

        _options = options;
    }

    /// <inheritdoc/>
    public TeeType Tee => TeeType.Se;

    /// <inheritdoc/>
    public async ValueTask<Result<string>> CreateChallengeAsync(JsonElement teeParameters, CancellationToken ct)
    {
        if (_options.ImageHeader is not { } header)
        {
            return new Refusal(RefusalCode.Unsupported, "no image header is configured");
        }

        if (_options.HostKeyDocuments.Count == 0)
        {
            return new Refusal(RefusalCode.Unsupported, "no host key document is configured");
        }

        var hosts = new List<ECParameters>();
        foreach (ReadOnlyMemory<byte> document in _options.HostKeyDocuments)
        {
            Result<ECParameters> host = await _options.HostKeyCheck.CheckAsync(document, null, ct).ConfigureAwait(false);
            if (!host.TryGet(out ECParameters key, out Refusal? refusal))
            {
                return refusal.Within("host key document");
            }

            hosts.Add(key);
        }

        byte[] measurementKey = RandomNumberGenerator.GetBytes(SeAttestationRequest.MeasurementKeySize);
        byte[] nonce = RandomNumberGenerator.GetBytes(SeAttestationRequest.NonceSize);
        byte[] protectionKey = RandomNumberGenerator.GetBytes(32);
        try
        {
            using ECDiffieHellman customer = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP521);
            byte[] request = SeAttestationRequest.Create(
                hosts,
                customer,
                protectionKey,
                RandomNumberGenerator.GetBytes(12),
                measurementKey,
                nonce,
                SeAttestationRequest.NonceFlag | SeAttestationRequest.ImageHostKeyFlag | SeAttestationRequest.AttestationHostKeyFlag);
            return new JsonObject
            {
                ["request_blob"] = Convert.ToBase64String(request),
                ["measurement_size"] = SeAttestationRequest.MeasurementSize,
                ["additional_size"] = 2 * HostKeyDigestSize,
                ["encr_measurement_key"] = Convert.ToBase64String(_options.EncryptionKey.Encrypt(measurementKey, RSAEncryptionPadding.Pkcs1)),
                ["encr_request_nonce"] = Convert.ToBase64String(_options.EncryptionKey.Encrypt(nonce, RSAEncryptionPadding.Pkcs1)),
                ["image_hdr_tags"] = Convert.ToBase64String(header.Tags.Span),
            }.ToJsonString();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(measurementKey);
            CryptographicOperations.ZeroMemory(protectionKey);
        }
    }

    /// <inheritdoc/>
    public ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        return new(Verify(evidence, record));
    }

    private Result<ImmutableArray<VerifiedClaims>> Verify(BoundEvidence bound, VerificationRecord? record)
    {
        Result<SeEvidence> parsed = SeEvidence.Parse(bound.Evidence.Body);
        if (record.Note("se.form", parsed.Refusal) is { } form || !parsed.TryGet(out SeEvidence? evidence, out form))
        {
            return form;
        }

        Refusal? refusal = record.Note("se.measurement", CheckMeasurement(evidence))
            ?? record.Note("se.report-data", CheckReportData(bound, evidence))
            ?? record.Note("se.additional-data", CheckAdditionalData(evidence));
        if (refusal is not null)
        {
            return refusal;
        }

        if (!bound.InitDataHash.IsNotChecked)
        {
            record?.Skipped("se.init-data", "Secure Execution has no register for an init-data digest; the image is bound by its tags");
        }

        var claims = new JsonObject
        {
            ["cuid"] = Convert.ToHexStringLower(evidence.Cuid.Span),
            ["report_data"] = bound.ReportData.IsNotChecked ? string.Empty : Convert.ToHexStringLower(evidence.UserData.Span[..ReportDataSize]),
            ["version"] = ProtocolVersion,
            ["image_phkh"] = Convert.ToHexStringLower(evidence.AdditionalData.Span[..HostKeyDigestSize]),
            ["attestation_phkh"] = Convert.ToHexStringLower(evidence.AdditionalData.Span.Slice(HostKeyDigestSize, HostKeyDigestSize)),
            ["tag"] = Convert.ToHexStringLower(evidence.ImageTags.Span[^16..]),
        };
        return ImmutableArray.Create(new VerifiedClaims(TeeType.Se, "cpu", claims));
    }

    private Refusal? CheckMeasurement(SeEvidence evidence)
    {
        // Whether the padding was wrong must not be told apart from a wrong measurement: it would be an oracle for the service's key.
        byte[] key = DecryptOrRandom(evidence.EncryptedMeasurementKey, SeAttestationRequest.MeasurementKeySize);
        byte[] nonce = DecryptOrRandom(evidence.EncryptedRequestNonce, SeAttestationRequest.NonceSize);
        byte[] measurement = SeEvidence.Measure(key, evidence.ImageTags.Span, evidence.Cuid.Span, evidence.UserData.Span, nonce, evidence.AdditionalData.Span);
        CryptographicOperations.ZeroMemory(key);
        return CryptographicOperations.FixedTimeEquals(measurement, evidence.Measurement.Span)
            ? null
            : new Refusal(RefusalCode.BadSignature, "the measurement is not the ultravisor's over these values");
    }

    private byte[] DecryptOrRandom(ReadOnlyMemory<byte> encrypted, int size)
    {
        byte[] instead = RandomNumberGenerator.GetBytes(size);
        try
        {
            byte[] plain = _options.EncryptionKey.Decrypt(encrypted.Span, RSAEncryptionPadding.Pkcs1);
            return plain.Length == size ? plain : instead;
        }
        catch (CryptographicException)
        {
            return instead;
        }
    }

    private static Refusal? CheckReportData(BoundEvidence bound, SeEvidence evidence)
    {
        if (bound.ReportData.IsNotChecked)
        {
            return null;
        }

        return evidence.UserData.Length < ReportDataSize
            ? new Refusal(RefusalCode.Mismatch, $"user data have {evidence.UserData.Length} bytes, {ReportDataSize} wanted")
            : bound.CheckReportData(evidence.UserData.Span[..ReportDataSize]);
    }

    private static Refusal? CheckAdditionalData(SeEvidence evidence) => evidence.AdditionalData.Length == 2 * HostKeyDigestSize
        ? null
        : new Refusal(RefusalCode.Malformed, $"additional data have {evidence.AdditionalData.Length} bytes; two host key digests wanted") { Field = "additional_data" };
}
