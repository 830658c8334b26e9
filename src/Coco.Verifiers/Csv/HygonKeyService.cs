// SPDX-License-Identifier: Apache-2.0
using System.Net;

namespace Coco.Verifiers.Csv;

/// <summary>Hygon's key service as a source of HSK and CEK.</summary>
/// <param name="http">The client; its time limit and proxy are the caller's.</param>
/// <param name="service">The service. Hygon's own is <see cref="Default"/>.</param>
/// <param name="clock">Stamps what was fetched.</param>
/// <remarks>Source: tee-evidence.md 9.1.</remarks>
public sealed class HygonKeyService(HttpClient http, Uri service, TimeProvider clock) : ICollateralSource
{
    private const int Size = 2916;

    /// <summary>Where Hygon publishes the keys.</summary>
    public static Uri Default { get; } = new("https://cert.hygon.cn/");

    /// <inheritdoc/>
    public string Name => "hygon-key-service";

    /// <inheritdoc/>
    public bool Serves(string kind) => kind == CollateralKinds.HygonHskCek;

    /// <inheritdoc/>
    public async ValueTask<Result<CollateralItem>> FetchAsync(CollateralKey key, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(key);
        string chip = key.Id[(key.Id.IndexOf('/', StringComparison.Ordinal) + 1)..];
        var address = new Uri(service, "hsk_cek?snumber=" + Uri.EscapeDataString(chip));
        try
        {
            using HttpResponseMessage answer = await http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
            if (answer.StatusCode == HttpStatusCode.NotFound)
            {
                return new Refusal(RefusalCode.NotFound, "the key service knows no chip " + chip);
            }

            if (!answer.IsSuccessStatusCode)
            {
                throw new CollateralUnavailableException(key, $"the key service answered {(int)answer.StatusCode}");
            }

            byte[] body = new byte[Size + 1];
            Stream stream = await answer.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                int read = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, ct).ConfigureAwait(false);
                return read == Size
                    ? new CollateralItem(body.AsMemory(0, Size)) { FetchedAt = clock.GetUtcNow(), Source = Name }
                    : new Refusal(RefusalCode.NotFound, $"the key service's answer is not HSK and CEK of a chip ({read} bytes read)");
            }
        }
        catch (HttpRequestException e)
        {
            throw new CollateralUnavailableException(key, "the key service cannot be reached: " + e.Message, e);
        }
    }
}
