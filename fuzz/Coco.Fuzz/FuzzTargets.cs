// SPDX-License-Identifier: Apache-2.0
namespace Coco.Fuzz;

/// <summary>Every target of this program.</summary>
public static class FuzzTargets
{
    /// <summary>All, in the order of their names.</summary>
    public static IReadOnlyList<IFuzzTarget> All { get; } =
    [
        .. Make<IFuzzTarget>().Concat(Make<IFuzzTargetGroup>().SelectMany(static g => g.Targets)).OrderBy(static t => t.Name, StringComparer.Ordinal),
    ];

    // Only classes that can be made without anything: members of groups are made by their group.
    private static IEnumerable<T> Make<T>() => typeof(FuzzTargets).Assembly.GetTypes()
        .Where(static t => t is { IsClass: true, IsAbstract: false } && typeof(T).IsAssignableFrom(t) && t.GetConstructor(Type.EmptyTypes) is not null)
        .Select(static t => (T)Activator.CreateInstance(t)!);
}
