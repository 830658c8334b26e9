// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace Coco.Verifiers.Intel;

/// <summary>Error codes of Intel's quote verification that a verifier gives (<c>quote3_error_t</c>, prefix 0xE000; tee-evidence.md 3.10).</summary>
public enum DcapError : ushort
{
    /// <summary>There is no collateral for the platform.</summary>
    NoCollateral = 0xE01B,

    /// <summary>The certification data are of a type that is not supported.</summary>
    CertificationDataUnsupported = 0xE01C,

    /// <summary>The quote's form is not supported.</summary>
    QuoteFormatUnsupported = 0xE01D,

    /// <summary>The signature over the QE report does not verify, or the report does not bind the attestation key.</summary>
    QeReportInvalidSignature = 0xE01F,

    /// <summary>The PCK certificate has a form that is not supported.</summary>
    PckCertificateUnsupportedFormat = 0xE021,

    /// <summary>The PCK chain does not hold.</summary>
    PckChainError = 0xE022,

    /// <summary>The TCB info has a form that is not supported.</summary>
    TcbInfoUnsupportedFormat = 0xE023,

    /// <summary>The TCB info is for another platform or TEE.</summary>
    TcbInfoMismatch = 0xE024,

    /// <summary>The QE identity has a form that is not supported.</summary>
    QeIdentityUnsupportedFormat = 0xE025,

    /// <summary>The quoting enclave is not the one of the QE identity.</summary>
    QeIdentityMismatch = 0xE026,

    /// <summary>The TCB info is over its time.</summary>
    TcbInfoExpired = 0xE02C,

    /// <summary>A certificate of the PCK chain is over its time.</summary>
    PckChainExpired = 0xE02D,

    /// <summary>A revocation list is over its time.</summary>
    CrlExpired = 0xE02E,

    /// <summary>A certificate of a signing chain is over its time.</summary>
    SigningChainExpired = 0xE02F,

    /// <summary>The QE identity is over its time.</summary>
    EnclaveIdentityExpired = 0xE030,

    /// <summary>A certificate is revoked.</summary>
    PckRevoked = 0xE031,

    /// <summary>The TCB level, or that of the module or quoting enclave, is revoked.</summary>
    TcbRevoked = 0xE032,

    /// <summary>A revocation list has a form that is not supported.</summary>
    CrlUnsupportedFormat = 0xE038,

    /// <summary>The chain or the signature of the QE identity does not hold.</summary>
    QeIdentityChainError = 0xE039,

    /// <summary>The chain or the signature of the TCB info does not hold.</summary>
    TcbInfoChainError = 0xE03A,

    /// <summary>The TDX module is not the one of the TCB info.</summary>
    TdxModuleMismatch = 0xE060,

    /// <summary>There is no QE identity.</summary>
    QeIdentityNotFound = 0xE061,

    /// <summary>There is no TCB info.</summary>
    TcbInfoNotFound = 0xE062,

    /// <summary>No TCB level matches.</summary>
    TcbNotSupported = 0xE066,

    /// <summary>The signature over the quote or over a revocation list does not verify.</summary>
    InvalidSignature = 0xE068,
}

/// <summary>Makes refusals that carry Intel's error code.</summary>
internal static class DcapErrors
{
    public static Refusal Refuse(this DcapError error, RefusalCode code, string detail, string? field = null) =>
        new(code, string.Create(CultureInfo.InvariantCulture, $"{detail} (0x{(ushort)error:X4})")) { Field = field };

    public static Refusal With(this DcapError error, Refusal refusal) =>
        refusal with { Detail = string.Create(CultureInfo.InvariantCulture, $"{refusal.Detail} (0x{(ushort)error:X4})") };
}
