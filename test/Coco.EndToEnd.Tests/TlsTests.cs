// SPDX-License-Identifier: Apache-2.0
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>TLS of the listener: profiles, and a certificate that changes under way.</summary>
public sealed class TlsTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("coco-tls").FullName;

    private string[] Configured => ["--allow-all", "--set", $"http_server.certificate={_folder}/tls.pem", "--set", $"http_server.private_key={_folder}/tls.key"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("tls_profile=intermediate", true, true)]
    [InlineData("tls_profile=modern", false, true)]
    [InlineData("tls_max_version=\"1.2\"", true, false)]
    public async Task Profile_DecidesTheVersions(string setting, bool version12, bool version13)
    {
        WriteCertificate("first");
        await using TrusteeProcess trustee = await TrusteeProcess.StartAsync([.. Configured, "--set", "http_server." + setting]);

        Assert.Equal(version12, await SubjectAsync(trustee, SslProtocols.Tls12) is not null);
        Assert.Equal(version13, await SubjectAsync(trustee, SslProtocols.Tls13) is not null);
        Assert.Null(await SubjectAsync(trustee, SslProtocols.None, "AES128-SHA"));
    }

    [Fact]
    public async Task Ciphers_Configured_AreTheOnlyOnes()
    {
        WriteCertificate("first");
        await using TrusteeProcess trustee = await TrusteeProcess.StartAsync(
            [.. Configured, "--set", "http_server.tls_max_version=\"1.2\"", "--set", "http_server.tls_ciphers=ECDHE-ECDSA-AES256-GCM-SHA384"]);

        Assert.NotNull(await SubjectAsync(trustee, SslProtocols.Tls12, "ECDHE-ECDSA-AES256-GCM-SHA384"));
        Assert.Null(await SubjectAsync(trustee, SslProtocols.Tls12, "ECDHE-ECDSA-AES128-GCM-SHA256"));
    }

    [Fact]
    public async Task Certificate_Renewed_IsServedWithoutARestart()
    {
        WriteCertificate("first");
        await using TrusteeProcess trustee = await TrusteeProcess.StartAsync(Configured);
        Assert.Equal("CN=first", await SubjectAsync(trustee, SslProtocols.None));

        File.WriteAllText(Path.Combine(_folder, "tls.key"), "not a key");
        await trustee.Server.WaitForOutputAsync("the old one stays", Limit);
        Assert.Equal("CN=first", await SubjectAsync(trustee, SslProtocols.None));

        WriteCertificate("second");
        await Poll.UntilAsync(async () => await SubjectAsync(trustee, SslProtocols.None) == "CN=second", "the new certificate", Limit);
    }

    /// <summary>Subject of the certificate that is shown; null when there is no connection.</summary>
    private static async Task<string?> SubjectAsync(TrusteeProcess trustee, SslProtocols protocols, string? cipher = null)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", trustee.Url.Port);
        await using var tls = new SslStream(client.GetStream());
        TlsCipherSuite? suite = cipher switch
        {
            null => null,
            "AES128-SHA" => TlsCipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA,
            "ECDHE-ECDSA-AES256-GCM-SHA384" => TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            _ => TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        };
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                EnabledSslProtocols = protocols,
                CipherSuitesPolicy = suite is { } one ? new CipherSuitesPolicy([one]) : null,
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
            });
            return tls.RemoteCertificate!.Subject;
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            return null;
        }
    }

    private void WriteCertificate(string name)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        File.WriteAllText(Path.Combine(_folder, "tls.key"), key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(Path.Combine(_folder, "tls.pem"), certificate.ExportCertificatePem());
    }
}
