// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers.SecureExecution;

/// <summary>Fetches IBM's revocation lists from the distribution points that certificates name.</summary>
/// <param name="http">Makes the requests.</param>
/// <param name="hosts">Hosts that may be contacted: the address stands in a document that somebody else wrote.</param>
public sealed class RevocationListService(HttpClient http, IReadOnlyCollection<string> hosts) : ICollateralSource
{
    /// <summary>The hosts of the distribution points of IBM's signing keys and of the authority above them.</summary>
    public static IReadOnlyCollection<string> IbmHosts { get; } = ["www.ibm.com", "crl3.digicert.com", "crl4.digicert.com"];

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

        return (await CollateralHttp.GetAsync(http, address, key, ct).ConfigureAwait(false)).TryGet(out CollateralAnswer? answer, out Refusal? refusal)
            ? new CollateralItem(answer.Body) { Location = address.AbsoluteUri }
            : refusal;
    }
}
