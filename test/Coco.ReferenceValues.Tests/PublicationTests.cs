// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Coco.ReferenceValues.Tests;

/// <summary>Who may publish what.</summary>
public sealed class PublicationTests
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private string Identity => ReferenceValuePublisher.KeyIdentity(_key.ExportSubjectPublicKeyInfo());

    [Fact]
    public async Task Register_NameOfAnother_IsForbidden()
    {
        var test = new TestService(new ReferenceValuesOptions { PublicationRules = [new PublicationRule("acme/", ["caller:acme"]), new PublicationRule("", [], AllowUnsigned: true)] });

        Assert.Equal(RefusalCode.Forbidden, (await test.RegisterAsync("sample", TestService.Base64("""{"acme/x":["1"]}""")))?.Code);
        Assert.Equal(RefusalCode.Forbidden, (await test.RegisterAsync("sample", TestService.Base64("""{"acme/x":["1"]}"""), ReferenceValuePublisher.Caller("mallory")))?.Code);
        Assert.Null(await test.RegisterAsync("sample", TestService.Base64("""{"acme/x":["1"],"other":1}"""), ReferenceValuePublisher.Caller("acme")));
        Assert.Null(await test.RegisterAsync("sample", TestService.Base64("""{"other":2}""")));
        Assert.Equal(RefusalCode.Forbidden, (await test.Service.DeleteAsync("acme/x", ReferenceValuePublisher.Anonymous, CancellationToken.None))?.Code);
    }

    [Fact]
    public async Task Register_NameThatNoRuleCovers_IsForbidden()
    {
        var test = new TestService(new ReferenceValuesOptions { PublicationRules = [new PublicationRule("acme/", ["caller:acme"])] });

        Assert.Equal(RefusalCode.Forbidden, (await test.RegisterAsync("sample", TestService.Base64("""{"other":1}"""), ReferenceValuePublisher.Caller("acme")))?.Code);
    }

    [Fact]
    public async Task Register_LongerPrefix_DecidesOverShorter()
    {
        var test = new TestService(new ReferenceValuesOptions
        {
            PublicationRules = [new PublicationRule("a", ["caller:one"]), new PublicationRule("ab", ["caller:two"])],
        });

        Assert.Equal(RefusalCode.Forbidden, (await test.RegisterAsync("sample", TestService.Base64("""{"abc":1}"""), ReferenceValuePublisher.Caller("one")))?.Code);
        Assert.Null(await test.RegisterAsync("sample", TestService.Base64("""{"abc":1}"""), ReferenceValuePublisher.Caller("two")));
    }

    [Fact]
    public async Task Register_WrappedMessage_CountsAsItsSigners()
    {
        var test = new TestService(new ReferenceValuesOptions
        {
            PublicationRules = [new PublicationRule("acme/", [Identity])],
            TrustedSigners = [_key.ExportSubjectPublicKeyInfoPem()],
        });
        string message = TestService.Message("sample", TestService.Base64("""{"acme/x":["1"]}"""));

        Assert.Null(await test.Service.RegisterAsync(Wrap(message), ReferenceValuePublisher.Anonymous, CancellationToken.None));
        Assert.Equal("""["1"]""", await test.QueryAsync("acme/x"));
        Assert.Equal(RefusalCode.BadSignature, (await test.Service.RegisterAsync(Wrap(message, flip: true), ReferenceValuePublisher.Anonymous, CancellationToken.None))?.Code);
        Assert.Equal(RefusalCode.Forbidden, (await test.Service.RegisterAsync(message, ReferenceValuePublisher.Anonymous, CancellationToken.None))?.Code);
    }

    private string Wrap(string message, bool flip = false)
    {
        const string Type = "application/vnd.coco.rvps-message+json";
        byte[] body = Encoding.UTF8.GetBytes(message);
        byte[] signed = [.. Encoding.UTF8.GetBytes($"DSSEv1 {Type.Length} {Type} {body.Length} "), .. body];
        byte[] signature = _key.SignData(signed, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        if (flip)
        {
            body[^3] ^= 1;
        }

        return new JsonObject
        {
            ["payloadType"] = Type,
            ["payload"] = Convert.ToBase64String(body),
            ["signatures"] = new JsonArray(new JsonObject { ["keyid"] = "", ["sig"] = Convert.ToBase64String(signature) }),
        }.ToJsonString();
    }
}
