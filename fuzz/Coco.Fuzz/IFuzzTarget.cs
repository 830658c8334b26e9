// SPDX-License-Identifier: Apache-2.0
namespace Coco.Fuzz;

/// <summary>Something that takes bytes from outside. Found by reflection: needs a constructor without parameters.</summary>
public interface IFuzzTarget
{
    /// <summary>The word that selects it.</summary>
    string Name { get; }

    /// <summary>Inputs to start from: well-formed ones, so that mutations get past the first check.</summary>
    IReadOnlyList<byte[]> Seeds { get; }

    /// <summary>Takes an input. Any exception that leaves it is a finding.</summary>
    void Run(ReadOnlySpan<byte> input);
}
