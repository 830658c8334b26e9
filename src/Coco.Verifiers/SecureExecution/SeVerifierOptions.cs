// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Coco.Tee.SecureExecution;

namespace Coco.Verifiers.SecureExecution;

/// <summary>What the Secure Execution verifier works with.</summary>
public sealed record SeVerifierOptions
{
    /// <summary>
    /// The service's own RSA key pair, of 2048 bits and more: measurement key and nonce travel to the guest and back encrypted to it, so that no replica has to
    /// remember them. Use one that serves nothing else.
    /// </summary>
    public required RSA EncryptionKey { get; init; }

    /// <summary>Header of the image that guests boot; its tags go into the challenge. Null: no challenges can be made.</summary>
    public SeImageHeader? ImageHeader { get; init; }

    /// <summary>Host key documents (certificates of host keys), DER or PEM: those of all machines that guests may run on.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> HostKeyDocuments { get; init; } = [];

    /// <summary>How host key documents are checked.</summary>
    public required SeHostKeyCheck HostKeyCheck { get; init; }
}
