// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Coco.Simulator.Nvidia;

/// <summary>Every field of a GPU's report, to be set at will before it is signed.</summary>
public sealed class SpdmReportFields
{
    /// <summary>Architecture that the evidence states.</summary>
    public string Architecture { get; set; } = "HOPPER";

    /// <summary>Chain that the evidence brings, PEM.</summary>
    public string CertificateChain { get; set; } = string.Empty;

    /// <summary>First bytes of the request.</summary>
    public byte[] RequestHead { get; set; } = [0x11, 0xE0, 1, 0xFF];

    /// <summary>The request's nonce, 32 bytes.</summary>
    public byte[] RequestNonce { get; set; } = new byte[32];

    /// <summary>First bytes of the response.</summary>
    public byte[] ResponseHead { get; set; } = [0x11, 0x60, 0, 0];

    /// <summary>Measurements by block index.</summary>
    public SortedDictionary<int, byte[]> Measurements { get; } = new()
    {
        [1] = new byte[48],
        [2] = SHA384.HashData("measurement 2"u8),
        [3] = SHA384.HashData("measurement 3"u8),
    };

    /// <summary>Measurement specification of the blocks: 1 for DMTF.</summary>
    public byte Specification { get; set; } = 1;

    /// <summary>Number of blocks that the response states; the true one when null.</summary>
    public byte? BlockCount { get; set; }

    /// <summary>Firmware digest of the opaque data; left out when null.</summary>
    public byte[]? Fwid { get; set; }

    /// <summary>Driver version; left out when null.</summary>
    public string? DriverVersion { get; set; } = "550.90.07";

    /// <summary>VBIOS version bytes; left out when null.</summary>
    public byte[]? VbiosVersion { get; set; } = [0x00, 0x9F, 0x00, 0x96, 0x01, 0, 0, 0];

    /// <summary>Further opaque items.</summary>
    public IList<(ushort Type, byte[] Value)> Opaque { get; } = [];

    /// <summary>Changes the signed bytes and the signature.</summary>
    public Action<byte[], byte[]>? AfterSigning { get; set; }

    /// <summary>Request and response up to the signature.</summary>
    public byte[] Encode()
    {
        var blocks = new List<byte>();
        foreach ((int index, byte[] value) in Measurements)
        {
            blocks.Add((byte)index);
            blocks.Add(Specification);
            blocks.AddRange(Little16(value.Length + 3));
            blocks.Add(0);
            blocks.AddRange(Little16(value.Length));
            blocks.AddRange(value);
        }

        var opaque = new List<byte>();
        void Item(int type, byte[]? value)
        {
            if (value is not null)
            {
                opaque.AddRange(Little16(type));
                opaque.AddRange(Little16(value.Length));
                opaque.AddRange(value);
            }
        }

        Item(3, DriverVersion is null ? null : Encoding.ASCII.GetBytes(DriverVersion + "\0"));
        Item(6, VbiosVersion);
        Item(20, Fwid);
        foreach ((ushort type, byte[] value) in Opaque)
        {
            Item(type, value);
        }

        return
        [
            .. RequestHead, .. RequestNonce, 0,
            .. ResponseHead, BlockCount ?? (byte)Measurements.Count, (byte)blocks.Count, (byte)(blocks.Count >> 8), (byte)(blocks.Count >> 16), .. blocks,
            .. SHA256.HashData("response nonce"u8),
            .. Little16(opaque.Count), .. opaque,
        ];
    }

    private static byte[] Little16(int value)
    {
        byte[] bytes = new byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)value);
        return bytes;
    }
}
