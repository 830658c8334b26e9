// SPDX-License-Identifier: Apache-2.0
using System.Formats.Cbor;

namespace Coco.Tee.Cca;

/// <summary>COSE_Sign1 (RFC 9052 section 4.2) with an embedded payload. Not verified here.</summary>
/// <param name="ProtectedHeader">The protected header as its byte string's content.</param>
/// <param name="Algorithm">Header 1: -7 ES256, -35 ES384, -36 ES512, -8 EdDSA.</param>
/// <param name="Payload">The payload.</param>
/// <param name="Signature">r ‖ s, or an Ed25519 signature.</param>
public sealed record CoseSign1(ReadOnlyMemory<byte> ProtectedHeader, long Algorithm, ReadOnlyMemory<byte> Payload, ReadOnlyMemory<byte> Signature)
{
    /// <summary>ECDSA with SHA-256.</summary>
    public const long Es256 = -7;

    /// <summary>EdDSA.</summary>
    public const long EdDsa = -8;

    /// <summary>ECDSA with SHA-384.</summary>
    public const long Es384 = -35;

    /// <summary>ECDSA with SHA-512.</summary>
    public const long Es512 = -36;

    private const int CoseSign1Tag = 18;
    private const int Longest = 64 * 1024;

    /// <summary>Reads it, with or without tag 18.</summary>
    /// <param name="bytes">The whole message.</param>
    /// <param name="what">What it is, for refusals.</param>
    public static Result<CoseSign1> Parse(ReadOnlyMemory<byte> bytes, string what)
    {
        if (bytes.Length > Longest)
        {
            return new Refusal(RefusalCode.TooLarge, $"{what}: {bytes.Length} bytes, at most {Longest} accepted") { Field = what };
        }

        return CborFields.Read<CoseSign1>(bytes, what, reader =>
        {
            if (reader.PeekState() == CborReaderState.Tag && (ulong)reader.ReadTag() != CoseSign1Tag)
            {
                return Refusal.Malformed(what, 0, "another tag than COSE_Sign1");
            }

            if (reader.ReadStartArray() != 4)
            {
                return Refusal.Malformed(what, 0, "not an array of four");
            }

            byte[] header = reader.ReadByteString();
            if (reader.PeekState() != CborReaderState.StartMap)
            {
                return Refusal.Malformed(what, bytes.Length - reader.BytesRemaining, "the unprotected header is not a map");
            }

            CborFields.Skip(reader);
            byte[] payload = reader.ReadByteString();
            byte[] signature = reader.ReadByteString();
            reader.ReadEndArray();
            return ReadAlgorithm(header, what).TryGet(out long algorithm, out Refusal? refusal)
                ? new CoseSign1(header, algorithm, payload, signature)
                : refusal;
        });
    }

    /// <summary>The bytes that are signed: <c>["Signature1", protected header, empty, payload]</c>.</summary>
    public byte[] SignedBytes()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(4);
        writer.WriteTextString("Signature1");
        writer.WriteByteString(ProtectedHeader.Span);
        writer.WriteByteString([]);
        writer.WriteByteString(Payload.Span);
        writer.WriteEndArray();
        return writer.Encode();
    }

    private static Result<long> ReadAlgorithm(ReadOnlyMemory<byte> header, string what) => CborFields.Read<long>(header, what + ".protected", reader =>
    {
        long? algorithm = null;
        reader.ReadStartMap();
        while (reader.PeekState() != CborReaderState.EndMap)
        {
            long? key = CborFields.ReadKey(reader);
            if (key == 1)
            {
                algorithm = reader.ReadInt64();
            }
            else if (key == 2)
            {
                // Header 2 (crit) names parameters that a reader must understand; none is understood here.
                return new Refusal(RefusalCode.Unsupported, what + ".protected: critical header parameters") { Field = "crit" };
            }
            else
            {
                CborFields.Skip(reader);
            }
        }

        reader.ReadEndMap();
        return algorithm is { } found ? found : Refusal.Malformed(what + ".protected", 0, "the algorithm is missing");
    });
}
