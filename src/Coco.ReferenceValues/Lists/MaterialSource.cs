// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Coco.ReferenceValues.Extractors;

namespace Coco.ReferenceValues.Lists;

/// <summary>Fetches the material of list items: files below one directory, artifacts of OCI registries, statements of Rekor. The network only when allowed.</summary>
internal sealed partial class MaterialSource(ReferenceValuesOptions options, HttpClient http)
{
    private const int MaxBytes = 16 << 20;
    private const string Accept =
        "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
        + "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

    /// <summary>The bytes of a location.</summary>
    /// <exception cref="HttpRequestException">The registry could not be reached.</exception>
    public ValueTask<Result<byte[]>> FetchAsync(MaterialLocation location, CancellationToken ct) =>
        location.Protocol == "file" ? new(ReadFile(location.Uri)) : FetchOciAsync(location, ct);

    /// <summary>Statements that Rekor (API version 1) has for an item.</summary>
    /// <exception cref="HttpRequestException">Rekor could not be reached.</exception>
    public async ValueTask<Result<ImmutableArray<JsonElement>>> FetchStatementsAsync(ReferenceValueListItem item, CancellationToken ct)
    {
        if (CheckUrl(item.RekorUrl!) is { } bad)
        {
            return bad;
        }

        string rekor = item.RekorUrl!.TrimEnd('/');
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(item.Id + item.Version)));
        if (!(await PostAsync($"{rekor}/api/v1/index/retrieve", $"{{\"hash\":\"sha256:{hash}\"}}", ct).ConfigureAwait(false)).TryGet(out JsonElement index, out Refusal? why))
        {
            return why;
        }

        JsonElement ids = index.ValueKind == JsonValueKind.Object && index.TryGetProperty("entries", out JsonElement inner) ? inner : index;
        if (ids.ValueKind != JsonValueKind.Array || ids.EnumerateArray().Any(i => i.ValueKind != JsonValueKind.String || !EntryId().IsMatch(i.GetString()!)))
        {
            return new Refusal(RefusalCode.Malformed, "Rekor's index is not a list of entry ids");
        }

        string body = $"{{\"entryUUIDs\":[{string.Join(',', ids.EnumerateArray().Select(i => $"\"{i.GetString()}\""))}]}}";
        if (!(await PostAsync($"{rekor}/api/v1/log/entries/retrieve", body, ct).ConfigureAwait(false)).TryGet(out JsonElement entries, out why))
        {
            return why;
        }

        IEnumerable<JsonElement> objects = entries.ValueKind == JsonValueKind.Array ? entries.EnumerateArray() : [entries];
        var statements = ImmutableArray.CreateBuilder<JsonElement>();
        foreach (JsonProperty entry in objects.Where(o => o.ValueKind == JsonValueKind.Object).SelectMany(o => o.EnumerateObject()))
        {
            if (StatementOf(entry.Value) is { } statement)
            {
                statements.Add(statement);
            }
        }

        return statements.ToImmutable();
    }

    private static JsonElement? StatementOf(JsonElement entry)
    {
        if (entry.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        string? data = entry.TryGetProperty("attestation", out JsonElement attestation) ? attestation.Text("data") : null;
        if (data is null && Decode(entry.Text("body")) is { } body && body.Text("kind") == "intoto"
            && body.TryGetProperty("spec", out JsonElement spec) && spec.ValueKind == JsonValueKind.Object
            && spec.TryGetProperty("content", out JsonElement content) && content.ValueKind == JsonValueKind.Object
            && content.TryGetProperty("envelope", out JsonElement envelope))
        {
            data = envelope.Text("payload");
        }

        return Decode(data);
    }

    private static JsonElement? Decode(string? base64) =>
        base64 is not null && Payloads.DecodeBase64(base64, "entry").TryGet(out byte[]? bytes, out _) && Payloads.ParseJson(bytes, "entry").TryGet(out JsonElement json, out _)
            ? json
            : null;

    private Result<byte[]> ReadFile(string uri)
    {
        if (options.MaterialDirectory is not { } directory)
        {
            return new Refusal(RefusalCode.Forbidden, "no directory for material is configured");
        }

        string root = Path.GetFullPath(directory) + Path.DirectorySeparatorChar;
        string path = Path.GetFullPath(Path.Combine(root, uri.StartsWith("file://", StringComparison.Ordinal) ? uri["file://".Length..] : uri));
        var file = new FileInfo(path);
        if (!path.StartsWith(root, StringComparison.Ordinal) || !file.Exists || file.LinkTarget is not null)
        {
            return new Refusal(RefusalCode.NotFound, "there is no such file below the directory for material");
        }

        return file.Length > MaxBytes ? new Refusal(RefusalCode.TooLarge, $"material has {file.Length} bytes, at most {MaxBytes} are read") : File.ReadAllBytes(path);
    }

    private Refusal? CheckUrl(string url)
    {
        if (!options.AllowNetwork)
        {
            return new Refusal(RefusalCode.Forbidden, "fetching over the network is not allowed here");
        }

        return Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) && uri.Scheme is "https" or "http" && (uri.Scheme == "https" || uri.IsLoopback)
            ? null
            : new Refusal(RefusalCode.Malformed, "the address is not an https URL");
    }

    private async ValueTask<Result<byte[]>> FetchOciAsync(MaterialLocation location, CancellationToken ct)
    {
        Match match = OciReference().Match(location.Uri);
        if (!match.Success || match.Groups["repo"].Value.Split('/').Contains(".."))
        {
            return new Refusal(RefusalCode.Malformed, "the uri is not of the form oci://registry/repository[:tag|@digest]");
        }

        string registry = match.Groups["registry"].Value;
        string host = registry.Split(':')[0];
        string scheme = host is "localhost" or "127.0.0.1" ? "http" : "https";
        string root = $"{scheme}://{registry}/v2/{match.Groups["repo"].Value}";
        if (CheckUrl(root) is { } bad)
        {
            return bad;
        }

        string reference = match.Groups["digest"].Success ? match.Groups["digest"].Value : match.Groups["tag"].Success ? match.Groups["tag"].Value : "latest";
        var session = new Session();
        for (int hop = 0; hop < 3; hop++)
        {
            if (!(await GetAsync($"{root}/manifests/{reference}", session, ct).ConfigureAwait(false)).TryGet(out byte[]? bytes, out Refusal? why)
                || !CheckDigest(reference, bytes).TryGet(out _, out why)
                || !Payloads.ParseJson(bytes, "manifest").TryGet(out JsonElement manifest, out why))
            {
                return why;
            }

            bool index = manifest.ValueKind == JsonValueKind.Object && manifest.TryGetProperty("manifests", out JsonElement children) && children.ValueKind == JsonValueKind.Array;
            if (Choose(manifest, index ? "manifests" : "layers", location.Artifact) is not { } digest)
            {
                return new Refusal(RefusalCode.NotFound, "the manifest names no material");
            }

            if (!index)
            {
                return (await GetAsync($"{root}/blobs/{digest}", session, ct).ConfigureAwait(false)).TryGet(out byte[]? blob, out why) ? CheckDigest(digest, blob) : why;
            }

            reference = digest;
        }

        return new Refusal(RefusalCode.TooLarge, "indexes are nested too deep");
    }

    private static Result<byte[]> CheckDigest(string reference, byte[] bytes)
    {
        const string Prefix = "sha256:";
        return !reference.StartsWith(Prefix, StringComparison.Ordinal) || reference[Prefix.Length..] == Convert.ToHexStringLower(SHA256.HashData(bytes))
            ? bytes
            : new Refusal(RefusalCode.Mismatch, $"the registry gave other bytes than {reference}");
    }

    private static string? Choose(JsonElement manifest, string member, string? artifact)
    {
        if (manifest.ValueKind != JsonValueKind.Object || !manifest.TryGetProperty(member, out JsonElement list) || list.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        string[] wanted = artifact switch
        {
            null or "bundle" => ["in-toto.bundle", "dev.sigstore.bundle", "jsonl"],
            "provenance" => ["in-toto", "dsse.envelope", "provenance"],
            _ => ["in-toto", "dsse.envelope"],
        };
        JsonElement[] all = [.. list.EnumerateArray().Where(d => d.Text("digest") is { } digest && Digest().IsMatch(digest))];
        JsonElement? chosen = Find(all, wanted) ?? Find(all, ["in-toto", "dsse.envelope"]) ?? (all.Length > 0 ? all[0] : null);
        return chosen?.Text("digest");
    }

    private static JsonElement? Find(JsonElement[] all, string[] wanted)
    {
        foreach (JsonElement one in all)
        {
            string type = (one.Text("artifactType") ?? string.Empty) + " " + one.Text("mediaType");
            if (wanted.Any(w => type.Contains(w, StringComparison.Ordinal)))
            {
                return one;
            }
        }

        return null;
    }

    private async ValueTask<Result<byte[]>> GetAsync(string url, Session session, CancellationToken ct)
    {
        for (int attempt = 0; ; attempt++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            request.Headers.TryAddWithoutValidation("Accept", Accept);
            if (session.Token is not null)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", session.Token);
            }

            using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.Unauthorized && attempt == 0 && response.Headers.WwwAuthenticate.FirstOrDefault(h => h.Scheme == "Bearer") is { } challenge)
            {
                if (await AuthorizeAsync(challenge.Parameter ?? string.Empty, session, ct).ConfigureAwait(false) is { } bad)
                {
                    return bad;
                }

                continue;
            }

            return response.IsSuccessStatusCode
                ? await ReadAsync(response, ct).ConfigureAwait(false)
                : new Refusal(RefusalCode.NotFound, $"the registry answered {(int)response.StatusCode}");
        }
    }

    private async ValueTask<Refusal?> AuthorizeAsync(string parameter, Session session, CancellationToken ct)
    {
        var values = ChallengeParameter().Matches(parameter).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value, StringComparer.OrdinalIgnoreCase);
        if (!values.TryGetValue("realm", out string? realm) || CheckUrl(realm) is not null)
        {
            return new Refusal(RefusalCode.Unsupported, "the registry wants a token from an address that is not https");
        }

        string query = string.Join('&', new[] { "service", "scope" }.Where(values.ContainsKey).Select(k => $"{k}={Uri.EscapeDataString(values[k])}"));
        using HttpResponseMessage response = await http.GetAsync(new Uri($"{realm}?{query}"), HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode
            || !(await ReadAsync(response, ct).ConfigureAwait(false)).TryGet(out byte[]? bytes, out _)
            || !Payloads.ParseJson(bytes, "token").TryGet(out JsonElement json, out _)
            || (json.Text("token") ?? json.Text("access_token")) is not { } token)
        {
            return new Refusal(RefusalCode.Unauthenticated, "the registry gave no token");
        }

        session.Token = token;
        return null;
    }

    private async ValueTask<Result<JsonElement>> PostAsync(string url, string body, CancellationToken ct)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await http.PostAsync(new Uri(url), content, ct).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
        {
            return new Refusal(RefusalCode.NotFound, string.Create(CultureInfo.InvariantCulture, $"Rekor answered {(int)response.StatusCode}"));
        }

        return (await ReadAsync(response, ct).ConfigureAwait(false)).TryGet(out byte[]? bytes, out Refusal? why) ? Payloads.ParseJson(bytes, "Rekor's answer") : why;
    }

    private static async ValueTask<Result<byte[]>> ReadAsync(HttpResponseMessage response, CancellationToken ct)
    {
        using Stream stream = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
        using var buffer = new MemoryStream();
        byte[] chunk = new byte[16 << 10];
        int read;
        while ((read = await stream.ReadAsync(chunk, ct).ConfigureAwait(false)) > 0)
        {
            if (buffer.Length + read > MaxBytes)
            {
                return new Refusal(RefusalCode.TooLarge, $"the answer has more than {MaxBytes} bytes");
            }

            await buffer.WriteAsync(chunk.AsMemory(0, read), ct).ConfigureAwait(false);
        }

        return buffer.ToArray();
    }

    [GeneratedRegex(@"^oci://(?<registry>[A-Za-z0-9.-]+(?::\d+)?)/(?<repo>[a-z0-9._/-]+?)(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127})|@(?<digest>sha256:[0-9a-f]{64}))?\z", RegexOptions.None, 1000)]
    private static partial Regex OciReference();

    [GeneratedRegex(@"^sha256:[0-9a-f]{64}\z", RegexOptions.None, 1000)]
    private static partial Regex Digest();

    [GeneratedRegex(@"^[0-9a-f]{1,128}\z", RegexOptions.None, 1000)]
    private static partial Regex EntryId();

    [GeneratedRegex("([a-z]+)=\"([^\"]*)\"", RegexOptions.None, 1000)]
    private static partial Regex ChallengeParameter();

    private sealed class Session
    {
        public string? Token { get; set; }
    }
}
