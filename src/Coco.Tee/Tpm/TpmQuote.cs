// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Tee.Tpm;

/// <summary>TPMS_ATTEST of type TPM_ST_ATTEST_QUOTE: what the attestation key signed. Nothing in it is checked yet.</summary>
/// <remarks>Source: TPM 2.0 Library, Part 2, 10.12; tee-evidence.md 6.1. All numbers are big-endian.</remarks>
public sealed class TpmQuote
{
    /// <summary>TPM_GENERATED_VALUE: only the TPM itself signs data that start so.</summary>
    public const uint Magic = 0xFF54_4347;

    /// <summary>TPM_ST_ATTEST_QUOTE.</summary>
    public const ushort QuoteType = 0x8018;

    private const int Longest = 2048;
    private const int MostBanks = 16;

    private TpmQuote(ReadOnlyMemory<byte> raw) => Raw = raw;

    /// <summary>All bytes: what is signed.</summary>
    public ReadOnlyMemory<byte> Raw { get; }

    /// <summary>Name of the signing key (algorithm and digest).</summary>
    public ReadOnlyMemory<byte> QualifiedSigner { get; private init; }

    /// <summary>Qualifying data: the nonce.</summary>
    public ReadOnlyMemory<byte> ExtraData { get; private init; }

    /// <summary>Milliseconds that the TPM was powered.</summary>
    public ulong Clock { get; private init; }

    /// <summary>TPM resets so far.</summary>
    public uint ResetCount { get; private init; }

    /// <summary>Restarts and resumes since the last reset.</summary>
    public uint RestartCount { get; private init; }

    /// <summary>Whether the clock never ran backwards.</summary>
    public bool Safe { get; private init; }

    /// <summary>The vendor's firmware version.</summary>
    public ulong FirmwareVersion { get; private init; }

    /// <summary>The registers covered, bank by bank, in the order in which they are hashed.</summary>
    public ImmutableArray<TpmPcrSelection> Selections { get; private init; }

    /// <summary>Digest over the values of the selected registers.</summary>
    public ReadOnlyMemory<byte> PcrDigest { get; private init; }

    /// <summary>Reads it; every byte has to belong to it.</summary>
    public static Result<TpmQuote> Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > Longest)
        {
            return new Refusal(RefusalCode.TooLarge, $"TPMS_ATTEST: {bytes.Length} bytes, at most {Longest} accepted") { Field = "TPMS_ATTEST" };
        }

        var reader = new ByteReader(bytes.Span);
        if (!reader.TryReadUInt32BigEndian(out uint magic) || magic != Magic)
        {
            return Refusal.Malformed("TPMS_ATTEST.magic", 0, "not TPM_GENERATED_VALUE");
        }

        if (!reader.TryReadUInt16BigEndian(out ushort type) || type != QuoteType)
        {
            return Refusal.Malformed("TPMS_ATTEST.type", 4, "not TPM_ST_ATTEST_QUOTE");
        }

        if (!TryReadSized(ref reader, bytes, out ReadOnlyMemory<byte> signer))
        {
            return Short("qualifiedSigner", reader.Offset);
        }

        if (!TryReadSized(ref reader, bytes, out ReadOnlyMemory<byte> extra))
        {
            return Short("extraData", reader.Offset);
        }

        if (!reader.TryReadUInt64BigEndian(out ulong clock) || !reader.TryReadUInt32BigEndian(out uint resets)
            || !reader.TryReadUInt32BigEndian(out uint restarts) || !reader.TryReadByte(out byte safe)
            || !reader.TryReadUInt64BigEndian(out ulong firmware))
        {
            return Short("clockInfo", reader.Offset);
        }

        if (safe > 1)
        {
            return Refusal.Malformed("TPMS_ATTEST.clockInfo.safe", reader.Offset - 9, "neither yes nor no");
        }

        if (!ReadSelections(ref reader).TryGet(out ImmutableArray<TpmPcrSelection> selections, out Refusal? refusal))
        {
            return refusal;
        }

        if (!TryReadSized(ref reader, bytes, out ReadOnlyMemory<byte> digest))
        {
            return Short("attested.pcrDigest", reader.Offset);
        }

        if (reader.Remaining != 0)
        {
            return Refusal.Malformed("TPMS_ATTEST", reader.Offset, $"{reader.Remaining} bytes after the end");
        }

        return new TpmQuote(bytes)
        {
            QualifiedSigner = signer,
            ExtraData = extra,
            Clock = clock,
            ResetCount = resets,
            RestartCount = restarts,
            Safe = safe == 1,
            FirmwareVersion = firmware,
            Selections = selections,
            PcrDigest = digest,
        };
    }

    /// <summary>TPML_PCR_SELECTION.</summary>
    private static Result<ImmutableArray<TpmPcrSelection>> ReadSelections(ref ByteReader reader)
    {
        if (!reader.TryReadUInt32BigEndian(out uint count))
        {
            return Short("attested.pcrSelect.count", reader.Offset);
        }

        if (count > MostBanks)
        {
            return new Refusal(RefusalCode.TooLarge, $"TPMS_ATTEST.attested.pcrSelect.count: {count} banks") { Field = "TPMS_ATTEST.attested.pcrSelect.count" };
        }

        var selections = ImmutableArray.CreateBuilder<TpmPcrSelection>((int)count);
        for (uint i = 0; i < count; i++)
        {
            if (!reader.TryReadUInt16BigEndian(out ushort hash) || !reader.TryReadByte(out byte size))
            {
                return Short("attested.pcrSelect.pcrSelections", reader.Offset);
            }

            if (size > 4 || !reader.TryRead(size, out ReadOnlySpan<byte> map))
            {
                return Refusal.Malformed("TPMS_ATTEST.attested.pcrSelect.sizeofSelect", reader.Offset - 1, "more than 32 registers, or over the end");
            }

            uint bitmap = 0;
            for (int n = 0; n < map.Length; n++)
            {
                bitmap |= (uint)map[n] << (8 * n);
            }

            foreach (TpmPcrSelection earlier in selections)
            {
                if ((ushort)earlier.Hash == hash)
                {
                    return Refusal.Malformed("TPMS_ATTEST.attested.pcrSelect.hash", reader.Offset, "the same bank twice");
                }
            }

            selections.Add(new TpmPcrSelection((TpmAlgorithm)hash, bitmap));
        }

        return selections.ToImmutable();
    }

    private static bool TryReadSized(ref ByteReader reader, ReadOnlyMemory<byte> all, out ReadOnlyMemory<byte> field)
    {
        if (reader.TryReadPrefixed16BigEndian(out ByteReader inner))
        {
            field = all.Slice(inner.Offset, inner.Remaining);
            return true;
        }

        field = default;
        return false;
    }

    private static Refusal Short(string field, int offset) => Refusal.Malformed("TPMS_ATTEST." + field, offset, "ends too early");
}
