// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using System.Text;

namespace Coco.ReferenceValues;

/// <summary>Rules for the names of reference values, and where a name is kept in a store.</summary>
internal static class ReferenceValueName
{
    internal const int MaxBytes = 256;

    // A store key is narrower than a name: what does not fit goes below this prefix, as base64url of the name.
    private const string EscapedPrefix = "__name/";

    /// <summary>Refuses what is too long, holds control characters, or climbs (<c>..</c>).</summary>
    public static Refusal? Check(string name)
    {
        if (name.Length == 0 || name.Length > MaxBytes || Encoding.UTF8.GetByteCount(name) > MaxBytes)
        {
            return new Refusal(RefusalCode.Malformed, $"reference value name must have 1 to {MaxBytes} bytes, found {name.Length} characters") { Field = "name" };
        }

        for (int i = 0; i < name.Length; i++)
        {
            if (char.IsSurrogate(name[i]) && !(char.IsHighSurrogate(name[i]) && i + 1 < name.Length && char.IsLowSurrogate(name[++i])))
            {
                return new Refusal(RefusalCode.Malformed, "reference value name is not well-formed Unicode") { Field = "name" };
            }

            if (char.IsControl(name[i]))
            {
                return new Refusal(RefusalCode.Malformed, $"reference value name holds the control character U+{(int)name[i]:X4}") { Field = "name" };
            }
        }

        foreach (string segment in name.Split('/', '\\'))
        {
            if (segment is "." or "..")
            {
                return new Refusal(RefusalCode.Malformed, $"reference value name '{name}' has the segment '{segment}'") { Field = "name" };
            }
        }

        return null;
    }

    /// <summary>The store key of a checked name: the name itself where the store takes it, as the reference does.</summary>
    public static string ToKey(string name) =>
        IsPlain(name) ? name : EscapedPrefix + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(name));

    /// <summary>The name that a store key stands for.</summary>
    public static string FromKey(string key)
    {
        if (!key.StartsWith(EscapedPrefix, StringComparison.Ordinal) || !Base64Url.IsValid(key.AsSpan(EscapedPrefix.Length)))
        {
            return key;
        }

        return Encoding.UTF8.GetString(Base64Url.DecodeFromChars(key.AsSpan(EscapedPrefix.Length)));
    }

    private static bool IsPlain(string name)
    {
        if (name.StartsWith(EscapedPrefix, StringComparison.Ordinal) || name[0] == '/' || name[^1] == '/' || name.Contains("//", StringComparison.Ordinal))
        {
            return false;
        }

        foreach (char c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.' or '/'))
            {
                return false;
            }
        }

        return true;
    }
}
