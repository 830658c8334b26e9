// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers.Nvidia;

/// <summary>What a reference manifest describes.</summary>
public enum NvidiaManifestKind
{
    /// <summary>The driver's part of the measurements.</summary>
    Driver,

    /// <summary>The VBIOS's part of the measurements.</summary>
    Vbios,
}
