// SPDX-License-Identifier: Apache-2.0
using Coco.Verifiers.Certificates;

namespace Coco.Verifiers.SecureExecution;

/// <summary>What host key documents are checked against.</summary>
public sealed record SeHostKeyOptions
{
    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Root certificate authorities. Default: none, which refuses every document.</summary>
    public IReadOnlyList<TrustedKey> Roots { get; init; } = [];

    /// <summary>IBM's signing key certificate and its issuers, DER or PEM.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Certificates { get; init; } = [];

    /// <summary>Revocation lists at hand, DER or PEM.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> RevocationLists { get; init; } = [];

    /// <summary>Where further revocation lists are asked for by distribution point; null (default) works off line.</summary>
    public ICollateralProvider? Collateral { get; init; }

    /// <summary>
    /// Takes host key documents as they are. Only for test images: whoever supplies a document can then read the measurement key and forge
    /// every measurement. Default false.
    /// </summary>
    public bool InsecureSkipVerification { get; init; }
}
