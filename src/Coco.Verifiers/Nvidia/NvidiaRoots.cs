// SPDX-License-Identifier: Apache-2.0
using Coco.Verifiers.Certificates;

namespace Coco.Verifiers.Nvidia;

/// <summary>NVIDIA's root keys, as numbers. A test compares them with the vendor's certificates.</summary>
public static class NvidiaRoots
{
    /// <summary>Head of a SubjectPublicKeyInfo with an uncompressed P-384 point.</summary>
    private const string P384Head = "3076301006072a8648ce3d020106052b8104002203620004";

    /// <summary>NVIDIA Device Identity CA: roots the certificates of GPUs and switches.</summary>
    public static TrustedKey DeviceIdentity { get; } = new(
        "NVIDIA Device Identity CA",
        Convert.FromHexString(
            P384Head
            + "0e4c14a33bf8a5626658db4129607e4cbf4519c4412716f4d0d917c4978005bdeabeaefd57bc66082d718a4f8b6052e1"
            + "516ee8a7c422b84de857071bb58fd395bea0cfa1c63ee7c80d6bd63901d91cbbd187d3857dc16b5cceaf238ff8c27dbd"));
}
