// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.KeyBroker.Tests;

/// <summary>The OpenAPI document describes endpoints that there are, and all that administrators have.</summary>
public sealed class OpenApiTests
{
    [Fact]
    public async Task Document_ReferencesResolveAndAdminEndpointsAreThoseOfTheTests()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        RawAnswer answer = await broker.SendAsync("GET", "/kbs/v0/openapi.json");
        JsonElement root = JsonDocument.Parse(answer.Body).RootElement;

        Assert.Equal("3.1.0", root.GetProperty("openapi").GetString());
        AssertReferences(root, root);
        foreach (TheoryDataRow<string, string> row in AdminTests.AdminEndpoints())
        {
            (string method, string path) = row.Data;
            Assert.True(
                path == "sample/x" || root.GetProperty("paths").EnumerateObject().Any(p => Matches(p.Name, "/kbs/v0/" + path) && p.Value.TryGetProperty(method.ToLowerInvariant(), out _)),
                $"{method} {path} is not described");
        }
    }

    [Fact]
    public async Task EveryDescribedAdminEndpoint_RefusesStrangers()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        JsonElement paths = JsonDocument.Parse((await broker.SendAsync("GET", "/kbs/v0/openapi.json")).Body).RootElement.GetProperty("paths");
        foreach (JsonProperty path in paths.EnumerateObject().Where(p => !p.Name.Contains("pkcs11", StringComparison.Ordinal)))
        {
            foreach (JsonProperty operation in path.Value.EnumerateObject().Where(o => o.Value.TryGetProperty("security", out JsonElement s) && s.GetRawText().Contains("admin", StringComparison.Ordinal)))
            {
                string target = System.Text.RegularExpressions.Regex.Replace(path.Name, @"\{[^}]+\}", "a");
                RawAnswer answer = await broker.SendAsync(operation.Name.ToUpperInvariant(), target, "{}");
                Assert.True(answer.Status == 401, $"{operation.Name} {target}: {answer.Status}");
            }
        }
    }

    private static bool Matches(string template, string path) =>
        System.Text.RegularExpressions.Regex.IsMatch(path, "^" + System.Text.RegularExpressions.Regex.Replace(template, @"\{[^}]+\}", "[^?]+") + "$");

    private static void AssertReferences(JsonElement root, JsonElement at)
    {
        switch (at.ValueKind)
        {
            case JsonValueKind.Object:
                if (at.TryGetProperty("$ref", out JsonElement reference))
                {
                    Assert.True(JsonPointer.Parse(reference.GetString()!.TrimStart('#')).Require().TryFind(root, out _), reference.GetString());
                }

                foreach (JsonProperty member in at.EnumerateObject())
                {
                    AssertReferences(root, member.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in at.EnumerateArray())
                {
                    AssertReferences(root, item);
                }

                break;
        }
    }
}
