// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Snp;

/// <summary>GUEST_POLICY: what the guest's owner allowed at launch (publication 56860, section "Guest Policy").</summary>
/// <param name="Value">The 64-bit field.</param>
public readonly record struct SnpPolicy(ulong Value)
{
    /// <summary>Bits 7:0, lowest minor ABI version.</summary>
    public byte AbiMinor => (byte)Value;

    /// <summary>Bits 15:8, lowest major ABI version.</summary>
    public byte AbiMajor => (byte)(Value >> 8);

    /// <summary>Bit 16: simultaneous multithreading is allowed.</summary>
    public bool SmtAllowed => Bit(16);

    /// <summary>Bit 17: reserved, must be one.</summary>
    public bool ReservedOne => Bit(17);

    /// <summary>Bit 18: association with a migration agent is allowed.</summary>
    public bool MigrationAgentAllowed => Bit(18);

    /// <summary>Bit 19: debugging is allowed.</summary>
    public bool DebugAllowed => Bit(19);

    /// <summary>Bit 20: the guest may run on one socket only.</summary>
    public bool SingleSocket => Bit(20);

    /// <summary>Bit 21: CXL devices may be populated.</summary>
    public bool CxlAllowed => Bit(21);

    /// <summary>Bit 22: memory must be encrypted with AES-256-XTS.</summary>
    public bool MemoryAes256Xts => Bit(22);

    /// <summary>Bit 23: running average power limit must be disabled.</summary>
    public bool RaplDisabled => Bit(23);

    /// <summary>Bit 24: ciphertext hiding for DRAM must be enabled.</summary>
    public bool CiphertextHidingDram => Bit(24);

    /// <summary>Bit 25: page swap must be disabled.</summary>
    public bool PageSwapDisabled => Bit(25);

    /// <summary>Bits 63:26, must be zero.</summary>
    public ulong Reserved => Value >> 26;

    private bool Bit(int n) => (Value >> n & 1) != 0;
}
