// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Csv;

/// <summary>What a Hygon key is for (tee-evidence.md 9.1).</summary>
public enum HygonKeyUsage : uint
{
    /// <summary>Root key.</summary>
    Hrk = 0,

    /// <summary>Signing key.</summary>
    Hsk = 0x13,

    /// <summary>An empty signature block.</summary>
    None = 0x1000,

    /// <summary>Owner's certificate authority.</summary>
    Oca = 0x1001,

    /// <summary>Platform endorsement key.</summary>
    Pek = 0x1002,

    /// <summary>Platform Diffie-Hellman key.</summary>
    Pdh = 0x1003,

    /// <summary>Chip endorsement key.</summary>
    Cek = 0x1004,
}
