// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Coco.Client;
using Coco.Protocol;
using Coco.Testing;
using k8s;
using k8s.Models;

namespace Coco.EndToEnd.Tests;

/// <summary>What lies in <c>deploy/</c>, by the tools that read it: helm, buildah, systemd.</summary>
public sealed class DeploymentTests : IDisposable
{
    private static readonly string Helm = "/usr/local/lib/coco-test-tools/helm";
    private static readonly string[] Replicated =
    [
        "--set", "replicas=3", "--set", "storage.postgresSecret=db", "--set", "storage.keyRingSecret=ring", "--set", "tls.secret=tls",
        "--set", "admin.publicKeySecret=admin", "--set", "networkPolicy.databasePort=6432",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("coco-deploy").FullName;

    private static string Deploy => Path.Combine(Repository(), "deploy");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Chart_WithDefaults_IsOneReplicaOnAVolume()
    {
        Dictionary<string, string> rendered = await RenderAsync();

        V1Deployment deployment = Of<V1Deployment>(rendered["deployment"]);
        V1Container container = Assert.Single(deployment.Spec.Template.Spec.Containers);
        Assert.Equal((1, "Recreate"), (deployment.Spec.Replicas, deployment.Spec.Strategy.Type));
        Assert.Equal((true, true, false), (deployment.Spec.Template.Spec.SecurityContext.RunAsNonRoot, container.SecurityContext.ReadOnlyRootFilesystem, container.SecurityContext.AllowPrivilegeEscalation));
        Assert.Equal("/readyz", container.ReadinessProbe.HttpGet.Path);
        Assert.Equal(1654, deployment.Spec.Template.Spec.SecurityContext.RunAsUser);
        Assert.Equal("ReadWriteOnce", Of<V1PersistentVolumeClaim>(rendered["volume"]).Spec.AccessModes.Single());
        Assert.Equal(8080, Of<V1Service>(rendered["service"]).Spec.Ports.Single().Port);
        Assert.Equal(["Ingress", "Egress"], Of<V1NetworkPolicy>(rendered["networkpolicy"]).Spec.PolicyTypes);
        Assert.False(rendered.ContainsKey("disruptionbudget"));
        await CheckConfigurationAsync(rendered["config"]);
    }

    [Fact]
    public async Task Chart_WithReplicas_SharesADatabaseAndMayLoseOne()
    {
        Dictionary<string, string> rendered = await RenderAsync(Replicated);

        V1Deployment deployment = Of<V1Deployment>(rendered["deployment"]);
        Assert.Equal((3, "RollingUpdate"), (deployment.Spec.Replicas, deployment.Spec.Strategy.Type));
        Assert.Equal("db", deployment.Spec.Template.Spec.Containers[0].Env.Single(e => e.Name == "POSTGRES_URL").ValueFrom.SecretKeyRef.Name);
        V1PodDisruptionBudget budget = Of<V1PodDisruptionBudget>(rendered["disruptionbudget"]);
        Assert.Equal("1", budget.Spec.MaxUnavailable.ToString());
        Assert.Equal(deployment.Spec.Selector.MatchLabels, budget.Spec.Selector.MatchLabels);
        Assert.Contains("6432", Of<V1NetworkPolicy>(rendered["networkpolicy"]).Spec.Egress.SelectMany(e => e.Ports).Select(p => p.Port.ToString()));
        Assert.False(rendered.ContainsKey("volume"));
        await CheckConfigurationAsync(rendered["config"], ("storage_backend.key_ring", "/etc/trustee/ring/ring.json"));
    }

    [Theory]
    [InlineData("needs storage.postgresSecret", "replicas=2")]
    [InlineData("needs tls.secret", "replicas=2,storage.postgresSecret=db")]
    public async Task Chart_WhoseReplicasCannotShare_IsRefused(string reason, string values)
    {
        SkipWithoutHelm();

        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(
            () => ServerProcess.RunAsync(Helm, ["template", "t", Path.Combine(Deploy, "helm/trustee"), "--set", values]));

        Assert.Contains(reason, refused.Message);
    }

    [Fact]
    public async Task Image_FromScratch_RunsWithoutRightsAndServes()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/buildah") && Environment.UserName == "root", "buildah is not installed, or nobody is root");
        string image = Path.Combine(_folder, "image");
        string[] store = ["--storage-driver", "vfs", "--root", Path.Combine(_folder, "root"), "--runroot", Path.Combine(_folder, "run")];
        await ServerProcess.RunAsync(Path.Combine(Deploy, "container/rootfs.sh"), [image, Path.GetDirectoryName(TrusteeProcess.Program("Coco.Trustee", "trustee"))!]);
        Assert.False(File.Exists(Path.Combine(image, "rootfs/bin/sh")));
        await ServerProcess.RunAsync("buildah", [.. store, "bud", "--isolation", "chroot", "-f", Path.Combine(Deploy, "container/Containerfile"), "-t", "trustee", image]);
        string container = (await ServerProcess.RunAsync("buildah", [.. store, "from", "--pull-never", "trustee"])).Trim();
        int port = FreePort.Next();

        await using (ServerProcess run = ServerProcess.Start(
            "buildah",
            [
                .. store, "run", "--isolation", "chroot", container, "--", "/app/trustee", "run", "--allow-all", "--socket", $"127.0.0.1:{port}",
                "--set", "http_server.insecure_http=true",
            ]))
        {
            await run.WaitForOutputAsync("listening on", TimeSpan.FromSeconds(60));

            // Not a child of buildah's first process, so it has to be told by itself to end.
            string server = (await ServerProcess.RunAsync("pgrep", ["-f", "^/app/trustee run .*127.0.0.1:" + port])).Trim();
            try
            {
                using KbsClient guest = KbsClient.Create(new Uri($"http://127.0.0.1:{port}"), new SampleEvidenceProvider());
                Assert.True((await guest.AttestAsync()).TryGet(out _, out Refusal? refusal), refusal?.ToString());
                Assert.Contains("Uid:\t1654\t1654\t1654\t1654", await File.ReadAllTextAsync($"/proc/{server}/status"));
            }
            finally
            {
                await ServerProcess.RunAsync("kill", ["-TERM", server]);
                await run.Process.WaitForExitAsync();
            }

            Assert.Equal(0, run.Process.ExitCode);
        }

        await ServerProcess.RunAsync("buildah", [.. store, "rm", container]);
    }

    [Fact]
    public async Task Unit_IsOneThatSystemdTakes()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/systemd-analyze"), "systemd is not installed");
        string unit = Path.Combine(_folder, "trustee.service");
        string text = await File.ReadAllTextAsync(Path.Combine(Deploy, "systemd/trustee.service"));
        await File.WriteAllTextAsync(unit, text.Replace("/usr/lib/trustee/trustee", TrusteeProcess.Program("Coco.Trustee", "trustee"), StringComparison.Ordinal));

        Assert.Equal(string.Empty, await ServerProcess.RunAsync("systemd-analyze", ["verify", unit]));
        Assert.Contains("OK", (await ServerProcess.RunAsync("systemd-analyze", ["security", "--offline=true", unit])).TrimEnd().Split('\n')[^1]);
    }

    private static void SkipWithoutHelm() => Assert.SkipUnless(File.Exists(Helm), "helm is not installed");

    private static string Repository([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "../.."));

    /// <summary>The rendered documents by the name of their template.</summary>
    private static async Task<Dictionary<string, string>> RenderAsync(params string[] values)
    {
        SkipWithoutHelm();
        string chart = Path.Combine(Deploy, "helm/trustee");
        await ServerProcess.RunAsync(Helm, ["lint", "--strict", chart, .. values]);
        string output = await ServerProcess.RunAsync(Helm, ["template", "t", chart, .. values]);
        return output.Split("---\n# Source: trustee/templates/").Skip(1).ToDictionary(d => d[..d.IndexOf(".yaml", StringComparison.Ordinal)], d => d[(d.IndexOf('\n', StringComparison.Ordinal) + 1)..]);
    }

    // Strictly: a member that the type does not have is an error, as it is to the API server.
    private static T Of<T>(string yaml) => KubernetesYaml.Deserialize<T>(yaml, strict: true);

    /// <summary>The server takes the configuration of the chart; files that the cluster would mount are made here.</summary>
    private async Task CheckConfigurationAsync(string configMap, params (string Key, string Value)[] expected)
    {
        string text = Of<V1ConfigMap>(configMap).Data["kbs-config.yaml"];
        foreach ((string key, string value) in expected)
        {
            Assert.Contains($"{key.Split('.')[^1]}: {value}", text);
        }

        string file = Path.Combine(_folder, "kbs-config.yaml");
        await File.WriteAllTextAsync(file, text);
        string output = await ServerProcess.RunAsync(
            TrusteeProcess.Program("Coco.Trustee", "trustee"), ["check-config", file, "--home", _folder], new Dictionary<string, string> { ["POSTGRES_URL"] = "postgres://u@db/x" });
        Assert.Contains("good", output);
        Assert.DoesNotContain("unknown", output);
    }
}
