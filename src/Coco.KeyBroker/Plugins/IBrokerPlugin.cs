// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>Serves everything under <c>/kbs/v0/NAME/</c>: resource, pkcs11, nebula-ca, provisioner, external, sample. Thread-safe.</summary>
public interface IBrokerPlugin
{
    /// <summary>First segment of the path; unique, or the start is refused.</summary>
    string Name { get; }

    /// <summary>Whether the request is an administrator's. Otherwise it needs an attestation token and the resource policy.</summary>
    ValueTask<Result<bool>> RequiresAdminAsync(BrokerRequest request, CancellationToken ct);

    /// <summary>Answers a request that was authorised. The caller disposes the answer.</summary>
    ValueTask<Result<Secret>> HandleAsync(BrokerRequest request, CancellationToken ct);

    /// <summary>Whether the answer to an attested guest is encrypted to its key. Asked after <see cref="HandleAsync"/>; answers to administrators never are.</summary>
    ValueTask<Result<bool>> RequiresEncryptionAsync(BrokerRequest request, CancellationToken ct);
}
