// SPDX-License-Identifier: Apache-2.0
namespace Coco.Fuzz;

/// <summary>Targets that differ only in the parser that they feed. Found by reflection: needs a constructor without parameters.</summary>
public interface IFuzzTargetGroup
{
    /// <summary>Its targets.</summary>
    IEnumerable<IFuzzTarget> Targets { get; }
}
