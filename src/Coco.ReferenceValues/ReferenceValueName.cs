// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Storage;

namespace Coco.ReferenceValues;

/// <summary>Rules for the names of reference values, and where a name is kept in a store.</summary>
internal static class ReferenceValueName
{
    internal const int MaxBytes = 256;

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
    public static string ToKey(string name) => EscapedKeys.Of(name);

    /// <summary>The name that a store key stands for.</summary>
    public static string FromKey(string key) => EscapedKeys.NameOf(key);
}
