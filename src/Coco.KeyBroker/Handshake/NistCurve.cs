// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Numerics;

namespace Coco.KeyBroker;

/// <summary>Membership of a point, for the two curves of guests' keys (FIPS 186-4 appendix D.1.2). All values are public.</summary>
/// <remarks>Both curves have prime order, so a point with both coordinates that is on the curve is in the group. Importing the key would say the same at fifty times the cost.</remarks>
internal sealed class NistCurve
{
    private static readonly NistCurve P256 = new(
        32,
        "0ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
        "05ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");

    private static readonly NistCurve P521 = new(
        66,
        "001ff" + new string('f', 128),
        "00051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00");

    private readonly int _length;
    private readonly BigInteger _p;
    private readonly BigInteger _b;

    private NistCurve(int length, string p, string b)
    {
        _length = length;
        _p = BigInteger.Parse(p, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        _b = BigInteger.Parse(b, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    /// <summary>The curve of a JOSE name; null for others.</summary>
    public static NistCurve? Find(string name) => name switch
    {
        "P-256" => P256,
        "P-521" => P521,
        _ => null,
    };

    /// <summary>Whether both coordinates have the curve's fixed length, are reduced, and satisfy y² = x³ - 3x + b.</summary>
    public bool IsOnCurve(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        if (x.Length != _length || y.Length != _length)
        {
            return false;
        }

        var xn = new BigInteger(x, isUnsigned: true, isBigEndian: true);
        var yn = new BigInteger(y, isUnsigned: true, isBigEndian: true);
        return xn < _p && yn < _p && ((yn * yn) - (((xn * xn) - 3) * xn) - _b) % _p == 0;
    }
}
