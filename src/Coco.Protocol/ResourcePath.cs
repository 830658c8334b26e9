// SPDX-License-Identifier: Apache-2.0
namespace Coco.Protocol;

/// <summary>The name of a secret resource, <c>repository/type/tag</c> (kbs.md 1.3). Made only by <see cref="Parse"/>.</summary>
public readonly record struct ResourcePath
{
    private ResourcePath(string repository, string type, string tag)
    {
        Repository = repository;
        Type = type;
        Tag = tag;
    }

    /// <summary>First segment.</summary>
    public string Repository { get; }

    /// <summary>Second segment.</summary>
    public string Type { get; }

    /// <summary>Third segment.</summary>
    public string Tag { get; }

    /// <summary>Accepts exactly three segments of <c>[A-Za-z0-9_.-]</c>, none beginning with a dot, 128 bytes each, 255 in all.</summary>
    public static Result<ResourcePath> Parse(string? text)
    {
        if (text is null || text.Length is 0 or > 255)
        {
            return new Refusal(RefusalCode.Malformed, "resource name must have 1 to 255 characters");
        }

        string[] parts = text.Split('/');
        if (parts.Length != 3)
        {
            return new Refusal(RefusalCode.Malformed, $"resource name must be repository/type/tag, found {parts.Length} segments");
        }

        foreach (string part in parts)
        {
            if (part.Length is 0 or > 128 || part[0] == '.')
            {
                return new Refusal(RefusalCode.Malformed, "each segment of a resource name has 1 to 128 characters and does not begin with a dot");
            }

            foreach (char c in part)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.'))
                {
                    return new Refusal(RefusalCode.Malformed, "a resource name may hold letters, digits, '_', '-', '.' and two '/' only");
                }
            }
        }

        return new ResourcePath(parts[0], parts[1], parts[2]);
    }

    /// <summary><c>repository/type/tag</c>.</summary>
    public override string ToString() => $"{Repository}/{Type}/{Tag}";
}
