// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>The <c>sample</c> plugin: one fixed answer, for tests of administration (kbs.md 3.2).</summary>
internal sealed class SamplePlugin : IBrokerPlugin
{
    public string Name => "sample";

    public ValueTask<Result<bool>> RequiresAdminAsync(BrokerRequest request, CancellationToken ct) => new(true);

    public ValueTask<Result<Secret>> HandleAsync(BrokerRequest request, CancellationToken ct) => new(Secret.CopyOf("sample plugin response"u8));

    public ValueTask<Result<bool>> RequiresEncryptionAsync(BrokerRequest request, CancellationToken ct) => new(false);
}
