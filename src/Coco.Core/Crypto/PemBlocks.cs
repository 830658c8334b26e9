// SPDX-License-Identifier: Apache-2.0
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
}
