// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json.Nodes;
using Coco.Simulator.Amd;
using Coco.Simulator.EventLogs;
using Coco.Simulator.Intel;
using Coco.Tee.EventLogs;
using Coco.Tee.Intel;
using Coco.Tee.Snp;

namespace Coco.Fuzz.Targets;

/// <summary>Genuine input: of the simulated vendors, and of the folder of vectors where there is one.</summary>
internal static class EvidenceSeeds
{
    private const int LargestVector = 128 * 1024;

    private static readonly Lazy<(byte[][] Quotes, byte[] Evidence, SimulatedCollateral Collateral, byte[] Leaf, byte[] Extension)> IntelMade = new(MakeIntel);
    private static readonly Lazy<(byte[] Report, byte[] Evidence, byte[] Ark)> AmdMade = new(MakeAmd);

    public static IReadOnlyList<byte[]> Quotes() => IntelMade.Value.Quotes;

    public static IReadOnlyList<byte[]> IntelEvidence() => [IntelMade.Value.Evidence];

    public static IReadOnlyList<byte[]> TcbInfo() => [Encoding.UTF8.GetBytes(IntelMade.Value.Collateral.TcbInfo)];

    public static IReadOnlyList<byte[]> QeIdentity() => [Encoding.UTF8.GetBytes(IntelMade.Value.Collateral.QeIdentity)];

    public static IReadOnlyList<byte[]> IntelCollateral() => [Encoding.UTF8.GetBytes(IntelMade.Value.Collateral.ToSingleObject().ToJsonString())];

    public static IReadOnlyList<byte[]> PckExtension() => [IntelMade.Value.Extension];

    public static IReadOnlyList<byte[]> Certificates() => [IntelMade.Value.Leaf, AmdMade.Value.Ark, Encoding.ASCII.GetBytes(IntelMade.Value.Collateral.SignerChain)];

    public static IReadOnlyList<byte[]> RevocationLists() => [IntelMade.Value.Collateral.PckCrl, IntelMade.Value.Collateral.RootCrl];

    public static IReadOnlyList<byte[]> SnpReports() => [AmdMade.Value.Report];

    public static IReadOnlyList<byte[]> SnpEvidence() => [AmdMade.Value.Evidence];

    public static IReadOnlyList<byte[]> EventLogs()
    {
        SimulatedEventLog log = new SimulatedEventLog()
            .Add(1, 0x80000001, Convert.FromHexString("61dfe48bca93d211aa0d00e098032b8c0a00000000000000000000000000000053006500630075007200650042006f006f007400"))
            .Add(2, TcgEventType.EfiBootServicesApplication, [.. new byte[24], 10, 0, 0, 0, 0, 0, 0, 0, 1, 1, 6, 0, 0, 2, 0x7F, 0xFF, 4, 0])
            .Add(3, TcgEventType.Ipl, "kernel_cmdline: ro\0"u8)
            .Add(3, TcgEventType.PlatformConfigFlags, "a\u0010b"u8)
            .Add(1, 0x8000000A, [5, (byte)'a', (byte)'b', (byte)'c', (byte)'d', 0, 0])
            .Add(4, AgentEvent.Create("a", "b", "{\"c\":1}").Require());
        return [log.ToArray(64), .. Vectors("eventlog", ".bin")];
    }

    /// <summary>The seeds, or those of vectors of some kinds, or one that is nothing.</summary>
    public static Func<IReadOnlyList<byte[]>> OfVectors(string extension, params string[] kinds) => () =>
    {
        byte[][] found = [.. kinds.SelectMany(k => Vectors(k, extension))];
        return found.Length > 0 ? found : [Encoding.ASCII.GetBytes("{}"), new byte[256]];
    };

    private static IEnumerable<byte[]> Vectors(string kind, string extension)
    {
        string? root = Environment.GetEnvironmentVariable("COCO_VECTORS");
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); root is null && at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Coco.slnx")))
            {
                root = Path.Combine(at.FullName, "..", "shared", "vectors");
            }
        }

        string folder = Path.Combine(root ?? string.Empty, kind);
        return Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder, "*" + extension, SearchOption.AllDirectories).Order(StringComparer.Ordinal)
                .Where(f => new FileInfo(f).Length is > 0 and <= LargestVector).Select(File.ReadAllBytes)
            : [];
    }

    private static (byte[][] Quotes, byte[] Evidence, SimulatedCollateral Collateral, byte[] Leaf, byte[] Extension) MakeIntel()
    {
        using var vendor = new SimulatedIntel();
        using SimulatedPlatform platform = vendor.CreatePlatform();
        byte[][] quotes =
        [
            platform.MakeQuote(new SimulatedQuoteOptions { Version = 3 }),
            platform.MakeQuote(new SimulatedQuoteOptions { Version = 4, TrailingBytes = 70 }),
            platform.MakeQuote(new SimulatedQuoteOptions { Version = 5, Is15 = true }),
        ];
        JsonObject evidence = platform.GetTdxEvidence(new SimulatedQuoteOptions(), new SimulatedEventLog().Add(1, TcgEventType.Separator, [0, 0, 0, 0]).ToArray());
        byte[] extension = DerCertificate.Parse(platform.PckCertificate).Require().FindExtension(Coco.Tee.Intel.PckExtension.Oid)!.Value.ToArray();
        return (quotes, Encoding.UTF8.GetBytes(evidence.ToJsonString()), vendor.MakeCollateral(platform), platform.PckCertificate, extension);
    }

    private static (byte[] Report, byte[] Evidence, byte[] Ark) MakeAmd()
    {
        using var vendor = new SimulatedAmd(SnpGeneration.Milan);
        using SimulatedSnpGuest guest = vendor.CreateGuest();
        string evidence = guest.GetEvidence(new byte[64]).ToJsonString();
        byte[] report = Coco.Tee.Snp.SnpEvidence.Parse(System.Text.Json.JsonElement.Parse(evidence)).Require().Report.Raw.ToArray();
        return (report, Encoding.UTF8.GetBytes(evidence), vendor.Ark);
    }
}
