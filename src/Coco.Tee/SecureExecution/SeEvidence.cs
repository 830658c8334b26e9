// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using Coco.Tee.Json;

namespace Coco.Tee.SecureExecution;

/// <summary>Evidence of the TEE <c>se</c>: the answer to an attestation request. Not verified here.</summary>
/// <remarks>Source: tee-evidence.md 10.2.</remarks>
public sealed record SeEvidence
{
    private SeEvidence()
    {
    }

    /// <summary>HMAC-SHA512 by the ultravisor.</summary>
    public required ReadOnlyMemory<byte> Measurement { get; init; }

    /// <summary>Additional data: image and attestation host key digests, as asked for.</summary>
    public required ReadOnlyMemory<byte> AdditionalData { get; init; }

    /// <summary>User data: the report data first.</summary>
    public required ReadOnlyMemory<byte> UserData { get; init; }

    /// <summary>Configuration UID, 16 bytes.</summary>
    public required ReadOnlyMemory<byte> Cuid { get; init; }

    /// <summary>The measurement key, encrypted to the service.</summary>
    public required ReadOnlyMemory<byte> EncryptedMeasurementKey { get; init; }

    /// <summary>The request's nonce, encrypted to the service.</summary>
    public required ReadOnlyMemory<byte> EncryptedRequestNonce { get; init; }

    /// <summary>The image's tags, 208 bytes.</summary>
    public required ReadOnlyMemory<byte> ImageTags { get; init; }

    /// <summary>Reads it.</summary>
    public static Result<SeEvidence> Parse(JsonElement body)
    {
        if (!EvidenceFields.Base64(body, "measurement", 64).TryGet(out ReadOnlyMemory<byte> measurement, out Refusal? refusal)
            || !EvidenceFields.Base64(body, "additional_data", 4096).TryGet(out ReadOnlyMemory<byte> additional, out refusal)
            || !EvidenceFields.Base64(body, "user_data", 256).TryGet(out ReadOnlyMemory<byte> user, out refusal)
            || !EvidenceFields.Base64(body, "cuid", 16).TryGet(out ReadOnlyMemory<byte> cuid, out refusal)
            || !EvidenceFields.Base64(body, "encr_measurement_key", 1024).TryGet(out ReadOnlyMemory<byte> key, out refusal)
            || !EvidenceFields.Base64(body, "encr_request_nonce", 1024).TryGet(out ReadOnlyMemory<byte> nonce, out refusal)
            || !EvidenceFields.Base64(body, "image_hdr_tags", SeImageHeader.TagsSize).TryGet(out ReadOnlyMemory<byte> tags, out refusal))
        {
            return refusal;
        }

        if (measurement.Length != 64)
        {
            return EvidenceFields.Bad("measurement", $"{measurement.Length} bytes, 64 wanted");
        }

        if (cuid.Length != 16)
        {
            return EvidenceFields.Bad("cuid", $"{cuid.Length} bytes, 16 wanted");
        }

        if (tags.Length != SeImageHeader.TagsSize)
        {
            return EvidenceFields.Bad("image_hdr_tags", $"{tags.Length} bytes, {SeImageHeader.TagsSize} wanted");
        }

        return new SeEvidence
        {
            Measurement = measurement,
            AdditionalData = additional,
            UserData = user,
            Cuid = cuid,
            EncryptedMeasurementKey = key,
            EncryptedRequestNonce = nonce,
            ImageTags = tags,
        };
    }

    /// <summary>The measurement that the ultravisor makes of these values.</summary>
    /// <param name="key">Measurement key, 64 bytes.</param>
    /// <param name="tags">Image tags, 208 bytes.</param>
    /// <param name="cuid">Configuration UID.</param>
    /// <param name="userData">User data, at most 256 bytes.</param>
    /// <param name="nonce">The request's nonce; empty when none was asked for.</param>
    /// <param name="additionalData">Additional data.</param>
    public static byte[] Measure(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> tags, ReadOnlySpan<byte> cuid, ReadOnlySpan<byte> userData, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> additionalData)
    {
        Span<byte> lengths = stackalloc byte[8];
        BinaryPrimitives.WriteUInt16BigEndian(lengths, (ushort)userData.Length);
        BinaryPrimitives.WriteUInt32BigEndian(lengths[4..], (uint)additionalData.Length);
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA512, key);
        hmac.AppendData(tags);
        hmac.AppendData(cuid);
        hmac.AppendData(lengths);
        hmac.AppendData(userData);
        hmac.AppendData(nonce);
        hmac.AppendData(additionalData);
        return hmac.GetHashAndReset();
    }
}
