// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Intel;

/// <summary>What identifies the platform's certification key in a quote (tee-evidence.md 3.2).</summary>
public enum CertificationDataType
{
    /// <summary>The platform's identifier in the clear, with its versions.</summary>
    PpidPlain = 1,

    /// <summary>The identifier encrypted with RSA-2048-OAEP.</summary>
    PpidRsa2048 = 2,

    /// <summary>The identifier encrypted with RSA-3072-OAEP.</summary>
    PpidRsa3072 = 3,

    /// <summary>The PCK leaf certificate.</summary>
    PckLeaf = 4,

    /// <summary>The PCK chain in PEM: leaf, intermediate, root.</summary>
    PckChain = 5,

    /// <summary>The layer of versions 4 and 5 that holds the QE report and the data of another type.</summary>
    QeReport = 6,

    /// <summary>The platform manifest.</summary>
    PlatformManifest = 7,
}
