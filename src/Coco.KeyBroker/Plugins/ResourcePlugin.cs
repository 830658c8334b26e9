// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>The <c>resource</c> plugin: one value per name, in a back end (kbs.md 3.5).</summary>
internal sealed class ResourcePlugin(ISecretBackend backend, KeyBrokerMetrics metrics) : IBrokerPlugin
{
    public string Name => "resource";

    /// <summary>Where the values are.</summary>
    public ISecretBackend Backend => backend;

    public ValueTask<Result<bool>> RequiresAdminAsync(BrokerRequest request, CancellationToken ct) => new(request.Method is "POST" or "DELETE");

    public ValueTask<Result<bool>> RequiresEncryptionAsync(BrokerRequest request, CancellationToken ct) => new(true);

    public async ValueTask<Result<Secret>> HandleAsync(BrokerRequest request, CancellationToken ct)
    {
        if (!ResourcePath.Parse(request.JoinedPath).TryGet(out ResourcePath path, out Refusal? refusal))
        {
            return refusal;
        }

        KeyValuePair<string, object?> label = KeyBrokerMetrics.Tag("resource_path", path.ToString());
        switch (request.Method)
        {
            case "GET":
                metrics.ResourceReads.Add(1, label);
                return await backend.ReadAsync(path, ct);
            case "POST":
                metrics.ResourceWrites.Add(1, label);
                refusal = await WriteAsync(path, request, ct);
                break;
            case "DELETE":
                metrics.ResourceDeletes.Add(1, label);
                refusal = await backend.DeleteAsync(path, ct);
                break;
            default:
                refusal = new Refusal(RefusalCode.Unsupported, $"a resource has no method {request.Method}");
                break;
        }

        return refusal is null ? Secret.CopyOf([]) : refusal;
    }

    private async ValueTask<Refusal?> WriteAsync(ResourcePath path, BrokerRequest request, CancellationToken ct)
    {
        using var value = Secret.CopyOf(request.Body.Span);
        if (!request.Query.TryGetValue("expires", out string? expires))
        {
            return await backend.WriteAsync(path, value, ct);
        }

        if (backend is not KeyValueBackend versioned)
        {
            return new Refusal(RefusalCode.Unsupported, "this back end has no expiry");
        }

        return TryParseTime(expires, out DateTimeOffset at)
            ? (await versioned.WriteAsync(path, value, at, ct)).Refusal
            : new Refusal(RefusalCode.Malformed, "the expiry is not a time of RFC 3339");
    }

    /// <summary>A time of RFC 3339.</summary>
    internal static bool TryParseTime(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
}
