// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Coco.ReferenceValues.Extractors;

namespace Coco.ReferenceValues.Signatures;

/// <summary>A DSSE envelope: a payload, its type, and signatures over both (rvps.md 9.1, 10.4).</summary>
internal sealed class DsseEnvelope
{
    private const int MaxSignatures = 64;

    private DsseEnvelope(string payloadType, byte[] payload, ImmutableArray<(string KeyId, byte[] Signature)> signatures)
    {
        PayloadType = payloadType;
        Payload = payload;
        Signatures = signatures;
    }

    public string PayloadType { get; }

    public ReadOnlyMemory<byte> Payload { get; }

    public ImmutableArray<(string KeyId, byte[] Signature)> Signatures { get; }

    /// <summary>The bytes that are signed.</summary>
    public byte[] PreAuthenticationEncoding
    {
        get
        {
            byte[] type = Encoding.UTF8.GetBytes(PayloadType);
            byte[] head = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"DSSEv1 {type.Length} {PayloadType} {Payload.Length} "));
            return [.. head, .. Payload.Span];
        }
    }

    /// <summary>Whether the JSON has the members of an envelope.</summary>
    public static bool Looks(JsonElement root) =>
        root.ValueKind == JsonValueKind.Object && root.Text("payload") is not null && root.Text("payloadType") is not null && root.TryGetProperty("signatures", out _);

    /// <summary>Reads the JSON; checks no signature.</summary>
    public static Result<DsseEnvelope> Parse(JsonElement root)
    {
        if (!Looks(root) || root.GetProperty("signatures") is not { ValueKind: JsonValueKind.Array } list)
        {
            return new Refusal(RefusalCode.Malformed, "DSSE envelope needs payload, payloadType and signatures");
        }

        if (!DecodeEither(root.Text("payload")!, "DSSE payload").TryGet(out byte[]? payload, out Refusal? why))
        {
            return why;
        }

        if (list.GetArrayLength() > MaxSignatures)
        {
            return new Refusal(RefusalCode.TooLarge, $"DSSE envelope has {list.GetArrayLength()} signatures, at most {MaxSignatures} are read");
        }

        var signatures = ImmutableArray.CreateBuilder<(string, byte[])>(list.GetArrayLength());
        foreach (JsonElement item in list.EnumerateArray())
        {
            if (item.Text("sig") is not { } text)
            {
                return new Refusal(RefusalCode.Malformed, "a DSSE signature has no sig");
            }

            if (!DecodeEither(text, "DSSE signature").TryGet(out byte[]? signature, out why))
            {
                return why;
            }

            signatures.Add((item.Text("keyid") ?? string.Empty, signature));
        }

        return new DsseEnvelope(root.Text("payloadType")!, payload, signatures.DrainToImmutable());
    }

    /// <summary>The identities of those <paramref name="keys"/> of which a signature verifies.</summary>
    public ImmutableArray<string> VerifiedBy(IEnumerable<SignerKey> keys)
    {
        byte[] signed = PreAuthenticationEncoding;
        return [.. keys.Where(k => Signatures.Any(s => k.VerifyAny(signed, s.Signature))).Select(k => k.Identity).Distinct(StringComparer.Ordinal)];
    }

    // The DSSE specification allows both alphabets.
    private static Result<byte[]> DecodeEither(string text, string what) =>
        Payloads.DecodeBase64(text.Replace('-', '+').Replace('_', '/'), what);
}
