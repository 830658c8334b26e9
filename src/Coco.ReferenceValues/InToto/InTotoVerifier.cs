// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.ReferenceValues.InToto;

/// <summary>Verifies a whole supply chain (rvps.md 12). Thread-safe.</summary>
internal sealed class InTotoVerifier(TimeProvider clock, InspectionRunner? inspections)
{
    private const int MaxDepth = 8;
    private const int MaxLinks = 10_000;

    /// <summary>Verifies the layout, its links and sub-layouts, and gives the summary link with the layout's end.</summary>
    /// <param name="layout">The layout's file.</param>
    /// <param name="keys">Every one of them must have signed it.</param>
    /// <param name="files">Where links are.</param>
    /// <param name="parameters">Null: no substitution.</param>
    /// <param name="ct">Ends inspections.</param>
    public ValueTask<Result<InTotoSummary>> VerifyAsync(
        ReadOnlyMemory<byte> layout,
        ImmutableArray<InTotoKey> keys,
        InTotoFiles files,
        IReadOnlyDictionary<string, string>? parameters,
        CancellationToken ct) =>
        InTotoMetadata.Parse(layout).TryGet(out InTotoMetadata? metadata, out Refusal? why)
            ? VerifyAsync(metadata, keys, files, string.Empty, parameters, string.Empty, new Budget(), 0, ct)
            : new(why.Within("layout"));

    private async ValueTask<Result<InTotoSummary>> VerifyAsync(
        InTotoMetadata metadata,
        ImmutableArray<InTotoKey> keys,
        InTotoFiles files,
        string directory,
        IReadOnlyDictionary<string, string>? parameters,
        string stepName,
        Budget budget,
        int depth,
        CancellationToken ct)
    {
        if (depth == MaxDepth)
        {
            return new Refusal(RefusalCode.TooLarge, $"sub-layouts are nested deeper than {MaxDepth}");
        }

        DateTimeOffset now = clock.GetUtcNow();
        if (keys.IsEmpty)
        {
            return new Refusal(RefusalCode.Untrusted, "Layout signature verification requires at least one key.") { Check = "in-toto.signature" };
        }

        foreach (InTotoKey key in keys)
        {
            if (key.Verify(metadata, now) is { } bad)
            {
                return bad;
            }
        }

        if (metadata.Type != "layout")
        {
            return new Refusal(RefusalCode.Malformed, "the metadata is a link where a layout is needed") { Check = "in-toto.format" };
        }

        if (!InTotoLayout.Parse(metadata.Body, parameters).TryGet(out InTotoLayout? layout, out Refusal? why))
        {
            return why;
        }

        if (layout.Expires <= now)
        {
            return new Refusal(RefusalCode.Expired, "Layout expired") { Check = "in-toto.expiry" };
        }

        if (!LoadLinks(layout, files, directory, budget).TryGet(out Dictionary<string, Dictionary<string, InTotoMetadata>>? found, out why))
        {
            return why;
        }

        var links = new Dictionary<string, InTotoLink>(StringComparer.Ordinal);
        DateTimeOffset until = layout.Expires;
        foreach (InTotoStep step in layout.Steps)
        {
            if (!CheckThreshold(layout, step, found[step.Name], now).TryGet(out ImmutableArray<(string KeyId, InTotoMetadata Link)> valid, out why))
            {
                return why;
            }

            var resolved = new List<InTotoLink>(valid.Length);
            foreach ((string keyId, InTotoMetadata link) in valid)
            {
                if (link.Type == "layout")
                {
                    InTotoKey signer = KeyOf(layout, keyId)!;
                    Result<InTotoSummary> inner = await VerifyAsync(
                        link, [signer], files, $"{directory}{step.Name}.{Prefix(keyId)}/", null, step.Name, budget, depth + 1, ct).ConfigureAwait(false);
                    if (!inner.TryGet(out InTotoSummary? summary, out why))
                    {
                        return why.Within($"sub-layout of step '{step.Name}'");
                    }

                    until = summary.Expires < until ? summary.Expires : until;
                    resolved.Add(summary.Link);
                }
                else if (InTotoLink.Parse(link.Body).TryGet(out InTotoLink? parsed, out why))
                {
                    resolved.Add(parsed);
                }
                else
                {
                    return why;
                }
            }

            if (step.Threshold > 1 && resolved.Skip(1).Any(l => !l.HasSameArtifacts(resolved[0])))
            {
                return new Refusal(RefusalCode.Mismatch, $"Links of step '{step.Name}' have different artifacts") { Check = "in-toto.threshold", Field = step.Name };
            }

            links[step.Name] = resolved[0];
        }

        foreach (InTotoStep step in layout.Steps)
        {
            if (ArtifactRules.Check(step.Name, links[step.Name], step.Materials, step.Products, links, ref budget.Steps) is { } broken)
            {
                return broken;
            }
        }

        if (!layout.Inspections.IsEmpty && await InspectAsync(layout, files, links, budget, ct).ConfigureAwait(false) is { } failed)
        {
            return failed;
        }

        if (layout.Steps.IsEmpty)
        {
            return new InTotoSummary(InTotoLink.Empty(stepName), until);
        }

        InTotoLink first = links[layout.Steps[0].Name], last = links[layout.Steps[^1].Name];
        return new InTotoSummary(new InTotoLink(stepName, first.Materials, last.Products, last.Command), until);
    }

    private static Result<Dictionary<string, Dictionary<string, InTotoMetadata>>> LoadLinks(InTotoLayout layout, InTotoFiles files, string directory, Budget budget)
    {
        var all = new Dictionary<string, Dictionary<string, InTotoMetadata>>(StringComparer.Ordinal);
        foreach (InTotoStep step in layout.Steps)
        {
            var links = new Dictionary<string, InTotoMetadata>(StringComparer.Ordinal);
            foreach (string keyId in step.KeyIds.SelectMany(id => layout.Keys.TryGetValue(id, out InTotoKey? key) ? [id, .. key.Subkeys.Keys] : new[] { id }))
            {
                string path = $"{directory}{step.Name}.{Prefix(keyId)}.link";
                if (InTotoFiles.Check(path) is null && files.Read(path) is { } bytes)
                {
                    // A directory that links to itself has sub-layouts without end.
                    if (--budget.Links < 0)
                    {
                        return new Refusal(RefusalCode.TooLarge, $"the chain has more than {MaxLinks} links") { Check = "in-toto.link" };
                    }

                    if (!InTotoMetadata.Parse(bytes).TryGet(out InTotoMetadata? link, out Refusal? why))
                    {
                        return why.Within(path);
                    }

                    links[keyId] = link;
                }
            }

            if (links.Count < step.Threshold)
            {
                return new Refusal(RefusalCode.NotFound, $"Step '{step.Name}' requires '{step.Threshold}' link metadata file(s), found '{links.Count}'.")
                {
                    Check = "in-toto.link",
                    Field = step.Name,
                };
            }

            all[step.Name] = links;
        }

        return all;
    }

    // Links by others, or with a bad signature, do not count and do no harm.
    private static Result<ImmutableArray<(string KeyId, InTotoMetadata Link)>> CheckThreshold(
        InTotoLayout layout,
        InTotoStep step,
        Dictionary<string, InTotoMetadata> links,
        DateTimeOffset now)
    {
        var valid = ImmutableArray.CreateBuilder<(string, InTotoMetadata)>();
        var mainKeys = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string keyId, InTotoMetadata link) in links)
        {
            string? main = step.KeyIds.FirstOrDefault(id => id == keyId || (layout.Keys.TryGetValue(id, out InTotoKey? k) && k.Subkeys.ContainsKey(keyId)));
            if (main is not null && KeyOf(layout, keyId)?.Verify(link, now) is null && KeyOf(layout, keyId) is not null)
            {
                valid.Add((keyId, link));
                mainKeys.Add(main);
            }
        }

        return mainKeys.Count < step.Threshold
            ? new Refusal(
                RefusalCode.BadSignature,
                $"Step '{step.Name}' requires at least '{step.Threshold}' links validly signed by different authorized functionaries. Only found '{mainKeys.Count}'")
            { Check = "in-toto.threshold", Field = step.Name }
            : valid.ToImmutable();
    }

    private static InTotoKey? KeyOf(InTotoLayout layout, string keyId) =>
        layout.Keys.TryGetValue(keyId, out InTotoKey? key)
            ? key
            : layout.Keys.Values.Select(k => k.Subkeys.GetValueOrDefault(keyId)).FirstOrDefault(k => k is not null);

    private static string Prefix(string keyId) => keyId.Length <= 8 ? keyId : keyId[..8];

    private async ValueTask<Refusal?> InspectAsync(InTotoLayout layout, InTotoFiles files, Dictionary<string, InTotoLink> links, Budget budget, CancellationToken ct)
    {
        if (inspections is null)
        {
            return new Refusal(
                RefusalCode.Forbidden,
                $"the layout wants to run {layout.Inspections.Length} inspections ({string.Join(", ", layout.Inspections.Select(i => i.Name))}), and running them is not allowed here")
            { Check = "in-toto.inspection" };
        }

        if (!(await inspections.RunAsync(layout.Inspections, files, ct).ConfigureAwait(false)).TryGet(out ImmutableArray<InTotoLink> made, out Refusal? why))
        {
            return why;
        }

        foreach (InTotoLink link in made)
        {
            links[link.Name] = link;
        }

        foreach (InTotoInspection inspection in layout.Inspections)
        {
            if (ArtifactRules.Check(inspection.Name, links[inspection.Name], inspection.Materials, inspection.Products, links, ref budget.Steps) is { } broken)
            {
                return broken;
            }
        }

        return null;
    }

    /// <summary>What is left of the work that one chain may take, sub-layouts included.</summary>
    private sealed class Budget
    {
        public long Steps = ArtifactRules.MaxSteps;

        public int Links { get; set; } = MaxLinks;
    }
}

/// <summary>A chain that holds.</summary>
/// <param name="Link">Materials of the first step, products of the last.</param>
/// <param name="Expires">When the first of the layouts ends.</param>
internal sealed record InTotoSummary(InTotoLink Link, DateTimeOffset Expires);
