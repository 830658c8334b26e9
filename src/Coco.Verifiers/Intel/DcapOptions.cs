// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Tee.Intel;

namespace Coco.Verifiers.Intel;

/// <summary>Settings for the verification of Intel quotes. What is not set is as strict as the reference.</summary>
public sealed record DcapOptions
{
    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Root keys that are trusted. Default: Intel's production root alone; a simulated root only when it is listed here.</summary>
    public ImmutableArray<IntelRootKey> Roots { get; init; } = IntelRootKey.ProductionOnly;

    /// <summary>
    /// TCB statuses with which evidence is accepted; the policy then decides on the claim. <see cref="TcbStatus.Revoked"/> is never accepted.
    /// Default: all others, as the reference.
    /// </summary>
    public ImmutableArray<TcbStatus> AcceptedStatuses { get; init; } =
    [
        TcbStatus.UpToDate, TcbStatus.SwHardeningNeeded, TcbStatus.ConfigurationNeeded, TcbStatus.ConfigurationAndSwHardeningNeeded,
        TcbStatus.OutOfDate, TcbStatus.OutOfDateConfigurationNeeded, TcbStatus.TdRelaunchAdvised, TcbStatus.TdRelaunchAdvisedConfigurationNeeded,
    ];

    /// <summary>
    /// How long after its end collateral is accepted. Null (default, as the reference): always, and the claim <c>collateral_expiration_status</c> says
    /// so. Zero refuses from the moment of expiry on.
    /// </summary>
    public TimeSpan? ExpiryGrace { get; init; }

    /// <summary>Which of Intel's two series of TCB info and identities is asked for. Default: early, as the reference.</summary>
    public TcbUpdateSeries UpdateSeries { get; init; } = TcbUpdateSeries.Early;

    /// <summary>
    /// Whether collateral that came with the evidence is used where no other source has any. It must not be over its time then: whoever sends it
    /// chose how old it is. Default: no.
    /// </summary>
    public bool AcceptEvidenceCollateral { get; init; }

    /// <summary>
    /// Leaves out collateral altogether: signatures and chain are checked, revocation and TCB are not, and the claims say nothing of them. For
    /// inspection only. Default: no.
    /// </summary>
    public bool InsecureSkipCollateral { get; init; }

    /// <summary>How many PCK chains, key objects and sets of collateral are kept after their verification, each. Default 1024.</summary>
    public int CacheCapacity { get; init; } = 1024;
}

/// <summary>Intel's two series of collateral: a new evaluation appears in the early series first.</summary>
public enum TcbUpdateSeries
{
    /// <summary>As soon as an evaluation is published.</summary>
    Early,

    /// <summary>After the time in which platforms are expected to be updated.</summary>
    Standard,
}
