// SPDX-License-Identifier: Apache-2.0
using Coco.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coco.KeyBroker;

/// <summary>Loads session keys and policies before the first request, and stores the initial policy where there is none. A store that is not there yet does not stop the start.</summary>
internal sealed partial class WarmUp(SessionKeys keys, ResourcePolicies policies, KeyBrokerOptions options, ILogger<WarmUp> log) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Admin.Mode == AdminMode.InsecureAllowAll)
        {
            Log.EverybodyIsAdministrator(log);
        }

        if (options.TokenTrust.InsecureHeaderJwk)
        {
            Log.HeaderKeysAreBelieved(log);
        }

        try
        {
            await keys.GetAsync(cancellationToken);
            if (await policies.CheckAsync(cancellationToken) is { } broken)
            {
                Log.PolicyIsBroken(log, broken.Detail);
            }
            else if (await policies.GetByIdAsync(ResourcePolicies.DefaultId, cancellationToken) is { } policy && !policy.Source.Contains("ear.status", StringComparison.Ordinal))
            {
                Log.StatusIsIgnored(log);
            }
        }
        catch (StoreUnavailableException e)
        {
            Log.StoreIsNotThere(log, e);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(5060, LogLevel.Warning, "insecure: every administrator's request is allowed, without a token")]
        public static partial void EverybodyIsAdministrator(ILogger logger);

        [LoggerMessage(5061, LogLevel.Warning, "insecure: attestation tokens are believed under the key in their own header (insecure_header_jwk)")]
        public static partial void HeaderKeysAreBelieved(ILogger logger);

        [LoggerMessage(5062, LogLevel.Error, "the stored resource policy does not compile, so nothing will be released: {Cause}")]
        public static partial void PolicyIsBroken(ILogger logger, string cause);

        [LoggerMessage(5064, LogLevel.Warning, "the resource policy does not look at ear.status: a guest whose appraisal is contraindicated passes it, unless it says otherwise; see the policy 'affirming'")]
        public static partial void StatusIsIgnored(ILogger logger);

        [LoggerMessage(5063, LogLevel.Error, "the store does not answer; requests get 503 until it does")]
        public static partial void StoreIsNotThere(ILogger logger, Exception e);
    }
}
