// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers.Csv;

/// <summary>Hygon's key service as a source of HSK and CEK.</summary>
/// <param name="http">Makes the requests.</param>
/// <param name="address">The service; <see cref="DefaultAddress"/> when null.</param>
/// <remarks>Source: tee-evidence.md 9.1.</remarks>
public sealed class HygonKeyService(HttpClient http, Uri? address = null) : ICollateralSource
{
    private const int Size = 2916;

    private readonly Uri _address = address ?? DefaultAddress;

    /// <summary>Where Hygon publishes the keys.</summary>
    public static Uri DefaultAddress { get; } = new("https://cert.hygon.cn/");

    /// <inheritdoc/>
    public string Name => "hygon-key-service";

    /// <inheritdoc/>
    public bool Serves(string kind) => kind == CollateralKinds.HygonHskCek;

    /// <inheritdoc/>
    public async ValueTask<Result<CollateralItem>> FetchAsync(CollateralKey key, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(key);
        string chip = key.Id[(key.Id.IndexOf('/', StringComparison.Ordinal) + 1)..];
        if (!CollateralHttp.IsPlain(chip))
        {
            return new Refusal(RefusalCode.NotFound, $"{Name} cannot have {key.Kind} {key.Id}");
        }

        var uri = new Uri(_address, "/hsk_cek?snumber=" + chip);
        if (!(await CollateralHttp.GetAsync(http, uri, key, ct).ConfigureAwait(false)).TryGet(out CollateralAnswer? answer, out Refusal? refusal))
        {
            return refusal;
        }

        return answer.Body.Length == Size
            ? new CollateralItem(answer.Body) { Location = uri.AbsoluteUri }
            : new Refusal(RefusalCode.NotFound, $"the key service's answer is not HSK and CEK of a chip ({answer.Body.Length} bytes)");
    }
}
