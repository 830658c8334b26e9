// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using Coco.ReferenceValues.Cbor;
using Coco.ReferenceValues.Signatures;

namespace Coco.ReferenceValues.Extractors;

/// <summary>Base64 of a CoRIM, signed or not (rvps.md 5.3).</summary>
/// <remarks>
/// The signature of a signed one is always checked: against the configured signers where there are some, else against the leaf of the chain
/// that came along, which shows that it is whole but vouches for nobody.
/// </remarks>
internal sealed class CorimExtractor(TimeProvider clock, ReferenceValuesOptions options) : IReferenceValueExtractor
{
    private const ulong UnsignedTag = 501;
    private const ulong ComidTag = 506;
    private const ulong RawBytesTag = 560;
    private const ulong UuidTag = 37;

    private readonly ImmutableArray<SignerKey> _trusted = SignedMessages.LoadKeys(options.TrustedSigners);

    public string ProvenanceType => "corim";

    public ValueTask<Result<ExtractedProvenance>> ExtractAsync(string payload, CancellationToken ct) => new(Extract(payload));

    private Result<ExtractedProvenance> Extract(string payload)
    {
        if (!Payloads.DecodeBase64(payload, "corim payload").TryGet(out byte[]? bytes, out Refusal? why))
        {
            return why;
        }

        if (!CborNode.Parse(StripPrefixes(bytes), "CoRIM").TryGet(out CborNode? root, out why))
        {
            return why;
        }

        ImmutableArray<string> signers = [];
        if (root is { Kind: CborNodeKind.Tag, Tag: CoseSign1.Tag })
        {
            if (!CoseSign1.Parse(root.Content).TryGet(out CoseSign1? signed, out why))
            {
                return why;
            }

            if (!CheckSignature(signed).TryGet(out signers, out why))
            {
                return why;
            }

            if (!CborNode.Parse(StripPrefixes(signed.Payload), "signed CoRIM").TryGet(out root, out why))
            {
                return why;
            }
        }
        else if (!_trusted.IsEmpty)
        {
            return new Refusal(RefusalCode.BadSignature, "the CoRIM is not signed, and signers are configured");
        }

        CborNode map = root is { Kind: CborNodeKind.Tag, Tag: UnsignedTag } ? root.Content : root;
        if (map.Kind != CborNodeKind.Map || map[1] is not { Kind: CborNodeKind.Array } tags)
        {
            return new Refusal(RefusalCode.Malformed, "CoRIM is not a map with tags");
        }

        DateTimeOffset until = ReferenceValueRecord.DefaultExpiration(clock.GetUtcNow());
        var values = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        var single = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (CborNode tag in tags.Items)
        {
            if (ReadComid(tag).TryGet(out CborNode? comid, out _))
            {
                ReadTriples(comid, values, single);
            }
        }

        var records = ImmutableArray.CreateBuilder<ReferenceValueRecord>();
        records.AddRange(values.Select(v => ReferenceValueRecord.OfStrings(v.Key, v.Value, until)));
        foreach ((string name, string hex) in single)
        {
            if (!Payloads.ParseJson(System.Text.Encoding.UTF8.GetBytes($"\"{hex}\""), "raw value").TryGet(out System.Text.Json.JsonElement text, out why))
            {
                return why;
            }

            records.Add(new ReferenceValueRecord(name, text, until));
        }

        return new ExtractedProvenance(records.DrainToImmutable(), signers);
    }

    private Result<ImmutableArray<string>> CheckSignature(CoseSign1 signed)
    {
        if (!_trusted.IsEmpty)
        {
            foreach (SignerKey key in _trusted)
            {
                if (signed.IsSignedBy(key))
                {
                    return ImmutableArray.Create(key.Identity);
                }
            }

            return new Refusal(RefusalCode.BadSignature, "no trusted signer signed the CoRIM");
        }

        if (signed.Chain.IsEmpty)
        {
            return new Refusal(RefusalCode.Untrusted, "the CoRIM is signed, no signer is configured and no certificate came along: its signature cannot be checked");
        }

        if (!SignerKey.ParseCertificate(signed.Chain[0]).TryGet(out SignerKey? leaf, out Refusal? why))
        {
            return why.Within("certificate of the CoRIM's signer");
        }

        return signed.IsSignedBy(leaf)
            ? ImmutableArray<string>.Empty
            : new Refusal(RefusalCode.BadSignature, "the CoRIM's signature does not verify under the certificate that came along");
    }

    private static ReadOnlyMemory<byte> StripPrefixes(ReadOnlyMemory<byte> bytes)
    {
        // Tags 500 and 502 may stand in front, in any number.
        while (bytes.Length > 3 && bytes.Span is [0xd9, 0x01, 0xf4 or 0xf6, ..])
        {
            bytes = bytes[3..];
        }

        return bytes;
    }

    private static Result<CborNode> ReadComid(CborNode tag)
    {
        CborNode inner = tag is { Kind: CborNodeKind.Tag, Tag: ComidTag } ? tag.Content : tag;
        return inner.Kind == CborNodeKind.Bytes
            ? CborNode.Parse(inner.Bytes, "CoMID")
            : new Refusal(RefusalCode.Unsupported, "a tag that is no CoMID");
    }

    private static void ReadTriples(CborNode comid, Dictionary<string, List<string>> values, Dictionary<string, string> single)
    {
        if (comid.Kind != CborNodeKind.Map || comid[4] is not { Kind: CborNodeKind.Map } triples || triples[0] is not { Kind: CborNodeKind.Array } references)
        {
            return;
        }

        foreach (CborNode triple in references.Items)
        {
            if (triple.Kind != CborNodeKind.Array || triple.Items.Length != 2 || triple.Items[1].Kind != CborNodeKind.Array)
            {
                continue;
            }

            CborNode? target = triple.Items[0].Kind == CborNodeKind.Map ? triple.Items[0][0] : null;
            foreach (CborNode measurement in triple.Items[1].Items)
            {
                if (measurement.Kind == CborNodeKind.Map && measurement[1] is { Kind: CborNodeKind.Map } value)
                {
                    ReadMeasurement(target, measurement[0], value, values, single);
                }
            }
        }
    }

    private static void ReadMeasurement(CborNode? target, CborNode? key, CborNode value, Dictionary<string, List<string>> values, Dictionary<string, string> single)
    {
        string path = string.Join('/', new[] { Text(target?[1]), Text(target?[2]), KeyText(key), Text(value[11]), Text(value[8]) }.Where(p => p is not null));
        if (value[2] is { Kind: CborNodeKind.Array } digests)
        {
            string name = path.Length == 0 ? "digests" : path + "/digests";
            if (!values.TryGetValue(name, out List<string>? list))
            {
                values[name] = list = [];
            }

            foreach (CborNode digest in digests.Items)
            {
                if (digest.Kind == CborNodeKind.Array && digest.Items.Length == 2 && digest.Items[1].Kind == CborNodeKind.Bytes)
                {
                    list.Add(Convert.ToHexStringLower(digest.Items[1].Bytes.Span));
                }
            }
        }

        if (value[4] is { Kind: CborNodeKind.Tag, Tag: RawBytesTag, Content: { Kind: CborNodeKind.Bytes } raw })
        {
            single[path.Length == 0 ? "raw_bytes" : path + "/raw_bytes"] = Convert.ToHexStringLower(raw.Bytes.Span);
        }
    }

    private static string? Text(CborNode? node) => node is { Kind: CborNodeKind.Text } ? node.Text : null;

    private static string? KeyText(CborNode? key) => key switch
    {
        { Kind: CborNodeKind.Text } => key.Text,
        { Kind: CborNodeKind.Integer } when key.Number >= BigInteger.Zero => "claim" + key.Number.ToString(CultureInfo.InvariantCulture),
        { Kind: CborNodeKind.Tag, Tag: UuidTag, Content: { Kind: CborNodeKind.Bytes } uuid } when uuid.Bytes.Length == 16 => new Guid(uuid.Bytes.Span, bigEndian: true).ToString(),
        _ => null,
    };
}
