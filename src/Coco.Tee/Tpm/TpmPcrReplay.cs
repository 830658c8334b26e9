// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Tee.EventLogs;

namespace Coco.Tee.Tpm;

/// <summary>What PCRs hold after the events of a TCG2 log.</summary>
/// <remarks>
/// Source: TCG PC Client Platform Firmware Profile 1.05, sections 3.3.4 and 10.4.5.3. Other than registers of CPU TEEs, PCRs are not extended by
/// EV_NO_ACTION, and PCR 0 begins with the locality that the TPM was started from.
/// </remarks>
public static class TpmPcrReplay
{
    private static ReadOnlySpan<byte> StartupLocality => "StartupLocality\0"u8;

    /// <summary>The registers that the log extends, and their values; registers that it does not mention are left out.</summary>
    /// <param name="log">The log.</param>
    /// <param name="bank">SHA-256, SHA-384 or SHA-512.</param>
    public static ImmutableSortedDictionary<int, ReadOnlyMemory<byte>> Replay(CcEventLog log, TcgAlgorithm bank)
    {
        ArgumentNullException.ThrowIfNull(log);
        var values = new SortedDictionary<int, byte[]>();
        Span<byte> buffer = stackalloc byte[2 * TcgAlgorithms.MaxDigestLength];
        foreach (CcEvent one in log.Events)
        {
            if (one.Type == TcgEventType.NoAction)
            {
                continue;
            }

            foreach (EventDigest digest in one.Digests)
            {
                if (digest.Algorithm != bank)
                {
                    continue;
                }

                int register = (int)Math.Min(one.Register, int.MaxValue);
                if (!values.TryGetValue(register, out byte[]? value))
                {
                    value = Initial(log, register, bank);
                    values.Add(register, value);
                }

                value.CopyTo(buffer);
                digest.Value.Span.CopyTo(buffer[value.Length..]);
                bank.HashData(buffer[..(value.Length + digest.Value.Length)], value);
            }
        }

        return values.ToImmutableSortedDictionary(p => p.Key, p => (ReadOnlyMemory<byte>)p.Value);
    }

    /// <summary>Value of a register after start-up: all ones for the dynamic ones, zeros for the others; PCR 0 holds the locality that the log names.</summary>
    /// <param name="log">The log.</param>
    /// <param name="register">The register.</param>
    /// <param name="bank">SHA-256, SHA-384 or SHA-512.</param>
    public static byte[] Initial(CcEventLog log, int register, TcgAlgorithm bank)
    {
        ArgumentNullException.ThrowIfNull(log);
        byte[] value = new byte[bank.DigestLength()];
        if (register is >= 17 and <= 22)
        {
            value.AsSpan().Fill(0xFF);
        }
        else if (register == 0)
        {
            value[^1] = Locality(log);
        }

        return value;
    }

    private static byte Locality(CcEventLog log)
    {
        byte locality = 0;
        foreach (CcEvent one in log.Events)
        {
            if (one.Type == TcgEventType.NoAction && one.Register == 0 && one.Data.Length == StartupLocality.Length + 1 && one.Data.Span.StartsWith(StartupLocality))
            {
                locality = one.Data.Span[^1];
            }
        }

        return locality;
    }
}
