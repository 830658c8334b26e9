// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers;

/// <summary>
/// Intel's provisioning certification service, or a caching service (PCCS) with the same interface, API version 4 (tee-evidence.md 3.6). It is taken
/// for Intel's own when the host is exactly <c>api.trustedservices.intel.com</c>; that one publishes the root's revocation list elsewhere.
/// </summary>
/// <param name="http">Makes the requests.</param>
/// <param name="baseAddress">Only scheme, host and port are used; <see cref="DefaultAddress"/> when null.</param>
public sealed class IntelPcsSource(HttpClient http, Uri? baseAddress = null) : ICollateralSource
{
    private const string RootCrlHost = "https://certificates.trustedservices.intel.com/";
    private const string DefaultRootCrl = "IntelSGXRootCA.der";

    private readonly Uri _base = new((baseAddress ?? DefaultAddress).GetLeftPart(UriPartial.Authority));

    /// <summary>The vendor's address.</summary>
    public static Uri DefaultAddress { get; } = new("https://api.trustedservices.intel.com/");

    /// <inheritdoc/>
    public string Name => IsIntel ? "intel-pcs" : "intel-pccs";

    private bool IsIntel => string.Equals(_base.Host, DefaultAddress.Host, StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public bool Serves(string kind) =>
        kind is CollateralKinds.IntelTcbInfo or CollateralKinds.IntelQeIdentity or CollateralKinds.IntelPckCrl or CollateralKinds.IntelRootCrl or CollateralKinds.IntelPck;

    /// <inheritdoc/>
    public async ValueTask<Result<CollateralItem>> FetchAsync(CollateralKey key, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (UriOf(key) is not { } uri)
        {
            return new Refusal(RefusalCode.NotFound, $"{Name} cannot have {key.Kind} {key.Id}");
        }

        if (!(await CollateralHttp.GetAsync(http, uri, key, ct).ConfigureAwait(false)).TryGet(out CollateralAnswer? answer, out Refusal? refusal))
        {
            return refusal;
        }

        ReadOnlyMemory<byte> chain = key.Kind switch
        {
            CollateralKinds.IntelTcbInfo => CollateralHttp.ChainOf(answer, "TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"),
            CollateralKinds.IntelQeIdentity => CollateralHttp.ChainOf(answer, "SGX-Enclave-Identity-Issuer-Chain"),
            CollateralKinds.IntelPckCrl => CollateralHttp.ChainOf(answer, "SGX-PCK-CRL-Issuer-Chain"),
            CollateralKinds.IntelPck => CollateralHttp.ChainOf(answer, "SGX-PCK-Certificate-Issuer-Chain"),
            _ => default,
        };
        return new CollateralItem(answer.Body) { IssuerChain = chain, Location = uri.AbsoluteUri };
    }

    private Uri? UriOf(CollateralKey key)
    {
        string[] parts = key.Id.Split('/');
        if (!Array.TrueForAll(parts, CollateralHttp.IsPlain))
        {
            return null;
        }

        switch (key.Kind)
        {
            case CollateralKinds.IntelTcbInfo when parts is ["sgx" or "tdx", var fmspc, "early" or "standard"]:
                return new Uri(_base, $"/{parts[0]}/certification/v4/tcb?fmspc={fmspc.ToUpperInvariant()}&update={parts[2]}");
            case CollateralKinds.IntelQeIdentity when parts is ["sgx" or "tdx", "early" or "standard"]:
                return new Uri(_base, $"/{parts[0]}/certification/v4/qe/identity?update={parts[1]}");
            case CollateralKinds.IntelPckCrl when parts is ["platform" or "processor"]:
                return new Uri(_base, $"/sgx/certification/v4/pckcrl?ca={parts[0]}&encoding=der");
            case CollateralKinds.IntelRootCrl when parts.Length == 1:
                return IsIntel
                    ? new Uri(RootCrlHost + (parts[0] == "root" ? DefaultRootCrl : parts[0]))
                    : new Uri(_base, "/sgx/certification/v4/rootcacrl");
            case CollateralKinds.IntelPck when parts.Length == 4:
                return new Uri(_base, $"/sgx/certification/v4/pckcert?encrypted_ppid={parts[0]}&cpusvn={parts[1]}&pcesvn={parts[2]}&pceid={parts[3]}");
            default:
                return null;
        }
    }
}
