// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;

namespace Coco.Protocol;

/// <summary>The kinds of trusted execution environment. Wire names: <see cref="TeeTypes"/>.</summary>
public enum TeeType
{
    /// <summary>AMD SEV-SNP.</summary>
    Snp,

    /// <summary>Intel TDX.</summary>
    Tdx,

    /// <summary>Intel SGX.</summary>
    Sgx,

    /// <summary>Azure confidential VM on SEV-SNP, through its vTPM.</summary>
    AzSnpVtpm,

    /// <summary>Azure confidential VM on TDX, through its vTPM.</summary>
    AzTdxVtpm,

    /// <summary>A plain TPM 2.0.</summary>
    Tpm,

    /// <summary>Hygon CSV.</summary>
    Csv,

    /// <summary>Arm CCA.</summary>
    Cca,

    /// <summary>IBM Secure Execution.</summary>
    Se,

    /// <summary>Hygon DCU (a device).</summary>
    HygonDcu,

    /// <summary>NVIDIA GPU (a device).</summary>
    Nvidia,

    /// <summary>NVIDIA DPU (a device).</summary>
    NvidiaDpu,

    /// <summary>No hardware: for development.</summary>
    Sample,

    /// <summary>No hardware, as a device: for development.</summary>
    SampleDevice,
}

/// <summary>The wire names of <see cref="TeeType"/> (kbs.md 2.1).</summary>
public static class TeeTypes
{
    private static readonly FrozenDictionary<string, TeeType> ByName = new Dictionary<string, TeeType>(StringComparer.Ordinal)
    {
        ["snp"] = TeeType.Snp,
        ["tdx"] = TeeType.Tdx,
        ["sgx"] = TeeType.Sgx,
        ["az-snp-vtpm"] = TeeType.AzSnpVtpm,
        ["azsnpvtpm"] = TeeType.AzSnpVtpm,
        ["az-tdx-vtpm"] = TeeType.AzTdxVtpm,
        ["aztdxvtpm"] = TeeType.AzTdxVtpm,
        ["tpm"] = TeeType.Tpm,
        ["csv"] = TeeType.Csv,
        ["cca"] = TeeType.Cca,
        ["se"] = TeeType.Se,
        ["hygondcu"] = TeeType.HygonDcu,
        ["nvidia"] = TeeType.Nvidia,
        ["dpu"] = TeeType.NvidiaDpu,
        ["nvidia-dpu"] = TeeType.NvidiaDpu,
        ["sample"] = TeeType.Sample,
        ["sampledevice"] = TeeType.SampleDevice,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The TEE of a wire name, older spellings included; false for unknown names.</summary>
    public static bool TryParse(string? name, out TeeType tee)
    {
        tee = default;
        return name is not null && ByName.TryGetValue(name, out tee);
    }

    /// <summary>The name as it is written on the wire.</summary>
    public static string ToWireName(this TeeType tee) => tee switch
    {
        TeeType.Snp => "snp",
        TeeType.Tdx => "tdx",
        TeeType.Sgx => "sgx",
        TeeType.AzSnpVtpm => "az-snp-vtpm",
        TeeType.AzTdxVtpm => "az-tdx-vtpm",
        TeeType.Tpm => "tpm",
        TeeType.Csv => "csv",
        TeeType.Cca => "cca",
        TeeType.Se => "se",
        TeeType.HygonDcu => "hygondcu",
        TeeType.Nvidia => "nvidia",
        TeeType.NvidiaDpu => "dpu",
        TeeType.Sample => "sample",
        TeeType.SampleDevice => "sampledevice",
        _ => throw new ArgumentOutOfRangeException(nameof(tee)),
    };
}
