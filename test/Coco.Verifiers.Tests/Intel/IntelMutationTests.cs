// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Simulator.EventLogs;
using Coco.Simulator.Intel;
using Coco.Tee.EventLogs;
using Coco.Tee.Intel;
using Coco.Verifiers.Intel;

namespace Coco.Verifiers.Tests.Intel;

/// <summary>Seeded mutations of genuine input: parsers refuse or accept, they never throw; what is signed cannot change unnoticed.</summary>
public sealed class IntelMutationTests : IDisposable
{
    private readonly IntelLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Quote_Mutated_IsAcceptedOnlyWhenNothingSignedChanged()
    {
        byte[] genuine = _lab.Platform.MakeQuote(new SimulatedQuoteOptions { Version = 5, Is15 = true, TrailingBytes = 16 });
        IntelQuote original = IntelQuote.Parse(genuine).Require();
        IntelLab.Run run = _lab.NewRun();
        DcapVerifier dcap = run.NewVerifier();
        var random = new Random(20260301);
        for (int i = 0; i < 3000; i++)
        {
            byte[] mutated = Mutate(genuine, random);
            if (!IntelQuote.Parse(mutated).TryGet(out IntelQuote? quote, out Refusal? refusal))
            {
                Assert.NotEmpty(refusal.Detail);
                continue;
            }

            Result<DcapAppraisal> result = await dcap.VerifyAsync(quote, null, null, TestContext.Current.CancellationToken);
            if (result.Refusal is null)
            {
                Assert.True(quote.SignedBytes.Span.SequenceEqual(original.SignedBytes.Span));
                Assert.True(quote.QeReport.Raw.Span.SequenceEqual(original.QeReport.Raw.Span));
                Assert.True(quote.AttestationKey.Span.SequenceEqual(original.AttestationKey.Span));
            }
        }
    }

    [Fact]
    public void EventLog_Mutated_NeverThrows()
    {
        SimulatedEventLog log = new SimulatedEventLog()
            .Add(1, 0x80000001, Convert.FromHexString("61dfe48bca93d211aa0d00e098032b8c0a00000000000000000000000000000053006500630075007200650042006f006f007400"))
            .Add(2, TcgEventType.EfiBootServicesApplication, [.. new byte[24], 10, 0, 0, 0, 0, 0, 0, 0, 1, 1, 6, 0, 0, 2, 0x7F, 0xFF, 4, 0])
            .Add(3, TcgEventType.Ipl, "kernel_cmdline: ro\0"u8)
            .Add(3, TcgEventType.PlatformConfigFlags, "a\u0010b"u8)
            .Add(1, 0x8000000A, [5, (byte)'a', (byte)'b', (byte)'c', (byte)'d', 0, 0])
            .Add(4, AgentEvent.Create("a", "b", "{\"c\":1}").Require());
        byte[] genuine = log.ToArray(64);
        Assert.Null(CcEventLog.Parse(genuine).Require().ToClaims().Refusal);
        var random = new Random(20260302);
        for (int i = 0; i < 20000; i++)
        {
            if (CcEventLog.Parse(Mutate(genuine, random)).TryGet(out CcEventLog? parsed, out _))
            {
                parsed.ToClaims();
                parsed.Replay(3, TcgAlgorithm.Sha384);
            }
        }
    }

    [Theory]
    [InlineData(TcbInfo.Member)]
    [InlineData(QeIdentity.Member)]
    public void Statement_Mutated_NeverThrows(string member)
    {
        SimulatedCollateral collateral = _lab.Vendor.MakeCollateral(_lab.Platform);
        byte[] genuine = Encoding.UTF8.GetBytes(member == TcbInfo.Member ? collateral.TcbInfo : collateral.QeIdentity);
        var random = new Random(20260303);
        for (int i = 0; i < 5000; i++)
        {
            if (SignedCollateral.Parse(Mutate(genuine, random), member).TryGet(out SignedCollateral? statement, out _))
            {
                _ = member == TcbInfo.Member ? TcbInfo.Parse(statement).Refusal : QeIdentity.Parse(statement).Refusal;
            }
        }
    }

    [Fact]
    public void PckExtension_Mutated_NeverThrows()
    {
        DerCertificate leaf = DerCertificate.Parse(_lab.Platform.PckCertificate).Require();
        byte[] genuine = leaf.FindExtension(PckExtension.Oid)!.Value.ToArray();
        Assert.Null(PckExtension.Parse(genuine).Refusal);
        var random = new Random(20260304);
        for (int i = 0; i < 10000; i++)
        {
            _ = PckExtension.Parse(Mutate(genuine, random)).Refusal;
        }
    }

    [Fact]
    public async Task CollateralAndEvidence_Mutated_NeverThrow()
    {
        SimulatedCollateral collateral = _lab.Vendor.MakeCollateral(_lab.Platform);
        byte[] file = Encoding.UTF8.GetBytes(collateral.ToSingleObject().ToJsonString());
        byte[] evidence = Encoding.UTF8.GetBytes(_lab.Platform.GetTdxEvidence(new SimulatedQuoteOptions()).ToJsonString());
        DcapVerifier dcap = _lab.NewRun().NewVerifier();
        var verifier = new TdxVerifier(dcap);
        var random = new Random(20260305);
        for (int i = 0; i < 1000; i++)
        {
            if (IntelCollateralFile.Parse(Mutate(file, random)).TryGet(out IntelCollateralFile? parsed, out _))
            {
                IntelQuote quote = IntelQuote.Parse(_lab.Platform.MakeQuote(new SimulatedQuoteOptions())).Require();
                _ = await new DcapVerifier(_lab.Options, parsed).VerifyAsync(quote, null, null, TestContext.Current.CancellationToken);
            }

            if (HostileJson.ParseObject(Mutate(evidence, random)).TryGet(out JsonElement json, out _))
            {
                var bound = new BoundEvidence(new Evidence(TeeType.Tdx, json), Binding.NotChecked, Binding.NotChecked);
                _ = await verifier.VerifyAsync(bound, null, TestContext.Current.CancellationToken);
            }
        }
    }

    private static byte[] Mutate(byte[] genuine, Random random)
    {
        byte[] copy = [.. genuine];
        switch (random.Next(5))
        {
            case 0:
                return copy[..random.Next(copy.Length)];
            case 1:
                int from = random.Next(copy.Length), count = random.Next(Math.Min(16, copy.Length - from));
                return [.. copy[..from], .. copy[(from + count)..]];
            case 2:
                int at = random.Next(copy.Length - 4);
                byte[] wild = random.Next(2) == 0 ? [0xFF, 0xFF, 0xFF, 0xFF] : [0, 0, 0, 0x80];
                wild.CopyTo(copy, at);
                return copy;
            default:
                for (int n = random.Next(1, 4); n > 0; n--)
                {
                    copy[random.Next(copy.Length)] ^= (byte)(1 << random.Next(8));
                }

                return copy;
        }
    }
}
