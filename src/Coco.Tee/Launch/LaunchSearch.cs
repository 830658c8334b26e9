// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Security.Cryptography;

namespace Coco.Tee.Launch;

/// <summary>The kind of launch digest.</summary>
public enum LaunchKind
{
    /// <summary>Plain SEV.</summary>
    Sev,

    /// <summary>SEV-ES.</summary>
    SevEs,

    /// <summary>SNP.</summary>
    Snp,
}

/// <summary>The files and words that a guest is launched with, as its owner believes them to be.</summary>
public sealed record LaunchInputs
{
    /// <summary>The firmware, and others that might have been used instead, each with a name to say it by.</summary>
    public required IReadOnlyList<(string Name, OvmfFirmware Firmware)> Firmware { get; init; }

    /// <summary>The kernel file, and others that might have been used instead; empty when the guest boots from disk.</summary>
    public IReadOnlyList<(string Name, ReadOnlyMemory<byte> Bytes)> Kernels { get; init; } = [];

    /// <summary>The initrd file, and others that might have been used instead; empty for none.</summary>
    public IReadOnlyList<(string Name, ReadOnlyMemory<byte> Bytes)> Initrds { get; init; } = [];

    /// <summary>The command line.</summary>
    public string CommandLine { get; init; } = string.Empty;

    /// <summary>Processors, monitor, host kernel. <see cref="LaunchOptions.Kernel"/> is not looked at.</summary>
    public LaunchOptions Options { get; init; } = new();
}

/// <summary>Inputs that give the digest that was looked for.</summary>
/// <param name="Changes">What differs from the given inputs, each in words; empty when the given ones match.</param>
public sealed record LaunchMatch(IReadOnlyList<string> Changes);

/// <summary>
/// Explains a launch digest that is not the expected one: tries inputs near the given ones (other processor counts and models, host kernels, monitors,
/// features, command lines that differ in a token or an end of line, files left out or exchanged) and says which of them give the digest.
/// </summary>
public static class LaunchSearch
{
    private const int MostVcpus = 512;
    private const int MostVcpusOfSevEs = 256;
    private const int MostChanges = 3;

    /// <summary>The matches with the fewest changes; empty when none was found.</summary>
    /// <param name="kind">What the digest is of.</param>
    /// <param name="digest">The digest that was reported.</param>
    /// <param name="inputs">What was expected to be launched.</param>
    /// <param name="ct">Ends the search.</param>
    public static IReadOnlyList<LaunchMatch> Find(LaunchKind kind, ReadOnlySpan<byte> digest, LaunchInputs inputs, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        byte[] target = digest.ToArray();
        (SevKernelHashes? Hashes, IReadOnlyList<string> Changes)[] kernels = [.. KernelChoices(inputs)];
        (LaunchOptions Options, IReadOnlyList<string> Changes)[] processors = [.. ProcessorChoices(kind, inputs.Options)];
        var found = new List<LaunchMatch>();
        int fewest = int.MaxValue;

        // Near inputs first: all that differ in one thing, then in two, and so on. A walk over the processor counts is one more difference.
        for (int depth = 0; depth <= MostChanges && depth <= fewest; depth++)
        {
            foreach ((OvmfFirmware firmware, string? firmwareChange) in FirmwareChoices(inputs))
            {
                byte[] seed = kind == LaunchKind.Snp ? SnpLaunch.FirmwareDigest(firmware) : [];
                foreach ((SevKernelHashes? kernel, IReadOnlyList<string> kernelChanges) in kernels)
                {
                    ct.ThrowIfCancellationRequested();
                    int before = kernelChanges.Count + (firmwareChange is null ? 0 : 1);
                    foreach ((LaunchOptions options, IReadOnlyList<string> changes) in processors)
                    {
                        int without = before + changes.Count;
                        if (without != depth && (without != depth - 1 || kind == LaunchKind.Sev))
                        {
                            continue;
                        }

                        foreach (int vcpus in Matching(kind, firmware, seed, options with { Kernel = kernel }, target, walk: without < depth))
                        {
                            List<string> all = [.. firmwareChange is null ? [] : new[] { firmwareChange }, .. kernelChanges, .. changes];
                            if (kind != LaunchKind.Sev && vcpus != inputs.Options.Vcpus)
                            {
                                all.Add(string.Create(CultureInfo.InvariantCulture, $"with {vcpus} vCPUs"));
                            }

                            fewest = Math.Min(fewest, all.Count);
                            found.Add(new LaunchMatch(all));
                        }
                    }
                }
            }
        }

        return [.. found.Where(m => m.Changes.Count == fewest).DistinctBy(m => string.Join('|', m.Changes), StringComparer.Ordinal)];
    }

    private static IEnumerable<(OvmfFirmware Firmware, string? Change)> FirmwareChoices(LaunchInputs inputs) =>
        inputs.Firmware.Select((f, i) => (f.Firmware, i == 0 ? null : $"with the firmware {f.Name}"));

    private static IEnumerable<(SevKernelHashes? Hashes, IReadOnlyList<string> Changes)> KernelChoices(LaunchInputs inputs)
    {
        if (inputs.Kernels.Count == 0)
        {
            yield return (null, []);
            yield break;
        }

        (byte[] Hash, string? Change)[] kernels = [.. inputs.Kernels.Select((k, i) => (SHA256.HashData(k.Bytes.Span), i == 0 ? null : $"with the kernel {k.Name}"))];
        List<(byte[] Hash, string? Change)> initrds = [.. inputs.Initrds.Select((r, i) => (SHA256.HashData(r.Bytes.Span), i == 0 ? null : $"with the initrd {r.Name}"))];
        byte[] none = SHA256.HashData([]);
        initrds.Add((none, inputs.Initrds.Count == 0 ? null : "without the initrd"));
        (byte[] Hash, string? Change)[] lines = [.. CommandLines(inputs.CommandLine)];
        foreach ((byte[] kernel, string? kernelChange) in kernels)
        {
            foreach ((byte[] initrd, string? initrdChange) in initrds)
            {
                foreach ((byte[] line, string? lineChange) in lines)
                {
                    yield return (new SevKernelHashes(kernel, initrd, line), Words(kernelChange, initrdChange, lineChange));
                }
            }
        }

        if (inputs.Initrds.Count > 0)
        {
            yield return (new SevKernelHashes(initrds[0].Hash, kernels[0].Hash, lines[0].Hash), ["with kernel and initrd exchanged"]);
        }

        yield return (null, ["without measured kernel, initrd and command line"]);
    }

    private static IEnumerable<(byte[] Hash, string? Change)> CommandLines(string given)
    {
        yield return (HashLine(given), null);
        foreach ((string line, string change) in CommandLineVariants.Of(given))
        {
            yield return (HashLine(line), change);
        }

        // QEMU hashes the terminating NUL; tools that forget it are common.
        yield return (SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(given)), "when the command line is hashed without its terminating NUL");
    }

    private static byte[] HashLine(string line) => SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(line + "\0"));

    private static IEnumerable<(LaunchOptions Options, IReadOnlyList<string> Changes)> ProcessorChoices(LaunchKind kind, LaunchOptions given)
    {
        if (kind == LaunchKind.Sev)
        {
            yield return (given, []);
            yield break;
        }

        ulong[] features = kind == LaunchKind.Snp ? [.. FeatureChoices(given.GuestFeatures)] : [given.GuestFeatures];
        (uint Signature, string Name)[] models =
        [
            (given.VcpuSignature, string.Empty),
            .. VcpuModel.Known.Where(k => k.Signature != given.VcpuSignature).GroupBy(k => k.Signature).Select(g => (g.Key, string.Join(" or ", g.Where(k => !k.Name.Contains("-v", StringComparison.Ordinal) || g.Count() == 1).Select(k => k.Name).DefaultIfEmpty(g.First().Name)))),
        ];
        foreach (LaunchMonitor monitor in (LaunchMonitor[])[given.Monitor, .. Enum.GetValues<LaunchMonitor>().Where(m => m != given.Monitor)])
        {
            string? monitorChange = monitor == given.Monitor ? null : $"when launched by {monitor.ToString().ToLowerInvariant()}";
            bool qemu = monitor == LaunchMonitor.Qemu;
            foreach (VmsaGeneration generation in qemu ? [given.Generation, .. Enum.GetValues<VmsaGeneration>().Where(g => g != given.Generation)] : (VmsaGeneration[])[given.Generation])
            {
                string? generationChange = generation == given.Generation ? null
                    : generation == VmsaGeneration.BeforeLinux610 ? "on a host with a kernel before Linux 6.10" : "on a host with Linux 6.10 or later";
                foreach ((uint signature, string name) in qemu ? models : models[..1])
                {
                    string? modelChange = signature == given.VcpuSignature ? null : $"with vCPUs of type {name}";
                    foreach (ulong feature in features)
                    {
                        string? featureChange = feature == given.GuestFeatures ? null : $"with guest features 0x{feature:x}";
                        yield return (
                            given with { Monitor = monitor, Generation = generation, VcpuSignature = signature, GuestFeatures = feature },
                            Words(monitorChange, generationChange, modelChange, featureChange));
                    }
                }
            }
        }
    }

    private static IEnumerable<ulong> FeatureChoices(ulong given)
    {
        var seen = new HashSet<ulong> { given };
        yield return given;
        foreach (ulong one in (IEnumerable<ulong>)[0x1, 0x21, 0x0, .. Enumerable.Range(0, 16).Select(i => given ^ (1UL << i))])
        {
            if (seen.Add(one))
            {
                yield return one;
            }
        }
    }

    /// <summary>
    /// The processor counts that give the digest: the given one, or with <paramref name="walk"/> all others, in one go, since each processor extends what
    /// the fewer gave.
    /// </summary>
    private static List<int> Matching(LaunchKind kind, OvmfFirmware firmware, byte[] seed, LaunchOptions options, byte[] target, bool walk)
    {
        var found = new List<int>();
        if (kind == LaunchKind.Sev)
        {
            if (SevLaunch.Sev(firmware, options).TryGet(out byte[]? digest, out _) && digest.AsSpan().SequenceEqual(target))
            {
                found.Add(options.Vcpus);
            }

            return found;
        }

        IEnumerable<byte[]>? digests = kind == LaunchKind.Snp
            ? SnpLaunch.Walk(firmware, options, seed, walk ? MostVcpus : options.Vcpus)
            : SevLaunch.Walk(firmware, options, walk ? MostVcpusOfSevEs : options.Vcpus);
        int count = 0;
        foreach (byte[] digest in digests ?? [])
        {
            count++;
            if (walk != (count == options.Vcpus) && digest.AsSpan().SequenceEqual(target))
            {
                found.Add(count);
            }
        }

        return found;
    }

    private static string[] Words(params ReadOnlySpan<string?> changes)
    {
        var words = new List<string>();
        foreach (string? change in changes)
        {
            if (change is not null)
            {
                words.Add(change);
            }
        }

        return [.. words];
    }
}
