// SPDX-License-Identifier: Apache-2.0
using System.Formats.Cbor;

namespace Coco.ReferenceValues.Tests;

/// <summary>Unsigned CoRIMs with one CoMID and one reference triple.</summary>
internal static class TestCorim
{
    /// <summary>One with the class and the measurements that the callbacks write.</summary>
    public static byte[] Make(Action<CborWriter> writeClass, Action<CborWriter> writeMeasurements)
    {
        byte[] comid = Encode(c => Map(c, 4, () => Map(c, 0, () => Array(c, () => Array(
            c,
            () =>
            {
                Map(c, 0, () => writeClass(c));
                writeMeasurements(c);
            },
            length: 2)))));
        return Encode(c =>
        {
            c.WriteTag((CborTag)501);
            c.WriteStartMap(2);
            c.WriteInt32(0);
            c.WriteTextString("id");
            c.WriteInt32(1);
            Array(c, () =>
            {
                c.WriteTag((CborTag)506);
                c.WriteByteString(comid);
            });
            c.WriteEndMap();
        });
    }

    /// <summary>A list of digests, as a measurement's value holds it.</summary>
    public static void Digests(CborWriter writer, params byte[][] digests)
    {
        writer.WriteStartArray(digests.Length);
        foreach (byte[] digest in digests)
        {
            writer.WriteStartArray(2);
            writer.WriteInt32(7);
            writer.WriteByteString(digest);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }

    /// <summary>A map with one member.</summary>
    public static void Map(CborWriter writer, int key, Action value)
    {
        writer.WriteStartMap(1);
        writer.WriteInt32(key);
        value();
        writer.WriteEndMap();
    }

    /// <summary>An array.</summary>
    public static void Array(CborWriter writer, Action items, int length = 1)
    {
        writer.WriteStartArray(length);
        items();
        writer.WriteEndArray();
    }

    private static byte[] Encode(Action<CborWriter> write)
    {
        var writer = new CborWriter();
        write(writer);
        return writer.Encode();
    }
}
