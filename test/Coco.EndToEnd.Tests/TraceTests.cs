// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text;
using Coco.Client;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>One trace from the guest to the release of its secret, over a key broker and an attestation service in processes of their own.</summary>
public sealed class TraceTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string _home = Directory.CreateTempSubdirectory("coco-trace").FullName;
    private readonly OtlpReceiver _collector = OtlpReceiver.Start();

    public void Dispose()
    {
        _collector.Dispose();
        Directory.Delete(_home, recursive: true);
    }

    [Fact]
    public async Task Exchange_OverTwoServices_IsOneTraceWithoutSecrets()
    {
        int port = FreePort.Next();
        await using ServerProcess attestation = ServerProcess.Start(
            TrusteeProcess.Program("Coco.Trustee", "trustee"),
            ["as", "--home", _home, "--grpc-socket", "127.0.0.1:" + port],
            new Dictionary<string, string>(_collector.Environment) { ["OTEL_SERVICE_NAME"] = "as" });
        await attestation.WaitForPortAsync(port, Limit);
        await using TrusteeProcess trustee = await TrusteeProcess.StartAsync(
            [
                "--allow-all", "--set", "http_server.insecure_http=true", "--set", "attestation_service.type=coco_as_grpc",
                "--set", $"attestation_service.as_addr=http://127.0.0.1:{port}", "--set", "attestation_token.insecure_header_jwk=true",
            ],
            environment: new Dictionary<string, string>(_collector.Environment) { ["OTEL_SERVICE_NAME"] = "kbs" },
            tls: false);
        using (KbsAdminClient admin = KbsAdminClient.Create(trustee.Url, null))
        {
            Assert.Null(await admin.SetResourcePolicyAsync(SampleExchange.AllowResources));
            Assert.Null(await admin.SetResourceAsync("a/b/c", "a secret that no span may hold"u8.ToArray()));
        }

        var messages = new List<string>();
        using Activity guestSpan = new Activity("workload").SetIdFormat(ActivityIdFormat.W3C);
        guestSpan.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        guestSpan.Start();
        using (KbsClient guest = KbsClient.Create(trustee.Url, new SampleEvidenceProvider()))
        {
            guest.Trace = (_, message) => messages.Add(message);
            Assert.True((await guest.GetResourceAsync("a/b/c")).TryGet(out Secret? secret, out Refusal? refusal), refusal?.ToString());
            secret.Dispose();
        }

        guestSpan.Stop();
        string trace = guestSpan.TraceId.ToHexString();
        string[] kbs = ["auth", "attest", "evaluate", "plugin", "token", "policy", "fetch", "release"], service = ["bind", "verify", "appraise", "issue"];
        await Poll.UntilAsync(
            () => Task.FromResult(kbs.Concat(service).All(n => OfTrace(trace).Any(s => s.Name == n)) && OfTrace(trace).Count(s => s.Service == "kbs" && s.Scope == "Microsoft.AspNetCore") == 3),
            "the spans",
            Limit);

        ReceivedSpan[] spans = [.. OfTrace(trace)];
        var byId = spans.ToDictionary(s => s.Id);
        Assert.Equal(kbs.Order(), spans.Where(s => s.Scope == "Coco.KeyBroker").Select(s => s.Name).Order());
        Assert.Equal(service.Order(), spans.Where(s => s.Scope == "Coco.Attestation").Select(s => s.Name).Order());
        Assert.Equal("attest", byId[One("evaluate").ParentId].Name);
        Assert.All(["token", "policy", "fetch", "release"], n => Assert.Equal("plugin", byId[One(n).ParentId].Name));

        // Every span but the three requests themselves has its parent in the trace: theirs is the guest's.
        ReceivedSpan[] outer = [.. spans.Where(s => !byId.ContainsKey(s.ParentId))];
        Assert.Equal(3, outer.Length);
        Assert.All(outer, s => Assert.Equal(("kbs", "Microsoft.AspNetCore"), (s.Service, s.Scope)));

        // From the remote service up: its step, its request, the broker's call, the broker's step.
        ReceivedSpan request = byId[One("verify").ParentId];
        Assert.Equal("as", request.Service);
        ReceivedSpan up = byId[request.ParentId];
        while (up.Scope != "Coco.KeyBroker")
        {
            up = byId[up.ParentId];
        }

        Assert.Equal(("kbs", "evaluate"), (up.Service, up.Name));
        string token = System.Text.Json.Nodes.JsonNode.Parse(messages.Single(m => m.StartsWith("{\"token\"", StringComparison.Ordinal)))!["token"]!.GetValue<string>();
        string everything = string.Concat(_collector.Spans.Select(s => Encoding.Latin1.GetString(s.Message)));
        Assert.All(["a secret", token.Split('.')[1], token.Split('.')[2], "kbs-session-id", "report_data"], secret => Assert.DoesNotContain(secret, everything));

        ReceivedSpan One(string name) => spans.Single(s => s.Name == name && s.Scope.StartsWith("Coco.", StringComparison.Ordinal));
    }

    private IEnumerable<ReceivedSpan> OfTrace(string id) => _collector.Spans.Where(s => s.TraceId == id);
}
