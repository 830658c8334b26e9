// SPDX-License-Identifier: Apache-2.0
using Coco.Protocol;

namespace Coco.Cli.EvidenceCommands;

/// <summary>The formats that the evidence commands know; detection asks them in this order.</summary>
internal static class EvidenceFormats
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<IEvidenceFormat> All { get; } =
    [
        new SnpFormat(),
        new SampleFormat(TeeType.Sample),
        new SampleFormat(TeeType.SampleDevice),
    ];

    /// <summary>The format of a wire name.</summary>
    /// <exception cref="CommandFailedException">There is none.</exception>
    public static IEvidenceFormat Named(string name) =>
        TeeTypes.TryParse(name, out TeeType tee) && All.FirstOrDefault(f => f.Tee == tee) is { } format
            ? format
            : throw new CommandFailedException($"unknown TEE '{name}'; known: {string.Join(", ", All.Select(f => f.Tee.ToWireName()))}");

    /// <summary>The format that a file has.</summary>
    /// <exception cref="CommandFailedException">It has none that is known.</exception>
    public static IEvidenceFormat Detect(EvidenceFile file) =>
        (file.NamedTee is { } named ? All.FirstOrDefault(f => f.Tee == named) : All.FirstOrDefault(f => f.Recognizes(file)))
            ?? throw new CommandFailedException($"cannot tell what {file.Path} is; say it with --tee");
}
