// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;

namespace Coco.Verifiers.SecureExecution;

/// <summary>The attributes of a certificate's name.</summary>
internal static class DistinguishedNames
{
    /// <summary>Object identifiers and texts in the order of the name; empty when it cannot be read.</summary>
    public static IReadOnlyList<(string Oid, string Value)> Attributes(ReadOnlyMemory<byte> name)
    {
        var found = new List<(string, string)>();
        try
        {
            AsnReader rdns = new AsnReader(name, AsnEncodingRules.DER).ReadSequence();
            while (rdns.HasData)
            {
                AsnReader set = rdns.ReadSetOf();
                while (set.HasData)
                {
                    AsnReader pair = set.ReadSequence();
                    string oid = pair.ReadObjectIdentifier();
                    found.Add((oid, pair.ReadCharacterString((UniversalTagNumber)pair.PeekTag().TagValue)));
                }
            }
        }
        catch (Exception e) when (e is AsnContentException or InvalidOperationException or ArgumentException)
        {
            return [];
        }

        return found;
    }

    /// <summary>
    /// Whether two names have the same attributes in any order. IBM's host keys and lists name their issuer in another order than its own
    /// certificate does, and some with another locality.
    /// </summary>
    public static bool SameAuthority(ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second)
    {
        IReadOnlyList<(string Oid, string Value)> a = Attributes(first), b = Attributes(second);
        return a.Count > 0 && a.Count == b.Count && a.All(x => b.Any(y => x.Oid == y.Oid && (x.Value == y.Value || BothSeats(x, y))));
    }

    private static bool BothSeats((string Oid, string Value) a, (string Oid, string Value) b) =>
        a.Oid == "2.5.4.7" && a.Value is "Poughkeepsie" or "Armonk" && b.Value is "Poughkeepsie" or "Armonk";
}
