// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco;

/// <summary>Why something a peer sent is not accepted: an ordinary value, never an exception.</summary>
/// <param name="Code">The kind, for programs.</param>
/// <param name="Detail">One sentence for an administrator: what was wrong, and where. Never holds a secret.</param>
public sealed record Refusal(RefusalCode Code, string Detail)
{
    /// <summary>Name of the check that refused, as the verifier's README lists it (for example <c>snp.chip-id</c>); null where no check list applies.</summary>
    public string? Check { get; init; }

    /// <summary>Name of the field in the words of the vendor's document; null where the whole input is meant.</summary>
    public string? Field { get; init; }

    /// <summary>Byte offset of the field in the input that was parsed; null where it has none.</summary>
    public long? Offset { get; init; }

    /// <summary>The same refusal, said of a wider context: <paramref name="prefix"/> is put in front of the detail.</summary>
    public Refusal Within(string prefix) => this with { Detail = prefix + ": " + Detail };

    /// <summary>A <see cref="RefusalCode.Malformed"/> refusal that names field and offset.</summary>
    public static Refusal Malformed(string field, long offset, string detail) =>
        new(RefusalCode.Malformed, $"{field} at offset {offset}: {detail}") { Field = field, Offset = offset };

    /// <summary>Code, check, and detail in one line.</summary>
    public override string ToString()
    {
        var text = new StringBuilder().Append(Code).Append(": ").Append(Detail);
        if (Check is not null)
        {
            text.Append(" [").Append(Check).Append(']');
        }

        return text.ToString();
    }
}
