// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Coco.Protocol;
using Google.Protobuf;

namespace Coco.KeyBroker;

/// <summary>Resources in an instance of Aliyun's key management service, by its protobuf-over-HTTP interface (kbs.md 7.4; guest.md 11).</summary>
public sealed class AliyunBackend : ReadOnlyBackend, IDisposable
{
    private const string MediaType = "application/x-protobuf";
    private readonly Uri _endpoint;
    private readonly string _keyId;
    private readonly RSA _key;
    private readonly SecretNameTemplate _names;
    private readonly OutboundHttp _http;
    private readonly TimeProvider _time;

    private AliyunBackend(Uri endpoint, string keyId, RSA key, SecretNameTemplate names, OutboundHttp http, TimeProvider time)
    {
        _endpoint = endpoint;
        _keyId = keyId;
        _key = key;
        _names = names;
        _http = http;
        _time = time;
    }

    /// <inheritdoc/>
    public override string Type => "Aliyun";

    /// <summary>Opens the client key.</summary>
    /// <param name="clientKey">JSON with <c>KeyId</c> and <c>PrivateKeyData</c> (base64 of PKCS #12).</param>
    /// <param name="password">Password of the PKCS #12; white space at its end is dropped.</param>
    /// <param name="endpoint">Address of the instance.</param>
    /// <param name="names">How resources are called there.</param>
    /// <param name="http">How it is reached: with the instance's own root.</param>
    /// <param name="time">The clock that requests are stamped with.</param>
    public static Result<AliyunBackend> Create(Secret clientKey, Secret password, Uri endpoint, SecretNameTemplate names, OutboundHttp http, TimeProvider time)
    {
        if (!HostileJson.ParseObject(clientKey.Reveal()).TryGet(out JsonElement root, out Refusal? refusal)
            || !HostileJson.RequireString(root, "KeyId").TryGet(out string? keyId, out refusal)
            || !HostileJson.RequireString(root, "PrivateKeyData").TryGet(out string? data, out refusal)
            || !StrictBase64.DecodeLenient(data).TryGet(out byte[]? pkcs12, out refusal))
        {
            return refusal.Within("client key");
        }

        try
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadPkcs12(
                pkcs12, Encoding.UTF8.GetString(password.Reveal()).TrimEnd(), X509KeyStorageFlags.EphemeralKeySet);
            return certificate.GetRSAPrivateKey() is { } key
                ? new AliyunBackend(endpoint, keyId, key, names, http, time)
                : new Refusal(RefusalCode.Unsupported, "client key: not an RSA key");
        }
        catch (CryptographicException)
        {
            return new Refusal(RefusalCode.Malformed, "client key: its PKCS #12 does not open");
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<Result<Secret>> ReadAsync(ResourcePath path, CancellationToken ct)
    {
        byte[] body = Message(_names.Apply(path));
        using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(MediaType);
        string date = _time.GetUtcNow().ToString("r", CultureInfo.InvariantCulture);
        string hash = Convert.ToHexString(SHA256.HashData(body));
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["x-kms-acccesskeyid"] = _keyId,
            ["x-kms-apiname"] = "GetSecretValue",
            ["x-kms-apiversion"] = "dkms-gcs-0.2",
            ["x-kms-signaturemethod"] = "RSA_PKCS1_SHA_256",
        };
        string toSign = $"POST\n{hash}\n{MediaType}\n{date}\n" + string.Concat(headers.Select(h => $"{h.Key}:{h.Value}\n")) + "/";
        byte[] signature = _key.SignData(Encoding.UTF8.GetBytes(toSign), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        foreach ((string name, string value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        request.Headers.TryAddWithoutValidation("date", date);
        request.Headers.TryAddWithoutValidation("content-sha256", hash);
        request.Headers.TryAddWithoutValidation("authorization", "Bearer " + Convert.ToBase64String(signature));
        using RestAnswer answer = await RestCall.SendAsync(_http.Invoker, request, ct);
        return answer.Status == 200 ? ParseValue(answer.Body) : ParseError(answer);
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private static byte[] Message(string name)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            output.WriteTag(1, WireFormat.WireType.LengthDelimited);
            output.WriteString(name);
        }

        return stream.ToArray();
    }

    private static Result<Secret> ParseValue(ReadOnlySpan<byte> body) =>
        Fields(body).TryGet(out Dictionary<int, ByteString>? fields, out Refusal? refusal)
            ? fields.TryGetValue(3, out ByteString? data) ? Secret.CopyOf(data.Span) : new Refusal(RefusalCode.Malformed, "the service's answer has no secret")
            : refusal;

    private static Refusal ParseError(RestAnswer answer)
    {
        string code = Fields(answer.Body).TryGet(out Dictionary<int, ByteString>? fields, out _) && fields.TryGetValue(2, out ByteString? text) ? text.ToStringUtf8() : string.Empty;
        return new Refusal(code.Contains("NotFound", StringComparison.OrdinalIgnoreCase) ? RefusalCode.NotFound : RefusalCode.Forbidden, $"the service answers {answer.Status} {code}");
    }

    private static Result<Dictionary<int, ByteString>> Fields(ReadOnlySpan<byte> body)
    {
        var fields = new Dictionary<int, ByteString>();
        try
        {
            using var input = new CodedInputStream(body.ToArray());
            while (input.ReadTag() is not 0 and var tag)
            {
                if (WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
                {
                    fields[WireFormat.GetTagFieldNumber(tag)] = input.ReadBytes();
                }
                else
                {
                    input.SkipLastField();
                }
            }
        }
        catch (InvalidProtocolBufferException)
        {
            return new Refusal(RefusalCode.Malformed, "the service's answer is not protobuf");
        }

        return fields;
    }
}
