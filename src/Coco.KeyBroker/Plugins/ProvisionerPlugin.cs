// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Coco.Storage;

namespace Coco.KeyBroker;

/// <summary>The <c>provisioner</c> plugin: a disk key per machine, which only the machine gets whose init-data names it (kbs.md 3.6).</summary>
internal sealed class ProvisionerPlugin : IBrokerPlugin
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private static readonly Guid Namespace = Guid.Parse("feab5599-6854-52bc-95f0-0241c03e620a");
    private static readonly JsonPointer ResourceClaim =
        JsonPointer.Parse("/submods/cpu0/ear.veraison.annotated-evidence/init_data_claims/trustee.kbs.resource").Require();

    private readonly KeyBrokerStores _stores;
    private readonly int _keyLength;

    /// <param name="stores">Where the keys are.</param>
    /// <param name="keyLength">Characters of a key, 16 to 512.</param>
    public ProvisionerPlugin(KeyBrokerStores stores, int keyLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keyLength, 16);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(keyLength, 512);
        _stores = stores;
        _keyLength = keyLength;
    }

    public string Name => "provisioner";

    public ValueTask<Result<bool>> RequiresAdminAsync(BrokerRequest request, CancellationToken ct) => new(request.Path is ["provision", ..]);

    public ValueTask<Result<bool>> RequiresEncryptionAsync(BrokerRequest request, CancellationToken ct) => new(request.Path is not ["provision", ..]);

    public ValueTask<Result<Secret>> HandleAsync(BrokerRequest request, CancellationToken ct) => (request.Method, request.Path) switch
    {
        ("POST", ["provision"]) => ProvisionAsync(request, ct),
        ("DELETE", ["provision", string id]) => DeleteAsync(id, ct),
        ("GET", ["default", string id, "root"]) => ReadAsync(request, id, ct),
        _ => new(new Refusal(RefusalCode.NotFound, "the provisioner has no such path")),
    };

    /// <summary>UUID version 5 (RFC 9562 section 5.5) of a machine's name.</summary>
    internal static Guid IdOf(string ns, string machine)
    {
        byte[] name = Encoding.UTF8.GetBytes(ns + "/" + machine);
        byte[] input = new byte[16 + name.Length];
        Namespace.TryWriteBytes(input, bigEndian: true, out _);
        name.CopyTo(input, 16);
#pragma warning disable CA5350 // SHA-1 is what version 5 is made of; nothing depends on its strength.
        byte[] hash = SHA1.HashData(input);
#pragma warning restore CA5350
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true);
    }

    private static string PathOf(Guid id) => $"default/{id:D}/root";

    private async ValueTask<Result<Secret>> ProvisionAsync(BrokerRequest request, CancellationToken ct)
    {
        if (!HostileJson.ParseObject(request.Body.Span).TryGet(out JsonElement root, out Refusal? refusal)
            || !HostileJson.RequireString(root, "vm_name").TryGet(out string? machine, out refusal))
        {
            return refusal;
        }

        if (!HostileJson.TryGetOptionalString(root, "namespace", out string? ns) || machine.Length is 0 or > 253 || ns is { Length: 0 or > 253 })
        {
            return new Refusal(RefusalCode.Malformed, "vm_name and namespace are texts of 1 to 253 characters");
        }

        Guid id = IdOf(ns ?? "default", machine);
        IKeyValueStore store = await _stores.ProvisionerAsync(ct);
        byte[] document = Encoding.ASCII.GetBytes(
            "version = \"0.1.0\"\n\n[data]\n\"io.cryptsetup.key.text.root\" = \"" + RandomNumberGenerator.GetString(Alphabet, _keyLength) + "\"\n");
        await store.PutAsync(PathOf(id), document, new PutOptions { OnlyIfAbsent = true }, ct);
        CryptographicOperations.ZeroMemory(document);
        return Secret.CopyOf(Encoding.ASCII.GetBytes($$"""{"uuid":"{{id:D}}","resource_path":"{{PathOf(id)}}"}"""));
    }

    private async ValueTask<Result<Secret>> DeleteAsync(string text, CancellationToken ct)
    {
        if (!Guid.TryParseExact(text, "D", out Guid id))
        {
            return new Refusal(RefusalCode.Malformed, "not a UUID");
        }

        IKeyValueStore store = await _stores.ProvisionerAsync(ct);
        await store.DeleteAsync(PathOf(id), ct);
        return Secret.CopyOf("""{"status":"deleted"}"""u8);
    }

    private async ValueTask<Result<Secret>> ReadAsync(BrokerRequest request, string text, CancellationToken ct)
    {
        if (!Guid.TryParseExact(text, "D", out Guid id))
        {
            return new Refusal(RefusalCode.Malformed, "not a UUID");
        }

        // The claim is there only when the evidence was bound to the init-data that holds it.
        string wanted = "kbs+provisioner:///" + PathOf(id);
        if (request.Claims is not { } claims || !ResourceClaim.TryFind(claims, out JsonElement claim) || claim.ValueKind != JsonValueKind.String || !claim.ValueEquals(wanted))
        {
            return new Refusal(RefusalCode.Forbidden, "the guest's init-data does not name this machine");
        }

        IKeyValueStore store = await _stores.ProvisionerAsync(ct);
        return await store.GetAsync(PathOf(id), ct) is { } stored
            ? Secret.CopyOf(stored.Value.Span)
            : new Refusal(RefusalCode.NotFound, "the machine was not provisioned");
    }
}
