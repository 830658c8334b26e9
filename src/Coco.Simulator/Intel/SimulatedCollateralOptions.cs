// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;

namespace Coco.Simulator.Intel;

/// <summary>What simulated collateral says. Statements can be changed before they are signed.</summary>
public sealed record SimulatedCollateralOptions
{
    /// <summary>For quotes about TDs; about enclaves otherwise.</summary>
    public bool IsTdx { get; init; } = true;

    /// <summary>2 (SGX only) or 3.</summary>
    public int TcbInfoVersion { get; init; } = 3;

    /// <summary>Levels of the platform; one that it reaches (UpToDate) and one of zeros (OutOfDate) when null.</summary>
    public IReadOnlyList<SimulatedTcbLevel>? Levels { get; init; }

    /// <summary>Levels of the module TDX_01; one UpToDate level of 4 when null.</summary>
    public IReadOnlyList<SimulatedSvnLevel>? ModuleLevels { get; init; }

    /// <summary>Levels of the quoting enclave; one UpToDate level of 8 and an OutOfDate one of 4 when null.</summary>
    public IReadOnlyList<SimulatedSvnLevel>? QeLevels { get; init; }

    /// <summary>Time of issue (UTC); yesterday when null.</summary>
    public DateTimeOffset? IssueDate { get; init; }

    /// <summary>Time of the next issue (UTC) of statements; 30 days after the issue when null.</summary>
    public DateTimeOffset? NextUpdate { get; init; }

    /// <summary>Time of the next issue (UTC) of revocation lists; as of the statements when null.</summary>
    public DateTimeOffset? CrlNextUpdate { get; init; }

    /// <summary>Serial numbers that the list of the platform's CA revokes.</summary>
    public IReadOnlyList<byte[]> RevokedByCa { get; init; } = [];

    /// <summary>Serial numbers that the list of the root revokes.</summary>
    public IReadOnlyList<byte[]> RevokedByRoot { get; init; } = [];

    /// <summary>What revocation lists say besides.</summary>
    public SimulatedListFields Lists { get; init; } = new();

    /// <summary>Changes the member <c>tcbInfo</c> before it is signed.</summary>
    public Action<JsonObject>? ChangeTcbInfo { get; init; }

    /// <summary>Changes the member <c>enclaveIdentity</c> before it is signed.</summary>
    public Action<JsonObject>? ChangeQeIdentity { get; init; }
}
