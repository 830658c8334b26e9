// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Snp;

/// <summary>PLATFORM_INFO: how the host is set up (publication 56860, table "PLATFORM_INFO Field").</summary>
/// <param name="Value">The 64-bit field.</param>
public readonly record struct SnpPlatformInfo(ulong Value)
{
    /// <summary>Bit 0: simultaneous multithreading is enabled.</summary>
    public bool SmtEnabled => Bit(0);

    /// <summary>Bit 1: transparent SME is enabled.</summary>
    public bool TsmeEnabled => Bit(1);

    /// <summary>Bit 2: memory with error correction.</summary>
    public bool EccEnabled => Bit(2);

    /// <summary>Bit 3: running average power limit is disabled.</summary>
    public bool RaplDisabled => Bit(3);

    /// <summary>Bit 4: ciphertext hiding is enabled for DRAM.</summary>
    public bool CiphertextHidingDramEnabled => Bit(4);

    /// <summary>Bit 5: the check for aliased memory has completed.</summary>
    public bool AliasCheckComplete => Bit(5);

    /// <summary>Bit 7: trusted I/O is enabled.</summary>
    public bool TioEnabled => Bit(7);

    private bool Bit(int n) => (Value >> n & 1) != 0;
}
