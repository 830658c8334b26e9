// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Coco.Simulator.Amd;
using Coco.Tee.Snp;
using Coco.Verifiers.Snp;
using Coco.Verifiers.Tests.Snp;
using Microsoft.Extensions.Time.Testing;
using static Coco.Verifiers.Tests.Snp.SnpBench;

namespace Coco.Verifiers.Tests.Collateral;

public sealed class CollateralSourceTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(SnpGeneration.Milan)]
    [InlineData(SnpGeneration.Genoa)]
    [InlineData(SnpGeneration.Turin)]
    public async Task Kds_EvidenceWithoutCertificates_IsVerifiedWithTheFetchedVcek(SnpGeneration generation)
    {
        SimulatedAmd vendor = Vendor(generation);
        using SimulatedKdsHandler kds = vendor.CreateKdsHandler();
        using var http = new HttpClient(kds);
        await using var service = new CollateralService(new CollateralOptions { Clock = new FakeTimeProvider(Start), Sources = [new AmdKdsSource(http)] });
        using SimulatedSnpGuest guest = vendor.CreateGuest();
        var evidence = guest.GetEvidence(Nonce);
        evidence["cert_chain"] = null;
        var options = new SnpVerifierOptions { Clock = new FakeTimeProvider(Start), SimulatedRoots = [Anchor(vendor, service)], Revocation = RevocationRule.Required };
        var record = new VerificationRecord();

        Assert.Null(await RefusalAsync(evidence, options, record));

        Assert.Equal(2, kds.Requests);
        Assert.Contains(record.Checks, c => c.Check == "snp.crl-signature" && c.Held == true);
    }

    [Fact]
    public async Task Kds_UnknownChip_IsRefusedAndServiceDownIsAnOutage()
    {
        SimulatedAmd vendor = Vendor(SnpGeneration.Milan);
        using SimulatedKdsHandler kds = Other.CreateKdsHandler();
        using var http = new HttpClient(kds);
        await using var service = new CollateralService(new CollateralOptions { Clock = new FakeTimeProvider(Start), Sources = [new AmdKdsSource(http)], Attempts = 1, NotFoundLifetime = TimeSpan.Zero });
        using SimulatedSnpGuest guest = vendor.CreateGuest();
        var evidence = guest.GetEvidence(Nonce);
        evidence["cert_chain"] = null;
        var options = new SnpVerifierOptions { Clock = new FakeTimeProvider(Start), SimulatedRoots = [Anchor(vendor, service)] };

        Refused(await RefusalAsync(evidence, options), RefusalCode.Untrusted, "snp.vek");
        kds.Fail = _ => HttpStatusCode.TooManyRequests;
        await Assert.ThrowsAsync<CollateralUnavailableException>(() => RefusalAsync(evidence, options));
    }

    [Fact]
    public async Task VcekKey_MaskedChipOrVlek_IsRefused()
    {
        using SimulatedSnpGuest vlek = Vendor(SnpGeneration.Milan).CreateGuest(new SimulatedSnpGuestOptions { UseVlek = true });
        var evidence = vlek.GetEvidence(Nonce);
        evidence["cert_chain"] = null;
        var masked = Evidence(change: f => f.ChipId = []);
        masked["cert_chain"] = null;

        Refused(await RefusalAsync(evidence), RefusalCode.Untrusted, "snp.vek");
        Refused(await RefusalAsync(masked), RefusalCode.Untrusted, "snp.vek");
    }

    [Theory]
    [InlineData("amd-vcek", "Milan/ab/bl03_tee00_snp08_ucode115", "https://kdsintf.amd.com/vcek/v1/Milan/ab?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115")]
    [InlineData("amd-vcek", "Turin/ab/bl03_tee02_snp05_ucode97_fmc01", "https://kdsintf.amd.com/vcek/v1/Turin/ab?fmcSPL=01&blSPL=03&teeSPL=02&snpSPL=05&ucodeSPL=97")]
    [InlineData("amd-chain", "vlek/Genoa", "https://kdsintf.amd.com/vlek/v1/Genoa/cert_chain")]
    [InlineData("amd-crl", "vcek/Genoa", "https://kdsintf.amd.com/vcek/v1/Genoa/crl")]
    public async Task Kds_Key_IsAskedForAtTheVendorsAddress(string kind, string id, string address) =>
        Assert.Equal(address, await AddressOf(h => new AmdKdsSource(h), kind, id));

    [Theory]
    [InlineData("https://api.trustedservices.intel.com/sgx/certification/v4/", "intel-tcb-info", "tdx/50806f000000/early", "https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=50806F000000&update=early")]
    [InlineData("https://api.trustedservices.intel.com", "intel-qe-identity", "sgx/standard", "https://api.trustedservices.intel.com/sgx/certification/v4/qe/identity?update=standard")]
    [InlineData("https://pccs.example:8081/x/y", "intel-pck-crl", "platform", "https://pccs.example:8081/sgx/certification/v4/pckcrl?ca=platform&encoding=der")]
    [InlineData("https://pccs.example:8081", "intel-root-crl", "root", "https://pccs.example:8081/sgx/certification/v4/rootcacrl")]
    [InlineData("https://api.trustedservices.intel.com", "intel-root-crl", "root", "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der")]
    public async Task IntelPcs_Key_IsAskedForAtTheServicesAddress(string service, string kind, string id, string address) =>
        Assert.Equal(address, await AddressOf(h => new IntelPcsSource(h, new Uri(service)), kind, id));

    [Theory]
    [InlineData("nvidia-rim", "NV_GPU_DRIVER_GH100_535.86.09", "https://rim.attestation.nvidia.com/v1/rim/NV_GPU_DRIVER_GH100_535.86.09")]
    [InlineData("nvidia-jwks", "nras", "https://nras.attestation.nvidia.com/.well-known/jwks.json")]
    public async Task Nvidia_Key_IsAskedForAtTheServicesAddress(string kind, string id, string address) =>
        Assert.Equal(address, await AddressOf(h => new NvidiaSource(h), kind, id));

    [Theory]
    [InlineData("amd-vcek", "Milan/../x")]
    [InlineData("amd-vcek", "Milan/a?b/bl01_tee00_snp00_ucode00")]
    [InlineData("amd-crl", "http:/Milan")]
    [InlineData("amd-crl", "other/Milan")]
    [InlineData("amd-vcek", "Milan/ab/bl300")]
    public async Task Kds_KeyThatIsNoName_AsksNobody(string kind, string id) =>
        Assert.Null(await AddressOf(h => new AmdKdsSource(h), kind, id));

    [Fact]
    public async Task IntelPcs_IssuerChainHeader_IsDecodedWithPlusKept()
    {
        var answer = new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent("{}"u8.ToArray()) };
        answer.Headers.TryAddWithoutValidation("SGX-TCB-Info-Issuer-Chain", "-----BEGIN%20CERTIFICATE-----%0Aa+b%2Fc%0A");
        using var http = new HttpClient(new FixedHandler(_ => answer));

        CollateralItem item = (await new IntelPcsSource(http).FetchAsync(new CollateralKey("intel-tcb-info", "sgx/00/early"), Ct)).Require();

        Assert.Equal("-----BEGIN CERTIFICATE-----\na+b/c\n", Encoding.UTF8.GetString(item.IssuerChain.Span));
    }

    [Theory]
    [InlineData(HttpStatusCode.NotFound, true)]
    [InlineData(HttpStatusCode.Gone, true)]
    [InlineData(HttpStatusCode.TooManyRequests, false)]
    [InlineData(HttpStatusCode.InternalServerError, false)]
    [InlineData(HttpStatusCode.Redirect, false)]
    public async Task Http_Status_SaysNoneOrLater(HttpStatusCode status, bool none)
    {
        using var http = new HttpClient(new FixedHandler(_ => new HttpResponseMessage(status)));
        var source = new AmdKdsSource(http);
        var key = new CollateralKey("amd-crl", "vcek/Milan");

        if (none)
        {
            Assert.Equal(RefusalCode.NotFound, (await source.FetchAsync(key, Ct)).Refusal!.Code);
        }
        else
        {
            await Assert.ThrowsAsync<CollateralUnavailableException>(() => source.FetchAsync(key, Ct).AsTask());
        }
    }

    [Fact]
    public async Task Http_OversizedBody_IsNotRead()
    {
        using var http = new HttpClient(new FixedHandler(_ => new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(new byte[9 * 1024 * 1024]) }));

        await Assert.ThrowsAsync<CollateralUnavailableException>(() => new AmdKdsSource(http).FetchAsync(new CollateralKey("amd-crl", "vcek/Milan"), Ct).AsTask());
    }

    [Fact]
    public async Task Directory_ItemWritten_IsReadAndListed()
    {
        using var folder = new TemporaryFolder();
        var directory = new CollateralDirectory(folder.Path);
        var key = new CollateralKey("amd-crl", "vcek/Milan");
        var item = new CollateralItem(new byte[] { 1, 2, 3 }) { ExpiresAt = Start, FetchedAt = Start, Location = "https://x/", Source = "s", IssuerChain = "c"u8.ToArray() };

        Assert.Null(await directory.PutAsync(key, item, Ct));

        CollateralItem read = (await directory.FetchAsync(key, Ct)).Require();
        Assert.Equal(item.Body.ToArray(), read.Body.ToArray());
        Assert.Equal((item.ExpiresAt, item.FetchedAt, item.Location, item.Source), (read.ExpiresAt, read.FetchedAt, read.Location, read.Source));
        Assert.Equal(key, Assert.Single(await directory.ListAsync(Ct)).Key);
        Assert.Equal(RefusalCode.NotFound, (await directory.FetchAsync(key with { Id = "vcek/Genoa" }, Ct)).Refusal!.Code);
        Assert.Equal(RefusalCode.Malformed, (await directory.FetchAsync(key with { Id = "../../etc/passwd" }, Ct)).Refusal!.Code);
    }

    [Theory]
    [InlineData("bl04_tee00_snp24_ucode219_vcek.der")]
    [InlineData("vcek.der")]
    public async Task Directory_ReferenceStoreOfVceks_IsRead(string name)
    {
        using var folder = new TemporaryFolder();
        using SimulatedSnpGuest guest = Vendor(SnpGeneration.Milan).CreateGuest();
        string chip = Path.Combine(folder.Path, "vcek", Convert.ToHexStringLower(guest.ChipId));
        Directory.CreateDirectory(chip);
        await File.WriteAllBytesAsync(Path.Combine(chip, name), guest.VekCertificate, Ct);
        await using var service = new CollateralService(new CollateralOptions { Clock = new FakeTimeProvider(Start), Sources = [new CollateralDirectory(folder.Path)] });
        var evidence = guest.GetEvidence(Nonce);
        evidence["cert_chain"] = null;

        Assert.Null(await RefusalAsync(evidence, Options() with { Collateral = service }));
    }

    [Fact]
    public async Task Bundle_SignedByATrustedKey_IsOpenedAndServes()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using ECDsa stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = new CollateralKey("amd-crl", "vcek/Milan");
        byte[] file = CollateralBundle.Write([(name, new CollateralItem(new byte[] { 9 }) { ExpiresAt = Start })], key, Start);

        CollateralBundle bundle = CollateralBundle.Open(file, [stranger, key]).Require();

        Assert.Equal(Start, bundle.CreatedAt);
        Assert.Equal([9], (await bundle.FetchAsync(name, Ct)).Require().Body.ToArray());
        Assert.Equal(RefusalCode.NotFound, (await bundle.FetchAsync(name with { Id = "vcek/Genoa" }, Ct)).Refusal!.Code);
        Assert.Equal(RefusalCode.BadSignature, CollateralBundle.Open(file, [stranger]).Refusal!.Code);
        Assert.Equal(RefusalCode.BadSignature, CollateralBundle.Open(file, []).Refusal!.Code);
    }

    [Fact]
    public void Bundle_AnyByteChanged_IsRefused()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        byte[] file = CollateralBundle.Write([(new CollateralKey("amd-crl", "vcek/Milan"), new CollateralItem(new byte[] { 9 }))], key, Start);

        for (int i = 0; i < file.Length; i++)
        {
            byte kept = file[i];
            file[i] ^= 1;
            Result<CollateralBundle> opened = CollateralBundle.Open(file, [key]);
            file[i] = kept;
            Assert.True(opened.Refusal is not null, $"byte {i}");
        }
    }

    [Theory]
    [InlineData("{\"alg\":\"ES256\",\"cty\":\"other\"}", "{\"version\":1,\"created_at\":\"2026-01-01T00:00:00Z\",\"items\":[]}", RefusalCode.Unsupported)]
    [InlineData("{\"alg\":\"ES384\",\"cty\":\"coco-collateral+json\"}", "{\"version\":1,\"created_at\":\"2026-01-01T00:00:00Z\",\"items\":[]}", RefusalCode.BadSignature)]
    [InlineData(null, "{\"version\":2,\"created_at\":\"2026-01-01T00:00:00Z\",\"items\":[]}", RefusalCode.Unsupported)]
    [InlineData(null, "{\"version\":1,\"created_at\":\"2026-01-01T00:00:00Z\",\"items\":{}}", RefusalCode.Malformed)]
    [InlineData(null, "{\"version\":1,\"created_at\":7,\"items\":[]}", RefusalCode.Malformed)]
    [InlineData(null, "{\"version\":1,\"created_at\":\"2026-01-01T00:00:00Z\",\"items\":[7]}", RefusalCode.Malformed)]
    [InlineData(null, "{\"version\":1,\"created_at\":\"2026-01-01T00:00:00Z\",\"items\":[{\"kind\":1,\"id\":\"a\",\"body\":\"AA==\"}]}", RefusalCode.Malformed)]
    [InlineData(null, "{\"version\":1,\"created_at\":\"2026-01-01T00:00:00Z\",\"items\":[{\"kind\":\"k\",\"id\":\"a\",\"body\":7}]}", RefusalCode.Malformed)]
    public void Bundle_SignedButOfAnotherForm_IsRefused(string? header, string payload, RefusalCode expected)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string head = StrictBase64.EncodeUrl(System.Text.Encoding.UTF8.GetBytes(header ?? "{\"alg\":\"ES256\",\"cty\":\"coco-collateral+json\"}"));
        string body = StrictBase64.EncodeUrl(System.Text.Encoding.UTF8.GetBytes(payload));
        string signature = StrictBase64.EncodeUrl(key.SignData(System.Text.Encoding.ASCII.GetBytes(head + "." + body), HashAlgorithmName.SHA256));

        Refusal? refusal = CollateralBundle.Open(System.Text.Encoding.UTF8.GetBytes($$"""{"protected":"{{head}}","payload":"{{body}}","signature":"{{signature}}"}"""), [key]).Refusal;

        Assert.Equal(expected, refusal?.Code);
    }

    private static async Task<string?> AddressOf(Func<HttpClient, ICollateralSource> make, string kind, string id)
    {
        string? asked = null;
        using var http = new HttpClient(new FixedHandler(r =>
        {
            asked = r.RequestUri!.AbsoluteUri;
            return new HttpResponseMessage(HttpStatusCode.NotFound);
        }));
        await make(http).FetchAsync(new CollateralKey(kind, id), Ct);
        return asked;
    }

    private sealed class FixedHandler(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(answer(request));
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("coco").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
