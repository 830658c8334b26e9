// SPDX-License-Identifier: Apache-2.0
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Coco.Rego.Syntax;

/// <summary>Finds metadata blocks in the comments of a module and gives them to the statements behind them.</summary>
internal static class Annotations
{
    private static readonly HashSet<string> Scopes = ["package", "subpackages", "document", "rule"];

    internal static void Attach(Module module, SourceText source, Action<string, int> error)
    {
        for (int i = 0; i < module.Comments.Count; i++)
        {
            Comment first = module.Comments[i];
            if (!first.OwnLine || first.Text.Trim() != "METADATA")
            {
                continue;
            }

            var text = new StringBuilder();
            int row = source.RowOf(first.Start);
            int last = row;
            while (i + 1 < module.Comments.Count && module.Comments[i + 1].OwnLine && source.RowOf(module.Comments[i + 1].Start) == last + 1)
            {
                string line = module.Comments[++i].Text;
                text.Append(line.StartsWith(' ') ? line[1..] : line).Append('\n');
                last++;
            }

            RegoObject? members;
            try
            {
                members = Read(text.ToString());
            }
            catch (Exception e) when (e is YamlException or FormatException or InvalidOperationException or ArgumentException)
            {
                error("metadata is not YAML: " + e.Message, first.Start);
                continue;
            }

            Place(module, source, new Annotation(string.Empty, Normalise(members), row), module.Comments[i].End, error);
        }
    }

    private static void Place(Module module, SourceText source, Annotation annotation, int end, Action<string, int> error)
    {
        string? scope = (annotation.Members.Get("scope") as RegoString)?.Value;
        if (scope is not null && !Scopes.Contains(scope))
        {
            error($"metadata scope {scope} is unknown", end);
            return;
        }

        if (module.PackageStart >= end)
        {
            module.PackageAnnotations.Add(With(annotation, scope ?? "package"));
            return;
        }

        Rule? rule = module.Rules.Find(r => r.Start >= end);
        if (rule is null)
        {
            return;
        }

        Annotation scoped = With(annotation, scope ?? "rule");
        if (scoped.Scope is "package" or "subpackages")
        {
            error($"metadata scope {scoped.Scope} must stand before the package", end);
            return;
        }

        rule.Annotations.Add(scoped);
    }

    private static Annotation With(Annotation annotation, string scope) =>
        annotation with { Scope = scope, Members = annotation.Members.With("scope", scope) };

    private static RegoObject? Read(string yaml)
    {
        if (yaml.Length > 65_536)
        {
            throw new FormatException("too long");
        }

        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return stream.Documents.Count == 0 ? null : Convert(stream.Documents[0].RootNode, 0) as RegoObject ?? throw new FormatException("not a mapping");
    }

    private static RegoValue Convert(YamlNode node, int depth)
    {
        if (depth > 64)
        {
            throw new FormatException("too deep");
        }

        return node switch
        {
            YamlSequenceNode sequence => RegoArray.Adopt([.. sequence.Children.Select(c => Convert(c, depth + 1))]),
            YamlMappingNode mapping => RegoObject.Of([.. mapping.Children.Select(m => (Convert(m.Key, depth + 1), Convert(m.Value, depth + 1)))]),
            YamlScalarNode scalar => Scalar(scalar),
            _ => throw new FormatException("alias"),
        };
    }

    private static RegoValue Scalar(YamlScalarNode scalar)
    {
        string text = scalar.Value ?? string.Empty;
        if (scalar.Style != ScalarStyle.Plain)
        {
            return text;
        }

        return text switch
        {
            "" or "~" or "null" => RegoValue.Null,
            "true" => true,
            "false" => false,
            _ => RegoNumber.TryParse(text, out RegoNumber? number) ? number : text,
        };
    }

    // Short forms of authors and related resources become their long forms.
    private static RegoObject Normalise(RegoObject? members)
    {
        members ??= RegoObject.Empty;
        if (members.Get("authors") is RegoArray authors)
        {
            members = members.With("authors", RegoArray.Adopt([.. authors.Items.ToArray().Select(Author)]));
        }

        if (members.Get("related_resources") is RegoArray resources)
        {
            members = members.With(
                "related_resources",
                RegoArray.Adopt([.. resources.Items.ToArray().Select(r => r is RegoString ? RegoObject.Of(("ref", r)) : r)]));
        }

        return members;
    }

    private static RegoValue Author(RegoValue author)
    {
        if (author is not RegoString { Value: var text })
        {
            return author;
        }

        int open = text.LastIndexOf('<');
        if (open < 0 || !text.EndsWith('>'))
        {
            return RegoObject.Of(("name", text.Trim()));
        }

        string name = text[..open].Trim(), email = text[(open + 1)..^1];
        return name.Length == 0 ? RegoObject.Of(("email", email)) : RegoObject.Of(("name", name), ("email", email));
    }
}
