// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Tpm;

/// <summary>TPMT_SIGNATURE: RSASSA, RSAPSS or ECDSA.</summary>
/// <param name="Algorithm">The scheme.</param>
/// <param name="Hash">The hash of the scheme.</param>
/// <param name="Value">RSA: the signature. ECDSA: r ‖ s, both of the same length, big-endian.</param>
/// <remarks>Source: TPM 2.0 Library, Part 2, 11.3.4; tee-evidence.md 6.1.</remarks>
public sealed record TpmSignature(TpmAlgorithm Algorithm, TpmAlgorithm Hash, ReadOnlyMemory<byte> Value)
{
    private const int LongestRsa = 1024;
    private const int LongestCoordinate = 66;

    /// <summary>Reads it; every byte has to belong to it.</summary>
    public static Result<TpmSignature> Parse(ReadOnlyMemory<byte> bytes)
    {
        var reader = new ByteReader(bytes.Span);
        if (!reader.TryReadUInt16BigEndian(out ushort algorithm) || !reader.TryReadUInt16BigEndian(out ushort hash))
        {
            return Refusal.Malformed("TPMT_SIGNATURE", 0, "ends too early");
        }

        ReadOnlyMemory<byte> value;
        switch ((TpmAlgorithm)algorithm)
        {
            case TpmAlgorithm.RsaSsa or TpmAlgorithm.RsaPss:
                if (!reader.TryReadPrefixed16BigEndian(out ByteReader rsa) || rsa.Remaining is 0 or > LongestRsa)
                {
                    return Refusal.Malformed("TPMT_SIGNATURE.sig", 4, "empty, too long, or over the end");
                }

                value = bytes.Slice(rsa.Offset, rsa.Remaining);
                break;

            case TpmAlgorithm.EcDsa:
                if (!reader.TryReadPrefixed16BigEndian(out ByteReader r) || !reader.TryReadPrefixed16BigEndian(out ByteReader s)
                    || r.Remaining is 0 or > LongestCoordinate || s.Remaining is 0 or > LongestCoordinate)
                {
                    return Refusal.Malformed("TPMT_SIGNATURE.signatureR", 4, "empty, too long, or over the end");
                }

                // A TPM may leave out leading zeros; r and s are brought to one length.
                int width = Math.Max(r.Remaining, s.Remaining);
                byte[] both = new byte[2 * width];
                r.Rest.CopyTo(both.AsSpan(width - r.Remaining));
                s.Rest.CopyTo(both.AsSpan((2 * width) - s.Remaining));
                value = both;
                break;

            default:
                return new Refusal(RefusalCode.Unsupported, $"TPMT_SIGNATURE.sigAlg: 0x{algorithm:x4} is not RSASSA, RSAPSS or ECDSA")
                {
                    Field = "TPMT_SIGNATURE.sigAlg",
                    Offset = 0,
                };
        }

        return reader.Remaining == 0
            ? new TpmSignature((TpmAlgorithm)algorithm, (TpmAlgorithm)hash, value)
            : Refusal.Malformed("TPMT_SIGNATURE", reader.Offset, $"{reader.Remaining} bytes after the end");
    }
}
