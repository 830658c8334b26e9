// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Net;
using Coco.Protocol;
using Coco.Verifiers;
using Coco.Verifiers.Csv;
using Coco.Verifiers.Intel;
using Coco.Verifiers.SecureExecution;

namespace Coco.Trustee;

/// <summary>Where verifiers get collateral: directories and files first, then the vendors' services.</summary>
internal static class CollateralWiring
{
    /// <summary>The sources in the order in which they are asked.</summary>
    public static ImmutableArray<ICollateralSource> Sources(AsVerifierConfig config)
    {
        var http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            AutomaticDecompression = DecompressionMethods.None,
        });
        ImmutableArray<ICollateralSource>.Builder sources = ImmutableArray.CreateBuilder<ICollateralSource>();
        sources.AddRange(config.CollateralDirectories.Select(d => new CollateralDirectory(d)));
        foreach (AsVcekSourceConfig source in config.Snp.VcekSources)
        {
            if (source.Type == "OfflineStore")
            {
                sources.Add(new CollateralDirectory(source.Location!));
            }
            else if (!config.Offline)
            {
                sources.Add(new AmdKdsSource(http, source.Location is { } kds ? new Uri(kds) : null));
            }
        }

        const string FileScheme = "file://";
        if (config.Dcap.CollateralService.StartsWith(FileScheme, StringComparison.Ordinal))
        {
            sources.Add(new IntelCollateralFileSource(config.Dcap.CollateralService[FileScheme.Length..]));
        }
        else if (!config.Offline)
        {
            sources.Add(new IntelPcsSource(http, new Uri(config.Dcap.CollateralService)));
        }

        sources.Add(new HygonKeyDirectory("/opt/hygon/csv/hsk_cek", Environment.GetEnvironmentVariable("HSK_CEK_CERT_PATH") is { Length: > 0 } path ? path : "/opt/dcu/certs"));
        if (!config.Offline)
        {
            sources.Add(new HygonKeyService(http));
            sources.Add(new NvidiaSource(http));
            sources.Add(new RevocationListService(http, RevocationListService.IbmHosts));
        }

        return sources.ToImmutable();
    }
}
