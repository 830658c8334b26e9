// SPDX-License-Identifier: Apache-2.0
using System.Net;

namespace Coco.Verifiers.SecureExecution;

/// <summary>Fetches IBM's revocation lists from the distribution points that certificates name.</summary>
/// <param name="http">The client; time limit and proxy are the caller's.</param>
/// <param name="hosts">Hosts that may be contacted: the address stands in a document that somebody else wrote.</param>
/// <param name="clock">Stamps what was fetched.</param>
public sealed class RevocationListService(HttpClient http, IReadOnlyCollection<string> hosts, TimeProvider clock) : ICollateralSource
{
    /// <inheritdoc/>
    public string Name => "ibm-crl";

    /// <inheritdoc/>
    public bool Serves(string kind) => kind == CollateralKinds.IbmCrl;

    /// <inheritdoc/>
    public async ValueTask<Result<CollateralItem>> FetchAsync(CollateralKey key, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(key);

        // Lists are signed: plain HTTP, as distribution points have it, is enough.
        if (!Uri.TryCreate("http://" + key.Id, UriKind.Absolute, out Uri? address) || !hosts.Contains(address.Authority, StringComparer.OrdinalIgnoreCase))
        {
            return new Refusal(RefusalCode.NotFound, "the distribution point is not among the hosts that may be contacted");
        }

        try
        {
            using HttpResponseMessage answer = await http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
            if (answer.StatusCode == HttpStatusCode.NotFound)
            {
                return new Refusal(RefusalCode.NotFound, "the distribution point has no list");
            }

            if (!answer.IsSuccessStatusCode)
            {
                throw new CollateralUnavailableException(key, $"the distribution point answered {(int)answer.StatusCode}");
            }

            await answer.Content.LoadIntoBufferAsync(CertificateRevocationList.MaximumLength, ct).ConfigureAwait(false);
            return new CollateralItem(await answer.Content.ReadAsByteArrayAsync(ct).ConfigureAwait(false)) { FetchedAt = clock.GetUtcNow(), Source = Name };
        }
        catch (HttpRequestException e)
        {
            throw new CollateralUnavailableException(key, "the distribution point cannot be reached: " + e.Message, e);
        }
    }
}
