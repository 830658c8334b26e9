// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Builtins.Text;
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Versions, identifiers, messages, and the host's account of itself.</summary>
internal static class MiscBuiltins
{
    internal static IEnumerable<Builtin> All() =>
    [
        new("semver.compare", [Str, Str], static (c, a) => CompareVersions(c, a[0].TextOf(), a[1].TextOf())),
        new("semver.is_valid", [Any], static (c, a) => a[0] is RegoString s && SemanticVersion.TryParse(s.Value, out _)),
        new("uuid.rfc4122", [Str], static (c, a) => NewUuid(c, a[0])) { Requires = RegoGrants.Random },
        new("uuid.parse", [Str], static (_, a) => Uuid.TryParse(a[0].TextOf(), out var uuid) ? uuid.Describe() : null),
        new("print", [], Print) { IsVariadic = true },
        new("trace", [Str], static (c, a) => Trace(c, a[0].TextOf())),
        new("opa.runtime", [], static (c, _) => c.Host.Runtime ?? RegoObject.Empty) { Requires = RegoGrants.Runtime },
    ];

    private static RegoValue? CompareVersions(BuiltinContext context, string left, string right)
    {
        context.Charge((left.Length + right.Length) / 16);
        if (!SemanticVersion.TryParse(left, out var a))
        {
            return context.Fail($"operand 1: string {GoQuote.Quote(left, ascii: false)} is not a valid SemVer");
        }

        if (!SemanticVersion.TryParse(right, out var b))
        {
            return context.Fail($"operand 2: string {GoQuote.Quote(right, ascii: false)} is not a valid SemVer");
        }

        return a.CompareTo(b);
    }

    private static RegoValue NewUuid(BuiltinContext context, RegoValue key)
    {
        if (context.Recall("uuid.rfc4122", key) is { } kept)
        {
            return kept;
        }

        var bytes = new byte[16];
        context.Host.FillRandom(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return context.Keep("uuid.rfc4122", key, new Guid(bytes, bigEndian: true).ToString("D"));
    }

    // The compiler makes an expression of its own of a call, which shows undefined arguments too.
    private static RegoBoolean Print(BuiltinContext context, ReadOnlySpan<RegoValue> arguments)
    {
        context.Print(string.Join(' ', arguments.ToArray().Select(static argument => argument.ToDisplayString())));
        return RegoValue.True;
    }

    private static RegoBoolean Trace(BuiltinContext context, string message)
    {
        context.Print(message);
        return RegoValue.True;
    }
}
