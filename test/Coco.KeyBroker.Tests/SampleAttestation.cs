// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.KeyBroker.Tests;

/// <summary>An attestation service for tests: judges sample evidence by its digest alone and signs with the key of the examples.</summary>
internal sealed class SampleAttestation : IAttestationService, IDisposable
{
    private readonly SigningKey _key = Example.TokenSigner();
    private readonly JsonNode _header = JsonNode.Parse(Convert.FromBase64String(Pad(Example.Text("1.token").Split('.')[0])))!;

    public ConcurrentDictionary<string, string> Policies { get; } = new();

    public ConcurrentDictionary<string, string> ReferenceValues { get; } = new();

    public ImmutableArray<AttestationInput> LastInputs { get; private set; }

    public ImmutableArray<PolicyId> LastPolicies { get; private set; }

    public int Attestations { get; private set; }

    /// <summary>What challenges are; by default the nonce of the examples.</summary>
    public Func<TeeType, JsonElement, Result<Challenge>> OnChallenge { get; set; } = static (_, _) => new Challenge(Example.Nonce);

    /// <summary>Gives a token in place of one of its own.</summary>
    public string? FixedToken { get; set; }

    public Exception? Broken { get; set; }

    public DateTimeOffset TokenExpiry { get; set; } = DateTimeOffset.FromUnixTimeSeconds(4102444800);

    public ValueTask<Result<Challenge>> CreateChallengeAsync(TeeType tee, JsonElement teeParameters, CancellationToken ct) => Broken is null ? new(OnChallenge(tee, teeParameters)) : throw Broken;

    public ValueTask<Result<AttestationToken>> AttestAsync(ImmutableArray<AttestationInput> inputs, ImmutableArray<PolicyId> policies, CancellationToken ct)
    {
        if (Broken is not null)
        {
            throw Broken;
        }

        LastInputs = inputs;
        LastPolicies = policies;
        Attestations++;
        var submods = new JsonObject();
        for (int i = 0; i < inputs.Length; i++)
        {
            AttestationInput input = inputs[i];
            if (input.Evidence.Body.ValueKind != JsonValueKind.Object || !input.Evidence.Body.TryGetProperty("report_data", out JsonElement reportData))
            {
                return new(new Refusal(RefusalCode.Malformed, "sample evidence has no report_data"));
            }

            byte[] bound = Convert.FromBase64String(reportData.GetString()!);
            if (!input.RuntimeData.Candidates.Any(c => Digest(input.RuntimeData.HashAlgorithm, c.Span).AsSpan().SequenceEqual(bound)))
            {
                return new(new Refusal(RefusalCode.Mismatch, "report data"));
            }

            submods[i == 0 ? "cpu0" : "gpu" + (i - 1)] = new JsonObject
            {
                ["ear.status"] = "affirming",
                ["ear.veraison.annotated-evidence"] = new JsonObject
                {
                    ["report_data"] = reportData.GetString(),
                    ["runtime_data_claims"] = input.RuntimeData.Claims.DeepClone(),
                    [input.Evidence.Tee.ToWireName()] = JsonNode.Parse(input.Evidence.Body.GetRawText()),
                },
            };
        }

        return new(new AttestationToken(FixedToken ?? Sign(new JsonObject { ["submods"] = submods, ["exp"] = TokenExpiry.ToUnixTimeSeconds(), ["iss"] = "test" })));
    }

    /// <summary>A token with any claims, under the header of the examples.</summary>
    public string Sign(JsonObject claims) => Jws.Sign((JsonObject)_header.DeepClone(), Jws.ToUtf8(claims), _key);

    public ValueTask<Refusal?> SetPolicyAsync(PolicyId id, string source, CancellationToken ct)
    {
        if (!source.Contains("package policy", StringComparison.Ordinal))
        {
            return new(new Refusal(RefusalCode.Malformed, "no package"));
        }

        Policies[id.Value] = source;
        return new((Refusal?)null);
    }

    public ValueTask<Refusal?> RegisterReferenceValueAsync(string message, CancellationToken ct)
    {
        JsonElement root = JsonDocument.Parse(message).RootElement;
        JsonElement payload = JsonDocument.Parse(Convert.FromBase64String(root.GetProperty("payload").GetString()!)).RootElement;
        foreach (JsonProperty member in payload.EnumerateObject())
        {
            ReferenceValues[member.Name] = member.Value.GetRawText();
        }

        return new((Refusal?)null);
    }

    public ValueTask<Result<string>> QueryReferenceValueAsync(string name, CancellationToken ct) =>
        new(ReferenceValues.TryGetValue(name, out string? value) ? value : new Refusal(RefusalCode.NotFound, "none"));

    public ValueTask<Result<string>> GetSigningKeysAsync(CancellationToken ct) =>
        new((Result<string>)new JwkSet([_key.PublicJwk.With(keyId: "simple")]).ToJson().ToJsonString());

    public void Dispose() => _key.Dispose();

    private static byte[] Digest(string? algorithm, ReadOnlySpan<byte> data) => algorithm switch
    {
        null or "sha384" => SHA384.HashData(data),
        "sha256" => SHA256.HashData(data),
        "sha512" => SHA512.HashData(data),
        _ => throw new ArgumentException(algorithm),
    };

    private static string Pad(string text) => text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '=');
}
