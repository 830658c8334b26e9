// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;

namespace Coco;

/// <summary>A value, or the reason there is none. The default value is a refusal.</summary>
/// <typeparam name="T">A class, struct or immutable array; not an interface, since C# ignores conversions from interfaces.</typeparam>
public readonly struct Result<T>
    where T : notnull
{
    private static readonly Refusal Unset = new(RefusalCode.Malformed, "internal: a result was never set");

    private readonly T? _value;
    private readonly bool _has;
    private readonly Refusal? _refusal;

    private Result(T value)
    {
        _value = value;
        _has = true;
        _refusal = null;
    }

    private Result(Refusal refusal)
    {
        _value = default;
        _has = false;
        _refusal = refusal;
    }

    /// <summary>The refusal; null when there is a value.</summary>
    public Refusal? Refusal => _has ? null : _refusal ?? Unset;

    /// <summary>Wraps a value.</summary>
    public static implicit operator Result<T>(T value) => new(value ?? throw new ArgumentNullException(nameof(value)));

    /// <summary>Wraps a refusal.</summary>
    public static implicit operator Result<T>(Refusal refusal) => new(refusal ?? throw new ArgumentNullException(nameof(refusal)));

    /// <summary>True with the value, or false with the refusal.</summary>
    public bool TryGet([NotNullWhen(true)] out T? value, [NotNullWhen(false)] out Refusal? refusal)
    {
        if (_has)
        {
            value = _value!;
            refusal = null;
            return true;
        }

        value = default;
        refusal = _refusal ?? Unset;
        return false;
    }

    /// <summary>The value, or an exception: only where a refusal would be a bug of ours (constants, tests).</summary>
    /// <exception cref="InvalidOperationException">It is a refusal.</exception>
    public T Require() => _has ? _value! : throw new InvalidOperationException((_refusal ?? Unset).ToString());
}
