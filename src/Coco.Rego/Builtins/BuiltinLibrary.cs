// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Functions;

namespace Coco.Rego.Builtins;

/// <summary>All built-in functions but the operators.</summary>
internal static class BuiltinLibrary
{
    internal static IEnumerable<Builtin> All() =>
    [
        .. AggregateBuiltins.All(),
        .. NumberBuiltins.All(),
        .. CollectionBuiltins.All(),
        .. JsonDocumentBuiltins.All(),
        .. StringBuiltins.All(),
        .. PatternBuiltins.All(),
        .. TypeBuiltins.All(),
        .. UnitBuiltins.All(),
        .. EncodingBuiltins.All(),
        .. TimeBuiltins.All(),
        .. NetBuiltins.All(),
        .. GraphBuiltins.All(),
        .. MiscBuiltins.All(),
        .. CryptoBuiltins.All(),
        .. JwtBuiltins.All(),
        .. AwsBuiltins.All(),
        .. GraphQlBuiltins.All(),
    ];
}
