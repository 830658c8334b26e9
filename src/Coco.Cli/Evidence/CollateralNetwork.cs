// SPDX-License-Identifier: Apache-2.0
using Coco.Verifiers;
using Coco.Verifiers.Csv;
using Coco.Verifiers.SecureExecution;

namespace Coco.Cli.EvidenceCommands;

/// <summary>The vendors' services, as the commands reach them.</summary>
internal static class CollateralNetwork
{
    /// <summary>One client for the process; it follows no redirect to another place than the vendor's.</summary>
    public static HttpClient Client { get; } = new(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(5) }) { Timeout = TimeSpan.FromSeconds(15) };

    /// <summary>All services.</summary>
    public static ICollateralSource[] Sources(HttpClient http, Uri? amd, Uri? intel) =>
        [new AmdKdsSource(http, amd), new IntelPcsSource(http, intel), new NvidiaSource(http), new HygonKeyService(http), new RevocationListService(http, RevocationListService.IbmHosts)];
}
