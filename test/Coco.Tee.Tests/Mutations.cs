// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Tests;

/// <summary>Seeded mutations of an input for parsers: what they do is the same in every run.</summary>
internal static class Mutations
{
    /// <summary>Gives so many variants: bits flipped, bytes set, cut, grown, spliced.</summary>
    public static IEnumerable<byte[]> Of(byte[] input, int seed, int count)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            var bytes = new List<byte>(input);
            for (int change = random.Next(1, 5); change > 0 && bytes.Count > 0; change--)
            {
                int at = random.Next(bytes.Count);
                switch (random.Next(6))
                {
                    case 0:
                        bytes[at] ^= (byte)(1 << random.Next(8));
                        break;
                    case 1:
                        bytes[at] = (byte)random.Next(256);
                        break;
                    case 2:
                        bytes[at] = (byte)(random.Next(2) * 255);
                        break;
                    case 3:
                        bytes.RemoveRange(at, bytes.Count - at);
                        break;
                    case 4:
                        bytes.InsertRange(at, input.AsSpan(0, random.Next(input.Length)).ToArray());
                        break;
                    default:
                        bytes.RemoveRange(at, random.Next(bytes.Count - at) + 1);
                        break;
                }
            }

            yield return [.. bytes];
        }
    }
}
