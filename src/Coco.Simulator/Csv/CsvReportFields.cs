// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using Coco.ShangMi;
using Coco.Tee.Csv;

namespace Coco.Simulator.Csv;

/// <summary>Every field of a CSV report, to be set at will.</summary>
public sealed class CsvReportFields
{
    /// <summary>1 or 2.</summary>
    public int Version { get; set; } = 1;

    /// <summary>Magic of the wrapper; the right one when null.</summary>
    public byte[]? Magic { get; set; }

    /// <summary>Flags of the wrapper; the right ones when null.</summary>
    public uint? Flags { get; set; }

    /// <summary>Report data, at most 64 bytes.</summary>
    public byte[] ReportData { get; set; } = [];

    /// <summary>The guest's nonce, 16 bytes.</summary>
    public byte[] Mnonce { get; set; } = RandomNumberGenerator.GetBytes(16);

    /// <summary>Measurement, 32 bytes.</summary>
    public byte[] Measure { get; set; } = Sm3.HashData("a simulated guest"u8);

    /// <summary>Policy; default NODBG, NOKS, ES, CSV, API 1.3.</summary>
    public uint Policy { get; set; } = 0x0301_0027;

    /// <summary>Usage of the signing key.</summary>
    public uint SignatureUsage { get; set; } = (uint)HygonKeyUsage.Pek;

    /// <summary>Algorithm of the signature.</summary>
    public uint SignatureAlgorithm { get; set; } = CsvSignatureBlock.Sm2Signature;

    /// <summary>Version 1: the mask. Version 2: the build number.</summary>
    public uint AnonceOrBuild { get; set; } = 0x5D37_1A2B;

    /// <summary>Version 2: registers, 32 bytes each.</summary>
    public byte[][] Rtmrs { get; set; } = [new byte[32], new byte[32], new byte[32], new byte[32], new byte[32]];

    /// <summary>Changes the bytes after they were signed.</summary>
    public Action<byte[]>? AfterSigning { get; set; }

    /// <summary>XORs a field with the mask, from its own beginning.</summary>
    public void Mask(Span<byte> field)
    {
        Span<byte> mask = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(mask, AnonceOrBuild);
        for (int i = 0; i < field.Length; i++)
        {
            field[i] ^= mask[i % 4];
        }
    }

    /// <summary>TeeInfo without its signature, masked as its version demands.</summary>
    public byte[] Encode()
    {
        byte[] bytes = new byte[Version == 1 ? CsvReport.Version1Size : CsvReport.Version2Size];
        Sm3.HashData("owner"u8).CopyTo(bytes, 0);
        bytes[0x20] = 1;
        bytes[0x30] = 2;
        ReportData.CopyTo(bytes, 0x40);
        Mnonce.CopyTo(bytes, 0x80);
        Measure.CopyTo(bytes, 0x90);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0xB0), Policy);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0xB4), SignatureUsage);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0xB8), SignatureAlgorithm);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(0xBC), AnonceOrBuild);
        if (Version == 1)
        {
            Mask(bytes.AsSpan(0, 0xBC));
            return bytes;
        }

        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(0xC0), 1);
        for (int i = 0; i < Rtmrs.Length; i++)
        {
            Rtmrs[i].CopyTo(bytes, 0xD0 + (32 * i));
        }

        return bytes;
    }
}
