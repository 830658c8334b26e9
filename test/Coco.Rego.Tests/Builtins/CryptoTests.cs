// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Coco.Rego.Tests.Builtins;

public sealed class CryptoTests
{
    private const string WithOptions = "crypto.x509.parse_and_verify_certificates_with_options";
    private static readonly DateTimeOffset Start = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void ParseAndVerify_Chain_GivesLeafFirst()
    {
        var (root, intermediate, leaf) = Chain();
        var result = Verify(root + intermediate + leaf, Options());
        Assert.Equal(RegoValue.True, result[0]);
        Assert.Equal(["leaf", "intermediate", "root"], ((RegoArray)result[1]).Items.ToArray().Select(static certificate => CommonName(certificate)));
    }

    [Fact]
    public void ParseAndVerify_WithoutIntermediate_IsFalse()
    {
        var (root, _, leaf) = Chain();
        Assert.Equal("[false, []]", Verify(root + leaf, Options()).ToString());
    }

    [Fact]
    public void ParseAndVerify_OtherRootOfTheSameName_IsFalse()
    {
        var (_, intermediate, leaf) = Chain();
        Assert.Equal("[false, []]", Verify(Chain().Root + intermediate + leaf, Options()).ToString());
    }

    [Fact]
    public void ParseAndVerify_AfterExpiry_IsFalse()
    {
        var (root, intermediate, leaf) = Chain();
        Assert.Equal("[false, []]", Verify(root + intermediate + leaf, Options(Start.AddYears(3))).ToString());
    }

    [Theory]
    [InlineData("server.example", true)]
    [InlineData("other.example", false)]
    public void ParseAndVerify_DnsName_MustBeTheLeafs(string name, bool expected)
    {
        var (root, intermediate, leaf) = Chain();
        Assert.Equal(expected, Verify(root + intermediate + leaf, Options().With("DNSName", name))[0] == RegoValue.True);
    }

    [Theory]
    [InlineData("KeyUsageServerAuth", true)]
    [InlineData("KeyUsageClientAuth", false)]
    [InlineData("KeyUsageAny", true)]
    public void ParseAndVerify_KeyUsages_MustBeTheLeafs(string usage, bool expected)
    {
        var (root, intermediate, leaf) = Chain();
        Assert.Equal(expected, Verify(root + intermediate + leaf, Options().With("KeyUsages", RegoArray.Of(usage)))[0] == RegoValue.True);
    }

    [Fact]
    public void ParseAndVerify_UnknownOption_IsAnError()
    {
        var (root, intermediate, leaf) = Chain();
        Assert.Equal("eval_type_error: invalid key option", BuiltinCall.Show(WithOptions, root + intermediate + leaf, Options().With("Surprise", 1)));
    }

    [Theory]
    [InlineData("HS256")]
    [InlineData("HS384")]
    [InlineData("HS512")]
    [InlineData("RS256")]
    [InlineData("RS512")]
    [InlineData("PS384")]
    [InlineData("ES256")]
    [InlineData("ES384")]
    [InlineData("ES512")]
    [InlineData("EdDSA")]
    public void EncodeSign_EachAlgorithm_IsVerifiedWithItsOwnKeyOnly(string algorithm)
    {
        var (secret, verifier) = Keys(algorithm);
        var (_, other) = Keys(algorithm);
        var token = Sign(algorithm, RegoObject.Of(("iss", "me")), secret);
        var function = "io.jwt.verify_" + algorithm.ToLowerInvariant();
        Assert.Equal("true", BuiltinCall.Show(function, token, verifier));
        Assert.Equal("false", BuiltinCall.Show(function, token, other));
        Assert.Equal("false", BuiltinCall.Show(function, Tampered(token), verifier));

        var constraint = algorithm.StartsWith("HS", StringComparison.Ordinal) ? "secret" : "cert";
        Assert.StartsWith("[true, ", BuiltinCall.Show("io.jwt.decode_verify", token, RegoObject.Of((constraint, verifier))), StringComparison.Ordinal);
        Assert.Equal("[false, {}, {}]", BuiltinCall.Show("io.jwt.decode_verify", token, RegoObject.Of((constraint, other))));
        Assert.Equal("[false, {}, {}]", BuiltinCall.Show("io.jwt.decode_verify", token, RegoObject.Of((constraint, verifier), ("alg", "XX256"))));
        Assert.Equal("[false, {}, {}]", BuiltinCall.Show("io.jwt.decode_verify", token, RegoObject.Of((constraint, verifier), ("iss", "you"))));
        Assert.Equal("[false, {}, {}]", BuiltinCall.Show("io.jwt.decode_verify", token, RegoObject.Of((constraint, verifier), ("aud", "you"))));
    }

    [Fact]
    public void DecodeVerify_PublicKeyAsHmacSecret_ProvesNothing()
    {
        var (_, verifier) = Keys("RS256");
        var forged = Sign("HS256", RegoObject.Empty, RegoObject.Of(("kty", "oct"), ("k", Url(Encoding.UTF8.GetBytes(verifier)))));
        Assert.Equal("[false, {}, {}]", BuiltinCall.Show("io.jwt.decode_verify", forged, RegoObject.Of(("cert", verifier))));
        Assert.Equal("false", BuiltinCall.Show("io.jwt.verify_rs256", forged, verifier));
    }

    [Fact]
    public void DecodeVerify_AlgorithmNone_IsAnError()
    {
        var token = Url("""{"alg":"none"}"""u8) + "." + Url("{}"u8) + ".";
        Assert.Equal("eval_builtin_error: unknown JWS algorithm: none", BuiltinCall.Show("io.jwt.decode_verify", token, RegoObject.Of(("secret", ""))));
    }

    [Fact]
    public void DecodeVerify_CriticalExtension_IsRefused()
    {
        var header = RegoObject.Of(("alg", "HS256"), ("crit", RegoArray.Of("b64")), ("b64", false));
        var key = RegoObject.Of(("kty", "oct"), ("k", Url("secret"u8)));
        var token = BuiltinCall.Run("io.jwt.encode_sign", null, null, header, RegoObject.Empty, key).Value!;
        Assert.Equal("[false, {}, {}]", BuiltinCall.Show("io.jwt.decode_verify", token, RegoObject.Of(("secret", "secret"))));
    }

    [Theory]
    [InlineData("""{"exp": 10}""", 9_999_999_999, true)]
    [InlineData("""{"exp": 10}""", 10_000_000_000, false)]
    [InlineData("""{"nbf": 10}""", 10_000_000_000, true)]
    [InlineData("""{"nbf": 10}""", 9_999_999_999, false)]
    [InlineData("""{"aud": ["a", "b"]}""", 1, false)]
    public void DecodeVerify_Claims_AreChecked(string claims, long time, bool expected)
    {
        var token = Sign("HS256", RegoValue.ParseJson(claims).Require(), RegoObject.Of(("kty", "oct"), ("k", Url("secret"u8))));
        var shown = BuiltinCall.Show("io.jwt.decode_verify", token, RegoObject.Of(("secret", "secret"), ("time", time)));
        Assert.StartsWith(expected ? "[true" : "[false", shown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", "no key constraint")]
    [InlineData("""{"secret": "a", "cert": "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAwmK6SSAu2E9V7uynkCKEaj5nZJyTvNG4x0KohsRzLpg=\n-----END PUBLIC KEY-----"}""", "duplicate key constraints")]
    [InlineData("""{"secret": "a", "sub": "x"}""", "unknown token validation constraint: sub")]
    [InlineData("""{"secret": 1}""", "secret constraint: must be a string")]
    public void DecodeVerify_BadConstraints_AreErrors(string constraints, string message)
    {
        Assert.Equal("eval_builtin_error: " + message, BuiltinCall.Show("io.jwt.decode_verify", "a.b.c", RegoValue.ParseJson(constraints).Require()));
    }

    [Fact]
    public void SignRequest_SessionToken_IsSigned()
    {
        var request = RegoObject.Of(("method", "GET"), ("url", "https://host.example/a/b?x=1"));
        var settings = RegoObject.Of(
            ("aws_access_key", "A"), ("aws_secret_access_key", "S"), ("aws_service", "ec2"), ("aws_region", "r"), ("aws_session_token", "T"));
        var signed = (RegoObject)BuiltinCall.Run("providers.aws.sign_req", null, null, request, settings, 1_451_311_705_000_000_000).Value!;
        var headers = (RegoObject)signed.Get("headers")!;
        Assert.Equal("T", headers.Get("x-amz-security-token"));
        Assert.Contains("SignedHeaders=host;x-amz-date;x-amz-security-token,", headers.Get("Authorization")!.ToDisplayString(), StringComparison.Ordinal);
        Assert.Null(headers.Get("x-amz-content-sha256"));
    }

    private static string CommonName(RegoValue certificate) => ((RegoObject)((RegoObject)certificate).Get("Subject")!).Get("CommonName")!.ToDisplayString();

    private static RegoObject Options(DateTimeOffset? time = null) =>
        RegoObject.Of(("CurrentTime", ((time ?? Start.AddDays(10)) - DateTimeOffset.UnixEpoch).Ticks * 100));

    private static RegoArray Verify(string pem, RegoObject options) => (RegoArray)BuiltinCall.Run(WithOptions, null, null, pem, options).Value!;

    private static (string Root, string Intermediate, string Leaf) Chain()
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var intermediateKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var leafKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var rootRequest = new CertificateRequest("CN=root", rootKey, HashAlgorithmName.SHA256);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = rootRequest.CreateSelfSigned(Start, Start.AddYears(2));

        var intermediateRequest = new CertificateRequest("CN=intermediate", intermediateKey, HashAlgorithmName.SHA256);
        intermediateRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var issued = intermediateRequest.Create(root, Start, Start.AddYears(2), [1]);
        using var intermediate = issued.CopyWithPrivateKey(intermediateKey);

        var leafRequest = new CertificateRequest("CN=leaf", leafKey, HashAlgorithmName.SHA256);
        leafRequest.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("server.example");
        leafRequest.CertificateExtensions.Add(names.Build());
        using var leaf = leafRequest.Create(intermediate, Start, Start.AddYears(2), [2]);
        return (root.ExportCertificatePem() + "\n", issued.ExportCertificatePem() + "\n", leaf.ExportCertificatePem() + "\n");
    }

    private static string Sign(string algorithm, RegoValue claims, RegoObject key) =>
        BuiltinCall.Run("io.jwt.encode_sign", null, null, RegoObject.Of(("alg", algorithm), ("typ", "JWT")), claims, key).Value!.ToDisplayString();

    private static string Tampered(string token)
    {
        var parts = token.Split('.');
        return $"{parts[0]}.{Url("""{"iss":"you"}"""u8)}.{parts[2]}";
    }

    private static string Url(ReadOnlySpan<byte> bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);

    // A private key as JWK, and what verifies: a secret, PEM or a JWK.
    private static (RegoObject Secret, string Verifier) Keys(string algorithm)
    {
        switch (algorithm[..2])
        {
            case "HS":
                var secret = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
                return (RegoObject.Of(("kty", "oct"), ("k", Url(Encoding.UTF8.GetBytes(secret)))), secret);
            case "ES":
                using (var ec = ECDsa.Create(algorithm switch
                {
                    "ES256" => ECCurve.NamedCurves.nistP256,
                    "ES384" => ECCurve.NamedCurves.nistP384,
                    _ => ECCurve.NamedCurves.nistP521,
                }))
                {
                    var p = ec.ExportParameters(true);
                    var curve = string.Create(CultureInfo.InvariantCulture, $"P-{ec.KeySize}");
                    return (
                        RegoObject.Of(("kty", "EC"), ("crv", curve), ("x", Url(p.Q.X)), ("y", Url(p.Q.Y)), ("d", Url(p.D))),
                        ec.ExportSubjectPublicKeyInfoPem());
                }

            case "Ed":
                var seed = RandomNumberGenerator.GetBytes(32);
                var point = new byte[32];
                Org.BouncyCastle.Math.EC.Rfc8032.Ed25519.GeneratePublicKey(seed, 0, point, 0);
                return (
                    RegoObject.Of(("kty", "OKP"), ("crv", "Ed25519"), ("x", Url(point)), ("d", Url(seed))),
                    RegoObject.Of(("kty", "OKP"), ("crv", "Ed25519"), ("x", Url(point))).ToJson());
            default:
                using (var rsa = RSA.Create(2048))
                {
                    var p = rsa.ExportParameters(true);
                    return (
                        RegoObject.Of(
                            ("kty", "RSA"), ("n", Url(p.Modulus)), ("e", Url(p.Exponent)), ("d", Url(p.D)), ("p", Url(p.P)), ("q", Url(p.Q)),
                            ("dp", Url(p.DP)), ("dq", Url(p.DQ)), ("qi", Url(p.InverseQ))),
                        rsa.ExportSubjectPublicKeyInfoPem());
                }
        }
    }
}
