// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Protocol.RvpsGrpc;
using Coco.Testing;
using Grpc.Core;
using Grpc.Net.Client;

namespace Coco.EndToEnd.Tests;

/// <summary>Two <c>trustee rvps</c> processes over one PostgreSQL that register at once.</summary>
public sealed class ReferenceValueReplicaTests : IAsyncLifetime
{
    private const int Rounds = 20;

    private readonly string[] _folders = [Directory.CreateTempSubdirectory("coco-rvps-").FullName, Directory.CreateTempSubdirectory("coco-rvps-").FullName];
    private readonly List<IAsyncDisposable> _started = [];
    private readonly List<GrpcChannel> _channels = [];

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(PostgresServer.Missing is not null, PostgresServer.Missing ?? string.Empty);
        PostgresServer database = await PostgresServer.StartAsync();
        _started.Add(database);
        int[] ports = [FreePort.Next(), FreePort.Next()];
        ServiceProcess[] replicas = await Task.WhenAll(ports.Select((port, i) => ServiceProcess.StartAsync(
            _folders[i],
            ["rvps", "--address", $"127.0.0.1:{port}"],
            """{"storage":{"storage_type":"Postgres","backends":{"postgres":{"db":"unused"}}},"merge_on_register":true}""",
            environment: new Dictionary<string, string> { ["POSTGRES_URL"] = database.Url })));
        _started.AddRange(replicas);
        _channels.AddRange(ports.Select(p => GrpcChannel.ForAddress("http://127.0.0.1:" + p)));
    }

    public async ValueTask DisposeAsync()
    {
        _channels.ForEach(c => c.Dispose());
        foreach (IAsyncDisposable one in Enumerable.Reverse(_started))
        {
            await one.DisposeAsync();
        }

        Array.ForEach(_folders, f => Directory.Delete(f, recursive: true));
    }

    [Fact]
    public async Task Register_SameNamesAtBothAtOnce_LosesNothingAndRefusesWithTheReason()
    {
        ReferenceValueProviderService.ReferenceValueProviderServiceClient[] clients = [.. _channels.Select(c => new ReferenceValueProviderService.ReferenceValueProviderServiceClient(c))];

        // Hash lists of one name from both sides are united; a writer that is overtaken too often is told so and may come again.
        string[][] accepted = await Task.WhenAll(clients.Select(async (client, side) =>
        {
            var hashes = new List<string>();
            for (int i = 0; i < Rounds; i++)
            {
                string hash = $"{side}{i:x63}";
                try
                {
                    await RegisterAsync(client, hash, "kernel", $"only-{side}-{i}");
                    hashes.Add(hash);
                }
                catch (RpcException e)
                {
                    Assert.Equal(StatusCode.Aborted, e.StatusCode);
                    Assert.Contains("'kernel' was changed by others", e.Status.Detail, StringComparison.Ordinal);
                }
            }

            return hashes.ToArray();
        }));

        foreach (ReferenceValueProviderService.ReferenceValueProviderServiceClient client in clients)
        {
            string[] kernel = [.. JsonNode.Parse(await QueryAsync(client, "kernel"))!.AsArray().Select(h => (string)h!)];
            Assert.Empty(accepted.SelectMany(h => h).Except(kernel));
            Assert.NotEmpty(accepted[0]);
            Assert.NotEmpty(accepted[1]);
            foreach (string hash in accepted.SelectMany(h => h))
            {
                Assert.Equal($"[\"{hash}\"]", await QueryAsync(client, $"only-{hash[0]}-{Convert.ToInt64(hash[1..], 16)}"));
            }
        }
    }

    private static async Task RegisterAsync(ReferenceValueProviderService.ReferenceValueProviderServiceClient client, string hash, params string[] names)
    {
        var statement = new JsonObject
        {
            ["_type"] = "https://in-toto.io/Statement/v1",
            ["predicateType"] = "https://slsa.dev/provenance/v1",
            ["subject"] = new JsonArray([.. names.Select(n => (JsonNode)new JsonObject { ["name"] = n, ["digest"] = new JsonObject { ["sha256"] = hash } })]),
        };
        var provenance = new JsonObject { ["artifact_type"] = "kernel", ["slsa_provenance"] = new JsonArray(statement.ToJsonString()), ["artifacts_download_url"] = new JsonArray() };
        string message = new JsonObject { ["version"] = "0.1.0", ["type"] = "slsa", ["payload"] = provenance.ToJsonString() }.ToJsonString();
        await client.RegisterReferenceValueAsync(new ReferenceValueRegisterRequest { Message = message });
    }

    private static async Task<string> QueryAsync(ReferenceValueProviderService.ReferenceValueProviderServiceClient client, string name) =>
        (await client.QueryReferenceValueAsync(new ReferenceValueQueryRequest { ReferenceValueId = name })).ReferenceValueResults;
}
