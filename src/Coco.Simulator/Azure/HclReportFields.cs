// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Coco.Tee.Azure;

namespace Coco.Simulator.Azure;

/// <summary>Every field of a paravisor's report, to be set at will.</summary>
public sealed class HclReportFields
{
    /// <summary>First four bytes.</summary>
    public byte[] Signature { get; set; } = "HCLA"u8.ToArray();

    /// <summary>Version of the header.</summary>
    public uint Version { get; set; } = 2;

    /// <summary>Kind of the hardware report.</summary>
    public uint ReportType { get; set; } = (uint)HclReportType.Snp;

    /// <summary>Hash of the variable data: 1 for SHA-256.</summary>
    public uint HashType { get; set; } = 1;

    /// <summary>Length of the variable data that the report states; the true one when null.</summary>
    public uint? VariableDataSize { get; set; }

    /// <summary>The variable data.</summary>
    public JsonObject VariableData { get; set; } = [];

    /// <summary>Their text when it is not that of <see cref="VariableData"/>.</summary>
    public byte[]? VariableDataBytes { get; set; }

    /// <summary>Changes the variable data after the hardware vouched for them.</summary>
    public Action<JsonObject>? ChangeAfterwards { get; set; }

    /// <summary>Changes the hardware report's report data, which are the digest of the variable data.</summary>
    public Action<byte[]>? ChangeReportData { get; set; }

    /// <summary>The variable data's bytes.</summary>
    public byte[] EncodeVariableData() => VariableDataBytes ?? System.Text.Encoding.UTF8.GetBytes(VariableData.ToJsonString());

    /// <summary>The report around a hardware report (at most 1184 bytes), padded to the size of the NV index.</summary>
    public byte[] Encode(ReadOnlySpan<byte> hardwareReport)
    {
        byte[] variable = EncodeVariableData();
        byte[] bytes = new byte[Math.Max(2600, 1236 + variable.Length)];
        Signature.CopyTo(bytes, 0);
        Write(bytes, 4, Version);
        Write(bytes, 8, (uint)(1236 + variable.Length));
        Write(bytes, 12, 2);
        hardwareReport.CopyTo(bytes.AsSpan(32));
        Write(bytes, 1216, (uint)(variable.Length + 20));
        Write(bytes, 1220, 1);
        Write(bytes, 1224, ReportType);
        Write(bytes, 1228, HashType);
        Write(bytes, 1232, VariableDataSize ?? (uint)variable.Length);
        variable.CopyTo(bytes, 1236);
        return bytes;
    }

    private static void Write(byte[] bytes, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), value);
}
