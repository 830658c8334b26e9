// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Snp;

/// <summary>Which key signed a report (KEY_INFO bits 4:2).</summary>
public enum SnpSigningKey
{
    /// <summary>Versioned chip endorsement key.</summary>
    Vcek = 0,

    /// <summary>Versioned loaded endorsement key, of a cloud provider.</summary>
    Vlek = 1,

    /// <summary>None: the report is not signed.</summary>
    None = 7,
}

/// <summary>KEY_INFO (publication 56860, table "ATTESTATION_REPORT Structure", offset 0x48).</summary>
/// <param name="Value">The 32-bit field.</param>
public readonly record struct SnpKeyInfo(uint Value)
{
    /// <summary>Bit 0: AUTHOR_KEY_DIGEST holds the digest of the author key.</summary>
    public bool AuthorKeyEnabled => (Value & 1) != 0;

    /// <summary>Bit 1: the host masks the chip key.</summary>
    public bool MaskChipKey => (Value >> 1 & 1) != 0;

    /// <summary>Bits 4:2; values other than those named are reserved.</summary>
    public SnpSigningKey SigningKey => (SnpSigningKey)(Value >> 2 & 7);

    /// <summary>Bits 31:5, must be zero.</summary>
    public uint Reserved => Value >> 5;
}
