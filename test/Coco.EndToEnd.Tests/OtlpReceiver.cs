// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Net;
using Coco.Testing;
using Google.Protobuf;

namespace Coco.EndToEnd.Tests;

/// <summary>A span as it came: its place in a trace, and all bytes of its message, in which nothing secret may be found.</summary>
internal sealed record ReceivedSpan(string Service, string Scope, string Name, string TraceId, string Id, string ParentId, byte[] Message);

/// <summary>A collector of OTLP over HTTP with protobuf bodies (opentelemetry/proto/collector/trace/v1), for as much as the tests look at.</summary>
internal sealed class OtlpReceiver : IDisposable
{
    private readonly HttpListener _listener = new();

    private OtlpReceiver(int port)
    {
        Url = $"http://127.0.0.1:{port}";
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _ = ServeAsync();
    }

    /// <summary>Value of <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>.</summary>
    public string Url { get; }

    public ConcurrentQueue<ReceivedSpan> Spans { get; } = [];

    /// <summary>What a process needs in its environment to report here, soon.</summary>
    public Dictionary<string, string> Environment => new()
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Url,
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
    };

    public static OtlpReceiver Start() => new(FreePort.Next());

    public void Dispose() => _listener.Close();

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            using var body = new MemoryStream();
            await context.Request.InputStream.CopyToAsync(body);
            if (context.Request.Url!.AbsolutePath == "/v1/traces")
            {
                ReadRequest(body.ToArray());
            }

            context.Response.ContentType = "application/x-protobuf";
            context.Response.Close();
        }
    }

    private void ReadRequest(byte[] request)
    {
        foreach (byte[] resourceSpans in Messages(request, 1))
        {
            string service = Messages(resourceSpans, 1).SelectMany(r => Messages(r, 1)).Where(a => Text(a, 1) == "service.name").Select(a => Text(Messages(a, 2)[0], 1)).Single();
            foreach (byte[] scopeSpans in Messages(resourceSpans, 2))
            {
                string scope = Messages(scopeSpans, 1).Select(s => Text(s, 1)).FirstOrDefault() ?? string.Empty;
                foreach (byte[] span in Messages(scopeSpans, 2))
                {
                    Spans.Enqueue(new ReceivedSpan(service, scope, Text(span, 5), Hex(span, 1), Hex(span, 2), Hex(span, 4), span));
                }
            }
        }
    }

    private static string Text(byte[] message, int field) => Messages(message, field).Select(System.Text.Encoding.UTF8.GetString).FirstOrDefault() ?? string.Empty;

    private static string Hex(byte[] message, int field) => Messages(message, field).Select(Convert.ToHexStringLower).FirstOrDefault() ?? string.Empty;

    /// <summary>All values of a length-delimited field.</summary>
    private static List<byte[]> Messages(byte[] message, int field)
    {
        var found = new List<byte[]>();
        using var input = new CodedInputStream(message);
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            if (WireFormat.GetTagFieldNumber(tag) == field && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
            {
                found.Add(input.ReadBytes().ToByteArray());
            }
            else
            {
                input.SkipLastField();
            }
        }

        return found;
    }
}
