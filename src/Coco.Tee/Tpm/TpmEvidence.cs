// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Tee.Json;

namespace Coco.Tee.Tpm;

/// <summary>Evidence of a plain TPM (tee-evidence.md 6.2), with the optional members that endorse its attestation key.</summary>
/// <param name="Quote">The quote.</param>
/// <param name="AkPublic">The attestation key: DER SubjectPublicKeyInfo.</param>
/// <param name="AkPublicText">The same as it came (base64), which is what the claim repeats.</param>
public sealed record TpmEvidence(TpmQuoteEvidence Quote, ReadOnlyMemory<byte> AkPublic, string AkPublicText)
{
    private const int LongestKey = 2048;
    private const int LongestCertificate = 8192;
    private const int MostCertificates = 8;
    private const int LongestEventLog = 4 << 20;

    /// <summary>Certificate of the attestation key and its issuers, leaf first; empty when none came.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> AkCertificates { get; private init; } = [];

    /// <summary>Endorsement through the endorsement key; null when none came.</summary>
    public TpmEndorsement? Endorsement { get; private init; }

    /// <summary>TCG2 event log of the boot; empty when none came.</summary>
    public ReadOnlyMemory<byte> EventLog { get; private init; }

    /// <summary>Reads evidence of the TEE <c>tpm</c>.</summary>
    public static Result<TpmEvidence> Parse(JsonElement body)
    {
        if (!EvidenceFields.Object(body, "tpm_quote").TryGet(out JsonElement quoteJson, out Refusal? refusal)
            || !TpmQuoteEvidence.ParseMarshalled(quoteJson).TryGet(out TpmQuoteEvidence? quote, out refusal)
            || !EvidenceFields.Text(body, "ak_public").TryGet(out string? text, out refusal)
            || !EvidenceFields.Base64Text(text, "ak_public", LongestKey).TryGet(out ReadOnlyMemory<byte> ak, out refusal)
            || !Certificates(body, "ak_certificates").TryGet(out ImmutableArray<ReadOnlyMemory<byte>> akCertificates, out refusal))
        {
            return refusal;
        }

        ReadOnlyMemory<byte> log = default;
        if (!EvidenceFields.IsAbsent(body, "event_log")
            && !EvidenceFields.Base64(body, "event_log", LongestEventLog).TryGet(out log, out refusal))
        {
            return refusal;
        }

        TpmEndorsement? endorsement = null;
        if (!EvidenceFields.IsAbsent(body, "endorsement")
            && (!EvidenceFields.Object(body, "endorsement").TryGet(out JsonElement e, out refusal) || !ParseEndorsement(e).TryGet(out endorsement, out refusal)))
        {
            return refusal;
        }

        return new TpmEvidence(quote, ak, text) { AkCertificates = akCertificates, EventLog = log, Endorsement = endorsement };
    }

    private static Result<TpmEndorsement> ParseEndorsement(JsonElement e)
    {
        if (!TpmEndorsementKey.Parse(e).TryGet(out TpmEndorsementKey? key, out Refusal? refusal)
            || !EvidenceFields.Base64(e, "secret", 64).TryGet(out ReadOnlyMemory<byte> secret, out refusal)
            || !EvidenceFields.Base64(e, "state", 256).TryGet(out ReadOnlyMemory<byte> state, out refusal))
        {
            return refusal;
        }

        return new TpmEndorsement(key, secret, state);
    }

    /// <summary>An array of base64 DER certificates; an empty one when the member is absent.</summary>
    internal static Result<ImmutableArray<ReadOnlyMemory<byte>>> Certificates(JsonElement parent, string name)
    {
        if (EvidenceFields.IsAbsent(parent, name))
        {
            return ImmutableArray<ReadOnlyMemory<byte>>.Empty;
        }

        if (!EvidenceFields.Array(parent, name, MostCertificates).TryGet(out JsonElement array, out Refusal? refusal))
        {
            return refusal;
        }

        var list = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        foreach (JsonElement one in array.EnumerateArray())
        {
            if (one.ValueKind != JsonValueKind.String)
            {
                return EvidenceFields.Bad(name, "not an array of texts");
            }

            if (!EvidenceFields.Base64Text(one.GetString()!, name, LongestCertificate).TryGet(out ReadOnlyMemory<byte> der, out refusal))
            {
                return refusal;
            }

            list.Add(der);
        }

        return list.ToImmutable();
    }
}
