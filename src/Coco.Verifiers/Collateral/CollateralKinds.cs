// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers;

/// <summary>The kinds of collateral and the form of their identifiers. An identifier has no scheme and no host.</summary>
/// <remarks>Sources: tee-evidence.md 2.9 (AMD) and 3.6 (Intel).</remarks>
public static class CollateralKinds
{
    /// <summary>VCEK certificate, DER. Id: <c>{Product}/{hwid}/bl03_tee00_snp08_ucode115[_fmc01]</c>, see <c>AmdCollateral.VcekKey</c>.</summary>
    public const string AmdVcek = "amd-vcek";

    /// <summary>ASK (or ASVK) and ARK, PEM. Id: <c>vcek/{Product}</c> or <c>vlek/{Product}</c>.</summary>
    public const string AmdChain = "amd-chain";

    /// <summary>Revocation list of an ARK, DER. Id: <c>vcek/{Product}</c> or <c>vlek/{Product}</c>.</summary>
    public const string AmdCrl = "amd-crl";

    /// <summary>TCB info with its issuer chain. Id: <c>{sgx|tdx}/{FMSPC upper case}/{early|standard}</c>.</summary>
    public const string IntelTcbInfo = "intel-tcb-info";

    /// <summary>QE identity with its issuer chain. Id: <c>{sgx|tdx}/{early|standard}</c>.</summary>
    public const string IntelQeIdentity = "intel-qe-identity";

    /// <summary>Revocation list of a PCK CA with its issuer chain. Id: <c>platform</c> or <c>processor</c>.</summary>
    public const string IntelPckCrl = "intel-pck-crl";

    /// <summary>Revocation list of the root CA. Id: <c>root</c>, or the path of the distribution point (<c>IntelSGXRootCA.der</c>).</summary>
    public const string IntelRootCrl = "intel-root-crl";

    /// <summary>PCK certificate with its issuer chain. Id: <c>{encrypted PPID}/{CPUSVN}/{PCESVN}/{PCEID}</c>, hexadecimal.</summary>
    public const string IntelPck = "intel-pck";

    /// <summary>Reference manifest of NVIDIA firmware or driver. Id: the manifest's identifier, for example <c>NV_GPU_DRIVER_GH100_535.86.09</c>.</summary>
    public const string NvidiaRim = "nvidia-rim";

    /// <summary>Key set of NVIDIA's remote attestation service. Id: <c>nras</c>.</summary>
    public const string NvidiaJwks = "nvidia-jwks";

    /// <summary>Hygon's HSK and CEK of one chip, 2916 bytes. Id: <c>csv/{serial number}</c> or <c>dcu/{chip id}</c>.</summary>
    public const string HygonHskCek = "hygon-hsk-cek";

    /// <summary>Revocation list of an IBM Z host key signing authority, DER or PEM. Id: path of the distribution point.</summary>
    public const string IbmCrl = "ibm-crl";
}
