// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Coco.Rego.Builtins.Crypto;
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Digests, MACs, certificates and keys.</summary>
internal static class CryptoBuiltins
{
    private const int SignatureSteps = 2_000;
    private const int MaxChain = 32;

    private static readonly string[] UsageNames =
    [
        "KeyUsageAny", "KeyUsageServerAuth", "KeyUsageClientAuth", "KeyUsageCodeSigning", "KeyUsageEmailProtection", "KeyUsageIPSECEndSystem",
        "KeyUsageIPSECTunnel", "KeyUsageIPSECUser", "KeyUsageTimeStamping", "KeyUsageOCSPSigning", "KeyUsageMicrosoftServerGatedCrypto",
        "KeyUsageNetscapeServerGatedCrypto", "KeyUsageMicrosoftCommercialCodeSigning", "KeyUsageMicrosoftKernelCodeSigning",
    ];

    internal static IEnumerable<Builtin> All() =>
    [
        new("crypto.md5", [Str], static (c, a) => Hash(c, a[0], Md5)),
        new("crypto.sha1", [Str], static (c, a) => Hash(c, a[0], Sha1)),
        new("crypto.sha256", [Str], static (c, a) => Hash(c, a[0], SHA256.HashData)),
        new("crypto.hmac.md5", [Str, Str], static (c, a) => Hmac(c, a[0], a[1], HMACMD5.HashData)),
        new("crypto.hmac.sha1", [Str, Str], static (c, a) => Hmac(c, a[0], a[1], HMACSHA1.HashData)),
        new("crypto.hmac.sha256", [Str, Str], static (c, a) => Hmac(c, a[0], a[1], HMACSHA256.HashData)),
        new("crypto.hmac.sha512", [Str, Str], static (c, a) => Hmac(c, a[0], a[1], HMACSHA512.HashData)),
        new("crypto.hmac.equal", [Str, Str], static (_, a) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(a[0].TextOf()), Encoding.UTF8.GetBytes(a[1].TextOf()))),
        new("crypto.x509.parse_certificates", [Str], static (c, a) => ParseCertificates(c, a[0].TextOf())),
        new("crypto.x509.parse_and_verify_certificates", [Str], static (c, a) => Verify(c, a[0].TextOf(), null)),
        new("crypto.x509.parse_and_verify_certificates_with_options", [Str, Obj], static (c, a) => Verify(c, a[0].TextOf(), (RegoObject)a[1])),
        new("crypto.x509.parse_certificate_request", [Str], static (c, a) => ParseRequest(c, a[0].TextOf())),
        new("crypto.x509.parse_keypair", [Str, Str], static (c, a) => ParseKeyPair(c, a[0].TextOf(), a[1].TextOf())),
        new("crypto.x509.parse_rsa_private_key", [Str], static (c, a) => ParseRsaKey(c, a[0].TextOf())),
        new("crypto.parse_private_keys", [Str], static (c, a) => ParsePrivateKeys(c, a[0].TextOf())),
    ];

    [SuppressMessage("Security", "CA5351:Do Not Use Broken Cryptographic Algorithms", Justification = "the policy asks for it")]
    private static byte[] Md5(byte[] bytes) => MD5.HashData(bytes);

    [SuppressMessage("Security", "CA5350:Do Not Use Weak Cryptographic Algorithms", Justification = "the policy asks for it")]
    private static byte[] Sha1(byte[] bytes) => SHA1.HashData(bytes);

    private static RegoValue Hash(BuiltinContext context, RegoValue text, Func<byte[], byte[]> hash)
    {
        context.Charge(text.TextOf().Length / 64);
        return Convert.ToHexStringLower(hash(Encoding.UTF8.GetBytes(text.TextOf())));
    }

    private static RegoValue Hmac(BuiltinContext context, RegoValue text, RegoValue key, Func<byte[], byte[], byte[]> mac)
    {
        context.Charge((text.TextOf().Length + key.TextOf().Length) / 64);
        return Convert.ToHexStringLower(mac(Encoding.UTF8.GetBytes(key.TextOf()), Encoding.UTF8.GetBytes(text.TextOf())));
    }

    // PEM, base64 of PEM, or base64 of DER certificates one behind the other.
    private static List<byte[]>? ReadCertificates(BuiltinContext context, string text)
    {
        context.Charge(text.Length / 16);
        var bytes = PemText.Unwrap(text, out var pem);
        if (bytes is null)
        {
            context.Fail("illegal base64 data");
            return null;
        }

        List<byte[]>? certificates;
        if (pem is not null)
        {
            var blocks = PemText.All(pem);
            certificates = blocks.Exists(static block => block.Label != "CERTIFICATE") ? null : blocks.ConvertAll(static block => block.Der);
        }
        else
        {
            certificates = CertificateDescription.CutDer(bytes);
        }

        if (certificates is null || certificates.Count == 0)
        {
            context.Fail("x509: malformed certificate");
            return null;
        }

        return certificates;
    }

    private static RegoValue? Describe(BuiltinContext context, List<byte[]> certificates)
    {
        var result = new List<RegoValue>();
        foreach (var der in certificates)
        {
            context.Charge(50 + (der.Length / 16));
            if (!CertificateDescription.TryDescribe(der, out var description))
            {
                return context.Fail("x509: malformed certificate");
            }

            result.Add(description);
        }

        return context.OutputArray(result);
    }

    private static RegoValue? ParseCertificates(BuiltinContext context, string text) =>
        ReadCertificates(context, text) is { } certificates ? Describe(context, certificates) : null;

    private static RegoValue? Verify(BuiltinContext context, string text, RegoObject? options)
    {
        var verification = new ChainVerification { Time = DateTimeOffset.UnixEpoch.AddTicks(context.NowNanoseconds / 100) };
        if (options is not null && !TryOptions(context, options, ref verification))
        {
            return null;
        }

        var failed = RegoArray.Of(false, RegoArray.Empty);
        if (ReadCertificates(context, text) is not { } certificates || certificates.Count is < 2 or > MaxChain)
        {
            context.ErrorCode = null;
            return failed;
        }

        context.Charge((long)certificates.Count * SignatureSteps);
        if (verification.FindPath(certificates) is not { } path)
        {
            return failed;
        }

        return Describe(context, path) is { } described ? RegoArray.Of(true, described) : failed;
    }

    private static bool TryOptions(BuiltinContext context, RegoObject options, ref ChainVerification verification)
    {
        for (var i = 0; i < options.Count; i++)
        {
            var value = options.Values[i];
            switch (options.Keys[i].ToDisplayString())
            {
                case "CurrentTime":
                    if (value is not RegoNumber number || !number.TryGetInt64(out var nanoseconds))
                    {
                        context.FailType("'CurrentTime' should be a number");
                        return false;
                    }

                    verification = verification with { Time = DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / 100) };
                    break;
                case "DNSName":
                    if (value is not RegoString name)
                    {
                        context.FailType("'DNSName' should be a string");
                        return false;
                    }

                    verification = verification with { DnsName = name.Value };
                    break;
                case "KeyUsages":
                    if (!TryUsages(context, value, out var usages))
                    {
                        return false;
                    }

                    verification = verification with { Usages = usages };
                    break;
                case "MaxConstraintComparisons":
                    if (value is not RegoNumber { IsInteger: true })
                    {
                        context.FailType("'MaxConstraintComparisons' should be a number");
                        return false;
                    }

                    break;
                default:
                    context.FailType("invalid key option");
                    return false;
            }
        }

        return true;
    }

    private static bool TryUsages(BuiltinContext context, RegoValue value, out List<string> usages)
    {
        usages = [];
        if (value is not (RegoArray or RegoSet))
        {
            context.FailType("'KeyUsages' should be an array or set");
            return false;
        }

        foreach (var item in value.ItemsOf())
        {
            var index = Array.IndexOf(UsageNames, item.ToDisplayString());
            if (index < 0)
            {
                context.FailType($"invalid entries for 'KeyUsages' found: [{item.ToDisplayString()}]");
                return false;
            }

            if (index == 0)
            {
                usages = [];
                return true;
            }

            usages.Add(CertificateDescription.ExtendedUsages[index]);
        }

        usages = usages.Count == 0 ? [CertificateDescription.ExtendedUsages[1]] : usages;
        return true;
    }

    private static RegoValue? ParseRequest(BuiltinContext context, string text)
    {
        context.Charge(50 + (text.Length / 16));
        var der = PemText.Unwrap(text, out var pem);
        if (der is null)
        {
            return context.Fail("illegal base64 data");
        }

        if (pem is not null)
        {
            var blocks = PemText.All(pem);
            if (blocks.Count == 0 || blocks[0].Label is not ("CERTIFICATE REQUEST" or "NEW CERTIFICATE REQUEST"))
            {
                return context.Fail("invalid PEM-encoded certificate signing request");
            }

            der = blocks[0].Der;
        }

        return CertificateDescription.TryDescribeRequest(der, out var description)
            ? description
            : context.Fail("asn1: structure error: not a certificate request");
    }

    private static RegoValue? ParseKeyPair(BuiltinContext context, string certificateText, string keyText)
    {
        context.Charge(SignatureSteps + ((certificateText.Length + keyText.Length) / 16));
        _ = PemText.Unwrap(certificateText, out var certificatePem);
        _ = PemText.Unwrap(keyText, out var keyPem);
        if (certificatePem is null || keyPem is null)
        {
            return context.Fail("PEM data could not be decoded");
        }

        var certificates = PemText.All(certificatePem).Where(static block => block.Label == "CERTIFICATE").Select(static block => block.Der).ToList();
        var key = PemText.All(keyPem).Find(static block => block.Label.EndsWith("PRIVATE KEY", StringComparison.Ordinal));
        if (certificates.Count == 0)
        {
            return context.Fail("tls: failed to find any PEM data in certificate input");
        }

        if (key.Der is null || PublicKeyDescription.DescribePrivate(key.Label, key.Der) is not { } privateKey)
        {
            return context.Fail("tls: failed to find any PEM data in key input");
        }

        if (!CertificateDescription.TryDescribe(certificates[0], out var leaf))
        {
            return context.Fail("x509: malformed certificate");
        }

        if (!Belong(leaf, privateKey))
        {
            return context.Fail("tls: private key does not match public key");
        }

        return RegoObject.Of(
            ("Certificate", RegoArray.Of([.. certificates.Select(static der => (RegoValue)RegoString.Of(Convert.ToBase64String(der)))])),
            ("PrivateKey", privateKey),
            ("SupportedSignatureAlgorithms", RegoValue.Null),
            ("OCSPStaple", RegoValue.Null),
            ("SignedCertificateTimestamps", RegoValue.Null),
            ("Leaf", leaf));
    }

    private static bool Belong(RegoObject leaf, RegoValue privateKey)
    {
        var publicKey = leaf.Get("PublicKey");
        if (publicKey is RegoString point && privateKey is RegoString pair)
        {
            return Convert.FromBase64String(pair.Value).AsSpan(32).SequenceEqual(Convert.FromBase64String(point.Value));
        }

        return publicKey is RegoObject known && privateKey is RegoObject secret
            && known.Keys.ToArray().All(name => known.Lookup(name)!.Equals(secret.Lookup(name)));
    }

    private static RegoValue? ParseRsaKey(BuiltinContext context, string text)
    {
        context.Charge(SignatureSteps + (text.Length / 16));
        var der = PemText.Unwrap(text, out var pem);
        var label = "RSA PRIVATE KEY";
        if (pem is not null && PemText.All(pem) is [var block, ..])
        {
            (label, der) = block;
        }

        return der is { Length: > 0 } && PublicKeyDescription.RsaJwk(label, der) is { } jwk ? jwk : context.Fail("failed to parse the RSA private key");
    }

    private static RegoValue ParsePrivateKeys(BuiltinContext context, string text)
    {
        context.Charge(text.Length / 16);
        if (text.Length == 0)
        {
            return RegoValue.Null;
        }

        var der = PemText.Unwrap(text, out var pem);
        var keys = new List<RegoValue>();
        foreach (var (label, block) in pem is not null ? PemText.All(pem) : [("PRIVATE KEY", der ?? [])])
        {
            context.Charge(SignatureSteps);
            if (PublicKeyDescription.DescribePrivate(label, block) is { } key)
            {
                keys.Add(key);
            }
        }

        return context.OutputArray(keys);
    }
}
