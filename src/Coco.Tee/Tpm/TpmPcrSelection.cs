// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Tpm;

/// <summary>TPMS_PCR_SELECTION: which registers of one bank a quote covers.</summary>
/// <param name="Hash">The bank.</param>
/// <param name="Bitmap">Bit n is PCR n.</param>
public readonly record struct TpmPcrSelection(TpmAlgorithm Hash, uint Bitmap)
{
    /// <summary>PCR 0 to 23.</summary>
    public const uint AllTwentyFour = 0x00FF_FFFF;

    /// <summary>Whether PCR <paramref name="index"/> is covered.</summary>
    public bool Contains(int index) => (uint)index < 32 && (Bitmap >> index & 1) != 0;
}
