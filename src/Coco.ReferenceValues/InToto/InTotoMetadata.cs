// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.ReferenceValues.Extractors;
using Coco.ReferenceValues.Signatures;

namespace Coco.ReferenceValues.InToto;

/// <summary>A signed file of in-toto: a metablock or a DSSE envelope (rvps.md 9.1).</summary>
internal sealed class InTotoMetadata
{
    private const string PayloadType = "application/vnd.in-toto+json";
    private const int MaxBytes = 16 << 20;
    private const int MaxSignatures = 64;

    private InTotoMetadata(JsonElement body, ReadOnlyMemory<byte> signed, ImmutableArray<InTotoSignature> signatures, bool isDsse)
    {
        Body = body;
        Signed = signed;
        Signatures = signatures;
        IsDsse = isDsse;
    }

    /// <summary>The layout or link.</summary>
    public JsonElement Body { get; }

    /// <summary>The bytes under the signatures.</summary>
    public ReadOnlyMemory<byte> Signed { get; }

    public ImmutableArray<InTotoSignature> Signatures { get; }

    public bool IsDsse { get; }

    /// <summary><c>layout</c> or <c>link</c>.</summary>
    public string Type => Body.Text("_type") ?? string.Empty;

    /// <summary>Reads either container; checks no signature.</summary>
    public static Result<InTotoMetadata> Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > MaxBytes)
        {
            return new Refusal(RefusalCode.TooLarge, $"metadata has {bytes.Length} bytes, at most {MaxBytes} are read");
        }

        if (!Payloads.ParseJson(bytes, "metadata").TryGet(out JsonElement root, out Refusal? why))
        {
            return why;
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, "metadata is not a JSON object");
        }

        if (!(root.TryGetProperty("payload", out _) ? ParseDsse(root) : ParseMetablock(root)).TryGet(out InTotoMetadata? metadata, out why))
        {
            return why;
        }

        return metadata.Type is "layout" or "link"
            ? metadata
            : new Refusal(RefusalCode.Malformed, $"metadata of type '{metadata.Type}' is neither layout nor link");
    }

    private static Result<InTotoMetadata> ParseDsse(JsonElement root)
    {
        if (root.Text("payloadType") != PayloadType)
        {
            return new Refusal(RefusalCode.Unsupported, $"the payload type is not {PayloadType}");
        }

        if (!DsseEnvelope.Parse(root).TryGet(out DsseEnvelope? envelope, out Refusal? why)
            || !Payloads.ParseJson(envelope.Payload, "payload").TryGet(out JsonElement body, out why))
        {
            return why;
        }

        return new InTotoMetadata(
            body,
            envelope.PreAuthenticationEncoding,
            [.. envelope.Signatures.Select(s => new InTotoSignature(s.KeyId, s.Signature, default))],
            isDsse: true);
    }

    private static Result<InTotoMetadata> ParseMetablock(JsonElement root)
    {
        if (!root.TryGetProperty("signed", out JsonElement body) || body.ValueKind != JsonValueKind.Object
            || !root.TryGetProperty("signatures", out JsonElement list) || list.ValueKind != JsonValueKind.Array)
        {
            return new Refusal(RefusalCode.Malformed, "metadata has neither payload nor signed and signatures");
        }

        if (list.GetArrayLength() > MaxSignatures)
        {
            return new Refusal(RefusalCode.TooLarge, $"metadata has more than {MaxSignatures} signatures");
        }

        // What was received is what is signed, members that nobody knows included.
        if (!OlpcJson.Write(body).TryGet(out byte[]? signed, out Refusal? why))
        {
            return why;
        }

        var signatures = ImmutableArray.CreateBuilder<InTotoSignature>(list.GetArrayLength());
        foreach (JsonElement item in list.EnumerateArray())
        {
            if (item.Text("keyid") is not { } keyId || (item.Text("sig") ?? item.Text("signature")) is not { } text)
            {
                return new Refusal(RefusalCode.Malformed, "a signature needs keyid and sig");
            }

            if (!Hex.Decode(text).TryGet(out byte[]? bytes, out why) || !Hex.Decode(item.Text("other_headers") ?? string.Empty).TryGet(out byte[]? headers, out why))
            {
                return why.Within("signature");
            }

            signatures.Add(new InTotoSignature(keyId, bytes, headers));
        }

        return new InTotoMetadata(body, signed, signatures.DrainToImmutable(), isDsse: false);
    }
}

/// <summary>One signature of it.</summary>
/// <param name="KeyId">Label of the key.</param>
/// <param name="Bytes">The signature.</param>
/// <param name="OtherHeaders">The hashed part of an OpenPGP signature packet; empty for other keys.</param>
internal sealed record InTotoSignature(string KeyId, ReadOnlyMemory<byte> Bytes, ReadOnlyMemory<byte> OtherHeaders);
