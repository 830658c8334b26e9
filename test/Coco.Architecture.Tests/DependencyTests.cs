// SPDX-License-Identifier: Apache-2.0
namespace Coco.Architecture.Tests;

/// <summary>References between projects point down, as docs/architecture.md lists them.</summary>
public sealed class DependencyTests
{
    // A direct reference not named here is an error. What a row reaches through its references is allowed too.
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Core"] = [],
        ["Protocol"] = ["Core"],
        ["Rego"] = ["Core"],
        ["Tee"] = ["Core"],
        ["Storage"] = ["Core"],
        ["Ttrpc"] = ["Core"],
        ["Verifiers"] = ["Protocol", "Tee"],
        ["Attesters"] = ["Protocol", "Tee"],
        ["ReferenceValues"] = ["Protocol", "Storage"],
        ["Attestation"] = ["Protocol", "Rego", "Storage", "Verifiers"],
        ["KeyBroker"] = ["Protocol", "Rego", "Storage"],
        ["Oci"] = ["Protocol"],
        ["Client"] = ["Protocol", "Ttrpc", "Attesters"],
        ["Simulator"] = ["Protocol", "Tee"],
        ["AspNetCore"] = ["Client"],
        ["Trustee"] = ["KeyBroker", "Attestation", "ReferenceValues"],
        ["Guest"] = ["Attesters", "Client", "Oci", "Ttrpc"],
        ["Cli"] = ["Client", "Oci", "Rego", "Simulator", "Verifiers", "ReferenceValues"],
        ["Operator"] = ["Protocol"],
        ["PeerPods"] = ["Protocol", "Ttrpc"],
    };

    public static TheoryData<string> ProjectNames() => [.. Repository.Projects.Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void Project_References_OnlyWhatTheTableAllows(string name)
    {
        SourceProject project = Repository.Projects.Single(p => p.Name == name);
        string room = name["Coco.".Length..];
        Assert.True(Allowed.ContainsKey(room), name + " is not in the dependency table");

        HashSet<string> reachable = Reach(room);
        foreach (string reference in project.References.Select(r => r["Coco.".Length..]))
        {
            Assert.True(reference == "Core" || reachable.Contains(reference), $"{name} may not reference Coco.{reference}");
        }
    }

    [Fact]
    public void Table_HasNoCycle()
    {
        foreach (string room in Allowed.Keys)
        {
            Assert.DoesNotContain(room, Reach(room));
        }
    }

    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void Project_HasReadme(string name)
    {
        string readme = Path.Combine(Repository.Projects.Single(p => p.Name == name).Folder, "README.md");

        Assert.True(File.Exists(readme), readme + " does not exist");
        Assert.True(new FileInfo(readme).Length > 200, readme + " says next to nothing");
    }

    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void Project_HasLockFile(string name) =>
        Assert.True(File.Exists(Path.Combine(Repository.Projects.Single(p => p.Name == name).Folder, "packages.lock.json")));

    private static HashSet<string> Reach(string room)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var todo = new Stack<string>(Allowed[room]);
        while (todo.TryPop(out string? next))
        {
            if (seen.Add(next) && Allowed.TryGetValue(next, out string[]? more))
            {
                foreach (string m in more)
                {
                    todo.Push(m);
                }
            }
        }

        return seen;
    }
}
