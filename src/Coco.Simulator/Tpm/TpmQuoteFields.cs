// SPDX-License-Identifier: Apache-2.0
using Coco.Tee.Tpm;

namespace Coco.Simulator.Tpm;

/// <summary>Every field of a quote, to be set at will before it is signed, and what is handed over beside it.</summary>
public sealed class TpmQuoteFields
{
    /// <summary>TPM_GENERATED.</summary>
    public uint Magic { get; set; } = TpmQuote.Magic;

    /// <summary>TPMI_ST_ATTEST.</summary>
    public ushort Type { get; set; } = TpmQuote.QuoteType;

    /// <summary>Name of the signing key.</summary>
    public byte[] QualifiedSigner { get; set; } = [0, 0x0B, .. new byte[32]];

    /// <summary>The nonce.</summary>
    public byte[] ExtraData { get; set; } = [];

    /// <summary>Clock in milliseconds.</summary>
    public ulong Clock { get; set; } = 1000;

    /// <summary>Reset count.</summary>
    public uint ResetCount { get; set; } = 1;

    /// <summary>Restart count.</summary>
    public uint RestartCount { get; set; }

    /// <summary>TPMI_YES_NO.</summary>
    public byte Safe { get; set; } = 1;

    /// <summary>Firmware version.</summary>
    public ulong FirmwareVersion { get; set; } = 0x2019_1023_0016_3636;

    /// <summary>Banks and registers.</summary>
    public IList<TpmPcrSelection> Selections { get; } = [new TpmPcrSelection(TpmAlgorithm.Sha256, TpmPcrSelection.AllTwentyFour)];

    /// <summary>PCR digest; computed from the registers when null.</summary>
    public byte[]? PcrDigest { get; set; }

    /// <summary>Bytes put after the structure.</summary>
    public byte[] Trailing { get; set; } = [];

    /// <summary>The registers that are handed over beside the quote; the TPM's own when null.</summary>
    public byte[][]? HandedOver { get; set; }

    /// <summary>Changes the message after it was signed.</summary>
    public Action<byte[]>? ChangeMessage { get; set; }

    /// <summary>Changes the signature.</summary>
    public Action<byte[]>? ChangeSignature { get; set; }

    /// <summary>The structure's bytes.</summary>
    public byte[] Encode(byte[] digest)
    {
        BigEndianWriter writer = new BigEndianWriter()
            .UInt32(Magic).UInt16(Type).Sized(QualifiedSigner).Sized(ExtraData)
            .UInt64(Clock).UInt32(ResetCount).UInt32(RestartCount).Byte(Safe).UInt64(FirmwareVersion)
            .UInt32((uint)Selections.Count);
        foreach (TpmPcrSelection selection in Selections)
        {
            writer.UInt16((ushort)selection.Hash).Byte(3).Byte((byte)selection.Bitmap).Byte((byte)(selection.Bitmap >> 8)).Byte((byte)(selection.Bitmap >> 16));
        }

        return writer.Sized(PcrDigest ?? digest).Bytes(Trailing).ToArray();
    }
}
