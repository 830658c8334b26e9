// SPDX-License-Identifier: Apache-2.0
using CsCheck;

namespace Coco.Testing;

/// <summary>Inputs near a valid one: bits flipped, bytes replaced, cut, doubled, inserted. The property under test is that nothing throws.</summary>
public static class Mutations
{
    /// <summary>Runs every prefix of the seed (up to 512), then that many random changes.</summary>
    public static void Sample(byte[] seed, Action<byte[]> run, long iterations = 2000)
    {
        for (int cut = 0; cut <= seed.Length; cut += Math.Max(1, seed.Length / 512))
        {
            run(seed[..cut]);
        }

        Gen.Select(Gen.Int[0, seed.Length - 1], Gen.Byte, Gen.Int[0, 5], Gen.Int[0, seed.Length - 1]).Array[1, 4].Sample(
            changes =>
            {
                List<byte> bytes = [.. seed];
                foreach ((int at, byte value, int kind, int other) in changes)
                {
                    if (bytes.Count == 0)
                    {
                        break;
                    }

                    int i = at % bytes.Count;
                    switch (kind)
                    {
                        case 0:
                            bytes[i] ^= (byte)(1 << (value & 7));
                            break;
                        case 1:
                            bytes[i] = value;
                            break;
                        case 2:
                            bytes.Insert(i, value);
                            break;
                        case 3:
                            bytes.RemoveAt(i);
                            break;
                        case 4:
                            bytes[i] = bytes[other % bytes.Count];
                            break;
                        default:
                            bytes[i] = (value & 1) == 0 ? (byte)0 : (byte)0xFF;
                            break;
                    }
                }

                run([.. bytes]);
            },
            iter: iterations);
    }
}
