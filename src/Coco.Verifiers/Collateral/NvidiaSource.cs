// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers;

/// <summary>NVIDIA's reference-manifest service and the key set of its remote attestation service (tee-evidence.md 11.1).</summary>
/// <param name="http">Makes the requests.</param>
/// <param name="rimAddress">The manifest service; <see cref="DefaultRimAddress"/> when null.</param>
/// <param name="attestationAddress">The attestation service; <see cref="DefaultAttestationAddress"/> when null.</param>
public sealed class NvidiaSource(HttpClient http, Uri? rimAddress = null, Uri? attestationAddress = null) : ICollateralSource
{
    private readonly Uri _rim = rimAddress ?? DefaultRimAddress;
    private readonly Uri _attestation = attestationAddress ?? DefaultAttestationAddress;

    /// <summary>The vendor's manifest service.</summary>
    public static Uri DefaultRimAddress { get; } = new("https://rim.attestation.nvidia.com/");

    /// <summary>The vendor's attestation service.</summary>
    public static Uri DefaultAttestationAddress { get; } = new("https://nras.attestation.nvidia.com/");

    /// <inheritdoc/>
    public string Name => "nvidia";

    /// <inheritdoc/>
    public bool Serves(string kind) => kind is CollateralKinds.NvidiaRim or CollateralKinds.NvidiaJwks;

    /// <inheritdoc/>
    public async ValueTask<Result<CollateralItem>> FetchAsync(CollateralKey key, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(key);
        Uri? uri = key.Kind switch
        {
            CollateralKinds.NvidiaRim when CollateralHttp.IsPlain(key.Id) => new Uri(_rim, "/v1/rim/" + key.Id),
            CollateralKinds.NvidiaJwks => new Uri(_attestation, "/.well-known/jwks.json"),
            _ => null,
        };
        if (uri is null)
        {
            return new Refusal(RefusalCode.NotFound, $"{Name} cannot have {key.Kind} {key.Id}");
        }

        return (await CollateralHttp.GetAsync(http, uri, key, ct).ConfigureAwait(false)).TryGet(out CollateralAnswer? answer, out Refusal? refusal)
            ? new CollateralItem(answer.Body) { Location = uri.AbsoluteUri }
            : refusal;
    }
}
