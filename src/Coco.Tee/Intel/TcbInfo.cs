// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Coco.Tee.Intel;

/// <summary>TCB info of Intel's provisioning service, versions 2 (SGX) and 3 (SGX and TDX): what the versions of one platform family mean.</summary>
/// <remarks>Source: Intel PCS API version 4, TCB info model; tee-evidence.md 3.4. Only the form; the signature is checked over <see cref="SignedCollateral.Text"/>.</remarks>
public sealed class TcbInfo
{
    /// <summary>Name of the signed member.</summary>
    public const string Member = "tcbInfo";

    private const int ComponentCount = 16;
    private const int MaxModules = 256;

    private TcbInfo()
    {
    }

    /// <summary>2 or 3.</summary>
    public int Version { get; private init; }

    /// <summary>What it is for; null in version 2, which is for SGX and does not say so.</summary>
    public IntelTee? Tee { get; private init; }

    /// <summary>Time of issue (UTC).</summary>
    public DateTimeOffset IssueDate { get; private init; }

    /// <summary>Time of the next issue (UTC).</summary>
    public DateTimeOffset NextUpdate { get; private init; }

    /// <summary>FMSPC (6 bytes).</summary>
    public ReadOnlyMemory<byte> Fmspc { get; private init; }

    /// <summary>PCE-ID (2 bytes).</summary>
    public ReadOnlyMemory<byte> PceId { get; private init; }

    /// <summary>Number of the evaluation that it came from.</summary>
    public int EvaluationDataNumber { get; private init; }

    /// <summary>The module without identity of its own; null when not given.</summary>
    public TdxModule? Module { get; private init; }

    /// <summary>Modules with an identity; null when the member is absent.</summary>
    public ImmutableArray<TdxModule>? ModuleIdentities { get; private init; }

    /// <summary>The levels, highest first.</summary>
    public ImmutableArray<TcbLevel> Levels { get; private init; }

    /// <summary>Reads the signed member.</summary>
    public static Result<TcbInfo> Parse(SignedCollateral document)
    {
        ArgumentNullException.ThrowIfNull(document);
        JsonElement json = document.Value;
        if (!CollateralJson.Number(json, "version", int.MaxValue).TryGet(out int version, out Refusal? refusal))
        {
            return refusal;
        }

        if (version is not (2 or 3))
        {
            return new Refusal(RefusalCode.Unsupported, $"TCB info version {version} is not supported") { Field = "version" };
        }

        IntelTee? tee = null;
        if (version == 3)
        {
            if (!CollateralJson.Text(json, "id").TryGet(out string? id, out refusal))
            {
                return refusal;
            }

            tee = id switch
            {
                "SGX" => IntelTee.SgxEnclave,
                "TDX" => IntelTee.TrustDomain,
                _ => null,
            };
            if (tee is null)
            {
                return new Refusal(RefusalCode.Unsupported, "TCB info is for neither SGX nor TDX") { Field = "id" };
            }
        }

        if (!CollateralJson.Date(json, "issueDate").TryGet(out DateTimeOffset issued, out refusal)
            || !CollateralJson.Date(json, "nextUpdate").TryGet(out DateTimeOffset next, out refusal)
            || !CollateralJson.Hex(json, "fmspc", 6).TryGet(out byte[]? fmspc, out refusal)
            || !CollateralJson.Hex(json, "pceId", 2).TryGet(out byte[]? pceId, out refusal)
            || !CollateralJson.Number(json, "tcbType", int.MaxValue).TryGet(out int type, out refusal)
            || !CollateralJson.Number(json, "tcbEvaluationDataNumber", int.MaxValue).TryGet(out int evaluation, out refusal)
            || !CollateralJson.Array(json, "tcbLevels", TcbLevelJson.MaxLevels).TryGet(out JsonElement list, out refusal))
        {
            return refusal;
        }

        if (type != 0)
        {
            return new Refusal(RefusalCode.Unsupported, $"TCB type {type} composes versions in a way that is not known") { Field = "tcbType" };
        }

        TdxModule? module = null;
        ImmutableArray<TdxModule>? identities = null;
        if (tee == IntelTee.TrustDomain)
        {
            if (json.TryGetProperty("tdxModule", out JsonElement own))
            {
                if (!ReadModule(own, string.Empty).TryGet(out module, out refusal))
                {
                    return refusal.Within("tdxModule");
                }
            }

            if (json.TryGetProperty("tdxModuleIdentities", out _))
            {
                if (!ReadIdentities(json).TryGet(out ImmutableArray<TdxModule> found, out refusal))
                {
                    return refusal.Within("tdxModuleIdentities");
                }

                identities = found;
            }
        }

        var levels = new List<TcbLevel>(list.GetArrayLength());
        foreach (JsonElement one in list.EnumerateArray())
        {
            if (!ReadLevel(one, version, tee == IntelTee.TrustDomain).TryGet(out TcbLevel? level, out refusal))
            {
                return refusal.Within($"tcbLevels[{levels.Count}]");
            }

            levels.Add(level);
        }

        if (levels.Count == 0)
        {
            return CollateralJson.Bad("tcbLevels", "empty");
        }

        levels.Sort(static (a, b) => CompareDescending(a, b));
        return new TcbInfo
        {
            Version = version,
            Tee = tee,
            IssueDate = issued,
            NextUpdate = next,
            Fmspc = fmspc,
            PceId = pceId,
            EvaluationDataNumber = evaluation,
            Module = module,
            ModuleIdentities = identities,
            Levels = [.. levels],
        };
    }

    private static int CompareDescending(TcbLevel a, TcbLevel b)
    {
        int order = b.SgxComponents.Span.SequenceCompareTo(a.SgxComponents.Span);
        if (order == 0)
        {
            order = b.PceSvn.CompareTo(a.PceSvn);
        }

        return order != 0 || a.TdxComponents is not { } x || b.TdxComponents is not { } y ? order : y.Span.SequenceCompareTo(x.Span);
    }

    private static Result<ImmutableArray<TdxModule>> ReadIdentities(JsonElement json)
    {
        if (!CollateralJson.Array(json, "tdxModuleIdentities", MaxModules).TryGet(out JsonElement list, out Refusal? refusal))
        {
            return refusal;
        }

        var found = ImmutableArray.CreateBuilder<TdxModule>(list.GetArrayLength());
        foreach (JsonElement one in list.EnumerateArray())
        {
            if (one.ValueKind != JsonValueKind.Object)
            {
                return CollateralJson.Bad("tdxModuleIdentities", "not objects");
            }

            if (!CollateralJson.Text(one, "id").TryGet(out string? id, out refusal) || !ReadModule(one, id).TryGet(out TdxModule? module, out refusal)
                || !TcbLevelJson.SvnLevels(one, TcbLevelJson.OfModule).TryGet(out ImmutableArray<SvnLevel> levels, out refusal))
            {
                return refusal;
            }

            found.Add(module with { Levels = levels });
        }

        return found.MoveToImmutable();
    }

    private static Result<TdxModule> ReadModule(JsonElement json, string id)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return CollateralJson.Bad("tdxModule", "not an object");
        }

        if (!CollateralJson.Hex(json, "mrsigner", 48).TryGet(out byte[]? signer, out Refusal? refusal)
            || !CollateralJson.Hex(json, "attributes", 8).TryGet(out byte[]? attributes, out refusal)
            || !CollateralJson.Hex(json, "attributesMask", 8).TryGet(out byte[]? mask, out refusal))
        {
            return refusal;
        }

        return new TdxModule(id, signer, attributes, mask, []);
    }

    private static Result<TcbLevel> ReadLevel(JsonElement json, int version, bool isTdx)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return CollateralJson.Bad("tcbLevels", "not objects");
        }

        if (!CollateralJson.Object(json, "tcb").TryGet(out JsonElement tcb, out Refusal? refusal)
            || !CollateralJson.Number(tcb, "pcesvn", ushort.MaxValue).TryGet(out int pceSvn, out refusal)
            || !TcbLevelJson.Verdict(json, TcbLevelJson.OfPlatform).TryGet(out TcbVerdict? verdict, out refusal))
        {
            return refusal;
        }

        byte[]? sgx;
        byte[]? tdx = null;
        if (version == 2)
        {
            sgx = new byte[ComponentCount];
            for (int i = 0; i < ComponentCount; i++)
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"sgxtcbcomp{i + 1:00}svn");
                if (!CollateralJson.Number(tcb, name, byte.MaxValue).TryGet(out int svn, out refusal))
                {
                    return refusal;
                }

                sgx[i] = (byte)svn;
            }
        }
        else if (!ReadComponents(tcb, "sgxtcbcomponents").TryGet(out sgx, out refusal)
            || (isTdx && !ReadComponents(tcb, "tdxtcbcomponents").TryGet(out tdx, out refusal)))
        {
            return refusal;
        }

        return new TcbLevel(sgx, pceSvn, tdx is null ? (ReadOnlyMemory<byte>?)null : tdx, verdict);
    }

    private static Result<byte[]> ReadComponents(JsonElement tcb, string name)
    {
        if (!CollateralJson.Array(tcb, name, ComponentCount).TryGet(out JsonElement list, out Refusal? refusal))
        {
            return refusal;
        }

        if (list.GetArrayLength() != ComponentCount)
        {
            return CollateralJson.Bad(name, $"not {ComponentCount} components");
        }

        byte[] components = new byte[ComponentCount];
        int at = 0;
        foreach (JsonElement one in list.EnumerateArray())
        {
            if (one.ValueKind != JsonValueKind.Object)
            {
                return CollateralJson.Bad(name, "not objects");
            }

            if (!CollateralJson.Number(one, "svn", byte.MaxValue).TryGet(out int svn, out refusal))
            {
                return refusal.Within($"{name}[{at}]");
            }

            components[at++] = (byte)svn;
        }

        return components;
    }
}
