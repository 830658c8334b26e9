// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Formats.Cbor;
using Coco.ReferenceValues.Signatures;

namespace Coco.ReferenceValues.Cbor;

/// <summary>A COSE_Sign1 message (RFC 9052 section 4.2) with its payload inside.</summary>
internal sealed class CoseSign1
{
    /// <summary>The tag of the structure.</summary>
    public const ulong Tag = 18;

    private const int AlgorithmLabel = 1;
    private const int CriticalLabel = 2;
    private const int ChainLabel = 33;

    private readonly byte[] _signed;
    private readonly ReadOnlyMemory<byte> _signature;

    private CoseSign1(JwsAlgorithms algorithm, byte[] signed, ReadOnlyMemory<byte> payload, ReadOnlyMemory<byte> signature, ImmutableArray<ReadOnlyMemory<byte>> chain)
    {
        Algorithm = algorithm;
        _signed = signed;
        Payload = payload;
        _signature = signature;
        Chain = chain;
    }

    public JwsAlgorithms Algorithm { get; }

    public ReadOnlyMemory<byte> Payload { get; }

    /// <summary>Certificates of the <c>x5chain</c> header, leaf first; nobody has checked them.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Chain { get; }

    /// <summary>Reads the array behind the tag.</summary>
    public static Result<CoseSign1> Parse(CborNode node)
    {
        if (node.Kind != CborNodeKind.Array || node.Items.Length != 4
            || node.Items[0].Kind != CborNodeKind.Bytes || node.Items[1].Kind != CborNodeKind.Map || node.Items[3].Kind != CborNodeKind.Bytes)
        {
            return new Refusal(RefusalCode.Malformed, "COSE_Sign1 is an array of protected header, unprotected header, payload and signature");
        }

        if (node.Items[2].Kind != CborNodeKind.Bytes)
        {
            return new Refusal(RefusalCode.Unsupported, "COSE_Sign1 with a detached payload");
        }

        ReadOnlyMemory<byte> head = node.Items[0].Bytes;
        if (head.IsEmpty)
        {
            return new Refusal(RefusalCode.Malformed, "COSE_Sign1 names no algorithm in its protected header");
        }

        if (!CborNode.Parse(head, "COSE protected header").TryGet(out CborNode? protectedHeader, out Refusal? why))
        {
            return why;
        }

        if (protectedHeader[CriticalLabel] is not null)
        {
            return new Refusal(RefusalCode.Unsupported, "COSE_Sign1 has critical headers that are not known here");
        }

        JwsAlgorithms algorithm = protectedHeader[AlgorithmLabel] is { Kind: CborNodeKind.Integer } alg && alg.Number >= -64 && alg.Number < 0
            ? (int)alg.Number switch
            {
                -7 => JwsAlgorithms.ES256,
                -35 => JwsAlgorithms.ES384,
                -36 => JwsAlgorithms.ES512,
                -8 => JwsAlgorithms.EdDSA,
                -37 => JwsAlgorithms.PS256,
                -38 => JwsAlgorithms.PS384,
                -39 => JwsAlgorithms.PS512,
                _ => JwsAlgorithms.None,
            }
            : JwsAlgorithms.None;
        if (algorithm == JwsAlgorithms.None)
        {
            return new Refusal(RefusalCode.Unsupported, "COSE_Sign1 with an algorithm that is not accepted");
        }

        CborNode? chain = protectedHeader[ChainLabel] ?? node.Items[1][ChainLabel];
        ImmutableArray<ReadOnlyMemory<byte>> certificates = chain switch
        {
            null => [],
            { Kind: CborNodeKind.Bytes } => [chain.Bytes],
            _ => [.. chain.Items.Where(i => i.Kind == CborNodeKind.Bytes).Select(i => i.Bytes)],
        };
        var writer = new CborWriter();
        writer.WriteStartArray(4);
        writer.WriteTextString("Signature1");
        writer.WriteByteString(head.Span);
        writer.WriteByteString([]);
        writer.WriteByteString(node.Items[2].Bytes.Span);
        writer.WriteEndArray();
        return new CoseSign1(algorithm, writer.Encode(), node.Items[2].Bytes, node.Items[3].Bytes, certificates);
    }

    /// <summary>Whether the key's signature is on it.</summary>
    public bool IsSignedBy(SignerKey key) => key.Key.Verify(Algorithm, _signed, _signature.Span);
}
