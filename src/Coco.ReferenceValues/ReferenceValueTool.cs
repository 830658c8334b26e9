// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Coco.Protocol.RvpsGrpc;
using Grpc.Core;

namespace Coco.ReferenceValues;

/// <summary>The commands of <c>rvps-tool</c> (rvps.md 8), for a host that has a channel to the service.</summary>
public static class ReferenceValueTool
{
    /// <summary>Address that commands talk to unless told otherwise.</summary>
    public const string DefaultAddress = "http://127.0.0.1:50003";

    private static readonly JsonWriterOptions Pretty = new() { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Registers a message (the text of the file); 0 when it was taken, 1 with a line on <paramref name="error"/> when not.</summary>
    public static Task<int> RegisterAsync(ChannelBase channel, string message, TextWriter output, TextWriter error, CancellationToken ct) =>
        RunAsync(channel, error, async () =>
        {
            await Client(channel).RegisterReferenceValueAsync(new ReferenceValueRegisterRequest { Message = message }, cancellationToken: ct);
            await output.WriteLineAsync("Register provenance succeeded.").ConfigureAwait(false);
        });

    /// <summary>Prints one value as indented JSON; all of them for no id.</summary>
    public static Task<int> QueryAsync(ChannelBase channel, string? id, TextWriter output, TextWriter error, CancellationToken ct) =>
        RunAsync(channel, error, async () =>
        {
            ReferenceValueQueryResponse response = await Client(channel).QueryReferenceValueAsync(
                new ReferenceValueQueryRequest { ReferenceValueId = id ?? string.Empty },
                cancellationToken: ct);
            string text = response.HasReferenceValueResults && response.ReferenceValueResults.Length > 0
                ? Indent(response.ReferenceValueResults)
                : "No reference values found for the given id";
            await output.WriteLineAsync(text).ConfigureAwait(false);
        });

    /// <summary>Removes a value.</summary>
    public static Task<int> DeleteAsync(ChannelBase channel, string name, TextWriter output, TextWriter error, CancellationToken ct) =>
        RunAsync(channel, error, async () =>
        {
            await Client(channel).DeleteReferenceValueAsync(new ReferenceValueDeleteRequest { Name = name }, cancellationToken: ct);
            await output.WriteLineAsync($"Deleted reference value {name}.").ConfigureAwait(false);
        });

    private static ReferenceValueProviderService.ReferenceValueProviderServiceClient Client(ChannelBase channel) => new(channel);

    private static string Indent(string json)
    {
        if (!HostileJson.Parse(json, ReferenceValueMessage.MaxBytes).TryGet(out JsonElement value, out _))
        {
            return json;
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Pretty))
        {
            value.WriteTo(writer);
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static async Task<int> RunAsync(ChannelBase channel, TextWriter error, Func<Task> command)
    {
        try
        {
            await command().ConfigureAwait(false);
            return 0;
        }
        catch (RpcException e)
        {
            string what = e.StatusCode == StatusCode.Unavailable ? $"no provider answers at {channel.Target}: {e.Status.Detail}" : e.Status.Detail;
            await error.WriteLineAsync(what).ConfigureAwait(false);
            return 1;
        }
    }
}
