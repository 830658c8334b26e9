// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace Coco.KeyBroker.Tests;

/// <summary>Secret back ends against servers that speak the recorded protocols: requests are checked as the real service checks them.</summary>
public sealed class BackendTests : IDisposable
{
    private static readonly ResourcePath Name = ResourcePath.Parse("repo/type/tag").Require();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2015, 8, 30, 12, 36, 0, TimeSpan.Zero));
    private readonly FakeService _service = new();

    public void Dispose() => _service.Dispose();

    [Theory]
    [InlineData(1, "/v1/secret/repo/type/tag")]
    [InlineData(2, "/v1/secret/data/repo/type/tag")]
    public async Task Vault_WritesReadsAndDeletesWhatTheReferenceReads(int version, string path)
    {
        var vault = new FakeVault(version);
        _service.Answer = vault.Answer;
        var backend = new VaultBackend(Vault(version), Http());
        using var value = Secret.CopyOf([0, 1, 255, 65]);

        Assert.Equal(RefusalCode.NotFound, (await backend.ReadAsync(Name, default)).Refusal!.Code);
        Assert.Null(await backend.WriteAsync(Name, value, default));
        Assert.Equal([0, 1, 255, 65], Bytes(await backend.ReadAsync(Name, default)));
        Assert.Contains("[0,1,255,65]", vault.Stored[path], StringComparison.Ordinal);
        Assert.Null(await backend.DeleteAsync(Name, default));
        Assert.Equal(RefusalCode.NotFound, (await backend.DeleteAsync(Name, default))!.Code);
        Assert.All(_service.Requests, r => Assert.Equal("vault-token", r.Headers["X-Vault-Token"]));
    }

    [Theory]
    [InlineData("\"text\"", "text")]
    [InlineData("[104,105]", "hi")]
    [InlineData("{\"a\":1}", "{\"a\":1}")]
    [InlineData("7", "7")]
    [InlineData("\"aGk=\",\"encoding\":\"base64\"", "hi")]
    public async Task Vault_MemberOfAnyForm_IsRead(string json, string expected)
    {
        _service.Answer = _ => (200, "{\"data\":{\"data\":" + json + "}}");

        Assert.Equal(expected, Encoding.UTF8.GetString(Bytes(await new VaultBackend(Vault(1), Http()).ReadAsync(Name, default))));
    }

    [Theory]
    [InlineData(200, "{}", RefusalCode.Malformed)]
    [InlineData(200, "[", RefusalCode.Malformed)]
    [InlineData(200, "{\"data\":{}}", RefusalCode.NotFound)]
    [InlineData(200, "{\"data\":{\"data\":[1,300]}}", RefusalCode.Malformed)]
    [InlineData(200, "{\"data\":{\"data\":\"!\",\"encoding\":\"base64\"}}", RefusalCode.Malformed)]
    [InlineData(403, "{}", RefusalCode.Forbidden)]
    [InlineData(302, "", RefusalCode.Unsupported)]
    public async Task Vault_BadAnswers_AreRefusals(int status, string body, RefusalCode code)
    {
        _service.Answer = _ => (status, body);

        Assert.Equal(code, (await new VaultBackend(Vault(1), Http()).ReadAsync(Name, default)).Refusal!.Code);
    }

    [Fact]
    public async Task Vault_ThatIsSealed_IsAnException()
    {
        _service.Answer = _ => (503, "{}");

        await Assert.ThrowsAsync<HttpRequestException>(async () => await new VaultBackend(Vault(1), Http()).ReadAsync(Name, default));
    }

    [Fact]
    public void AwsSigner_KnownExample_GivesItsSignature()
    {
        // The example of the Signature Version 4 test suite: GET / with the headers host and x-amz-date ("get-vanilla").
        using var key = Secret.CopyOf("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"u8);
        using var request = new HttpRequestMessage(HttpMethod.Get, "https://example.amazonaws.com/");

        AwsSigner.Sign(request, [], new AwsCredentials("AKIDEXAMPLE", key, null, DateTimeOffset.MaxValue), "us-east-1", "service", _time.GetUtcNow());

        Assert.Equal(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            request.Headers.GetValues("Authorization").Single());
    }

    [Theory]
    [InlineData("""{"SecretBinary":"AAH/"}""", new byte[] { 0, 1, 255 })]
    [InlineData("""{"SecretString":"hi"}""", new byte[] { 104, 105 })]
    public async Task Aws_AnswersOfBothKinds_AreRead(string body, byte[] expected)
    {
        _service.Answer = _ => (200, body);
        AwsBackend backend = Aws(new() { ["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE", ["AWS_SECRET_ACCESS_KEY"] = "key", ["AWS_SESSION_TOKEN"] = "session" });

        Assert.Equal(expected, Bytes(await backend.ReadAsync(Name, default)));

        FakeRequest request = _service.Requests.Single();
        Assert.Equal(("POST", """{"SecretId":"tag"}"""), (request.Method, request.Body));
        Assert.Equal("secretsmanager.GetSecretValue", request.Headers["X-Amz-Target"]);
        Assert.Equal("session", request.Headers["X-Amz-Security-Token"]);
        Assert.StartsWith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-central-1/secretsmanager/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=", request.Headers["Authorization"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400, """{"__type":"com.amazonaws.secretsmanager#ResourceNotFoundException"}""", RefusalCode.NotFound)]
    [InlineData(400, """{"__type":"AccessDeniedException"}""", RefusalCode.Forbidden)]
    [InlineData(200, "{}", RefusalCode.Malformed)]
    [InlineData(200, "x", RefusalCode.Malformed)]
    public async Task Aws_BadAnswers_AreRefusals(int status, string body, RefusalCode code)
    {
        _service.Answer = _ => (status, body);
        AwsBackend backend = Aws(new() { ["AWS_ACCESS_KEY_ID"] = "a", ["AWS_SECRET_ACCESS_KEY"] = "b" });

        Assert.Equal(code, (await backend.ReadAsync(Name, default)).Refusal!.Code);
    }

    [Fact]
    public async Task Aws_InstanceCredentials_AreFetchedOnceAndRenewedBeforeTheirEnd()
    {
        _service.Answer = r => r.Path switch
        {
            "/latest/api/token" => (200, "imds"),
            "/latest/meta-data/iam/security-credentials/" => (200, "role"),
            "/latest/meta-data/iam/security-credentials/role" => (200, """{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"2015-08-30T13:36:00Z"}"""),
            _ => (200, """{"SecretString":"x"}"""),
        };
        AwsBackend backend = Aws([]);

        await backend.ReadAsync(Name, default);
        await backend.ReadAsync(Name, default);
        int before = _service.Requests.Count(r => r.Path.StartsWith("/latest", StringComparison.Ordinal));
        _time.Advance(TimeSpan.FromMinutes(56));
        await backend.ReadAsync(Name, default);

        Assert.Equal(3, before);
        Assert.Equal(6, _service.Requests.Count(r => r.Path.StartsWith("/latest", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Aws_CannotBeWritten()
    {
        AwsBackend backend = Aws([]);
        using var value = Secret.CopyOf([1]);

        Assert.Equal(RefusalCode.Unsupported, (await backend.WriteAsync(Name, value, default))!.Code);
        Assert.Equal(RefusalCode.Unsupported, (await backend.DeleteAsync(Name, default))!.Code);
    }

    [Fact]
    public async Task Gcp_WithAServiceAccount_SignsItsAssertionAndReadsTheLatestVersion()
    {
        using RSA key = RSA.Create(2048);
        string file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, new JsonObject { ["client_email"] = "kbs@p.example", ["private_key"] = key.ExportPkcs8PrivateKeyPem(), ["token_uri"] = "https://token.example/t" }.ToJsonString());
        _service.Answer = r => r.Path == "/t" ? (200, """{"access_token":"granted","expires_in":3600}""") : (200, """{"payload":{"data":"AAH/"}}""");
        var backend = new GcpBackend("my-project", null, new SecretNameTemplate("${repo}-${type}-${tag}"), Http(), _time, n => n == "GOOGLE_APPLICATION_CREDENTIALS" ? file : null);
        try
        {
            Assert.Equal([0, 1, 255], Bytes(await backend.ReadAsync(Name, default)));
            await backend.ReadAsync(Name, default);
        }
        finally
        {
            File.Delete(file);
        }

        FakeRequest grant = _service.Requests.Single(r => r.Path == "/t");
        string assertion = grant.Body[(grant.Body.IndexOf("assertion=", StringComparison.Ordinal) + 10)..];
        string[] parts = assertion.Split('.');
        Assert.True(key.VerifyData(Encoding.ASCII.GetBytes(parts[0] + "." + parts[1]), StrictBase64.DecodeUrl(parts[2]).Require(), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        JsonElement claims = JsonDocument.Parse(StrictBase64.DecodeUrl(parts[1]).Require()).RootElement;
        Assert.Equal(("kbs@p.example", "https://token.example/t"), (claims.GetProperty("iss").GetString(), claims.GetProperty("aud").GetString()));
        FakeRequest access = _service.Requests.Last();
        Assert.Equal(("/v1/projects/my-project/secrets/repo-type-tag/versions/latest:access", "Bearer granted"), (access.Path, access.Headers["Authorization"]));
    }

    [Theory]
    [InlineData(404, "{}", RefusalCode.NotFound)]
    [InlineData(403, "{}", RefusalCode.Forbidden)]
    [InlineData(200, "{}", RefusalCode.Malformed)]
    [InlineData(200, """{"payload":{"data":"!"}}""", RefusalCode.Malformed)]
    public async Task Gcp_BadAnswers_AreRefusals(int status, string body, RefusalCode code)
    {
        _service.Answer = r => r.Path.StartsWith("/computeMetadata", StringComparison.Ordinal) ? (200, """{"access_token":"t","expires_in":60}""") : (status, body);
        var backend = new GcpBackend("p", null, SecretNameTemplate.Tag, Http(), _time, _ => null);

        Assert.Equal(code, (await backend.ReadAsync(Name, default)).Refusal!.Code);
        Assert.Equal("Google", _service.Requests[0].Headers["Metadata-Flavor"]);
    }

    [Fact]
    public async Task Aliyun_SignsAsTheServiceChecksAndReadsTheSecret()
    {
        using RSA key = RSA.Create(2048);
        _service.Raw = request =>
        {
            // What the service does with a request (guest.md 11).
            string hash = Convert.ToHexString(SHA256.HashData(request.RawBody));
            string toSign = $"POST\n{hash}\napplication/x-protobuf\n{request.Headers["Date"]}\nx-kms-acccesskeyid:KAAP.1\nx-kms-apiname:GetSecretValue\nx-kms-apiversion:dkms-gcs-0.2\nx-kms-signaturemethod:RSA_PKCS1_SHA_256\n/";
            bool good = request.Headers["content-sha256"] == hash
                && key.VerifyData(Encoding.UTF8.GetBytes(toSign), Convert.FromBase64String(request.Headers["Authorization"]["Bearer ".Length..]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                && request.RawBody.AsSpan().SequenceEqual("\n\u0003tag"u8);
            return good ? (200, (byte[])[.. "\n\u0003tag\u0012\u0007Generic\u001a\u0002hi"u8]) : (400, [.. "\b\u0090\u0003\u0012\tForbidden"u8]);
        };
        using AliyunBackend backend = Aliyun(key);

        Assert.Equal("hi"u8.ToArray(), Bytes(await backend.ReadAsync(Name, default)));
    }

    [Theory]
    [InlineData("Forbidden.ResourceNotFound", RefusalCode.NotFound)]
    [InlineData("Forbidden.NoPermission", RefusalCode.Forbidden)]
    public async Task Aliyun_Errors_AreRefusals(string errorCode, RefusalCode code)
    {
        using RSA key = RSA.Create(2048);
        _service.Raw = _ => (403, [0x12, (byte)errorCode.Length, .. Encoding.ASCII.GetBytes(errorCode)]);
        using AliyunBackend backend = Aliyun(key);

        Assert.Equal(code, (await backend.ReadAsync(Name, default)).Refusal!.Code);
    }

    [Fact]
    public void Aliyun_WrongPassword_IsARefusal()
    {
        using RSA key = RSA.Create(2048);

        Assert.Throws<InvalidOperationException>(() => Aliyun(key, "wrong"));
    }

    [Fact]
    public async Task NestedFiles_AnExistingFolderWorksAndLinksDoNot()
    {
        string root = Directory.CreateTempSubdirectory().FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(root, "default", "key"));
            await File.WriteAllBytesAsync(Path.Combine(root, "default", "key", "1"), [7, 8]);
            File.CreateSymbolicLink(Path.Combine(root, "default", "key", "link"), "/etc/passwd");
            Directory.CreateSymbolicLink(Path.Combine(root, "etc"), "/etc");
            var backend = new NestedFilesBackend(root);
            using var value = Secret.CopyOf([1, 2, 3]);

            Assert.Equal([7, 8], Bytes(await backend.ReadAsync(ResourcePath.Parse("default/key/1").Require(), default)));
            Assert.Null(await backend.WriteAsync(Name, value, default));
            Assert.Equal([1, 2, 3], await File.ReadAllBytesAsync(Path.Combine(root, "repo", "type", "tag")));
            Assert.Null(await backend.DeleteAsync(Name, default));
            Assert.Equal(RefusalCode.NotFound, (await backend.DeleteAsync(Name, default))!.Code);
            Assert.Equal(RefusalCode.NotFound, (await backend.ReadAsync(Name, default)).Refusal!.Code);
            await Assert.ThrowsAsync<IOException>(async () => await backend.ReadAsync(ResourcePath.Parse("default/key/link").Require(), default));
            await Assert.ThrowsAsync<IOException>(async () => await backend.ReadAsync(ResourcePath.Parse("etc/ssl/x").Require(), default));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static byte[] Bytes(Result<Secret> result)
    {
        using Secret secret = result.Require();
        return secret.Reveal().ToArray();
    }

    private OutboundHttp Http() => new(_service);

    private static VaultOptions Vault(int version) => new() { Address = new Uri("http://vault.example:8200"), Token = Secret.CopyOf("vault-token"u8), KvVersion = version };

    private AwsBackend Aws(Dictionary<string, string> environment) =>
        new("eu-central-1", null, SecretNameTemplate.Tag, Http(), _time, n => environment.GetValueOrDefault(n));

    private AliyunBackend Aliyun(RSA key, string password = "secret ")
    {
        var request = new CertificateRequest("CN=client", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        string json = new JsonObject { ["KeyId"] = "KAAP.1", ["PrivateKeyData"] = Convert.ToBase64String(certificate.Export(X509ContentType.Pkcs12, "secret")) }.ToJsonString();
        using var clientKey = Secret.CopyOf(Encoding.UTF8.GetBytes(json));
        using var secret = Secret.CopyOf(Encoding.UTF8.GetBytes(password));
        return AliyunBackend.Create(clientKey, secret, new Uri("https://kst-1.cryptoservice.kms.aliyuncs.com/"), SecretNameTemplate.Tag, Http(), _time).Require();
    }

    private sealed record FakeRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers, byte[] RawBody)
    {
        public string Body => Encoding.UTF8.GetString(RawBody);
    }

    private sealed class FakeService : HttpMessageHandler
    {
        public List<FakeRequest> Requests { get; } = [];

        public Func<FakeRequest, (int Status, string Body)> Answer { get; set; } = static _ => (404, string.Empty);

        public Func<FakeRequest, (int Status, byte[] Body)>? Raw { get; set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            byte[] body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken);
            var headers = request.Headers.NonValidated.Concat(request.Content?.Headers.NonValidated ?? default).ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase);
            var fake = new FakeRequest(request.Method.Method, request.RequestUri!.AbsolutePath, headers, body);
            Requests.Add(fake);
            (int status, byte[] answer) = Raw is not null ? Raw(fake) : (Answer(fake).Status, Encoding.UTF8.GetBytes(Answer(fake).Body));
            return new HttpResponseMessage((HttpStatusCode)status) { Content = new ByteArrayContent(answer) };
        }
    }

    /// <summary>The KV engine as its documentation has it, both versions.</summary>
    private sealed class FakeVault(int version)
    {
        public Dictionary<string, string> Stored { get; } = [];

        public (int Status, string Body) Answer(FakeRequest request)
        {
            string key = request.Path.Replace("/metadata/", "/data/", StringComparison.Ordinal);
            switch (request.Method)
            {
                case "POST":
                    Stored[key] = request.Body;
                    return version == 2 ? (200, """{"data":{"version":1}}""") : (204, string.Empty);
                case "DELETE" when version == 1 || request.Path.Contains("/metadata/", StringComparison.Ordinal):
                    Stored.Remove(key);
                    return (204, string.Empty);
                case "GET" when Stored.TryGetValue(key, out string? body):
                    return (200, version == 2 ? "{\"data\":" + body[..^1] + ",\"metadata\":{\"version\":1}}}" : "{\"data\":" + body + "}");
                default:
                    return (404, """{"errors":[]}""");
            }
        }
    }
}
