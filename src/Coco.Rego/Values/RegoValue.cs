// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Rego;

/// <summary>
/// A value of the Rego language: immutable, totally ordered, hashable, thread-safe. Undefined is not a value; where it can occur the
/// type is <c>RegoValue?</c> and null means undefined.
/// </summary>
public abstract class RegoValue : IEquatable<RegoValue>, IComparable<RegoValue>
{
    /// <summary>How deeply values may nest. Deeper JSON is refused; deeper values in an evaluation end it with a limit fault.</summary>
    public const int MaxDepth = 1024;

    /// <summary>
    /// How many parts a value may have, counting a part as often as it occurs. Parts that are shared make values cheap to build that
    /// would be endless to compare or to write.
    /// </summary>
    public const int MaxSize = 16_777_216;

    private int _hash;

    private protected RegoValue(RegoKind kind, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new RegoValueTooDeepException();
        }

        Kind = kind;
        Depth = (ushort)depth;
    }

    /// <summary>The null value.</summary>
    public static RegoValue Null => RegoNull.Instance;

    /// <summary>The value true.</summary>
    public static RegoBoolean True => RegoBoolean.TrueValue;

    /// <summary>The value false.</summary>
    public static RegoBoolean False => RegoBoolean.FalseValue;

    /// <summary>The type.</summary>
    public RegoKind Kind { get; }

    /// <summary>Levels of nesting: 0 for a scalar, 1 for a collection of scalars.</summary>
    internal ushort Depth { get; }

    /// <summary>Number of parts, itself included; a part counts as often as it occurs.</summary>
    internal virtual int Size => 1;

    /// <summary>The type's name as <c>type_name</c> gives it.</summary>
    public string TypeName => NameOf(Kind);

    /// <summary>True for a value that makes an expression succeed: all but false.</summary>
    internal bool IsTruthy => !ReferenceEquals(this, RegoBoolean.FalseValue);

    /// <summary>The name of a type.</summary>
    public static string NameOf(RegoKind kind) => kind switch
    {
        RegoKind.Null => "null",
        RegoKind.Boolean => "boolean",
        RegoKind.Number => "number",
        RegoKind.String => "string",
        RegoKind.Array => "array",
        RegoKind.Object => "object",
        _ => "set",
    };

    /// <summary>A boolean.</summary>
    public static implicit operator RegoValue(bool value) => value ? RegoBoolean.TrueValue : RegoBoolean.FalseValue;

    /// <summary>An integer.</summary>
    public static implicit operator RegoValue(long value) => RegoNumber.Of(value);

    /// <summary>A string.</summary>
    public static implicit operator RegoValue(string value) => RegoString.Of(value);

    /// <summary>Structural equality; 1 equals 1.0.</summary>
    public static bool operator ==(RegoValue? a, RegoValue? b) => a is null ? b is null : a.Equals(b);

    /// <summary>Structural inequality.</summary>
    public static bool operator !=(RegoValue? a, RegoValue? b) => !(a == b);

    /// <summary>The total order of the language.</summary>
    public static bool operator <(RegoValue a, RegoValue b) => a.CompareTo(b) < 0;

    /// <summary>The total order of the language.</summary>
    public static bool operator >(RegoValue a, RegoValue b) => a.CompareTo(b) > 0;

    /// <summary>The total order of the language.</summary>
    public static bool operator <=(RegoValue a, RegoValue b) => a.CompareTo(b) <= 0;

    /// <summary>The total order of the language.</summary>
    public static bool operator >=(RegoValue a, RegoValue b) => a.CompareTo(b) >= 0;

    /// <summary>Reads one JSON text. Numbers stay exact; of duplicate members the last one wins.</summary>
    /// <returns>A refusal for text that is not JSON, for trailing data, and for nesting beyond <see cref="MaxDepth"/>.</returns>
    public static Result<RegoValue> ParseJson(ReadOnlySpan<byte> utf8) => RegoJson.Parse(utf8);

    /// <summary>Reads one JSON text.</summary>
    public static Result<RegoValue> ParseJson(string text) => RegoJson.Parse(Encoding.UTF8.GetBytes(text));

    /// <summary>Converts a JSON element. Numbers stay exact.</summary>
    /// <exception cref="RegoValueTooDeepException">It nests beyond <see cref="MaxDepth"/>.</exception>
    public static RegoValue FromJson(JsonElement element) => RegoJson.FromElement(element, 0);

    /// <summary>Converts a JSON node; a null reference is the null value.</summary>
    /// <exception cref="RegoValueTooDeepException">It nests beyond <see cref="MaxDepth"/>.</exception>
    public static RegoValue FromJson(JsonNode? node) => RegoJson.FromNode(node, 0);

    /// <summary>Writes JSON: sets as sorted arrays, object keys that are not strings as their JSON text, members sorted.</summary>
    public void WriteJson(Utf8JsonWriter writer) => RegoJson.Write(writer, this);

    /// <summary>Compact JSON text.</summary>
    public string ToJson() => Encoding.UTF8.GetString(ToJsonUtf8());

    /// <summary>Compact JSON text in UTF-8.</summary>
    public byte[] ToJsonUtf8()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, RegoJson.WriterOptions))
        {
            RegoJson.Write(writer, this);
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The same as a JSON node; null for the null value.</summary>
    public JsonNode? ToJsonNode() => JsonNode.Parse(ToJsonUtf8(), documentOptions: new JsonDocumentOptions { MaxDepth = MaxDepth + 1 });

    /// <inheritdoc/>
    public bool Equals([NotNullWhen(true)] RegoValue? other) =>
        ReferenceEquals(this, other) || (other is not null && other.Kind == Kind && EqualsSameKind(other));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as RegoValue);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        int hash = _hash;
        if (hash == 0)
        {
            hash = ComputeHash();
            _hash = hash == 0 ? 1 : hash;
        }

        return _hash;
    }

    /// <inheritdoc/>
    public int CompareTo(RegoValue? other)
    {
        if (ReferenceEquals(this, other))
        {
            return 0;
        }

        if (other is null)
        {
            return 1;
        }

        return Kind != other.Kind ? Kind.CompareTo(other.Kind) : CompareSameKind(other);
    }

    /// <summary>The value in Rego notation: strings quoted, sets in braces, an empty set as <c>set()</c>.</summary>
    public sealed override string ToString()
    {
        var text = new StringBuilder();
        RegoText.Write(text, this);
        return text.ToString();
    }

    /// <summary>Text as templates and <c>print</c> show it: a string without quotes, anything else in Rego notation.</summary>
    public string ToDisplayString() => this is RegoString s ? s.Value : ToString();

    /// <summary>Member of an object by key, item of an array by index, member of a set; null (undefined) when there is none.</summary>
    internal virtual RegoValue? Lookup(RegoValue key) => null;

    private protected abstract bool EqualsSameKind(RegoValue other);

    private protected abstract int CompareSameKind(RegoValue other);

    private protected abstract int ComputeHash();

    private protected static int SizeOf(ReadOnlySpan<RegoValue> items)
    {
        long size = 1;
        foreach (RegoValue item in items)
        {
            size += item.Size;
        }

        return size <= MaxSize ? (int)size : throw new RegoValueTooLargeException();
    }

    private protected static int DepthOf(ReadOnlySpan<RegoValue> items)
    {
        int depth = 0;
        foreach (RegoValue item in items)
        {
            depth = Math.Max(depth, item.Depth);
        }

        return depth + 1;
    }
}
