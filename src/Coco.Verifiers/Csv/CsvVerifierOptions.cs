// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers.Csv;

/// <summary>What the verifiers of CSV and DCU trust, and where HSK and CEK come from.</summary>
public sealed record CsvVerifierOptions
{
    /// <summary>Root keys. Default: Hygon's.</summary>
    public IReadOnlyList<HygonRoot> Roots { get; init; } = [HygonRoot.BuiltIn];

    /// <summary>Where HSK and CEK of a chip are asked for when the evidence does not bring them. Default: nowhere.</summary>
    public ICollateralProvider? Collateral { get; init; }
}
