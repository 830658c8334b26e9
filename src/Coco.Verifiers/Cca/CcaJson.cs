// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.Verifiers.Cca;

/// <summary>Members of the CCA stores.</summary>
internal static class CcaJson
{
    /// <summary>The bytes of a hexadecimal member, upper or lower case.</summary>
    public static Result<ReadOnlyMemory<byte>> Hex(JsonElement parent, string name)
    {
        if (parent.ValueKind != JsonValueKind.Object || !parent.TryGetProperty(name, out JsonElement e) || e.ValueKind != JsonValueKind.String)
        {
            return new Refusal(RefusalCode.Malformed, name + ": missing, or not a text") { Field = name };
        }

        return Hex(e.GetString()!, name);
    }

    /// <summary>The bytes of a hexadecimal text.</summary>
    public static Result<ReadOnlyMemory<byte>> Hex(string text, string name)
    {
        byte[] bytes = new byte[text.Length / 2];
        return text.Length % 2 == 0 && Convert.FromHexString(text, bytes, out _, out _) == System.Buffers.OperationStatus.Done
            ? (ReadOnlyMemory<byte>)bytes
            : new Refusal(RefusalCode.Malformed, name + ": not hexadecimal") { Field = name };
    }
}
