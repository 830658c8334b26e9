// SPDX-License-Identifier: Apache-2.0
using System.Formats.Cbor;

namespace Coco.Tee.Cca;

/// <summary>An elliptic-curve public key: the realm attestation key in either of its two forms.</summary>
/// <param name="Curve">COSE curve: 1 P-256, 2 P-384, 3 P-521.</param>
/// <param name="X">x, big-endian, as wide as the field.</param>
/// <param name="Y">y, big-endian, as wide as the field.</param>
public sealed record CoseKey(int Curve, ReadOnlyMemory<byte> X, ReadOnlyMemory<byte> Y)
{
    /// <summary>Reads an uncompressed P-384 point (97 bytes), the form without a realm profile.</summary>
    public static Result<CoseKey> ParsePoint(ReadOnlyMemory<byte> point) => point.Length == 97 && point.Span[0] == 4
        ? new CoseKey(2, point.Slice(1, 48), point.Slice(49, 48))
        : Refusal.Malformed("cca-realm-public-key", 0, "not an uncompressed P-384 point");

    /// <summary>Reads a COSE_Key of type EC2 (RFC 9053 section 7.1.1), the form with a realm profile.</summary>
    public static Result<CoseKey> Parse(ReadOnlyMemory<byte> bytes) => CborFields.Read<CoseKey>(bytes, "cca-realm-public-key", reader =>
    {
        long? type = null, curve = null;
        byte[]? x = null, y = null;
        reader.ReadStartMap();
        while (reader.PeekState() != CborReaderState.EndMap)
        {
            switch (CborFields.ReadKey(reader))
            {
                case 1:
                    type = reader.ReadInt64();
                    break;
                case -1:
                    curve = reader.ReadInt64();
                    break;
                case -2:
                    x = reader.ReadByteString();
                    break;
                case -3:
                    y = reader.ReadByteString();
                    break;
                default:
                    CborFields.Skip(reader);
                    break;
            }
        }

        reader.ReadEndMap();
        int width = curve switch { 1 => 32, 2 => 48, 3 => 66, _ => 0 };
        if (type != 2 || width == 0)
        {
            return new Refusal(RefusalCode.Unsupported, "cca-realm-public-key: not an EC2 key on P-256, P-384 or P-521") { Field = "cca-realm-public-key" };
        }

        return x?.Length == width && y?.Length == width
            ? new CoseKey((int)curve!.Value, x, y)
            : Refusal.Malformed("cca-realm-public-key", 0, "coordinates do not fit the curve");
    });
}
