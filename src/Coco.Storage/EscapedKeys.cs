// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using System.Text;

namespace Coco.Storage;

/// <summary>Names that are no store keys (<see cref="StoreKeys"/>), kept under a prefix as base64url of their UTF-8.</summary>
public static class EscapedKeys
{
    /// <summary>What every escaped key begins with.</summary>
    internal const string Prefix = "__name/";

    /// <summary>The key of a name: the name itself where it is one.</summary>
    public static string Of(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return StoreKeys.Check(name) is null && !name.StartsWith(Prefix, StringComparison.Ordinal) ? name : Prefix + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(name));
    }

    /// <summary>The name that a key stands for.</summary>
    public static string NameOf(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.StartsWith(Prefix, StringComparison.Ordinal) && Base64Url.IsValid(key.AsSpan(Prefix.Length))
            ? Encoding.UTF8.GetString(Base64Url.DecodeFromChars(key.AsSpan(Prefix.Length)))
            : key;
    }
}
