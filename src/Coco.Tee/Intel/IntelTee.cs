// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Intel;

/// <summary>What a quote speaks of (header field TEE type).</summary>
public enum IntelTee : uint
{
    /// <summary>An SGX enclave.</summary>
    SgxEnclave = 0,

    /// <summary>A TDX trust domain.</summary>
    TrustDomain = 0x81,
}
