// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Attestation.Decisions;
using Coco.Attestation.Pipeline;
using Coco.Attestation.Policies;
using Coco.Attestation.Tokens;
using Coco.Protocol;
using Coco.Verifiers;
using Microsoft.Extensions.Logging;

namespace Coco.Attestation;

/// <summary>The attestation service in process. A singleton; thread-safe.</summary>
public sealed partial class AttestationServiceCore
{
    private readonly FrozenDictionary<TeeType, IVerifier> _verifiers;
    private readonly AttestationPipeline _pipeline;
    private readonly TokenSignerSource _signers;
    private readonly DecisionLog _decisions;
    private readonly ChallengeTokens _challenges;
    private readonly TimeProvider _clock;
    private readonly ILogger<AttestationServiceCore> _log;

    internal AttestationServiceCore(
        IEnumerable<IVerifier> verifiers,
        AttestationPolicyStore policies,
        Appraiser appraiser,
        TokenSignerSource signers,
        DecisionLog decisions,
        ChallengeTokens challenges,
        AttestationOptions options,
        TimeProvider clock,
        ILogger<AttestationServiceCore> log)
    {
        _verifiers = Freeze(verifiers);
        _signers = signers;
        _decisions = decisions;
        _challenges = challenges;
        _clock = clock;
        _log = log;
        Policies = policies;
        Options = options;
        _pipeline = new AttestationPipeline(
            _verifiers,
            appraiser,
            new EarIssuer(signers, options, clock),
            new SimpleIssuer(signers, appraiser, policies, options, clock),
            challenges,
            options);
    }

    /// <summary>The appraisal policies.</summary>
    public AttestationPolicyStore Policies { get; }

    /// <summary>The options that it runs under.</summary>
    public AttestationOptions Options { get; }

    /// <summary>The TEEs whose evidence is taken, sorted by wire name.</summary>
    public ImmutableArray<string> Tees => [.. _verifiers.Keys.Select(t => t.ToWireName()).Order(StringComparer.Ordinal)];

    /// <summary>Verifies and appraises all evidences of one guest, and issues one token.</summary>
    /// <param name="inputs">The primary evidence first, then one per device.</param>
    /// <param name="policies">Empty: <c>default</c>. Only the first is used, as in the reference.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="Exception">A store, the reference value provider or a vendor's service could not be reached.</exception>
    public async ValueTask<AttestationOutcome> AttestAsync(ImmutableArray<AttestationInput> inputs, ImmutableArray<PolicyId> policies, CancellationToken ct)
    {
        PolicyId policy = policies.IsDefaultOrEmpty ? PolicyId.Default : policies[0];
        if (policies is { IsDefault: false, Length: > 1 })
        {
            Log.PoliciesIgnored(_log, policies.Length - 1);
        }

        var trace = new DecisionTrace(_clock, policy.Value);
        Result<AttestationToken> token = await _pipeline.RunAsync(inputs, policy, trace, ct).ConfigureAwait(false);
        AttestationMetrics.Decisions.Add(1, new("tee", trace.TeeNames), new("outcome", token.Refusal is null ? "issued" : "refused"));
        AttestationMetrics.Duration.Record(trace.Elapsed.TotalSeconds);
        string id = await _decisions.WriteAsync(trace, token, ct).ConfigureAwait(false);
        if (token.Refusal is { } why)
        {
            Log.Refused(_log, id, trace.TeeNames, why.Code, why.Check ?? "-");
        }
        else
        {
            Log.Issued(_log, id, trace.TeeNames, policy.Value, trace.Statuses);
        }

        return new AttestationOutcome(id, token);
    }

    /// <summary>A TEE-specific challenge; empty for every TEE but SE.</summary>
    public ValueTask<Result<string>> CreateChallengeAsync(TeeType tee, JsonElement teeParameters, CancellationToken ct) =>
        _verifiers.TryGetValue(tee, out IVerifier? verifier)
            ? verifier.CreateChallengeAsync(teeParameters, ct)
            : new(new Refusal(RefusalCode.Unsupported, $"there is no verifier for {tee.ToWireName()} here"));

    /// <summary>
    /// A nonce for a guest that names no TEE yet, and a token for it: <c>{"nonce", "extra-params": {"jwt"}}</c> (JSON text). The guest sends the token
    /// back as <c>challenge_token</c> of its structured runtime data.
    /// </summary>
    public async ValueTask<string> CreateNonceAsync(CancellationToken ct) => (await _challenges.CreateAsync(ct).ConfigureAwait(false)).ToJsonString();

    /// <summary>The JWKS document (JSON text) of the key that signs the tokens.</summary>
    public async ValueTask<string> GetKeySetAsync(CancellationToken ct) => Jwt.KeySet(await _signers.GetAsync(ct).ConfigureAwait(false));

    /// <summary>The OpenID discovery document.</summary>
    /// <param name="baseUrl">Where this service is reached, without a slash at the end.</param>
    /// <param name="ct">Ends it.</param>
    public async ValueTask<string> GetDiscoveryAsync(string baseUrl, CancellationToken ct)
    {
        ITokenSigner signer = await _signers.GetAsync(ct).ConfigureAwait(false);
        return new JsonObject
        {
            ["issuer"] = Options.Token.Issuer,
            ["jwks_uri"] = baseUrl + "/.well-known/jwks.json",
            ["response_types_supported"] = new JsonArray("id_token"),
            ["subject_types_supported"] = new JsonArray("public"),
            ["id_token_signing_alg_values_supported"] = new JsonArray((JsonNode)signer.Algorithm),
        }.ToJsonString();
    }

    private static FrozenDictionary<TeeType, IVerifier> Freeze(IEnumerable<IVerifier> verifiers)
    {
        var byTee = new Dictionary<TeeType, IVerifier>();
        foreach (IVerifier verifier in verifiers)
        {
            if (!byTee.TryAdd(verifier.Tee, verifier))
            {
                throw new InvalidOperationException($"two verifiers for {verifier.Tee.ToWireName()} are registered");
            }
        }

        return byTee.ToFrozenDictionary();
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4000, Level = LogLevel.Information, Message = "decision {Id}: token for {Tees} under policy {Policy}: {Statuses}")]
        public static partial void Issued(ILogger logger, string id, string tees, string policy, string statuses);

        [LoggerMessage(EventId = 4001, Level = LogLevel.Information, Message = "decision {Id}: {Tees} refused, {Code} in check {Check}")]
        public static partial void Refused(ILogger logger, string id, string tees, RefusalCode code, string check);

        [LoggerMessage(EventId = 4002, Level = LogLevel.Warning, Message = "{Count} policy ids beyond the first are ignored")]
        public static partial void PoliciesIgnored(ILogger logger, int count);
    }
}
