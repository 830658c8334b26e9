// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Protocol;

/// <summary>An entry of <c>plugins</c> (kbs.md 7.4, 7.5).</summary>
/// <param name="Name">First segment of the plugin's paths.</param>
public abstract record KbsPluginConfig(string Name);

/// <summary>Where the <c>resource</c> plugin keeps values.</summary>
public enum KbsResourceBackend
{
    /// <summary>The store.</summary>
    KeyValueStorage,

    /// <summary>Folders as releases up to 0.15 laid them out.</summary>
    NestedFiles,

    /// <summary>HashiCorp Vault, KV engine.</summary>
    Vault,

    /// <summary>Aliyun KMS instance.</summary>
    Aliyun,

    /// <summary>AWS Secrets Manager.</summary>
    Aws,

    /// <summary>Google Secret Manager.</summary>
    Gcp,
}

/// <summary>The <c>resource</c> plugin.</summary>
public sealed record KbsResourcePluginConfig() : KbsPluginConfig("resource")
{
    /// <summary>Key <c>storage_backend_type</c>.</summary>
    public KbsResourceBackend Backend { get; init; }

    /// <summary>Nested files: the folder.</summary>
    public string? DirPath { get; init; }

    /// <summary>Vault: address.</summary>
    public string? VaultUrl { get; init; }

    /// <summary>Vault: token.</summary>
    public ConfigSecret? Token { get; init; }

    /// <summary>Vault: mount path of the engine.</summary>
    public string MountPath { get; init; } = "secret";

    /// <summary>Vault, ours: version of the engine, 1 or 2.</summary>
    public int KvVersion { get; init; } = 1;

    /// <summary>Vault: check the server's certificate.</summary>
    public bool VerifySsl { get; init; }

    /// <summary>Vault: PEM files with roots.</summary>
    public ImmutableArray<string> CaCerts { get; init; } = [];

    /// <summary>Aliyun: the client key document (JSON).</summary>
    public ConfigSecret? ClientKey { get; init; }

    /// <summary>Aliyun: instance.</summary>
    public string? KmsInstanceId { get; init; }

    /// <summary>Aliyun: password of the client key.</summary>
    public ConfigSecret? Password { get; init; }

    /// <summary>Aliyun: PEM of the instance's CA.</summary>
    public string? CertPem { get; init; }

    /// <summary>AWS: region.</summary>
    public string? Region { get; init; }

    /// <summary>AWS and Google: another address of the service.</summary>
    public string? EndpointUrl { get; init; }

    /// <summary>Google: project.</summary>
    public string? ProjectId { get; init; }

    /// <summary>Clouds, ours: how a resource becomes the secret's name, from <c>${repo}</c>, <c>${type}</c>, <c>${tag}</c>. Default only the tag, as the reference.</summary>
    public string NameTemplate { get; init; } = "${tag}";
}

/// <summary>The <c>sample</c> plugin.</summary>
/// <param name="Item">Read and without effect, as in the reference.</param>
public sealed record KbsSamplePluginConfig(string Item) : KbsPluginConfig("sample");

/// <summary>The <c>provisioner</c> plugin.</summary>
/// <param name="KeyLength">Characters of a disk key.</param>
public sealed record KbsProvisionerPluginConfig(int KeyLength) : KbsPluginConfig("provisioner");

/// <summary>The <c>nebula-ca</c> plugin.</summary>
public sealed record KbsNebulaCaPluginConfig() : KbsPluginConfig("nebula-ca")
{
    /// <summary>Where the certificate authority is kept.</summary>
    public string WorkDir { get; init; } = "/opt/confidential-containers/kbs/nebula-ca";

    /// <summary>The program; null for <c>nebula-cert</c> from PATH.</summary>
    public string? NebulaCertPath { get; init; }

    /// <summary>Name of the certificate authority.</summary>
    public string CaName { get; init; } = "Trustee Nebula CA plugin";

    /// <summary>Options of <c>nebula-cert ca</c> other than the name: <c>argon-iterations</c> and so on.</summary>
    public ImmutableSortedDictionary<string, string> CaOptions { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}

/// <summary>The <c>pkcs11</c> plugin.</summary>
public sealed record KbsPkcs11PluginConfig() : KbsPluginConfig("pkcs11")
{
    /// <summary>Path of the module.</summary>
    public string Module { get; init; } = string.Empty;

    /// <summary>User PIN.</summary>
    public ConfigSecret Pin { get; init; } = new(string.Empty);

    /// <summary>Index of the slot among those with a token.</summary>
    public int SlotIndex { get; init; }

    /// <summary>OAEP with SHA-1 in place of SHA-256 (<c>RsaPkcsTest</c>).</summary>
    public bool OaepSha1 { get; init; }

    /// <summary>Label of the key pair that wraps keys.</summary>
    public string LookupLabel { get; init; } = string.Empty;
}

/// <summary>The <c>external</c> plugin.</summary>
/// <param name="Backends">Programs that answer over gRPC.</param>
public sealed record KbsExternalPluginConfig(ImmutableArray<KbsExternalBackendConfig> Backends) : KbsPluginConfig("external");

/// <summary>A program behind the <c>external</c> plugin.</summary>
/// <param name="Name">Second segment of its paths.</param>
/// <param name="Endpoint">Address.</param>
/// <param name="CaCertPath">PEM root; required for https.</param>
/// <param name="TimeoutMilliseconds">Limit of a call; null for 30 seconds.</param>
public sealed record KbsExternalBackendConfig(string Name, string Endpoint, string? CaCertPath, int? TimeoutMilliseconds);
