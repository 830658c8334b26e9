// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins.Patterns;

/// <summary>What is known of every match before looking.</summary>
/// <param name="Anchored">It starts at the beginning of the text.</param>
/// <param name="Prefix">It starts with this text.</param>
internal readonly record struct Re2Hints(bool Anchored, string Prefix)
{
    public static Re2Hints Of(Re2Node root)
    {
        List<Re2Node> items = root.Op == Re2Op.Concat ? root.Subs : [root];
        if (items[0].Op == Re2Op.BeginText)
        {
            return new Re2Hints(true, "");
        }

        var prefix = new System.Text.StringBuilder();
        foreach (var item in items)
        {
            if (item.Op != Re2Op.Class || item.Set!.Single is < 0 or (>= 0xD800 and <= 0xDFFF) or 0xFFFD)
            {
                break;
            }

            prefix.Append(char.ConvertFromUtf32(item.Set.Single));
        }

        return new Re2Hints(false, prefix.ToString());
    }
}
