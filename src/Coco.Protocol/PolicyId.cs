// SPDX-License-Identifier: Apache-2.0
namespace Coco.Protocol;

/// <summary>The name of a policy: letters, digits, <c>_</c>, <c>-</c> and <c>.</c>, not beginning with a dot, at most 128 characters. Made only by <see cref="Parse"/>.</summary>
public readonly record struct PolicyId
{
    private readonly string? _value;

    private PolicyId(string value) => _value = value;

    /// <summary>The policy that applies when none is named.</summary>
    public static PolicyId Default { get; } = new("default");

    /// <summary>The text; <c>default</c> for the default value.</summary>
    public string Value => _value ?? "default";

    /// <summary>Checks character set and length.</summary>
    public static Result<PolicyId> Parse(string? text)
    {
        if (text is null || text.Length is 0 or > 128 || text[0] == '.')
        {
            return new Refusal(RefusalCode.Malformed, "policy id must have 1 to 128 characters and not begin with a dot");
        }

        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.'))
            {
                return new Refusal(RefusalCode.Malformed, "policy id may hold letters, digits, '_', '-' and '.' only");
            }
        }

        return new PolicyId(text);
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
