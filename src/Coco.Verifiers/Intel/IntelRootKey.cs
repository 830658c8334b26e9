// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Coco.Verifiers.Intel;

/// <summary>A root key that quotes may lead to. Only the key counts: a certificate for it is found in each chain.</summary>
public sealed class IntelRootKey
{
    private const string ProductionPoint =
        "0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f567918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394";

    private const string P256KeyHeader = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";

    private IntelRootKey(string name, ReadOnlyMemory<byte> info, P256VerifyingKey key, bool isSimulated)
    {
        Name = name;
        IsSimulated = isSimulated;
        PublicKeyInfo = info;
        Key = key;
        Id = Convert.ToHexStringLower(SHA384.HashData(info.Span[^65..]));
    }

    /// <summary>The key of the "Intel SGX Root CA", with which Intel's production quotes end.</summary>
    public static IntelRootKey Production { get; } =
        FromPublicKeyInfo("Intel SGX Root CA", Convert.FromHexString(P256KeyHeader + ProductionPoint)).Require();

    /// <summary>What trusts Intel and nobody else.</summary>
    public static ImmutableArray<IntelRootKey> ProductionOnly { get; } = [Production];

    /// <summary>Whose key it is, for reports.</summary>
    public string Name { get; }

    /// <summary>The key, DER SubjectPublicKeyInfo.</summary>
    public ReadOnlyMemory<byte> PublicKeyInfo { get; }

    /// <summary>The claim <c>root_key_id</c>: SHA-384 over the uncompressed point, lower-case hexadecimal.</summary>
    public string Id { get; }

    /// <summary>Whether no hardware stands behind it: claims of evidence that hangs from it say so.</summary>
    public bool IsSimulated { get; }

    internal P256VerifyingKey Key { get; }

    /// <summary>Another root: a simulated or private one, which is trusted only where it is passed.</summary>
    /// <param name="name">Whose key it is.</param>
    /// <param name="publicKeyInfo">DER SubjectPublicKeyInfo of a P-256 key.</param>
    /// <param name="isSimulated">Whether no hardware stands behind it.</param>
    public static Result<IntelRootKey> FromPublicKeyInfo(string name, ReadOnlyMemory<byte> publicKeyInfo, bool isSimulated = false)
    {
        ArgumentNullException.ThrowIfNull(name);
        return P256VerifyingKey.FromPublicKeyInfo(publicKeyInfo.Span).TryGet(out P256VerifyingKey? key, out Refusal? refusal)
            ? new IntelRootKey(name, publicKeyInfo, key, isSimulated)
            : refusal.Within("root key");
    }
}
