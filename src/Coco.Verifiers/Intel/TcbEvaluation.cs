// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Tee.Intel;

namespace Coco.Verifiers.Intel;

/// <summary>Finds the levels that a platform, its TDX module and its quoting enclave have reached, and merges what they mean (tee-evidence.md 3.8).</summary>
internal static class TcbEvaluation
{
    /// <summary>Evaluates one set of versions.</summary>
    /// <param name="pck">Versions of the platform.</param>
    /// <param name="info">TCB info for the platform and TEE.</param>
    /// <param name="identity">Identity of the quoting enclave.</param>
    /// <param name="qeSvn">ISVSVN of the quoting enclave.</param>
    /// <param name="teeTcbSvn">TEE_TCB_SVN or TEE_TCB_SVN2; empty for an enclave.</param>
    /// <param name="module">The module's identity; null for an enclave and for a module without one.</param>
    public static Result<TcbOutcome> Evaluate(PckExtension pck, TcbInfo info, QeIdentity identity, int qeSvn, ReadOnlySpan<byte> teeTcbSvn, TdxModule? module)
    {
        TcbVerdict? platform = null;
        foreach (TcbLevel level in info.Levels)
        {
            if (Reaches(pck, teeTcbSvn, level))
            {
                platform = level.Verdict;
                break;
            }
        }

        if (platform is null)
        {
            return DcapError.TcbNotSupported.Refuse(RefusalCode.Unsupported, "no TCB level matches the platform's versions (TCB not supported)");
        }

        TcbVerdict? moduleVerdict = null;
        if (module is not null)
        {
            moduleVerdict = Find(module.Levels, teeTcbSvn[0]);
            if (moduleVerdict is null)
            {
                return DcapError.TcbNotSupported.Refuse(RefusalCode.Unsupported, $"no TCB level of {module.Id} matches the module's version {teeTcbSvn[0]} (TCB not supported)");
            }
        }

        if (Find(identity.Levels, qeSvn) is not { } qe)
        {
            return DcapError.TcbNotSupported.Refuse(RefusalCode.Unsupported, $"no TCB level of {identity.Id} matches the quoting enclave's version {qeSvn} (TCB not supported)");
        }

        TcbStatus status = Merge(platform.Status, moduleVerdict?.Status, qe.Status);
        DateTimeOffset date = platform.Date < qe.Date ? platform.Date : qe.Date;
        if (moduleVerdict is not null && moduleVerdict.Date < date)
        {
            date = moduleVerdict.Date;
        }

        return new TcbOutcome(status, date, Advisories(platform, qe, moduleVerdict), platform.Status, moduleVerdict?.Status, qe.Status);
    }

    /// <summary>Merges the statuses of module and quoting enclave into that of the platform.</summary>
    public static TcbStatus Merge(TcbStatus platform, TcbStatus? module, TcbStatus quotingEnclave)
    {
        if (platform == TcbStatus.Revoked || module == TcbStatus.Revoked || quotingEnclave == TcbStatus.Revoked)
        {
            return TcbStatus.Revoked;
        }

        // A quoting enclave that only needs configuration changes nothing: Intel's libraries do so.
        if (!IsOutOfDate(module) && !IsOutOfDate(quotingEnclave))
        {
            return platform;
        }

        return platform switch
        {
            TcbStatus.UpToDate or TcbStatus.SwHardeningNeeded => TcbStatus.OutOfDate,
            TcbStatus.ConfigurationNeeded or TcbStatus.ConfigurationAndSwHardeningNeeded => TcbStatus.OutOfDateConfigurationNeeded,
            _ => platform,
        };
    }

    /// <summary>Compares the versions at launch with those that run now (TDX 1.5).</summary>
    public static TcbStatus AdviseRelaunch(TcbStatus launch, TcbStatus current)
    {
        bool isOld = launch is TcbStatus.OutOfDate or TcbStatus.OutOfDateConfigurationNeeded;
        bool isCurrent = current is TcbStatus.UpToDate or TcbStatus.SwHardeningNeeded or TcbStatus.ConfigurationNeeded or TcbStatus.ConfigurationAndSwHardeningNeeded;
        if (!isOld || !isCurrent)
        {
            return launch;
        }

        return NeedsConfiguration(launch) || NeedsConfiguration(current) ? TcbStatus.TdRelaunchAdvisedConfigurationNeeded : TcbStatus.TdRelaunchAdvised;
    }

    private static bool IsOutOfDate(TcbStatus? status) => status is TcbStatus.OutOfDate or TcbStatus.OutOfDateConfigurationNeeded;

    private static bool NeedsConfiguration(TcbStatus status) =>
        status is TcbStatus.ConfigurationNeeded or TcbStatus.OutOfDateConfigurationNeeded or TcbStatus.ConfigurationAndSwHardeningNeeded;

    private static bool Reaches(PckExtension pck, ReadOnlySpan<byte> teeTcbSvn, TcbLevel level)
    {
        ReadOnlySpan<byte> have = pck.Components.Span, want = level.SgxComponents.Span;
        for (int i = 0; i < PckExtension.ComponentCount; i++)
        {
            if (have[i] < want[i])
            {
                return false;
            }
        }

        if (pck.PceSvn < level.PceSvn)
        {
            return false;
        }

        if (teeTcbSvn.IsEmpty)
        {
            return true;
        }

        if (level.TdxComponents is not { } tdxComponents)
        {
            return false;
        }

        // A module with a version of its own is judged by its identity; its first two components say nothing of the platform then.
        ReadOnlySpan<byte> tdx = tdxComponents.Span;
        for (int i = teeTcbSvn[1] > 0 ? 2 : 0; i < PckExtension.ComponentCount; i++)
        {
            if (teeTcbSvn[i] < tdx[i])
            {
                return false;
            }
        }

        return true;
    }

    private static TcbVerdict? Find(ImmutableArray<SvnLevel> levels, int svn)
    {
        foreach (SvnLevel level in levels)
        {
            if (svn >= level.IsvSvn)
            {
                return level.Verdict;
            }
        }

        return null;
    }

    private static ImmutableArray<string> Advisories(TcbVerdict platform, TcbVerdict qe, TcbVerdict? module)
    {
        if (platform.Advisories.IsEmpty && qe.Advisories.IsEmpty && (module is null || module.Advisories.IsEmpty))
        {
            return [];
        }

        var all = new SortedSet<string>(StringComparer.Ordinal);
        all.UnionWith(platform.Advisories);
        all.UnionWith(qe.Advisories);
        if (module is not null)
        {
            all.UnionWith(module.Advisories);
        }

        return [.. all];
    }
}

/// <summary>What one set of versions means.</summary>
/// <param name="Status">The merged status.</param>
/// <param name="Date">Earliest date of the chosen levels (UTC).</param>
/// <param name="Advisories">Advisory ids of the chosen levels, sorted, none twice.</param>
/// <param name="Platform">Status of the platform's level alone.</param>
/// <param name="Module">Status of the module's level; null where the module has no identity.</param>
/// <param name="QuotingEnclave">Status of the quoting enclave's level.</param>
public sealed record TcbOutcome(
    TcbStatus Status,
    DateTimeOffset Date,
    ImmutableArray<string> Advisories,
    TcbStatus Platform,
    TcbStatus? Module,
    TcbStatus QuotingEnclave);
