// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Coco.Protocol;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.HighLevelAPI;
using Net.Pkcs11Interop.HighLevelAPI.Factories;

namespace Coco.KeyBroker;

/// <summary>Settings of the <c>pkcs11</c> plugin.</summary>
public sealed record Pkcs11Options
{
    /// <summary>Path of the module.</summary>
    public required string Module { get; init; }

    /// <summary>User PIN.</summary>
    public required Secret Pin { get; init; }

    /// <summary>Index of the slot among those with a token.</summary>
    public int SlotIndex { get; init; }

    /// <summary>OAEP with SHA-1 in place of SHA-256.</summary>
    public bool OaepSha1 { get; init; }

    /// <summary>Label of the RSA key pair that wraps keys.</summary>
    public string LookupLabel { get; init; } = string.Empty;
}

/// <summary>The <c>pkcs11</c> plugin: resources as secret keys in a hardware module, and keys wrapped under an RSA key that never leaves it (kbs.md 7.5).</summary>
internal sealed class Pkcs11Plugin(Pkcs11Options options) : IBrokerPlugin, IDisposable
{
    private readonly Pkcs11Module _module = new(options.Module, options.SlotIndex, options.Pin);

    public string Name => "pkcs11";

    public ValueTask<Result<bool>> RequiresAdminAsync(BrokerRequest request, CancellationToken ct) => new(request.Method is "POST" or "DELETE");

    public ValueTask<Result<bool>> RequiresEncryptionAsync(BrokerRequest request, CancellationToken ct) => new(request.Method == "GET");

    public async ValueTask<Result<Secret>> HandleAsync(BrokerRequest request, CancellationToken ct)
    {
        switch (request.Path)
        {
            case ["wrap-key"]:
                return request.Method switch
                {
                    "POST" => await _module.RunAsync(session => Wrap(session, request.Body.Span), ct),
                    "GET" => await _module.RunAsync(session => Unwrap(session, request.Body.Span), ct),
                    _ => NoMethod(),
                };
            case ["resource", .. var rest]:
                if (!ResourcePath.Parse(string.Join('/', rest)).TryGet(out ResourcePath path, out Refusal? refusal))
                {
                    return refusal;
                }

                string label = path.ToString();
                return request.Method switch
                {
                    "GET" => await _module.RunAsync(session => Read(session, label), ct),
                    "POST" => await _module.RunAsync(session => Write(session, label, request.Body.Span), ct),
                    "DELETE" => await _module.RunAsync(session => Delete(session, label), ct),
                    _ => NoMethod(),
                };
            default:
                return new Refusal(RefusalCode.NotFound, "the plugin has no such path");
        }
    }

    public void Dispose() => _module.Dispose();

    private static Result<Secret> NoMethod() => new Refusal(RefusalCode.Unsupported, "the plugin has no such method");

    private static List<IObjectHandle> Find(ISession session, CKO kind, string label) => session.FindAllObjects(
    [
        session.Factories.ObjectAttributeFactory.Create(CKA.CKA_CLASS, kind),
        session.Factories.ObjectAttributeFactory.Create(CKA.CKA_LABEL, label),
    ]);

    private static Result<Secret> Read(ISession session, string label)
    {
        List<IObjectHandle> found = Find(session, CKO.CKO_SECRET_KEY, label);
        if (found.Count == 0)
        {
            return new Refusal(RefusalCode.NotFound, $"the module has no secret {label}");
        }

        byte[] value = session.GetAttributeValue(found[0], [CKA.CKA_VALUE])[0].GetValueAsByteArray();
        var secret = Secret.CopyOf(value);
        CryptographicOperations.ZeroMemory(value);
        return secret;
    }

    private static Result<Secret> Write(ISession session, string label, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
        {
            return new Refusal(RefusalCode.Malformed, "a module keeps no empty secret");
        }

        List<IObjectHandle> former = Find(session, CKO.CKO_SECRET_KEY, label);
        byte[] bytes = value.ToArray();
        IObjectAttributeFactory make = session.Factories.ObjectAttributeFactory;
        session.CreateObject(
        [
            make.Create(CKA.CKA_CLASS, CKO.CKO_SECRET_KEY),
            make.Create(CKA.CKA_KEY_TYPE, CKK.CKK_GENERIC_SECRET),
            make.Create(CKA.CKA_TOKEN, true),
            make.Create(CKA.CKA_PRIVATE, true),
            make.Create(CKA.CKA_EXTRACTABLE, true),
            make.Create(CKA.CKA_SENSITIVE, false),
            make.Create(CKA.CKA_LABEL, label),
            make.Create(CKA.CKA_VALUE, bytes),
        ]);
        CryptographicOperations.ZeroMemory(bytes);

        // The module would keep both, and give the older.
        foreach (IObjectHandle old in former)
        {
            session.DestroyObject(old);
        }

        return Secret.CopyOf([]);
    }

    private static Result<Secret> Delete(ISession session, string label)
    {
        List<IObjectHandle> found = Find(session, CKO.CKO_SECRET_KEY, label);
        foreach (IObjectHandle one in found)
        {
            session.DestroyObject(one);
        }

        return found.Count == 0 ? new Refusal(RefusalCode.NotFound, $"the module has no secret {label}") : Secret.CopyOf([]);
    }

    private Result<Secret> Wrap(ISession session, ReadOnlySpan<byte> key)
    {
        List<IObjectHandle> found = Find(session, CKO.CKO_PUBLIC_KEY, options.LookupLabel);
        if (found.Count == 0)
        {
            return new Refusal(RefusalCode.NotFound, "the module has no public key of the configured label");
        }

        // The public half is public: only what needs the private one is asked of the module.
        List<IObjectAttribute> numbers = session.GetAttributeValue(found[0], [CKA.CKA_MODULUS, CKA.CKA_PUBLIC_EXPONENT]);
        using var rsa = RSA.Create(new RSAParameters { Modulus = numbers[0].GetValueAsByteArray(), Exponent = numbers[1].GetValueAsByteArray() });
        try
        {
            return Secret.CopyOf(rsa.Encrypt(key, options.OaepSha1 ? RSAEncryptionPadding.OaepSHA1 : RSAEncryptionPadding.OaepSHA256));
        }
        catch (CryptographicException)
        {
            return new Refusal(RefusalCode.TooLarge, "the key is too large to be wrapped");
        }
    }

    private Result<Secret> Unwrap(ISession session, ReadOnlySpan<byte> wrapped)
    {
        List<IObjectHandle> found = Find(session, CKO.CKO_PRIVATE_KEY, options.LookupLabel);
        if (found.Count == 0)
        {
            return new Refusal(RefusalCode.NotFound, "the module has no private key of the configured label");
        }

        using var parameters = session.Factories.MechanismParamsFactory.CreateCkRsaPkcsOaepParams(
            ConvertUtils.UInt64FromCKM(options.OaepSha1 ? CKM.CKM_SHA_1 : CKM.CKM_SHA256),
            ConvertUtils.UInt64FromCKG(options.OaepSha1 ? CKG.CKG_MGF1_SHA1 : CKG.CKG_MGF1_SHA256),
            CKZ.CKZ_DATA_SPECIFIED,
            null);
        using IMechanism mechanism = session.Factories.MechanismFactory.Create(CKM.CKM_RSA_PKCS_OAEP, parameters);
        try
        {
            byte[] plain = session.Decrypt(mechanism, found[0], wrapped.ToArray());
            var secret = Secret.CopyOf(plain);
            CryptographicOperations.ZeroMemory(plain);
            return secret;
        }
        catch (Pkcs11Exception e) when (e.RV is CKR.CKR_ENCRYPTED_DATA_INVALID or CKR.CKR_ENCRYPTED_DATA_LEN_RANGE or CKR.CKR_DATA_INVALID or CKR.CKR_GENERAL_ERROR or CKR.CKR_FUNCTION_FAILED)
        {
            return new Refusal(RefusalCode.BadSignature, "what was sent was not wrapped under this key");
        }
    }
}
