// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco;

/// <summary>The NIST curves that JOSE names.</summary>
internal sealed class NamedCurve
{
    private NamedCurve(string name, int fieldBytes, ECCurve curve, string oid, byte[] spkiPrefix)
    {
        Name = name;
        FieldBytes = fieldBytes;
        Curve = curve;
        Oid = oid;
        SpkiPrefix = spkiPrefix;
    }

    public static NamedCurve P256 { get; } = new("P-256", 32, ECCurve.NamedCurves.nistP256, "1.2.840.10045.3.1.7", Convert.FromHexString("3059301306072A8648CE3D020106082A8648CE3D03010703420004"));

    public static NamedCurve P384 { get; } = new("P-384", 48, ECCurve.NamedCurves.nistP384, "1.3.132.0.34", Convert.FromHexString("3076301006072A8648CE3D020106052B8104002203620004"));

    public static NamedCurve P521 { get; } = new("P-521", 66, ECCurve.NamedCurves.nistP521, "1.3.132.0.35", Convert.FromHexString("30819B301006072A8648CE3D020106052B810400230381860004"));

    /// <summary>The name in JWK.</summary>
    public string Name { get; }

    /// <summary>Length of a coordinate, and of an ECDH secret.</summary>
    public int FieldBytes { get; }

    public ECCurve Curve { get; }

    public string Oid { get; }

    /// <summary>Everything of a SubjectPublicKeyInfo before the x coordinate.</summary>
    public byte[] SpkiPrefix { get; }

    public static NamedCurve? OfName(string? name) => name switch
    {
        "P-256" => P256,
        "P-384" => P384,
        "P-521" => P521,
        _ => null,
    };

    public static NamedCurve? OfOid(string? oid) => oid switch
    {
        "1.2.840.10045.3.1.7" => P256,
        "1.3.132.0.34" => P384,
        "1.3.132.0.35" => P521,
        _ => null,
    };

    public byte[] Spki(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y) => [.. SpkiPrefix, .. x, .. y];
}
