// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Simulator.Intel;
using Coco.Verifiers.Intel;
using Microsoft.Extensions.Time.Testing;

namespace Coco.Verifiers.Tests.Intel;

/// <summary>A simulated vendor with one platform, and verifiers that trust it.</summary>
internal sealed class IntelLab : IDisposable
{
    public IntelLab(SimulatedPlatformOptions? platform = null, SimulatedIntelOptions? vendor = null)
    {
        Vendor = new SimulatedIntel((vendor ?? new SimulatedIntelOptions()) with { Clock = Clock });
        Platform = Vendor.CreatePlatform(platform);
        Root = IntelRootKey.FromPublicKeyInfo("simulated", Vendor.RootPublicKeyInfo).Require();
    }

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public SimulatedIntel Vendor { get; }

    public SimulatedPlatform Platform { get; }

    public IntelRootKey Root { get; }

    public DcapOptions Options => new() { Clock = Clock, Roots = [Root] };

    public static Dictionary<string, CollateralItem> Items(SimulatedCollateral c) => new(StringComparer.Ordinal)
    {
        [CollateralKinds.IntelTcbInfo] = new(Encoding.UTF8.GetBytes(c.TcbInfo)) { IssuerChain = Encoding.ASCII.GetBytes(c.SignerChain) },
        [CollateralKinds.IntelQeIdentity] = new(Encoding.UTF8.GetBytes(c.QeIdentity)) { IssuerChain = Encoding.ASCII.GetBytes(c.SignerChain) },
        [CollateralKinds.IntelPckCrl] = new(c.PckCrl) { IssuerChain = Encoding.ASCII.GetBytes(c.PckCrlChain) },
        [CollateralKinds.IntelRootCrl] = new(c.RootCrl),
    };

    public static JsonElement Element(JsonNode json) => JsonElement.Parse(json.ToJsonString());

    public Run NewRun() => new(this);

    public void Dispose()
    {
        Platform.Dispose();
        Vendor.Dispose();
    }

    /// <summary>One verification; what is not set is ordinary and accepted.</summary>
    internal sealed class Run(IntelLab lab)
    {
        public SimulatedQuoteOptions Quote { get; set; } = new() { ReportData = new byte[32] };

        public SimulatedCollateralOptions Collateral { get; set; } = new();

        public Func<SimulatedCollateral, SimulatedCollateral>? ChangeCollateral { get; set; }

        public Action<Dictionary<string, CollateralItem>>? ChangeItems { get; set; }

        public DcapOptions? Options { get; set; }

        public ICollateralProvider? Provider { get; set; }

        public JsonNode? Evidence { get; set; }

        public byte[]? EventLog { get; set; }

        public Binding ReportData { get; set; } = Binding.NotChecked;

        public Binding InitData { get; set; } = Binding.NotChecked;

        public VerificationRecord Record { get; } = new();

        public Task<Refusal?> RefusalAsync() => RefusalOfAsync(sgx: false);

        public Task<Refusal?> SgxRefusalAsync() => RefusalOfAsync(sgx: true);

        public async Task<JsonObject> ClaimsAsync(bool sgx = false)
        {
            Result<ImmutableArray<VerifiedClaims>> result = await VerifyAsync(sgx);
            return result.Require()[0].Claims;
        }

        public DcapVerifier NewVerifier()
        {
            SimulatedCollateral collateral = lab.Vendor.MakeCollateral(lab.Platform, Collateral);
            collateral = ChangeCollateral?.Invoke(collateral) ?? collateral;
            Dictionary<string, CollateralItem> items = Items(collateral);
            ChangeItems?.Invoke(items);
            return new DcapVerifier(Options ?? lab.Options, Provider ?? IntelCollateralFile.FromItems(items));
        }

        public async Task<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(bool sgx, DcapVerifier? dcap = null)
        {
            if (sgx)
            {
                Quote = Quote.Version == 4 ? Quote with { Version = 3 } : Quote;
                Collateral = Collateral with { IsTdx = false };
            }

            dcap ??= NewVerifier();
            JsonNode evidence = Evidence ?? (sgx ? lab.Platform.GetSgxEvidence(Quote) : lab.Platform.GetTdxEvidence(Quote, EventLog));
            var bound = new BoundEvidence(new Evidence(sgx ? TeeType.Sgx : TeeType.Tdx, Element(evidence)), ReportData, InitData);
            IVerifier verifier = sgx ? new SgxVerifier(dcap) : new TdxVerifier(dcap);
            return await verifier.VerifyAsync(bound, Record, TestContext.Current.CancellationToken);
        }

        private async Task<Refusal?> RefusalOfAsync(bool sgx) => (await VerifyAsync(sgx)).Refusal;
    }
}
