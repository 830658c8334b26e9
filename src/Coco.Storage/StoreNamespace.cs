// SPDX-License-Identifier: Apache-2.0
namespace Coco.Storage;

/// <summary>The name of a namespace: lower-case letters, digits, <c>_</c> and <c>-</c>, 1 to 63 characters. Made only by <see cref="Parse"/>.</summary>
public readonly record struct StoreNamespace
{
    private readonly string? _value;

    private StoreNamespace(string value) => _value = value;

    /// <summary>The text.</summary>
    public string Value => _value ?? throw new InvalidOperationException("internal: a namespace was never set");

    /// <summary>Checks character set and length.</summary>
    public static Result<StoreNamespace> Parse(string? text)
    {
        if (text is null || text.Length is 0 or > 63)
        {
            return new Refusal(RefusalCode.Malformed, "store namespace must have 1 to 63 characters");
        }

        foreach (char c in text)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c is not ('_' or '-'))
            {
                return new Refusal(RefusalCode.Malformed, "store namespace may hold lower-case letters, digits, '_' and '-' only");
            }
        }

        return new StoreNamespace(text);
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
