// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco.Verifiers;

/// <summary>What a hardware register (report data, host data, quote nonce) has to hold. The default value refuses every register.</summary>
/// <remarks>Source: tee-evidence.md 1.3, attestation-service.md 5.4.</remarks>
public readonly record struct Binding
{
    private const int ShortestRegister = 32;

    private readonly Kind _kind;
    private readonly ReadOnlyMemory<byte> _expected;

    private Binding(Kind kind, ReadOnlyMemory<byte> expected)
    {
        _kind = kind;
        _expected = expected;
    }

    private enum Kind : byte
    {
        RefuseAll,
        Digest,
        Raw,
        NotChecked,
    }

    /// <summary>No value is expected. Has to be written by the caller; nothing implies it.</summary>
    public static Binding NotChecked { get; } = new(Kind.NotChecked, default);

    /// <summary>True where the caller asked for no comparison.</summary>
    public bool IsNotChecked => _kind == Kind.NotChecked;

    /// <summary>True where the bytes stand in the register as they are, false where they are a digest.</summary>
    public bool IsRaw => _kind == Kind.Raw;

    /// <summary>The bytes expected, before they are fitted; empty when nothing is.</summary>
    public ReadOnlyMemory<byte> Expected => _expected;

    /// <summary>A digest: padded with zeros or cut at the end to the register's width, never below 256 bits.</summary>
    public static Binding ToDigest(ReadOnlyMemory<byte> expected) => new(Kind.Digest, expected);

    /// <summary>Raw bytes: padded with zeros; refused when longer than the register, since a cut tail would be bound to nothing.</summary>
    public static Binding ToRaw(ReadOnlyMemory<byte> expected) => new(Kind.Raw, expected);

    /// <summary>Compares the exact bytes, without padding or cutting, for evidence whose field has no fixed width; null when they are equal.</summary>
    /// <param name="value">What the evidence holds.</param>
    public Refusal? CheckExactly(ReadOnlySpan<byte> value)
    {
        if (_kind == Kind.NotChecked)
        {
            return null;
        }

        if (_kind == Kind.RefuseAll || _expected.IsEmpty)
        {
            return new Refusal(RefusalCode.Mismatch, "no expected value was given, and none is accepted in its place");
        }

        return CryptographicOperations.FixedTimeEquals(_expected.Span, value)
            ? null
            : new Refusal(RefusalCode.Mismatch, $"evidence holds {Convert.ToHexStringLower(value)}, expected {Convert.ToHexStringLower(_expected.Span)}");
    }

    /// <summary>Compares in constant time with the register's bytes; null when they fit.</summary>
    /// <param name="register">The register's whole content, in the width that the TEE gives it.</param>
    public Refusal? Check(ReadOnlySpan<byte> register)
    {
        if (_kind == Kind.NotChecked)
        {
            return null;
        }

        if (_kind == Kind.RefuseAll || _expected.IsEmpty)
        {
            return new Refusal(RefusalCode.Mismatch, "no expected value was given, and none is accepted in its place");
        }

        ReadOnlySpan<byte> expected = _expected.Span;
        if (expected.Length > register.Length)
        {
            if (_kind == Kind.Raw)
            {
                return new Refusal(RefusalCode.TooLarge, $"expected value has {expected.Length} bytes, the register {register.Length}");
            }

            if (register.Length < ShortestRegister)
            {
                return new Refusal(RefusalCode.Mismatch, $"a register of {register.Length} bytes is too short to bind a digest");
            }

            expected = expected[..register.Length];
        }

        bool head = CryptographicOperations.FixedTimeEquals(expected, register[..expected.Length]);
        int tail = 0;
        foreach (byte b in register[expected.Length..])
        {
            tail |= b;
        }

        return head & (tail == 0)
            ? null
            : new Refusal(RefusalCode.Mismatch, $"register holds {Convert.ToHexStringLower(register)}, expected {Convert.ToHexStringLower(expected)}");
    }
}
