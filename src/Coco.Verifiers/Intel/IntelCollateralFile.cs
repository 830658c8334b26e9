// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Coco.Verifiers.Intel;

/// <summary>
/// Intel's collateral from one JSON document, in the form of Intel's PCS client tool (<c>{"collaterals": …}</c>) or as one object for one
/// platform (<c>tcb_info</c>, <c>tcb_info_signature</c>, …). Immutable, thread-safe. The signed texts are kept as they stand in the document.
/// </summary>
/// <remarks>Source: tee-evidence.md 3.6.</remarks>
public sealed class IntelCollateralFile : ICollateralProvider
{
    /// <summary>Longest document that is read, in bytes.</summary>
    public const int MaxLength = 32 * 1024 * 1024;

    private readonly FrozenDictionary<CollateralKey, CollateralItem> _byKey;
    private readonly FrozenDictionary<string, CollateralItem> _byKind;

    private IntelCollateralFile(IReadOnlyDictionary<CollateralKey, CollateralItem> byKey, IReadOnlyDictionary<string, CollateralItem> byKind)
    {
        _byKey = byKey.ToFrozenDictionary();
        _byKind = byKind.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Reads a document of either form.</summary>
    public static Result<IntelCollateralFile> Parse(ReadOnlyMemory<byte> document)
    {
        if (!HostileJson.ParseObject(document.Span, MaxLength).TryGet(out JsonElement json, out Refusal? refusal))
        {
            return refusal.Within("Intel collateral");
        }

        return json.TryGetProperty("collaterals", out JsonElement collaterals) && collaterals.ValueKind == JsonValueKind.Object
            ? FromClientTool(collaterals)
            : FromSingleObject(json);
    }

    /// <summary>Reads the form for one platform. It answers for its kinds whatever platform is asked for: whether it fits is the verifier's check.</summary>
    public static Result<IntelCollateralFile> FromSingleObject(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return Bad("the document", "not an object");
        }

        if (!ReadSigned(json, "tcb_info", "tcb_info_signature", "tcbInfo", "tcb_info_issuer_chain").TryGet(out CollateralItem? tcbInfo, out Refusal? refusal)
            || !ReadSigned(json, "qe_identity", "qe_identity_signature", "enclaveIdentity", "qe_identity_issuer_chain").TryGet(out CollateralItem? identity, out refusal)
            || !ReadHex(json, "pck_crl").TryGet(out byte[]? pckCrl, out refusal)
            || !ReadHex(json, "root_ca_crl").TryGet(out byte[]? rootCrl, out refusal)
            || !ReadText(json, "pck_crl_issuer_chain").TryGet(out string? pckChain, out refusal))
        {
            return refusal;
        }

        var items = new Dictionary<string, CollateralItem>(StringComparer.Ordinal)
        {
            [CollateralKinds.IntelTcbInfo] = tcbInfo,
            [CollateralKinds.IntelQeIdentity] = identity,
            [CollateralKinds.IntelPckCrl] = new CollateralItem(pckCrl) { IssuerChain = Encoding.UTF8.GetBytes(pckChain) },
            [CollateralKinds.IntelRootCrl] = new CollateralItem(rootCrl),
        };
        return new IntelCollateralFile(new Dictionary<CollateralKey, CollateralItem>(), items);
    }

    /// <summary>Collateral that is at hand as items, for one platform: it answers for each kind with the item given.</summary>
    public static IntelCollateralFile FromItems(IReadOnlyDictionary<string, CollateralItem> byKind) => new(new Dictionary<CollateralKey, CollateralItem>(), byKind);

    /// <inheritdoc/>
    public ValueTask<Result<CollateralItem>> GetAsync(CollateralKey key, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(key);
        return new(_byKey.TryGetValue(key, out CollateralItem? item) || _byKind.TryGetValue(key.Kind, out item)
            ? item
            : (Result<CollateralItem>)new Refusal(RefusalCode.NotFound, $"the document has no {key.Kind} '{key.Id}'"));
    }

    private static Result<IntelCollateralFile> FromClientTool(JsonElement json)
    {
        var items = new Dictionary<CollateralKey, CollateralItem>();
        if (!json.TryGetProperty("certificates", out JsonElement certificates) || certificates.ValueKind != JsonValueKind.Object)
        {
            return Bad("certificates", "not an object");
        }

        if (!ReadChain(certificates, "TCB-Info-Issuer-Chain").TryGet(out byte[]? tcbChain, out Refusal? refusal)
            || !ReadChain(certificates, "SGX-Enclave-Identity-Issuer-Chain").TryGet(out byte[]? identityChain, out refusal))
        {
            return refusal;
        }

        if (!json.TryGetProperty("tcbinfos", out JsonElement infos) || infos.ValueKind != JsonValueKind.Array)
        {
            return Bad("tcbinfos", "not an array");
        }

        foreach (JsonElement one in infos.EnumerateArray())
        {
            if (one.ValueKind != JsonValueKind.Object || !ReadText(one, "fmspc").TryGet(out string? fmspc, out refusal))
            {
                return Bad("tcbinfos", "no objects with 'fmspc'");
            }

            AddSeries(items, one, "sgx_tcbinfo", CollateralKinds.IntelTcbInfo, "sgx/" + fmspc.ToUpperInvariant(), tcbChain);
            AddSeries(items, one, "tdx_tcbinfo", CollateralKinds.IntelTcbInfo, "tdx/" + fmspc.ToUpperInvariant(), tcbChain);
        }

        AddSeries(items, json, "qeidentity", CollateralKinds.IntelQeIdentity, "sgx", identityChain);
        AddSeries(items, json, "tdqeidentity", CollateralKinds.IntelQeIdentity, "tdx", identityChain);

        if (json.TryGetProperty("pckcacrl", out JsonElement lists) && lists.ValueKind == JsonValueKind.Object)
        {
            certificates.TryGetProperty("SGX-PCK-Certificate-Issuer-Chain", out JsonElement pckChains);
            foreach ((string member, string chain, string id) in (ReadOnlySpan<(string, string, string)>)
                [("processorCrl", "PROCESSOR", "processor"), ("platformCrl", "PLATFORM", "platform")])
            {
                if (!lists.TryGetProperty(member, out _))
                {
                    continue;
                }

                if (!ReadHex(lists, member).TryGet(out byte[]? list, out refusal))
                {
                    return refusal;
                }

                byte[] issuers = [];
                if (pckChains.ValueKind == JsonValueKind.Object && pckChains.TryGetProperty(chain, out _) && !ReadChain(pckChains, chain).TryGet(out issuers!, out refusal))
                {
                    return refusal;
                }

                items[new CollateralKey(CollateralKinds.IntelPckCrl, id)] = new CollateralItem(list) { IssuerChain = issuers };
            }
        }

        if (!ReadHex(json, "rootcacrl").TryGet(out byte[]? rootCrl, out refusal))
        {
            return refusal;
        }

        if (json.TryGetProperty("rootcacrl_cdp", out JsonElement point) && point.ValueKind != JsonValueKind.Null && CheckDistributionPoint(point, identityChain) is { } elsewhere)
        {
            return elsewhere;
        }

        items[new CollateralKey(CollateralKinds.IntelRootCrl, "root")] = new CollateralItem(rootCrl);
        return new IntelCollateralFile(items, new Dictionary<string, CollateralItem>(StringComparer.Ordinal));
    }

    // Of each statement there may be one of either series; the plain one stands in for a missing early one.
    private static void AddSeries(Dictionary<CollateralKey, CollateralItem> items, JsonElement owner, string member, string kind, string id, byte[] chain)
    {
        if (owner.TryGetProperty(member, out JsonElement standard) && standard.ValueKind == JsonValueKind.Object)
        {
            var item = new CollateralItem(JsonMarshal.GetRawUtf8Value(standard).ToArray()) { IssuerChain = chain };
            items[new CollateralKey(kind, id + "/standard")] = item;
            items[new CollateralKey(kind, id + "/early")] = item;
        }

        if (owner.TryGetProperty(member + "_early", out JsonElement early) && early.ValueKind == JsonValueKind.Object)
        {
            items[new CollateralKey(kind, id + "/early")] = new CollateralItem(JsonMarshal.GetRawUtf8Value(early).ToArray()) { IssuerChain = chain };
        }
    }

    private static Refusal? CheckDistributionPoint(JsonElement point, byte[] identityChain)
    {
        if (!DerCertificate.ParseAll(identityChain).TryGet(out ImmutableArray<DerCertificate> chain, out Refusal? refusal))
        {
            return refusal;
        }

        return point.ValueKind == JsonValueKind.String && IntelCertificates.DistributionPoints(chain[^1]).Contains(point.GetString()!, StringComparer.Ordinal)
            ? null
            : new Refusal(RefusalCode.Mismatch, "rootcacrl_cdp is not the distribution point of the root certificate") { Field = "rootcacrl_cdp" };
    }

    private static Result<CollateralItem> ReadSigned(JsonElement json, string text, string signature, string member, string chain)
    {
        if (!ReadText(json, text).TryGet(out string? signed, out Refusal? refusal) || !ReadHex(json, signature).TryGet(out byte[]? bytes, out refusal)
            || !ReadText(json, chain).TryGet(out string? issuers, out refusal))
        {
            return refusal;
        }

        return new CollateralItem(Encoding.UTF8.GetBytes($"{{\"{member}\":{signed},\"signature\":\"{Convert.ToHexStringLower(bytes)}\"}}"))
        {
            IssuerChain = Encoding.UTF8.GetBytes(issuers),
        };
    }

    private static Result<byte[]> ReadChain(JsonElement json, string name)
    {
        if (!ReadText(json, name).TryGet(out string? encoded, out Refusal? refusal))
        {
            return refusal;
        }

        // Not form decoding: a plus sign of the base64 text must stay one.
        return Encoding.UTF8.GetBytes(Uri.UnescapeDataString(encoded));
    }

    private static Result<string> ReadText(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.String ? e.GetString()! : Bad(name, "not a text");

    private static Result<byte[]> ReadHex(JsonElement json, string name)
    {
        if (!ReadText(json, name).TryGet(out string? text, out Refusal? refusal))
        {
            return refusal;
        }

        if (text.Length % 2 != 0)
        {
            return Bad(name, "not hexadecimal");
        }

        byte[] bytes = new byte[text.Length / 2];
        return Convert.FromHexString(text, bytes, out _, out int written) == System.Buffers.OperationStatus.Done && written == bytes.Length
            ? bytes
            : Bad(name, "not hexadecimal");
    }

    private static Refusal Bad(string name, string detail) => new(RefusalCode.Malformed, $"Intel collateral: {name}: missing, or {detail}") { Field = name };
}
