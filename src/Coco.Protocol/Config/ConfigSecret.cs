// SPDX-License-Identifier: Apache-2.0
namespace Coco.Protocol;

/// <summary>A secret in a configuration document: the value itself, <c>file:///path</c> or <c>env://NAME</c>. Prints as <c>[secret]</c>.</summary>
public sealed class ConfigSecret(string text)
{
    /// <summary>What stands in the document.</summary>
    public string Reveal() => text;

    /// <summary>Always <c>[secret]</c>.</summary>
    public override string ToString() => "[secret]";
}
