// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins.GraphQl;

/// <summary>A reference to a type: named, or a list; either may forbid null.</summary>
internal sealed record GraphQlType(string Name, GraphQlType? Element, bool NonNull)
{
    /// <summary>The name at the bottom of all lists.</summary>
    public string BaseName => Element?.BaseName ?? Name;

    public override string ToString() => (Element is null ? Name : $"[{Element}]") + (NonNull ? "!" : "");

    /// <summary>Reads the document form.</summary>
    /// <exception cref="GraphQlException">It is none.</exception>
    public static GraphQlType Read(RegoValue? value)
    {
        if (value is not RegoObject members)
        {
            throw new GraphQlException("a type is missing");
        }

        var nonNull = members.Get("NonNull") is RegoBoolean { Value: true };
        return members.Get("Elem") is { } element
            ? new GraphQlType("", Read(element), nonNull)
            : new GraphQlType(members.Get("NamedType") is RegoString name ? name.Value : throw new GraphQlException("a type has no name"), null, nonNull);
    }

    /// <summary>Whether a value of this type fits where another is wanted.</summary>
    public bool FitsInto(GraphQlType wanted)
    {
        if (wanted.NonNull && !NonNull)
        {
            return false;
        }

        return wanted.Element is null ? Element is null && Name == wanted.Name : Element is not null && Element.FitsInto(wanted.Element);
    }
}
