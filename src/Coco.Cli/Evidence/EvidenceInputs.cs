// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Coco.Tee.Snp;
using Coco.Verifiers;
using Coco.Verifiers.Intel;
using Coco.Verifiers.Snp;

namespace Coco.Cli.EvidenceCommands;

/// <summary>What a verification may use beside the evidence: the clock, collateral from files, the vendors' services, roots that the user trusts.</summary>
internal sealed class EvidenceInputs
{
    private const int MaximumFiles = 4096;

    private readonly List<DerCertificate> _certificates = [];
    private readonly List<ReadOnlyMemory<byte>> _revocationLists = [];
    private readonly List<ICollateralSource> _sources = [];
    private readonly LooseCollateral _loose = new();
    private readonly List<AmdTrustAnchor> _simulatedAmd = [];
    private readonly List<DerCertificate> _trusted = [];
    private readonly List<EvidenceFile> _others = [];

    private EvidenceInputs(TimeProvider clock) => Clock = clock;

    /// <summary>The clock: the system's, or one that stands at <c>--at</c>.</summary>
    public TimeProvider Clock { get; }

    /// <summary>Certificates among the collateral.</summary>
    public IReadOnlyList<DerCertificate> Certificates => _certificates;

    /// <summary>Revocation lists among the collateral, DER or PEM.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> RevocationLists => _revocationLists;

    /// <summary>Files among the collateral that are none of the forms known here: for formats that take their own.</summary>
    public IReadOnlyList<EvidenceFile> Others => _others;

    /// <summary>Roots that the user named with <c>--trust</c>.</summary>
    public IReadOnlyList<DerCertificate> Trusted => _trusted;

    /// <summary>Simulated AMD roots that the user named.</summary>
    public IReadOnlyList<AmdTrustAnchor> SimulatedAmd => _simulatedAmd;

    /// <summary>Collateral from files and, unless offline, from the vendors' services; null when there is neither.</summary>
    public ICollateralProvider? Collateral { get; private set; }

    /// <summary>An event log that comes in a file of its own; null when none was given.</summary>
    public ReadOnlyMemory<byte>? EventLog { get; private set; }

    /// <summary>Reports of version 2 are accepted.</summary>
    public bool AcceptVersion2 { get; init; }

    /// <summary>Certificates outside their time are accepted.</summary>
    public bool AcceptExpired { get; init; }

    /// <summary>A revocation list must be had.</summary>
    public bool RequireRevocation { get; init; }

    /// <summary>Gathers the inputs.</summary>
    /// <exception cref="CommandFailedException">A file cannot be read, or is not what it is said to be.</exception>
    public static async Task<EvidenceInputs> LoadAsync(EvidenceOptions options, CancellationToken ct)
    {
        TimeProvider clock = options.At is { } at ? new StandingClock(at) : TimeProvider.System;
        var inputs = new EvidenceInputs(clock)
        {
            AcceptVersion2 = options.AcceptVersion2,
            AcceptExpired = options.AcceptExpired,
            RequireRevocation = options.RequireRevocation,
        };
        foreach (string path in options.Collateral)
        {
            await inputs.AddCollateralAsync(path, options.BundleKeys, ct).ConfigureAwait(false);
        }

        foreach (string path in options.Trust)
        {
            EvidenceFile file = await EvidenceFile.ReadAsync(path, ct).ConfigureAwait(false);
            inputs._trusted.AddRange(DerCertificate.ParseAll(file.Bytes).TryGet(out ImmutableArray<DerCertificate> all, out Refusal? why)
                ? all
                : throw new CommandFailedException($"{path}: {why.Detail}"));
        }

        if (options.EventLog is { } log)
        {
            inputs.EventLog = (await EvidenceFile.ReadAsync(log, ct).ConfigureAwait(false)).Bytes;
        }

        inputs._loose.Add(inputs._certificates);
        var sources = new List<ICollateralSource>(inputs._sources);
        if (options.Collateral.Count > 0)
        {
            sources.Add(inputs._loose);
        }

        if (!options.Offline)
        {
            HttpClient http = CollateralNetwork.Client;
            sources.AddRange(CollateralNetwork.Sources(http, options.AmdAddress, options.IntelAddress));
        }

        inputs.Collateral = sources.Count == 0
            ? null
            : new CollateralService(new CollateralOptions { Sources = [.. sources], Clock = clock, Attempts = 2 });
        if (options.SimulatedRoots.Count > 0)
        {
            // The vendor's own service has nothing of a simulated vendor: only files, and a service that was named, are asked.
            List<ICollateralSource> own = [.. inputs._sources, inputs._loose];
            if (options.AmdAddress is not null)
            {
                own.Add(new AmdKdsSource(CollateralNetwork.Client, options.AmdAddress));
            }

            var simulated = new CollateralService(new CollateralOptions { Sources = [.. own], Clock = clock, Attempts = 2 });
            foreach (string path in options.SimulatedRoots)
            {
                EvidenceFile file = await EvidenceFile.ReadAsync(path, ct).ConfigureAwait(false);
                inputs._simulatedAmd.Add(ReadSimulatedRoot(path, file.Bytes, simulated));
            }
        }

        return inputs;
    }

    private static AmdTrustAnchor ReadSimulatedRoot(string path, ReadOnlyMemory<byte> bytes, ICollateralProvider collateral)
    {
        if (!DerCertificate.ParseAll(bytes).TryGet(out ImmutableArray<DerCertificate> all, out Refusal? refusal))
        {
            throw new CommandFailedException($"{path}: {refusal.Detail}");
        }

        DerCertificate ark = all.FirstOrDefault(c => c.SubjectCommonName.StartsWith("ARK-", StringComparison.Ordinal))
            ?? throw new CommandFailedException($"{path}: no certificate named ARK-…");
        if (!SnpGenerations.TryParse(ark.SubjectCommonName["ARK-".Length..], out SnpGeneration generation))
        {
            throw new CommandFailedException($"{path}: '{ark.SubjectCommonName}' names no generation");
        }

        DerCertificate? ask = all.FirstOrDefault(c => c.SubjectCommonName == "SEV-" + generation.ProductName());
        DerCertificate? asvk = all.FirstOrDefault(c => c.SubjectCommonName == "SEV-VLEK-" + generation.ProductName());
        return AmdTrustAnchor.Simulated(generation, ark.Raw, ask?.Raw ?? default, asvk?.Raw ?? default, collateral).TryGet(out AmdTrustAnchor? anchor, out refusal)
            ? anchor
            : throw new CommandFailedException($"{path}: {refusal.Detail}");
    }

    private async Task AddCollateralAsync(string path, IReadOnlyList<string> bundleKeys, CancellationToken ct)
    {
        if (!Directory.Exists(path))
        {
            if (!await TryAddFileAsync(path, bundleKeys, ct).ConfigureAwait(false))
            {
                _others.Add(await EvidenceFile.ReadAsync(path, ct).ConfigureAwait(false));
            }

            return;
        }

        _sources.Add(new CollateralDirectory(path));
        string[] files = [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Take(MaximumFiles + 1).Order(StringComparer.Ordinal)];
        if (files.Length > MaximumFiles)
        {
            throw new CommandFailedException($"{path} holds more than {MaximumFiles} files");
        }

        foreach (string file in files)
        {
            if (!await TryAddFileAsync(file, bundleKeys, ct).ConfigureAwait(false))
            {
                _others.Add(await EvidenceFile.ReadAsync(file, ct).ConfigureAwait(false));
            }
        }
    }

    private async Task<bool> TryAddFileAsync(string path, IReadOnlyList<string> bundleKeys, CancellationToken ct)
    {
        EvidenceFile file = await EvidenceFile.ReadAsync(path, ct).ConfigureAwait(false);
        if (file.Json is { } json)
        {
            return file.HasMembers("protected", "payload", "signature")
                ? await AddBundleAsync(file, bundleKeys, ct).ConfigureAwait(false)
                : _loose.TryAddStatement(json, file.Bytes.ToArray()) || (json.ValueKind == JsonValueKind.Object && AddIntelFile(file));
        }

        if (DerCertificate.ParseAll(file.Bytes).TryGet(out ImmutableArray<DerCertificate> certificates, out _))
        {
            _certificates.AddRange(certificates);
            return true;
        }

        if (CertificateRevocationList.ParseAny(file.Bytes).TryGet(out CertificateRevocationList? list, out _))
        {
            _loose.Add(list);
            _revocationLists.Add(file.Bytes);
            return true;
        }

        if (_loose.TryAddHygon(file.Bytes))
        {
            return true;
        }

        if (PlainViews.TryTable(file.Bytes) is { } entries)
        {
            foreach (SnpCertificateEntry entry in entries)
            {
                if (entry.Type == SnpCertificateType.Crl)
                {
                    _revocationLists.Add(entry.Data);
                }
                else if (DerCertificate.ParseAll(entry.Data).TryGet(out certificates, out _))
                {
                    _certificates.AddRange(certificates);
                }
            }

            return true;
        }

        return false;
    }

    private bool AddIntelFile(EvidenceFile file)
    {
        if (IntelCollateralFile.Parse(file.Bytes).Refusal is not null)
        {
            return false;
        }

        _sources.Add(new IntelCollateralFileSource(file.Path));
        return true;
    }

    private async Task<bool> AddBundleAsync(EvidenceFile file, IReadOnlyList<string> bundleKeys, CancellationToken ct)
    {
        if (bundleKeys.Count == 0)
        {
            throw new CommandFailedException($"{file.Path} is a signed bundle: name the key that may sign it with --bundle-key");
        }

        IReadOnlyList<ECDsa> keys = await KeyFiles.ReadPublicAsync(bundleKeys, ct).ConfigureAwait(false);
        _sources.Add(CollateralBundle.Open(file.Bytes, keys).TryGet(out CollateralBundle? bundle, out Refusal? refusal)
            ? bundle
            : throw new CommandFailedException($"{file.Path}: {refusal.Detail}"));
        return true;
    }

    private sealed class StandingClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
