// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.EventLogs;

/// <summary>Which register of a confidential guest stands for which PCR (UEFI 2.10, table of section 38.4.1; tee-evidence.md 4.4, 5).</summary>
public static class MeasurementRegisters
{
    /// <summary>Number of RTMRs of a TD.</summary>
    public const int RtmrCount = 4;

    /// <summary>The log index for a PCR on TDX, as the attestation agent chooses it: 1 to 4, since PCR 0 is fixed by the launch.</summary>
    public static uint ForTdx(uint pcr) => pcr switch
    {
        1 or 7 => 1,
        >= 2 and <= 6 => 2,
        >= 8 and <= 15 => 3,
        _ => 4,
    };

    /// <summary>The log index for a PCR on Hygon CSV.</summary>
    public static uint ForCsv(uint pcr) => pcr == 0 ? 0 : ForTdx(pcr);
}
