// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using Coco.KeyBroker;
using Coco.Protocol;

namespace Coco.Fuzz.Targets;

/// <summary>What guests, administrators and relying parties send to a key broker, and the files that its operator writes.</summary>
public sealed class BrokerTargets : IFuzzTargetGroup
{
    private const int MaxBody = 1 << 20;

    private const string Key = """{"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0","y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"}""";

    private const string Attest =
        """{"init-data":{"format":"toml","body":"version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n\"a\" = \"b\""},"runtime-data":{"nonce":"AA==","tee-pubkey":""" + Key
        + """},"tee-evidence":{"primary_evidence":{"svn":"1","report_data":"AA=="},"additional_evidence":"{\"sampledevice\":{\"svn\":\"1\"}}"}}""";

    /// <inheritdoc/>
    public IEnumerable<IFuzzTarget> Targets =>
    [
        new ParserTarget(
            "kbs-auth",
            Texts("""{"version":"0.4.0","tee":"snp","extra-params":{"supported-hash-algorithms":["sha256"]}}""", """{"version":"0.1.0","tee":"sample","extra-params":""}"""),
            b => AuthRequest.Parse(b)),
        new ParserTarget("kbs-attest", Texts(Attest, """{"tee-pubkey":""" + Key + ""","tee-evidence":{"svn":"1","report_data":""}}"""), b =>
        {
            foreach (ProtocolVersion version in Enum.GetValues<ProtocolVersion>())
            {
                _ = AttestRequest.Parse(b, version, MaxBody);
            }
        }),
        new ParserTarget("kbs-challenge", Texts("""{"nonce":"AA==","extra-params":{"selected-hash-algorithm":"sha384"}}"""), b =>
        {
            if (HostileJson.Parse(b).TryGet(out System.Text.Json.JsonElement json, out _))
            {
                _ = RcarChallenge.Parse(json, [.. Enum.GetValues<DigestAlgorithm>()]);
            }
        }),
        new ParserTarget("kbs-request-target", Texts("/kbs/v0/resource/default/key/1?version=2", "/kbs/v0/pkcs11/wrap-key?a=%41", "/kbs/v0/../%2e%2e/x"), b =>
            RequestTarget.TryParse(Encoding.Latin1.GetString(b), out _, out _)),
        new ParserTarget("kbs-cookie", Cookies, b =>
        {
            if (SessionCookie.Decode(Encoding.Latin1.GetString(b)).TryGet(out SealedSession? cookie, out _))
            {
                _ = SessionCookie.Open(cookie, Ring.Newest);
            }
        }),
        new ParserTarget("resource-uri", Texts("kbs:///default/key/1", "kbs://host:8080/plugin/a/b?c=d"), b =>
        {
            _ = ResourceUri.Parse(Encoding.UTF8.GetString(b));
            _ = ResourcePath.Parse(Encoding.UTF8.GetString(b));
        }),
        new ParserTarget("init-data", Texts("version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n\"aa.toml\" = '''\na = 1\n'''\n"), b => InitData.Parse(b)),
        new ParserTarget("jwk", Texts(Key, """{"keys":[""" + Key + "]}"), b =>
        {
            if (HostileJson.Parse(b).TryGet(out System.Text.Json.JsonElement json, out _))
            {
                _ = Jwk.Parse(json);
                _ = JwkSet.Parse(json);
                _ = TeePublicKey.Parse(json, ProtocolVersion.V0_4_0);
            }
        }),
        new ParserTarget("jws", Tokens, b => JwsMessage.Parse(Encoding.Latin1.GetString(b))),
        new ParserTarget("jwe", Texts("""{"protected":"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00ifQ","encrypted_key":"AA","iv":"AAAA","ciphertext":"AA","tag":"AA"}""", "e30.AA.AA.AA.AA"), b =>
        {
            _ = JweMessage.ParseJson(b);
            _ = JweMessage.ParseLegacy(b);
            _ = JweMessage.ParseCompact(Encoding.Latin1.GetString(b));
        }),
        .. Enum.GetValues<ConfigSyntax>().Select(syntax => new ParserTarget(
            "configuration-" + syntax.ToString().ToLowerInvariant(), () => Configurations(syntax), b => ReadConfiguration(b, syntax))),
    ];

    private static readonly SessionKeyRing Ring = new([new SessionKey(7, Secret.CopyOf(new byte[32]), DateTimeOffset.UnixEpoch)], 1);

    private static Func<IReadOnlyList<byte[]>> Texts(params string[] texts) => () => [.. texts.Select(Encoding.UTF8.GetBytes)];

    private static IReadOnlyList<byte[]> Cookies()
    {
        var session = new Session("00112233445566778899aabbccddeeff", ProtocolVersion.V0_4_0, TeeType.Snp, "AA==", "sha384", null, DateTimeOffset.UnixEpoch);
        return [Encoding.ASCII.GetBytes(SessionCookie.Seal(session, Ring))];
    }

    private static IReadOnlyList<byte[]> Tokens()
    {
        string header = StrictBase64.EncodeUrl("""{"alg":"ES256","typ":"JWT","kid":"a","jwk":{"kty":"EC"}}"""u8);
        string payload = StrictBase64.EncodeUrl("""{"iss":"a","exp":1,"submods":{"cpu0":{"ear.status":"affirming"}}}"""u8);
        return [Encoding.ASCII.GetBytes($"{header}.{payload}.{StrictBase64.EncodeUrl(RandomNumberGenerator.GetBytes(64))}")];
    }

    private static IReadOnlyList<byte[]> Configurations(ConfigSyntax syntax) => syntax switch
    {
        ConfigSyntax.Toml =>
        [
            """
            [http_server]
            sockets = ["127.0.0.1:8080"]
            insecure_http = true
            [admin]
            authorization_mode = "DenyAll"
            [attestation_service]
            type = "coco_as_builtin"
            [attestation_service.verifier_config.snp_verifier]
            vcek_sources = [{ type = "KDS", base_url = "https://kds" }]
            [[plugins]]
            name = "resource"
            """u8.ToArray(),
        ],
        ConfigSyntax.Json =>
        [
            """{"http_server":{"sockets":["127.0.0.1:8080"]},"admin":{"type":"DenyAll"},"verifier_config":{"dcap_verifier":{"collateral_service":"https://x"}},"rvps_config":{"type":"BuiltIn"}}"""u8.ToArray(),
        ],
        _ => ["http_server:\n  sockets: [\"127.0.0.1:8080\"]\nadmin:\n  type: DenyAll\nattestation_service: &a\n  type: coco_as_builtin\n"u8.ToArray()],
    };

    private static void ReadConfiguration(byte[] bytes, ConfigSyntax syntax)
    {
        if (ConfigDocument.Parse(bytes, syntax).TryGet(out ConfigDocument? document, out _))
        {
            _ = KbsConfig.Read(document, new ConfigProblems());
            _ = AsConfig.Read(document, new ConfigProblems());
            _ = RvpsConfig.Read(document, new ConfigProblems());
        }
    }
}
