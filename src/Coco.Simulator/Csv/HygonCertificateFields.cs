// SPDX-License-Identifier: Apache-2.0
using Coco.ShangMi;
using Coco.Tee.Csv;

namespace Coco.Simulator.Csv;

/// <summary>What may be wrong with a simulated Hygon's certificates.</summary>
public sealed class HygonCertificateFields
{
    /// <summary>Root key that the HSK names; the true one when null.</summary>
    public byte[]? HskSigningKeyId { get; set; }

    /// <summary>Who signs the HSK; the root when null.</summary>
    public Sm2PrivateKey? HskSigner { get; set; }

    /// <summary>The HSK's usage.</summary>
    public HygonKeyUsage HskUsage { get; set; } = HygonKeyUsage.Hsk;

    /// <summary>Who signs the CEK; the HSK when null.</summary>
    public Sm2PrivateKey? CekSigner { get; set; }

    /// <summary>The CEK's usage.</summary>
    public HygonKeyUsage CekUsage { get; set; } = HygonKeyUsage.Cek;

    /// <summary>Who signs the PEK; the CEK when null.</summary>
    public Sm2PrivateKey? PekSigner { get; set; }

    /// <summary>The PEK's usage.</summary>
    public HygonKeyUsage PekUsage { get; set; } = HygonKeyUsage.Pek;

    /// <summary>Usage that the PEK's signature block states.</summary>
    public HygonKeyUsage PekSignatureUsage { get; set; } = HygonKeyUsage.Cek;

    /// <summary>Changes the HSK after it was signed.</summary>
    public Action<byte[]>? ChangeHsk { get; set; }

    /// <summary>Changes the CEK after it was signed.</summary>
    public Action<byte[]>? ChangeCek { get; set; }

    /// <summary>Changes the PEK after it was signed.</summary>
    public Action<byte[]>? ChangePek { get; set; }
}
