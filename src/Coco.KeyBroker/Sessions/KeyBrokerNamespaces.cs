// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>Names of the broker's namespaces in a store that others may want to treat differently (kbs.md 7.4).</summary>
public static class KeyBrokerNamespaces
{
    /// <summary>Present values of resources, one under each <c>repository/type/tag</c>. Read with every release, written by administrators only.</summary>
    public const string Resources = "repository";
}
