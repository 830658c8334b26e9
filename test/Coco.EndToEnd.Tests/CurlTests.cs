// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>Drives the server with plain curl, as the written exchanges show it; the answer is opened with another library.</summary>
public sealed class CurlTests : IAsyncLifetime
{
    private readonly string _jar = Path.GetTempFileName();
    private TrusteeProcess _trustee = null!;

    public async ValueTask InitializeAsync() => _trustee = await TrusteeProcess.StartAsync();

    public async ValueTask DisposeAsync()
    {
        File.Delete(_jar);
        await _trustee.DisposeAsync();
    }

    [Fact]
    public async Task Handshake_WithCurl_GivesTheSecretToTheKeyThatAttested()
    {
        await AdminAsync("resource/alice/key/1", "hello, coco");
        await AdminAsync("resource-policy", Policy(SampleExchange.AllowResources));
        using ECDiffieHellman key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);

        (int status, JsonNode attested) = await AttestAsync(key, n => n);
        Assert.Equal(200, status);
        Assert.Equal(3, attested["token"]!.GetValue<string>().Split('.').Length);
        (status, JsonNode answer) = await CurlAsync("resource/alice/key/1", null);

        Assert.Equal(200, status);
        Assert.Equal("hello, coco", SampleExchange.Open(answer, key));

        // Curl's own form: hidden from scripts, host only, path, over TLS only.
        Assert.Matches("#HttpOnly_localhost\tFALSE\t/kbs/v0/?\tTRUE\t[0-9]+\tkbs-session-id\t", await File.ReadAllTextAsync(_jar));
    }

    [Fact]
    public async Task Attest_WithAnotherNonce_IsRefusedInTheProtocolsForm()
    {
        using ECDiffieHellman key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);

        (int status, JsonNode error) = await AttestAsync(key, _ => Convert.ToBase64String(new byte[32]));

        Assert.Equal(401, status);
        Assert.Equal("https://github.com/confidential-containers/kbs/errors/AttestationError", error["type"]!.GetValue<string>());
        Assert.Equal("Attestation error: RCAR handshake Attest failed", error["detail"]!.GetValue<string>());
    }

    [Fact]
    public async Task Resource_OfASampleTee_IsDeniedByTheDefaultPolicy()
    {
        await AdminAsync("resource/alice/key/1", "hello, coco");
        using ECDiffieHellman key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        await AttestAsync(key, n => n);

        (int status, JsonNode error) = await CurlAsync("resource/alice/key/1", null);

        Assert.Equal(401, status);
        Assert.Equal("Access denied by policy", error["detail"]!.GetValue<string>());
    }

    [Fact]
    public async Task Resource_WithoutASession_IsRefused()
    {
        (int status, JsonNode error) = await CurlAsync("resource/alice/key/1", null);

        Assert.Equal(401, status);
        Assert.EndsWith("/TokenNotFound", error["type"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("resource/../../etc/passwd")]
    [InlineData("resource/a%2F..%2Fb/c/d")]
    [InlineData("resource/.ssh/id/rsa")]
    [InlineData("resource/a/b")]
    public async Task Set_ResourceWithABadName_IsRefusedAndNothingIsStored(string path)
    {
        string output = await ServerProcess.RunAsync(
            "curl",
            ["-s", "-o", "-", "-w", "\n%{http_code}", "--path-as-is", "--cacert", _trustee.AuthorityPath, "-H", "Authorization: Bearer " + _trustee.AdminToken,
             "--data-binary", "x", _trustee.Url + "kbs/v0/" + path]);

        Assert.StartsWith("4", output.Trim().Split('\n')[^1]);
        string list = await ServerProcess.RunAsync(
            "curl", ["-s", "--cacert", _trustee.AuthorityPath, "-H", "Authorization: Bearer " + _trustee.AdminToken, _trustee.Url + "kbs/v0/resources"]);
        Assert.Equal("[]", list.Trim());
    }

    [Fact]
    public async Task Admin_WithoutAToken_IsRefused()
    {
        string output = await ServerProcess.RunAsync(
            "curl", ["-s", "-w", "\n%{http_code}", "--cacert", _trustee.AuthorityPath, "--data-binary", "x", _trustee.Url + "kbs/v0/resource/a/b/c"]);

        Assert.Contains("401", output);
        Assert.Contains("/errors/AdminAuth", output);
    }

    [Fact]
    public async Task Metrics_AfterAHandshake_HaveTheReferencesNamesAndCount()
    {
        await AdminAsync("resource/alice/key/1", "hello, coco");
        await AdminAsync("resource-policy", Policy(SampleExchange.AllowResources));
        using ECDiffieHellman key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        await AttestAsync(key, n => n);
        await CurlAsync("resource/alice/key/1", null);
        using ECDiffieHellman stranger = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        await AttestAsync(stranger, _ => Convert.ToBase64String(new byte[32]));

        string metrics = await ServerProcess.RunAsync("curl", ["-s", "--cacert", _trustee.AuthorityPath, _trustee.Url + "metrics"]);

        foreach (string line in (string[])[
            "kbs_auth_requests_total 2", "kbs_auth_successes_total 2", "kbs_auth_errors_total 0",
            "kbs_attestation_requests_total 2", "kbs_attestation_errors_total 1", "kbs_attestation_successes_total{tee_type=\"sample\"} 1",
            "kbs_resource_reads_total{resource_path=\"alice/key/1\"} 1", "kbs_resource_writes_total{resource_path=\"alice/key/1\"} 1",
            "kbs_policy_evaluations_total 1", "kbs_policy_approvals_total 1", "kbs_policy_violations_total 0", "kbs_policy_errors_total 0",
            "kbs_http_request_duration_seconds_bucket{le=\"0.0005\"} ", "kbs_http_request_size_bytes_bucket{le=\"8192\"} ", "kbs_http_response_size_bytes_bucket{le=\"32\"} ",
            "kbs_http_requests_total 7", "kbs_http_active_connections 0"])
        {
            Assert.Contains("\n" + line, metrics, StringComparison.Ordinal);
        }

        Assert.Matches("kbs_build_info\\{version=\"[0-9.]+\",git_hash=\"([0-9a-f]{40})?\",build_date=\"[0-9]{4}-[0-9]{2}-[0-9]{2}\"\\} 1", metrics);
        Assert.Contains("405", await ServerProcess.RunAsync("curl", ["-s", "-w", "%{http_code}", "--cacert", _trustee.AuthorityPath, "-d", "", _trustee.Url + "metrics"]));
    }

    private static string Policy(string rego) => $"{{\"policy\":\"{StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(rego))}\"}}";

    private async Task<(int Status, JsonNode Body)> AttestAsync(ECDiffieHellman key, Func<string, string> nonceToUse)
    {
        (int status, JsonNode challenge) = await CurlAsync("auth", SampleExchange.Auth);
        Assert.Equal(200, status);
        Assert.Equal(string.Empty, challenge["extra-params"]!.GetValue<string>());
        string nonce = nonceToUse(challenge["nonce"]!.GetValue<string>());
        return await CurlAsync("attest", SampleExchange.Attest(nonce, key));
    }

    private async Task AdminAsync(string path, string body)
    {
        string output = await ServerProcess.RunAsync(
            "curl",
            ["-s", "-w", "%{http_code}", "--cacert", _trustee.AuthorityPath, "-H", "Authorization: Bearer " + _trustee.AdminToken, "--data-binary", body, _trustee.Url + "kbs/v0/" + path]);
        Assert.Equal("200", output.Trim());
    }

    private async Task<(int Status, JsonNode Body)> CurlAsync(string path, string? body)
    {
        string[] post = body is null ? [] : ["-H", "Content-Type: application/json", "--data-binary", body];
        string output = await ServerProcess.RunAsync(
            "curl", ["-s", "-w", "\n%{http_code}", "--cacert", _trustee.AuthorityPath, "-b", _jar, "-c", _jar, .. post, _trustee.Url + "kbs/v0/" + path]);
        string[] lines = output.Trim().Split('\n');
        return (int.Parse(lines[^1]), JsonNode.Parse(lines[0])!);
    }
}
