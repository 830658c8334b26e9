// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Coco.Tee.Tpm;

/// <summary>The register values that came with a quote, by bank.</summary>
/// <param name="Banks">Values in the order of the registers, from PCR 0.</param>
public sealed record TpmPcrValues(ImmutableDictionary<TpmAlgorithm, ImmutableArray<ReadOnlyMemory<byte>>> Banks)
{
    /// <summary>Registers that the trusted boot standards use.</summary>
    public const int Count = 24;

    /// <summary>Only the SHA-256 bank.</summary>
    public static TpmPcrValues OfSha256(ImmutableArray<ReadOnlyMemory<byte>> values) =>
        new(ImmutableDictionary<TpmAlgorithm, ImmutableArray<ReadOnlyMemory<byte>>>.Empty.Add(TpmAlgorithm.Sha256, values));

    /// <summary>The value of one register; null when it did not come.</summary>
    public ReadOnlyMemory<byte>? Value(TpmAlgorithm bank, int index) =>
        Banks.TryGetValue(bank, out ImmutableArray<ReadOnlyMemory<byte>> values) && (uint)index < values.Length ? values[index] : null;

    /// <summary>The digest that a TPM makes of the selected registers: their values in ascending order, bank by bank.</summary>
    /// <param name="selections">As in the quote.</param>
    /// <param name="hash">The hash of the signing scheme.</param>
    public Result<ReadOnlyMemory<byte>> Digest(ImmutableArray<TpmPcrSelection> selections, HashAlgorithmName hash)
    {
        using var digest = IncrementalHash.CreateHash(hash);
        foreach (TpmPcrSelection selection in selections)
        {
            for (int i = 0; i < 32; i++)
            {
                if (!selection.Contains(i))
                {
                    continue;
                }

                if (Value(selection.Hash, i) is not { } value)
                {
                    return new Refusal(RefusalCode.Mismatch, $"the quote covers PCR {i} of bank 0x{(ushort)selection.Hash:x4}, whose value did not come with it")
                    {
                        Field = "pcrs",
                    };
                }

                if (value.Length != selection.Hash.DigestSize())
                {
                    return Refusal.Malformed("pcrs", i, $"PCR {i} has {value.Length} bytes in bank 0x{(ushort)selection.Hash:x4}");
                }

                digest.AppendData(value.Span);
            }
        }

        return (ReadOnlyMemory<byte>)digest.GetHashAndReset();
    }
}
