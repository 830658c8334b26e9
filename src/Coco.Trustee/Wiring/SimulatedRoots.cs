// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Coco.Tee.Csv;
using Coco.Tee.Snp;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.Csv;
using Coco.Verifiers.Intel;
using Coco.Verifiers.Snp;

namespace Coco.Trustee;

/// <summary>
/// The file of simulated roots that <c>insecure_simulated_tee</c> names: <c>{"snp":[{"generation":"Milan","ark":PEM,"ask":PEM,"asvk":PEM}],
/// "intel":[{"name":"…","root":PEM}],"hygon":[{"hrk":base64}],"nvidia":[{"root":PEM}],"tpm":[{"root":PEM}]}</c>, each member optional. Whoever has
/// a simulator's keys can attest as anything.
/// </summary>
internal sealed record SimulatedRoots
{
    /// <summary>Roots of SEV-SNP.</summary>
    public ImmutableArray<AmdTrustAnchor> Snp { get; private init; } = [];

    /// <summary>Roots of SGX and TDX.</summary>
    public ImmutableArray<IntelRootKey> Intel { get; private init; } = [];

    /// <summary>Roots of CSV and DCU.</summary>
    public ImmutableArray<HygonRoot> Hygon { get; private init; } = [];

    /// <summary>Roots of GPUs.</summary>
    public ImmutableArray<TrustedKey> Nvidia { get; private init; } = [];

    /// <summary>Roots of TPM endorsements.</summary>
    public ImmutableArray<TrustedKey> Tpm { get; private init; } = [];

    /// <exception cref="ArgumentException">The file is not there or has another form; the message says where.</exception>
    public static SimulatedRoots Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new ArgumentException($"{path}: there is no such file");
        }

        if (!HostileJson.ParseObject(File.ReadAllBytes(path)).TryGet(out JsonElement document, out Refusal? refusal))
        {
            throw new ArgumentException($"{path}: {refusal.Detail}");
        }

        return new SimulatedRoots
        {
            Snp = Entries(document, "snp", path, ReadSnp),
            Intel = Entries(document, "intel", path, ReadIntel),
            Hygon = Entries(document, "hygon", path, ReadHygon),
            Nvidia = Entries(document, "nvidia", path, ReadRoot),
            Tpm = Entries(document, "tpm", path, ReadRoot),
        };
    }

    private static ImmutableArray<T> Entries<T>(JsonElement document, string member, string path, Func<JsonElement, Result<T>> read)
        where T : notnull
    {
        if (!document.TryGetProperty(member, out JsonElement entries))
        {
            return [];
        }

        if (entries.ValueKind != JsonValueKind.Array)
        {
            throw new ArgumentException($"{path}: {member} is not an array");
        }

        ImmutableArray<T>.Builder all = ImmutableArray.CreateBuilder<T>();
        foreach (JsonElement entry in entries.EnumerateArray())
        {
            all.Add(read(entry).TryGet(out T? root, out Refusal? refusal) ? root : throw new ArgumentException($"{path}: {member}[{all.Count}]: {refusal.Detail}"));
        }

        return all.ToImmutable();
    }

    private static Result<AmdTrustAnchor> ReadSnp(JsonElement entry)
    {
        if (!HostileJson.RequireString(entry, "generation").TryGet(out string? name, out Refusal? refusal)
            || !HostileJson.RequireString(entry, "ark").TryGet(out string? ark, out refusal))
        {
            return refusal;
        }

        if (!Enum.TryParse(name, ignoreCase: false, out SnpGeneration generation))
        {
            return new Refusal(RefusalCode.Unsupported, $"unknown generation '{name}'; known are {string.Join(", ", Enum.GetNames<SnpGeneration>())}");
        }

        HostileJson.TryGetOptionalString(entry, "ask", out string? ask);
        HostileJson.TryGetOptionalString(entry, "asvk", out string? asvk);
        return AmdTrustAnchor.Simulated(generation, Bytes(ark), Bytes(ask), Bytes(asvk));
    }

    private static Result<IntelRootKey> ReadIntel(JsonElement entry) =>
        HostileJson.RequireString(entry, "name").TryGet(out string? name, out Refusal? refusal)
        && ReadRoot(entry).TryGet(out TrustedKey? root, out refusal)
            ? IntelRootKey.FromPublicKeyInfo(name, root.SubjectPublicKeyInfo, isSimulated: true)
            : refusal;

    private static Result<HygonRoot> ReadHygon(JsonElement entry) =>
        HostileJson.RequireString(entry, "hrk").TryGet(out string? text, out Refusal? refusal)
        && StrictBase64.DecodeStandard(text).TryGet(out byte[]? bytes, out refusal)
        && HygonCaCertificate.Parse(bytes).TryGet(out HygonCaCertificate? certificate, out refusal)
            ? HygonRoot.Simulated(certificate)
            : refusal;

    private static Result<TrustedKey> ReadRoot(JsonElement entry) =>
        HostileJson.RequireString(entry, "root").TryGet(out string? pem, out Refusal? refusal)
        && DerCertificate.ParsePem(pem).TryGet(out ImmutableArray<DerCertificate> certificates, out refusal)
            ? TrustedKey.Of(certificates[0]) with { IsSimulated = true }
            : refusal;

    private static byte[] Bytes(string? pem) => pem is null ? [] : Encoding.UTF8.GetBytes(pem);
}
