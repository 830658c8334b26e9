// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.EventLogs;

/// <summary>Cuts the unused area off a log that an attester read from the firmware (tee-evidence.md 4.7).</summary>
public static class CcelTrimming
{
    /// <summary>The part before the end mark; refused when the log is malformed, uses an unknown algorithm, or has no end mark.</summary>
    public static Result<ReadOnlyMemory<byte>> Trim(ReadOnlyMemory<byte> area)
    {
        if (!CcEventLog.Parse(area).TryGet(out CcEventLog? log, out Refusal? refusal))
        {
            return refusal;
        }

        return log.BytesUsed < area.Length
            ? area[..log.BytesUsed]
            : new Refusal(RefusalCode.Malformed, "invalid ccel: no end flag") { Field = "end mark" };
    }
}
