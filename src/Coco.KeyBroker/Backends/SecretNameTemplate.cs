// SPDX-License-Identifier: Apache-2.0
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>How a resource becomes the name of a secret in a cloud: text with <c>${repo}</c>, <c>${type}</c>, <c>${tag}</c>.</summary>
public sealed class SecretNameTemplate(string text)
{
    /// <summary>Only the tag, as the reference has it: two repositories share a secret.</summary>
    public static SecretNameTemplate Tag { get; } = new("${tag}");

    /// <summary>The name.</summary>
    public string Apply(ResourcePath path) => text
        .Replace("${repo}", path.Repository, StringComparison.Ordinal)
        .Replace("${type}", path.Type, StringComparison.Ordinal)
        .Replace("${tag}", path.Tag, StringComparison.Ordinal);
}
