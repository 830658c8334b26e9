// SPDX-License-Identifier: Apache-2.0
namespace Coco.Fuzz;

/// <summary>Changes inputs in the same way on every run and machine.</summary>
public sealed class Mutator(ulong seed)
{
    private static readonly byte[] Interesting = [0, 1, 0x7f, 0x80, 0xff, (byte)'"', (byte)'{', (byte)'}', (byte)'[', (byte)']', (byte)'\\', (byte)'\n', (byte)'-', (byte)'9'];
    private ulong _state = (seed * 0x9E3779B97F4A7C15) | 1;

    /// <summary>A number from 0 to below the bound.</summary>
    public int Next(int bound)
    {
        _state ^= _state << 13;
        _state ^= _state >> 7;
        _state ^= _state << 17;
        return bound <= 0 ? 0 : (int)(_state % (ulong)bound);
    }

    /// <summary>An input with a few changes; may be joined with a part of another one.</summary>
    public byte[] Mutate(byte[] input, IReadOnlyList<byte[]> others)
    {
        var bytes = new List<byte>(input);
        for (int edits = 1 + Next(4); edits > 0; edits--)
        {
            int at = Next(bytes.Count + 1);
            int length = Math.Min(1 + Next(16), bytes.Count - at);
            switch (Next(7))
            {
                case 0 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << Next(8));
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] = Interesting[Next(Interesting.Length)];
                    break;
                case 2:
                    bytes.RemoveRange(at, length);
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                case 4:
                    bytes.Insert(at, Interesting[Next(Interesting.Length)]);
                    break;
                case 5:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    byte[] other = others[Next(others.Count)];
                    int from = Next(other.Length);
                    bytes.InsertRange(at, other.AsSpan(from, Math.Min(1 + Next(64), other.Length - from)).ToArray());
                    break;
            }
        }

        return [.. bytes];
    }
}
