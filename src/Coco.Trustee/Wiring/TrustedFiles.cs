// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.Nvidia;

namespace Coco.Trustee;

/// <summary>Files with which an administrator says whom verifiers trust.</summary>
internal static class TrustedFiles
{
    /// <summary>The keys of all certificates in a PEM file, or in the files of a folder; none for null.</summary>
    /// <exception cref="ArgumentException">The path is not there, holds no certificate, or something else.</exception>
    public static ImmutableArray<TrustedKey> ReadRoots(string? path)
    {
        if (path is null)
        {
            return [];
        }

        ImmutableArray<TrustedKey>.Builder keys = ImmutableArray.CreateBuilder<TrustedKey>();
        foreach (string file in FilesOf(path))
        {
            keys.AddRange(DerCertificate.ParsePem(File.ReadAllText(file)).TryGet(out ImmutableArray<DerCertificate> certificates, out Refusal? refusal)
                ? certificates.Select(TrustedKey.Of)
                : throw new ArgumentException($"{file}: {refusal.Detail}"));
        }

        return keys.Count > 0 ? keys.ToImmutable() : throw new ArgumentException($"{path}: there is no certificate in it");
    }

    /// <summary>The signed reference manifests of a file, or of the files of a folder; none for null.</summary>
    /// <exception cref="ArgumentException">The path is not there, or a manifest is refused.</exception>
    public static ImmutableArray<NvidiaReferenceManifest> ReadManifests(string? path, NvidiaManifestKind kind, IReadOnlyList<TrustedKey> roots, DateTimeOffset now) =>
        path is null
            ? []
            : [.. FilesOf(path).Select(file => NvidiaReferenceManifest.Parse(File.ReadAllBytes(file), kind, roots, now).TryGet(out NvidiaReferenceManifest? manifest, out Refusal? refusal)
                ? manifest
                : throw new ArgumentException($"{file}: {refusal.Detail}"))];

    /// <summary>The contents of a folder's files in the order of their names; none when it is not there.</summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>> ReadFolder(string path) =>
        Directory.Exists(path) ? [.. FilesOf(path).Select(f => (ReadOnlyMemory<byte>)File.ReadAllBytes(f))] : [];

    private static IEnumerable<string> FilesOf(string path) =>
        Directory.Exists(path) ? Directory.GetFiles(path).Order(StringComparer.Ordinal)
        : File.Exists(path) ? [path]
        : throw new ArgumentException($"{path}: there is no such file or folder");
}
