// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Launch;

/// <summary>CPUID signatures (function 1, EAX) of virtual processors, by QEMU's names for them.</summary>
public static class VcpuModel
{
    /// <summary>Names and signatures; versions of a model (<c>-v1</c> …) have the signature of the model.</summary>
    public static IReadOnlyList<(string Name, uint Signature)> Known { get; } =
    [
        ("EPYC", Encode(23, 1, 2)),
        ("EPYC-v1", Encode(23, 1, 2)),
        ("EPYC-v2", Encode(23, 1, 2)),
        ("EPYC-IBPB", Encode(23, 1, 2)),
        ("EPYC-v3", Encode(23, 1, 2)),
        ("EPYC-v4", Encode(23, 1, 2)),
        ("EPYC-Rome", Encode(23, 49, 0)),
        ("EPYC-Rome-v1", Encode(23, 49, 0)),
        ("EPYC-Rome-v2", Encode(23, 49, 0)),
        ("EPYC-Rome-v3", Encode(23, 49, 0)),
        ("EPYC-Milan", Encode(25, 1, 1)),
        ("EPYC-Milan-v1", Encode(25, 1, 1)),
        ("EPYC-Milan-v2", Encode(25, 1, 1)),
        ("EPYC-Genoa", Encode(25, 17, 0)),
        ("EPYC-Genoa-v1", Encode(25, 17, 0)),
        ("EPYC-Turin", Encode(26, 0, 0)),
    ];

    /// <summary>The signature of a name; false for unknown ones.</summary>
    public static bool TryFind(string name, out uint signature)
    {
        foreach ((string known, uint value) in Known)
        {
            if (string.Equals(known, name, StringComparison.Ordinal))
            {
                signature = value;
                return true;
            }
        }

        signature = 0;
        return false;
    }

    /// <summary>The signature of a family, model and stepping (AMD publication 25481, CPUID Fn0000_0001_EAX).</summary>
    public static uint Encode(int family, int model, int stepping)
    {
        uint low = family > 15 ? 0xF00u | ((uint)(family - 15) & 0xFF) << 20 : (uint)family << 8;
        return low | ((uint)model >> 4 & 0xF) << 16 | ((uint)model & 0xF) << 4 | ((uint)stepping & 0xF);
    }
}
