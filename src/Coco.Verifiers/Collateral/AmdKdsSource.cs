// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Verifiers;

/// <summary>AMD's key distribution service (publication 57230; tee-evidence.md 2.9): VCEKs, certificate chains, revocation lists.</summary>
/// <param name="http">Makes the requests; its settings (proxy, pooling) are the caller's.</param>
/// <param name="baseAddress">Scheme, host and port; <see cref="DefaultAddress"/> when null.</param>
public sealed class AmdKdsSource(HttpClient http, Uri? baseAddress = null) : ICollateralSource
{
    private readonly Uri _base = baseAddress ?? DefaultAddress;

    /// <summary>The vendor's address.</summary>
    public static Uri DefaultAddress { get; } = new("https://kdsintf.amd.com");

    /// <inheritdoc/>
    public string Name => "amd-kds";

    /// <inheritdoc/>
    public bool Serves(string kind) => kind is CollateralKinds.AmdVcek or CollateralKinds.AmdChain or CollateralKinds.AmdCrl;

    /// <inheritdoc/>
    public async ValueTask<Result<CollateralItem>> FetchAsync(CollateralKey key, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (PathOf(key) is not { } path)
        {
            return new Refusal(RefusalCode.NotFound, $"{Name} cannot have {key.Kind} {key.Id}");
        }

        var uri = new Uri(_base, path);
        return (await CollateralHttp.GetAsync(http, uri, key, ct).ConfigureAwait(false)).TryGet(out CollateralAnswer? answer, out Refusal? refusal)
            ? new CollateralItem(answer.Body) { Location = uri.AbsoluteUri }
            : refusal;
    }

    private static string? PathOf(CollateralKey key)
    {
        string[] parts = key.Id.Split('/');
        if (!Array.TrueForAll(parts, CollateralHttp.IsPlain))
        {
            return null;
        }

        switch (key.Kind)
        {
            case CollateralKinds.AmdVcek when parts.Length == 3 && QueryOf(parts[2]) is { } query:
                return $"/vcek/v1/{parts[0]}/{parts[1]}?{query}";
            case CollateralKinds.AmdChain when parts is ["vcek" or "vlek", _]:
                return $"/{parts[0]}/v1/{parts[1]}/cert_chain";
            case CollateralKinds.AmdCrl when parts is ["vcek" or "vlek", _]:
                return $"/{parts[0]}/v1/{parts[1]}/crl";
            default:
                return null;
        }
    }

    /// <summary>From <c>bl03_tee00_snp08_ucode115_fmc01</c> to the service's query, in which fmcSPL comes first.</summary>
    private static string? QueryOf(string levels)
    {
        var query = new StringBuilder();
        foreach (string level in levels.Split('_'))
        {
            int digits = level.AsSpan().IndexOfAnyInRange('0', '9');
            if (digits <= 0 || !byte.TryParse(level.AsSpan(digits), out _))
            {
                return null;
            }

            string part = $"{level.AsSpan(0, digits)}SPL={level.AsSpan(digits)}";
            if (part.StartsWith("fmc", StringComparison.Ordinal))
            {
                query.Insert(0, part + (query.Length > 0 ? "&" : string.Empty));
            }
            else
            {
                query.Append(query.Length > 0 ? "&" : string.Empty).Append(part);
            }
        }

        return query.ToString();
    }
}
