// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Coco.Attestation;
using Coco.Protocol;
using Coco.ReferenceValues;

namespace Coco.Trustee;

/// <summary>The reference value provider of this process, as the attestation service sees it.</summary>
internal sealed class InProcessReferenceValues(ReferenceValueService service) : IReferenceValueSource, IReferenceValueExpirations
{
    /// <inheritdoc/>
    public ValueTask<ImmutableDictionary<string, JsonElement>> GetAsync(ImmutableArray<string> names, CancellationToken ct) => service.GetAsync(names, ct);

    /// <inheritdoc/>
    public async ValueTask<ImmutableDictionary<string, JsonElement>> GetAllAsync(CancellationToken ct)
    {
        using JsonDocument all = JsonDocument.Parse(await service.QueryAllAsync(ct).ConfigureAwait(false));
        return all.RootElement.EnumerateObject().ToImmutableDictionary(p => p.Name, p => p.Value.Clone(), StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<(string Name, DateTimeOffset ExpiresAt)> ListAsync([EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (ReferenceValue value in service.ListAsync(ct).ConfigureAwait(false))
        {
            yield return (value.Name, value.Expiration);
        }
    }
}
