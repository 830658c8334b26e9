// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Coco;

/// <summary>PEM (RFC 7468) from outside.</summary>
public static class PemBlocks
{
    /// <summary>The first block of a text; false when there is none that decodes.</summary>
    public static bool TryFirst(ReadOnlySpan<char> pem, [NotNullWhen(true)] out string? label, [NotNullWhen(true)] out byte[]? der)
    {
        if (PemEncoding.TryFind(pem, out PemFields fields))
        {
            byte[] bytes = new byte[fields.DecodedDataLength];
            if (Convert.TryFromBase64Chars(pem[fields.Base64Data], bytes, out int written) && written == bytes.Length)
            {
                label = pem[fields.Label].ToString();
                der = bytes;
                return true;
            }
        }

        label = null;
        der = null;
        return false;
    }

    /// <summary>All blocks with a label, in their order; blocks of other labels are passed over.</summary>
    /// <param name="pem">The text.</param>
    /// <param name="label">For example <c>CERTIFICATE</c>.</param>
    /// <param name="maxBlocks">More are refused.</param>
    public static Result<ImmutableArray<byte[]>> All(ReadOnlySpan<char> pem, string label, int maxBlocks = 64)
    {
        var blocks = new List<byte[]>();
        while (PemEncoding.TryFind(pem, out PemFields fields))
        {
            if (pem[fields.Label].SequenceEqual(label))
            {
                if (blocks.Count == maxBlocks)
                {
                    return new Refusal(RefusalCode.TooLarge, $"more than {maxBlocks} PEM blocks");
                }

                byte[] der = new byte[fields.DecodedDataLength];
                if (!Convert.TryFromBase64Chars(pem[fields.Base64Data], der, out int written) || written != der.Length)
                {
                    return new Refusal(RefusalCode.Malformed, "a PEM block is not base64");
                }

                blocks.Add(der);
            }

            pem = pem[fields.Location.End..];
        }

        return blocks.ToImmutableArray();
    }
}
