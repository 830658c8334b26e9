// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Coco.Rego.Builtins.Crypto;

/// <summary>Blocks of PEM text.</summary>
internal static class PemText
{
    private const int MaxBlocks = 256;

    /// <summary>Takes the first block off the text; false where there is none.</summary>
    public static bool TryNext(ref ReadOnlySpan<char> text, [NotNullWhen(true)] out string? label, [NotNullWhen(true)] out byte[]? der)
    {
        label = null;
        der = null;
        if (!PemEncoding.TryFind(text, out var fields))
        {
            return false;
        }

        label = text[fields.Label].ToString();
        der = new byte[fields.DecodedDataLength];
        if (!Convert.TryFromBase64Chars(text[fields.Base64Data], der, out var written) || written != der.Length)
        {
            der = null;
            return false;
        }

        text = text[fields.Location.End..];
        return true;
    }

    /// <summary>All blocks, at most 256.</summary>
    public static List<(string Label, byte[] Der)> All(string text)
    {
        var blocks = new List<(string Label, byte[] Der)>();
        var rest = text.AsSpan();
        while (blocks.Count < MaxBlocks && TryNext(ref rest, out var label, out var der))
        {
            blocks.Add((label, der));
        }

        return blocks;
    }

    /// <summary>PEM text itself, or what base64 text of it or of DER holds; null where it is neither.</summary>
    public static byte[]? Unwrap(string text, out string? pem)
    {
        pem = null;
        if (text.TrimStart().StartsWith("-----BEGIN", StringComparison.Ordinal))
        {
            pem = text;
            return [];
        }

        if (!Text.Base64Text.TryDecode(text, url: false, out var bytes, out _))
        {
            return null;
        }

        if (bytes.AsSpan().IndexOf("-----BEGIN"u8) >= 0)
        {
            pem = System.Text.Encoding.UTF8.GetString(bytes);
        }

        return bytes;
    }
}
