// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Nvidia;

/// <summary>One measurement block.</summary>
/// <param name="Index">Its index, 1 to 255.</param>
/// <param name="Type">DMTF measurement type.</param>
/// <param name="Value">Its value, mostly 48 bytes.</param>
public sealed record SpdmMeasurement(int Index, byte Type, ReadOnlyMemory<byte> Value);
