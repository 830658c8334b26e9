// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Coco.Tee.Snp;
using Coco.Verifiers.Intel;
using Coco.Verifiers.Snp;

namespace Coco.Trustee;

/// <summary>
/// The file of simulated roots that <c>insecure_simulated_tee</c> names:
/// <c>{"snp":[{"generation":"Milan","ark":PEM,"ask":PEM,"asvk":PEM}],"intel":[{"name":"…","root":PEM}]}</c>. Whoever has a simulator's keys can attest as anything.
/// </summary>
internal static class SimulatedRoots
{
    /// <exception cref="ArgumentException">The file has another form; the message says where.</exception>
    public static ImmutableArray<AmdTrustAnchor> ReadSnp(string path)
    {
        if (!HostileJson.ParseObject(File.ReadAllBytes(path)).TryGet(out JsonElement document, out Refusal? refusal))
        {
            throw new ArgumentException($"{path}: {refusal.Detail}");
        }

        if (!document.TryGetProperty("snp", out JsonElement entries) || entries.ValueKind != JsonValueKind.Array)
        {
            return [];
        }

        ImmutableArray<AmdTrustAnchor>.Builder anchors = ImmutableArray.CreateBuilder<AmdTrustAnchor>();
        foreach (JsonElement entry in entries.EnumerateArray())
        {
            if (!HostileJson.RequireString(entry, "generation").TryGet(out string? name, out refusal)
                || !HostileJson.RequireString(entry, "ark").TryGet(out string? ark, out refusal))
            {
                throw new ArgumentException($"{path}: {refusal.Detail}");
            }

            if (!Enum.TryParse(name, ignoreCase: false, out SnpGeneration generation))
            {
                throw new ArgumentException($"{path}: unknown generation '{name}'; known are {string.Join(", ", Enum.GetNames<SnpGeneration>())}");
            }

            HostileJson.TryGetOptionalString(entry, "ask", out string? ask);
            HostileJson.TryGetOptionalString(entry, "asvk", out string? asvk);
            anchors.Add(AmdTrustAnchor.Simulated(generation, Bytes(ark), Bytes(ask), Bytes(asvk)).TryGet(out AmdTrustAnchor? anchor, out refusal)
                ? anchor
                : throw new ArgumentException($"{path}: {refusal.Detail}"));
        }

        return anchors.ToImmutable();
    }

    /// <summary>Member <c>intel</c>: <c>[{"name":text,"root":PEM certificate}]</c>.</summary>
    /// <exception cref="ArgumentException">The file has another form; the message says where.</exception>
    public static ImmutableArray<IntelRootKey> ReadIntel(string path)
    {
        if (!HostileJson.ParseObject(File.ReadAllBytes(path)).TryGet(out JsonElement document, out Refusal? refusal))
        {
            throw new ArgumentException($"{path}: {refusal.Detail}");
        }

        if (!document.TryGetProperty("intel", out JsonElement entries) || entries.ValueKind != JsonValueKind.Array)
        {
            return [];
        }

        ImmutableArray<IntelRootKey>.Builder keys = ImmutableArray.CreateBuilder<IntelRootKey>();
        foreach (JsonElement entry in entries.EnumerateArray())
        {
            if (!HostileJson.RequireString(entry, "name").TryGet(out string? name, out refusal)
                || !HostileJson.RequireString(entry, "root").TryGet(out string? pem, out refusal)
                || !DerCertificate.ParsePem(pem).TryGet(out ImmutableArray<DerCertificate> certificates, out refusal)
                || !IntelRootKey.FromPublicKeyInfo(name, certificates[0].SubjectPublicKeyInfo).TryGet(out IntelRootKey? key, out refusal))
            {
                throw new ArgumentException($"{path}: {refusal.Detail}");
            }

            keys.Add(key);
        }

        return keys.ToImmutable();
    }

    private static byte[] Bytes(string? pem) => pem is null ? [] : Encoding.UTF8.GetBytes(pem);
}
