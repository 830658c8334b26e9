// SPDX-License-Identifier: Apache-2.0
namespace Coco.Attestation;

/// <summary>Init-data as the caller gave it (attestation-service.md 5.3). Immutable.</summary>
public sealed class InitDataInput
{
    private InitDataInput(string? toml, ReadOnlyMemory<byte>? digest)
    {
        Text = toml;
        DigestBytes = digest;
    }

    /// <summary>None: the register is not compared.</summary>
    public static InitDataInput Absent { get; } = new(null, null);

    internal string? Text { get; }

    internal ReadOnlyMemory<byte>? DigestBytes { get; }

    /// <summary>The document itself; its digest is taken over exactly these characters in UTF-8.</summary>
    public static InitDataInput Toml(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new(text, null);
    }

    /// <summary>Only its digest: there will be no claims.</summary>
    public static InitDataInput Digest(ReadOnlyMemory<byte> digest) => new(null, digest);
}
