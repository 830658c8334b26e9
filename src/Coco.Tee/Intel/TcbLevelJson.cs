// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;

namespace Coco.Tee.Intel;

/// <summary>The level lists that TCB info, module identities and QE identity share.</summary>
internal static class TcbLevelJson
{
    public const int MaxLevels = 1024;

    private const int MaxAdvisories = 1024;

    private static readonly TcbStatus[] PlatformStatuses =
    [
        TcbStatus.UpToDate, TcbStatus.SwHardeningNeeded, TcbStatus.ConfigurationNeeded, TcbStatus.ConfigurationAndSwHardeningNeeded,
        TcbStatus.OutOfDate, TcbStatus.OutOfDateConfigurationNeeded, TcbStatus.Revoked,
    ];

    public static ReadOnlySpan<TcbStatus> OfPlatform => PlatformStatuses;

    public static ReadOnlySpan<TcbStatus> OfModule => [TcbStatus.UpToDate, TcbStatus.OutOfDate, TcbStatus.Revoked];

    public static ReadOnlySpan<TcbStatus> OfQuotingEnclave =>
        [TcbStatus.UpToDate, TcbStatus.OutOfDate, TcbStatus.ConfigurationNeeded, TcbStatus.OutOfDateConfigurationNeeded, TcbStatus.Revoked];

    /// <summary>The verdict members of one level.</summary>
    public static Result<TcbVerdict> Verdict(JsonElement level, ReadOnlySpan<TcbStatus> allowed)
    {
        if (!CollateralJson.Date(level, "tcbDate").TryGet(out DateTimeOffset date, out Refusal? refusal))
        {
            return refusal;
        }

        if (!CollateralJson.Text(level, "tcbStatus").TryGet(out string? name, out refusal))
        {
            return refusal;
        }

        if (!TcbStatuses.TryParse(name, out TcbStatus status) || !allowed.Contains(status))
        {
            return new Refusal(RefusalCode.Unsupported, "tcbStatus: unrecognised status") { Field = "tcbStatus" };
        }

        var advisories = ImmutableArray<string>.Empty;
        if (level.TryGetProperty("advisoryIDs", out _))
        {
            if (!CollateralJson.Array(level, "advisoryIDs", MaxAdvisories).TryGet(out JsonElement list, out refusal))
            {
                return refusal;
            }

            var ids = ImmutableArray.CreateBuilder<string>(list.GetArrayLength());
            foreach (JsonElement id in list.EnumerateArray())
            {
                if (id.ValueKind != JsonValueKind.String)
                {
                    return CollateralJson.Bad("advisoryIDs", "not texts");
                }

                ids.Add(id.GetString()!);
            }

            advisories = ids.MoveToImmutable();
        }

        return new TcbVerdict(date, status, advisories);
    }

    /// <summary>Levels told by their ISVSVN alone, highest first; at least one.</summary>
    public static Result<ImmutableArray<SvnLevel>> SvnLevels(JsonElement owner, ReadOnlySpan<TcbStatus> allowed)
    {
        if (!CollateralJson.Array(owner, "tcbLevels", MaxLevels).TryGet(out JsonElement list, out Refusal? refusal))
        {
            return refusal;
        }

        if (list.GetArrayLength() == 0)
        {
            return CollateralJson.Bad("tcbLevels", "empty");
        }

        var levels = new List<SvnLevel>(list.GetArrayLength());
        foreach (JsonElement one in list.EnumerateArray())
        {
            if (one.ValueKind != JsonValueKind.Object)
            {
                return CollateralJson.Bad("tcbLevels", "not objects");
            }

            if (!CollateralJson.Object(one, "tcb").TryGet(out JsonElement tcb, out refusal)
                || !CollateralJson.Number(tcb, "isvsvn", ushort.MaxValue).TryGet(out int svn, out refusal)
                || !Verdict(one, allowed).TryGet(out TcbVerdict? verdict, out refusal))
            {
                return refusal;
            }

            levels.Add(new SvnLevel(svn, verdict));
        }

        return levels.OrderByDescending(l => l.IsvSvn).ToImmutableArray();
    }
}
