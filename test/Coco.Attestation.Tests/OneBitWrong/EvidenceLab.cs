// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Verifiers;
using Microsoft.Extensions.Time.Testing;

namespace Coco.Attestation.Tests.OneBitWrong;

/// <summary>A simulated vendor with one guest, what is registered about the guest, and evidence of it with one bit changed before it is signed.</summary>
internal abstract class EvidenceLab : IDisposable
{
    /// <summary>The time of <see cref="TestAttestation"/>.</summary>
    protected static readonly DateTimeOffset Now = new(2026, 3, 5, 12, 30, 15, 250, TimeSpan.Zero);

    public abstract IVerifier Verifier { get; }

    /// <summary>What report data is expected, exactly.</summary>
    public virtual byte[] ReportData { get; } = [.. Enumerable.Range(1, 48).Select(i => (byte)i)];

    /// <summary>Digest of the expected init-data; null where the TEE has none.</summary>
    public virtual byte[]? InitData => null;

    /// <summary>Reference values by name, as JSON.</summary>
    public abstract IReadOnlyDictionary<string, string> References { get; }

    /// <summary>Class and text of the policy; null: the built-in one.</summary>
    public virtual (string TeeClass, string Text)? Policy => null;

    /// <summary>The evidence that everything is registered for.</summary>
    public abstract ValueTask<JsonNode> GoodAsync();

    /// <summary>Evidence that differs in one bit.</summary>
    public abstract IEnumerable<WrongBit> Bits();

    public abstract void Dispose();

    protected static FakeTimeProvider Clock() => new(Now);

    protected static string Quoted(params byte[][] values) => $"[{string.Join(',', values.Select(v => $"\"{Convert.ToHexStringLower(v)}\""))}]";

    protected static WrongBit Bit(string claim, string against, Func<JsonNode> evidence) => new(claim, against, () => new(evidence()));

    protected static byte[] Flip(byte[] bytes, int at = 0)
    {
        byte[] flipped = [.. bytes];
        flipped[at] ^= 1;
        return flipped;
    }
}

/// <summary>One changed bit.</summary>
/// <param name="Claim">The claim that the explanation has to begin with, and that no other finding may leave; empty where the evidence is refused.</param>
/// <param name="Against">What the sentence has to name as well: the reference value, or the check that refuses.</param>
/// <param name="Evidence">The evidence.</param>
internal sealed record WrongBit(string Claim, string Against, Func<ValueTask<JsonNode>> Evidence);
