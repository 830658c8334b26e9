// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.Hosting;

namespace Coco.Attestation.Tokens;

/// <summary>Loads a configured signing key when the host starts, so that one that cannot be used prevents the start and not the first token.</summary>
internal sealed class SignerStart(TokenSignerSource signers) : IHostedService
{
    /// <exception cref="InvalidOperationException">The configured key or its certificates cannot be used.</exception>
    public async Task StartAsync(CancellationToken cancellationToken) => await signers.GetAsync(cancellationToken).ConfigureAwait(false);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
