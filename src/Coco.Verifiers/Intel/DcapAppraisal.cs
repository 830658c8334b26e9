// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Coco.Tee.Intel;

namespace Coco.Verifiers.Intel;

/// <summary>What the verification of a quote found out about the platform behind it.</summary>
public sealed class DcapAppraisal
{
    private readonly PckChain _chain;
    private readonly VerifiedCollateral? _collateral;

    internal DcapAppraisal(PckChain chain, VerifiedCollateral? collateral, TcbOutcome? launch, TcbOutcome? current, TcbStatus? status, bool isExpired)
    {
        _chain = chain;
        _collateral = collateral;
        Launch = launch;
        Current = current;
        Status = status;
        IsCollateralExpired = isExpired;
    }

    /// <summary>The resulting status; null when collateral was not checked.</summary>
    public TcbStatus? Status { get; }

    /// <summary>Outcome for the versions at launch; null when collateral was not checked.</summary>
    public TcbOutcome? Launch { get; }

    /// <summary>Outcome for the versions that run now; that at launch where the quote does not tell them apart.</summary>
    public TcbOutcome? Current { get; }

    /// <summary>Whether any list, certificate or statement was over its time.</summary>
    public bool IsCollateralExpired { get; }

    /// <summary>The root key that the chain ends with.</summary>
    public IntelRootKey Root => _chain.RootKey;

    /// <summary>FMSPC of the platform, upper-case hexadecimal.</summary>
    public string Fmspc => _chain.Fmspc;

    /// <summary>Adds the claims of attestation-service.md 6.6, and <c>platform_instance_id</c>.</summary>
    public void AddClaims(JsonObject claims)
    {
        ArgumentNullException.ThrowIfNull(claims);
        PckExtension pck = _chain.Extension;
        if (pck.PlatformInstanceId is { } instance)
        {
            // As a little-endian number printed in big-endian order: the claim has always been so.
            Span<byte> reversed = stackalloc byte[16];
            instance.Span.CopyTo(reversed);
            reversed.Reverse();
            claims["platform_instance_id"] = Convert.ToHexStringLower(reversed);
        }

        claims["platform_provider_id"] = Convert.ToHexStringLower(pck.Ppid.Span);
        claims["sgx_type"] = pck.SgxType switch
        {
            0 => "Standard",
            1 => "Scalable",
            2 => "Scalable with Integrity",
            _ => $"Unknown ({pck.SgxType})",
        };
        if (pck.SgxType > 0)
        {
            AddFlag(claims, "is_dynamic_platform", pck.IsDynamicPlatform);
            AddFlag(claims, "is_cached_keys", pck.HasCachedKeys);
            AddFlag(claims, "is_smt_enabled", pck.IsSmtEnabled);
        }

        claims["root_key_id"] = _chain.RootKey.Id;
        if (_chain.RootKey.IsSimulated)
        {
            claims["simulated"] = true;
        }

        if (_collateral is null || Launch is null || Current is null || Status is not { } status)
        {
            return;
        }

        claims["earliest_issue_date"] = Text(Min(_collateral.EarliestIssue, _chain.EarliestIssue));
        claims["latest_issue_date"] = Text(Max(_collateral.LatestIssue, _chain.LatestIssue));
        claims["earliest_expiration_date"] = Text(Min(_collateral.EarliestExpiry, _chain.EarliestExpiry));
        claims["tcb_date"] = Text(Launch.Date);
        claims["pck_crl_num"] = (long)_collateral.PckCrlNumber;
        claims["root_ca_crl_num"] = (long)_collateral.RootCrlNumber;
        claims["tcb_eval_num"] = Math.Min(_collateral.TcbInfo.EvaluationDataNumber, _collateral.QeIdentity.EvaluationDataNumber);
        claims["tcb_status"] = status.ToWireName();
        claims["collateral_expiration_status"] = IsCollateralExpired ? "1" : "0";
        claims["advisory_ids"] = Array(Launch.Advisories);
        claims["tcb_date_current"] = Text(Current.Date);
        claims["tcb_status_current"] = Current.Status.ToWireName();
        claims["advisory_ids_current"] = Array(Current.Advisories);
    }

    private static void AddFlag(JsonObject claims, string name, bool? value)
    {
        if (value is { } flag)
        {
            claims[name] = flag;
        }
    }

    private static JsonArray Array(ImmutableArray<string> texts)
    {
        var array = new JsonArray();
        foreach (string text in texts)
        {
            array.Add((JsonNode)text);
        }

        return array;
    }

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private static DateTimeOffset Min(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    private static DateTimeOffset Max(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}
