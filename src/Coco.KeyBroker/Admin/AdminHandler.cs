// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Coco.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Coco.KeyBroker;

/// <summary>The administrators' endpoints that are no plugin's: policies, reference values, and the keeping of resources.</summary>
internal sealed partial class AdminHandler(
    AdminGuard guard,
    IAttestationService attestation,
    ResourcePolicies policies,
    TokenVerifier tokens,
    IEnumerable<IBrokerPlugin> plugins,
    KeyBrokerStores stores,
    AuditLog audit,
    TimeProvider time,
    ILogger<AdminHandler> log)
{
    private const string EvaluateName = "evaluate";
    private const int DefaultRotationLength = 32;
    private const int MaxRotationLength = 4096;

    private readonly KeyValueBackend? _resources =
        (plugins.FirstOrDefault(p => p is ResourcePlugin) as ResourcePlugin)?.Backend as KeyValueBackend;

    /// <summary>Answers if method and path are one of these endpoints.</summary>
    /// <returns>False when they are not.</returns>
    public async ValueTask<bool> TryHandleAsync(BrokerCall call)
    {
        RequestTarget target = call.Target;
        Func<BrokerCall, AdminIdentity, Task>? action = (call.Method, target.Endpoint, target.Rest.Length) switch
        {
            ("POST", "attestation-policy", 0) => SetAttestationPolicyAsync,
            ("GET", "attestation-policy", 1) => GetAttestationPolicyAsync,
            ("DELETE", "attestation-policy", 1) => DeleteAttestationPolicyAsync,
            ("GET", "attestation-policies", 0) => ListAttestationPoliciesAsync,
            ("POST", "reference-value", 0) => SetReferenceValueAsync,
            ("GET", "reference-value", 0) => ListReferenceValuesAsync,
            ("GET", "reference-value", _) => GetReferenceValueAsync,
            ("DELETE", "reference-value", > 0) => DeleteReferenceValueAsync,
            ("GET", "resource-policy", 0) => ListResourcePoliciesAsync,
            ("GET", "resource-policy", _) => GetResourcePolicyAsync,
            ("POST", "resource-policy", 1) when target.Rest[0] == EvaluateName => EvaluateResourcePolicyAsync,
            ("POST", "resource-policy", _) => SetResourcePolicyAsync,
            ("DELETE", "resource-policy", > 0) => DeleteResourcePolicyAsync,
            ("GET", "audit", 0) => ExportAuditAsync,
            ("GET", "audit-key", 0) => GetAuditKeyAsync,
            ("GET", "resources", 0) => ListResourcesAsync,
            ("GET", "resource-history", 3) => GetHistoryAsync,
            ("POST", "resource-rollback", 3) => RollBackAsync,
            ("POST", "resource-rotate", 3) => RotateAsync,
            ("POST", "resource-expiry", 3) => SetExpiryAsync,
            _ => null,
        };
        if (action is null)
        {
            return false;
        }

        if (target.HasEncodedSlash)
        {
            await Reply.ErrorAsync(call.Http, new KbsError(StatusCodes.Status404NotFound, "InvalidRequestPath", $"Request path {target.Raw} is invalid"));
            return true;
        }

        if (!(await guard.CheckAsync(call)).TryGet(out AdminIdentity? who, out Refusal? refusal))
        {
            Log.Refused(log, call.Method, target.PrintablePath, refusal.ToString(), call.RequestId);
            audit.Record(Event(call, AuditKind.AdminAccess, null, refusal));
            await Reply.ErrorAsync(call.Http, KbsError.AdminOfEndpoint(target.Endpoint, refusal.Detail));
            return true;
        }

        await action(call, who);
        return true;
    }

    private async Task SetAttestationPolicyAsync(BrokerCall call, AdminIdentity who)
    {
        string? id = null;
        Refusal? refusal;
        if (HostileJson.ParseObject(call.Body.Span, int.MaxValue).TryGet(out JsonElement root, out refusal)
            && HostileJson.RequireString(root, "policy_id").TryGet(out id, out refusal)
            && HostileJson.RequireString(root, "policy").TryGet(out string? encoded, out refusal)
            && PolicyId.Parse(id).TryGet(out PolicyId policy, out refusal)
            && DecodePolicy(encoded).TryGet(out string? source, out refusal))
        {
            refusal = await attestation.SetPolicyAsync(policy, source, call.Cancelled);
        }

        await FinishAsync(call, who, AuditKind.AttestationPolicy, refusal, KbsError.SetAttestationPolicyFailed, e => e with { Policy = Short(id) });
    }

    private async Task GetAttestationPolicyAsync(BrokerCall call, AdminIdentity who)
    {
        Refusal? refusal = null;
        if (PolicyId.Parse(call.Target.Rest[0]).TryGet(out PolicyId id, out refusal)
            && (await attestation.GetPolicyAsync(id, call.Cancelled)).TryGet(out string? source, out refusal))
        {
            await Reply.TextAsync(call.Http, StatusCodes.Status200OK, source);
            return;
        }

        await Reply.ErrorAsync(call.Http, StatusOf(refusal!, "AttestationError", "Attestation error: Get Attestation Policy failed"));
    }

    private async Task DeleteAttestationPolicyAsync(BrokerCall call, AdminIdentity who)
    {
        Refusal? refusal = PolicyId.Parse(call.Target.Rest[0]).TryGet(out PolicyId id, out Refusal? bad) ? await attestation.DeletePolicyAsync(id, call.Cancelled) : bad;
        await FinishAsync(
            call,
            who,
            AuditKind.AttestationPolicy,
            refusal,
            refusal is null ? KbsError.SetAttestationPolicyFailed : StatusOf(refusal, "AttestationError", "Attestation error: Delete Attestation Policy failed"),
            e => e with { Policy = Short(call.Target.Rest[0]) });
    }

    private async Task ListAttestationPoliciesAsync(BrokerCall call, AdminIdentity who)
    {
        if (!(await attestation.ListPoliciesAsync(call.Cancelled)).TryGet(out ImmutableSortedDictionary<string, string>? all, out Refusal? refusal))
        {
            await Reply.ErrorAsync(call.Http, StatusOf(refusal, "AttestationError", "Attestation error: List Attestation Policies failed"));
            return;
        }

        await Reply.JsonAsync(call.Http, StatusCodes.Status200OK, all, static (json, state) =>
        {
            json.WriteStartObject();
            foreach ((string id, string hash) in state)
            {
                json.WriteString(id, hash);
            }

            json.WriteEndObject();
        });
    }

    private async Task SetReferenceValueAsync(BrokerCall call, AdminIdentity who)
    {
        if (!HostileJson.ParseObject(call.Body.Span, int.MaxValue).TryGet(out _, out Refusal? refusal))
        {
            await FinishAsync(call, who, AuditKind.ReferenceValue, refusal, KbsError.Rvps("Failed to parse reference value message"));
            return;
        }

        refusal = await attestation.RegisterReferenceValueAsync(Encoding.UTF8.GetString(call.Body.Span), call.Cancelled);
        await FinishAsync(
            call,
            who,
            AuditKind.ReferenceValue,
            refusal,
            KbsError.Rvps("Failed to register reference value: " + refusal?.Detail),
            contentType: Reply.Json);
    }

    private async Task GetReferenceValueAsync(BrokerCall call, AdminIdentity who)
    {
        string name = call.Target.JoinedRest;
        if ((await attestation.QueryReferenceValueAsync(name, call.Cancelled)).TryGet(out string? json, out Refusal? refusal))
        {
            await Reply.BytesAsync(call.Http, StatusCodes.Status200OK, Reply.Json, Encoding.UTF8.GetBytes(json));
            return;
        }

        string cause = refusal.Code == RefusalCode.NotFound ? "No reference value found for the given id: " + name : refusal.Detail;
        await Reply.ErrorAsync(call.Http, KbsError.Rvps("Failed to get reference_values: " + cause));
    }

    private async Task ListReferenceValuesAsync(BrokerCall call, AdminIdentity who)
    {
        if ((await attestation.ListReferenceValuesAsync(call.Cancelled)).TryGet(out string? json, out Refusal? refusal))
        {
            await Reply.BytesAsync(call.Http, StatusCodes.Status200OK, Reply.Json, Encoding.UTF8.GetBytes(json));
            return;
        }

        await Reply.ErrorAsync(call.Http, KbsError.Rvps("Failed to get reference_values: " + refusal.Detail));
    }

    private async Task DeleteReferenceValueAsync(BrokerCall call, AdminIdentity who)
    {
        Refusal? refusal = await attestation.DeleteReferenceValueAsync(call.Target.JoinedRest, call.Cancelled);
        await FinishAsync(call, who, AuditKind.ReferenceValue, refusal, KbsError.Rvps("Failed to delete reference value: " + refusal?.Detail));
    }

    private async Task SetResourcePolicyAsync(BrokerCall call, AdminIdentity who)
    {
        string id = call.Target.Rest.IsEmpty ? ResourcePolicies.DefaultId : call.Target.JoinedRest;
        if (!HostileJson.ParseObject(call.Body.Span, int.MaxValue).TryGet(out JsonElement root, out Refusal? refusal))
        {
            await FinishAsync(call, who, AuditKind.ResourcePolicy, refusal, KbsError.ParsePolicy("Illegal SetPolicy Request Json"));
            return;
        }

        if (!root.TryGetProperty("policy", out JsonElement member))
        {
            await FinishAsync(call, who, AuditKind.ResourcePolicy, Bad("no policy"), KbsError.ParsePolicy("No `policy` field inside SetPolicy Request Json"));
            return;
        }

        if (member.ValueKind != JsonValueKind.String)
        {
            await FinishAsync(call, who, AuditKind.ResourcePolicy, Bad("policy is no string"), KbsError.ParsePolicy("`policy` field is not a string in SetPolicy Request Json"));
            return;
        }

        if (!DecodePolicy(member.GetString()!).TryGet(out string? source, out refusal))
        {
            await FinishAsync(call, who, AuditKind.ResourcePolicy, refusal, KbsError.ParsePolicy("Failed to decode policy: " + refusal.Detail));
            return;
        }

        ResourcePolicy? policy = null;
        refusal = (await policies.SetAsync(id, source, call.Cancelled)).TryGet(out policy, out Refusal? why) ? null : why;
        await FinishAsync(
            call,
            who,
            AuditKind.ResourcePolicy,
            refusal,
            KbsError.PolicyEngine("Failed to load policy: " + refusal?.Detail),
            e => e with { Policy = Short(id), PolicyHash = policy?.Compiled?.Sha384 });
    }

    private async Task ListResourcePoliciesAsync(BrokerCall call, AdminIdentity who) =>
        await Reply.JsonAsync(call.Http, StatusCodes.Status200OK, await policies.ListAsync(call.Cancelled), static (json, ids) =>
        {
            json.WriteStartArray();
            foreach (string id in ids)
            {
                json.WriteStringValue(id);
            }

            json.WriteEndArray();
        });

    private async Task GetResourcePolicyAsync(BrokerCall call, AdminIdentity who)
    {
        string id = call.Target.JoinedRest;
        if (await policies.GetByIdAsync(id, call.Cancelled) is { } policy)
        {
            await Reply.TextAsync(call.Http, StatusCodes.Status200OK, policy.Source);
            return;
        }

        await Reply.ErrorAsync(call.Http, new KbsError(StatusCodes.Status404NotFound, "PolicyEngineError", $"Policy engine error: Policy `{id}.rego` not found"));
    }

    private async Task DeleteResourcePolicyAsync(BrokerCall call, AdminIdentity who)
    {
        string id = call.Target.JoinedRest;
        Refusal? refusal = await policies.DeleteAsync(id, call.Cancelled);
        await FinishAsync(
            call,
            who,
            AuditKind.ResourcePolicy,
            refusal,
            refusal is null ? KbsError.PolicyEngine(string.Empty) : StatusOf(refusal, "PolicyEngineError", "Policy engine error: " + refusal.Detail),
            e => e with { Policy = Short(id) });
    }

    /// <summary>Asks a policy about a token without releasing anything: <c>{"token", "path", "query"?, "policy"?}</c> → <c>{"allowed", "outcome", "policy", "policy_hash", "detail"?}</c>.</summary>
    private async Task EvaluateResourcePolicyAsync(BrokerCall call, AdminIdentity who)
    {
        if (!HostileJson.ParseObject(call.Body.Span, int.MaxValue).TryGet(out JsonElement root, out Refusal? refusal)
            || !HostileJson.RequireString(root, "token").TryGet(out string? compact, out refusal)
            || !HostileJson.RequireString(root, "path").TryGet(out string? path, out refusal)
            || !(await tokens.VerifyAsync(new AttestationToken(compact), call.Cancelled)).TryGet(out VerifiedToken? token, out refusal))
        {
            await Reply.ErrorAsync(call.Http, new KbsError(StatusCodes.Status400BadRequest, "PolicyEngineError", "Policy engine error: " + refusal.Detail));
            return;
        }

        string[] segments = path.Trim('/').Split('/');
        ImmutableArray<string> rest = [.. segments.Skip(1)];
        ResourcePolicy policy = await policies.FindAsync(segments[0], rest, call.Cancelled);
        if (root.TryGetProperty("policy", out JsonElement draft))
        {
            if (draft.ValueKind != JsonValueKind.String
                || !DecodePolicy(draft.GetString()!).TryGet(out string? source, out refusal)
                || !policies.Compile(source, "draft").TryGet(out CompiledResourcePolicy? compiled, out refusal))
            {
                await Reply.ErrorAsync(call.Http, KbsError.PolicyEngine("Failed to load policy: " + (refusal?.Detail ?? "not a string")));
                return;
            }

            policy = new ResourcePolicy("draft", source, compiled, null);
        }

        ImmutableSortedDictionary<string, string> query = root.TryGetProperty("query", out JsonElement members) && members.ValueKind == JsonValueKind.Object
            ? members.EnumerateObject().Where(m => m.Value.ValueKind == JsonValueKind.String).ToImmutableSortedDictionary(m => m.Name, m => m.Value.GetString()!, StringComparer.Ordinal)
            : ImmutableSortedDictionary<string, string>.Empty;
        PolicyDecision decision = policy.Compiled?.Evaluate(new PolicyQuestion(token, segments[0], rest, query))
            ?? new PolicyDecision(PolicyOutcome.Fault, policy.Broken?.Detail);
        await Reply.JsonAsync(call.Http, StatusCodes.Status200OK, (decision, policy), static (json, state) =>
        {
            (PolicyDecision answer, ResourcePolicy asked) = state;
            json.WriteStartObject();
            json.WriteBoolean("allowed"u8, answer.Outcome == PolicyOutcome.Allowed);
            json.WriteString("outcome"u8, answer.Outcome switch
            {
                PolicyOutcome.Allowed => "true",
                PolicyOutcome.False => "false",
                PolicyOutcome.Undefined => "undefined",
                PolicyOutcome.NotBoolean => "not-boolean",
                _ => "fault",
            });
            json.WriteString("policy"u8, asked.Id);
            json.WriteString("policy_hash"u8, asked.Compiled?.Sha384);
            if (answer.Detail is not null)
            {
                json.WriteString("detail"u8, answer.Detail);
            }

            json.WriteEndObject();
        });
    }

    /// <summary>The audit chain as JSON lines, up to this request.</summary>
    private async Task ExportAuditAsync(BrokerCall call, AdminIdentity who)
    {
        await audit.RecordDurablyAsync(Event(call, AuditKind.AdminAccess, who, null), call.Cancelled);
        call.Http.Response.ContentType = "application/jsonl";
        await foreach (string line in AuditExport.ReadLinesAsync(stores, call.Cancelled))
        {
            await call.Http.Response.BodyWriter.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"), call.Cancelled);
        }
    }

    private async Task GetAuditKeyAsync(BrokerCall call, AdminIdentity who) =>
        await Reply.TextAsync(call.Http, StatusCodes.Status200OK, await AuditKey.FindPublicPemAsync(stores, call.Cancelled) ?? string.Empty);

    private async Task ListResourcesAsync(BrokerCall call, AdminIdentity who)
    {
        if (await RequireVersionedAsync(call) is not { } store)
        {
            return;
        }

        call.Target.Query.TryGetValue("repository", out string? repository);
        call.Target.Query.TryGetValue("type", out string? type);
        var found = new List<ResourcePath>();
        await foreach (ResourcePath path in store.ListAsync(repository is null ? string.Empty : repository + "/", call.Cancelled))
        {
            if (type is null || path.Type == type)
            {
                found.Add(path);
            }
        }

        await Reply.JsonAsync(call.Http, StatusCodes.Status200OK, found, static (json, paths) =>
        {
            json.WriteStartArray();
            foreach (ResourcePath path in paths)
            {
                json.WriteStartObject();
                json.WriteString("repository_name"u8, path.Repository);
                json.WriteString("resource_type"u8, path.Type);
                json.WriteString("resource_tag"u8, path.Tag);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    private async Task GetHistoryAsync(BrokerCall call, AdminIdentity who)
    {
        if (await RequireVersionedAsync(call) is not { } store)
        {
            return;
        }

        ImmutableArray<ResourceVersion> versions = default;
        if (!ResourcePath.Parse(call.Target.JoinedRest).TryGet(out ResourcePath path, out Refusal? refusal)
            || !(await store.GetHistoryAsync(path, call.Cancelled)).TryGet(out versions, out refusal))
        {
            await Reply.ErrorAsync(call.Http, ResourceError(refusal));
            return;
        }

        await Reply.JsonAsync(call.Http, StatusCodes.Status200OK, versions, static (json, all) =>
        {
            json.WriteStartArray();
            foreach (ResourceVersion one in all)
            {
                json.WriteStartObject();
                json.WriteNumber("version"u8, one.Version);
                json.WriteBoolean("current"u8, one.IsCurrent);
                json.WriteNumber("size"u8, one.Size);
                if (one.CreatedAt is { } created)
                {
                    json.WriteString("created"u8, created.UtcDateTime);
                }

                if (one.ExpiresAt is { } expires)
                {
                    json.WriteString("expires"u8, expires.UtcDateTime);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    private Task RollBackAsync(BrokerCall call, AdminIdentity who) => ChangeAsync(call, who, (store, path) =>
        call.Target.Query.TryGetValue("version", out string? text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long version)
            ? store.RollBackAsync(path, version, call.Cancelled)
            : new(Bad("the query has no number 'version'")));

    private Task RotateAsync(BrokerCall call, AdminIdentity who) => ChangeAsync(call, who, async (store, path) =>
    {
        int length = DefaultRotationLength;
        if (call.Target.Query.TryGetValue("length", out string? text)
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out length) || length is < 1 or > MaxRotationLength))
        {
            return Bad($"the length is no number from 1 to {MaxRotationLength}");
        }

        using var fresh = Secret.Random(length);
        return await store.WriteAsync(path, fresh, null, call.Cancelled);
    });

    private Task SetExpiryAsync(BrokerCall call, AdminIdentity who) => ChangeAsync(call, who, (store, path) =>
    {
        if (!call.Target.Query.TryGetValue("at", out string? text))
        {
            return new(Bad("the query has no 'at'"));
        }

        if (text == "never")
        {
            return store.SetExpiryAsync(path, null, call.Cancelled);
        }

        return ResourcePlugin.TryParseTime(text, out DateTimeOffset at)
            ? store.SetExpiryAsync(path, at, call.Cancelled)
            : new(Bad("'at' is neither 'never' nor a time of RFC 3339"));
    });

    private async Task ChangeAsync(BrokerCall call, AdminIdentity who, Func<KeyValueBackend, ResourcePath, ValueTask<Result<long>>> change)
    {
        if (await RequireVersionedAsync(call) is not { } store)
        {
            return;
        }

        long version = 0;
        if (ResourcePath.Parse(call.Target.JoinedRest).TryGet(out ResourcePath path, out Refusal? refusal))
        {
            (await change(store, path)).TryGet(out version, out refusal);
        }

        await audit.RecordDurablyAsync(Event(call, AuditKind.Secret, who, refusal) with { SecretVersion = version == 0 ? null : version }, call.Cancelled);
        if (refusal is not null)
        {
            await Reply.ErrorAsync(call.Http, ResourceError(refusal));
            return;
        }

        await Reply.JsonAsync(call.Http, StatusCodes.Status200OK, version, static (json, v) =>
        {
            json.WriteStartObject();
            json.WriteNumber("version"u8, v);
            json.WriteEndObject();
        });
    }

    private async ValueTask<KeyValueBackend?> RequireVersionedAsync(BrokerCall call)
    {
        if (_resources is null)
        {
            await Reply.ErrorAsync(call.Http, ResourceError(new Refusal(RefusalCode.Unsupported, "the back end of the resource plugin has no versions")));
        }

        return _resources;
    }

    private async Task FinishAsync(
        BrokerCall call,
        AdminIdentity who,
        AuditKind kind,
        Refusal? refusal,
        KbsError error,
        Func<AuditEvent, AuditEvent>? complete = null,
        string? contentType = null)
    {
        AuditEvent e = Event(call, kind, who, refusal);
        await audit.RecordDurablyAsync(complete is null ? e : complete(e), call.Cancelled);
        Log.Done(log, who.ToString(), call.Method, call.Target.PrintablePath, refusal?.ToString() ?? "done", call.RequestId);
        if (refusal is not null)
        {
            await Reply.ErrorAsync(call.Http, error);
            return;
        }

        await Reply.EmptyAsync(call.Http, StatusCodes.Status200OK, contentType);
    }

    private AuditEvent Event(BrokerCall call, AuditKind kind, AdminIdentity? who, Refusal? refusal) => new()
    {
        Time = time.GetUtcNow(),
        Kind = kind,
        Allowed = refusal is null,
        Reason = refusal is null ? null : refusal.Check is null ? refusal.Detail : refusal.Detail + " (" + refusal.Check + ")",
        Code = refusal?.Code,
        Identity = who?.ToString(),
        Target = call.Method + " " + call.Target.PrintablePath,
        RequestId = call.RequestId,
        Client = call.Client,
    };

    private static Result<string> DecodePolicy(string encoded)
    {
        if (!StrictBase64.DecodeUrl(encoded).TryGet(out byte[]? bytes, out Refusal? refusal))
        {
            return refusal;
        }

        return System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : Bad("not UTF-8");
    }

    private static KbsError ResourceError(Refusal refusal) => StatusOf(refusal, "PluginInternalError", "Plugin internal error: " + refusal.Detail);

    // These endpoints are ours, so they answer with the statuses of HTTP.
    private static KbsError StatusOf(Refusal refusal, string type, string detail) => new(
        refusal.Code switch
        {
            RefusalCode.NotFound => StatusCodes.Status404NotFound,
            RefusalCode.Conflict => StatusCodes.Status409Conflict,
            RefusalCode.TooLarge => StatusCodes.Status413PayloadTooLarge,
            RefusalCode.Unsupported => StatusCodes.Status501NotImplemented,
            _ => StatusCodes.Status400BadRequest,
        },
        type,
        detail);

    private static string? Short(string? text) => text is { Length: > 256 } ? text[..256] : text;

    private static Refusal Bad(string what) => new(RefusalCode.Malformed, what);

    private static partial class Log
    {
        [LoggerMessage(5030, LogLevel.Information, "{Method} {Path} refused to an administrator: {Cause} (request {RequestId})")]
        public static partial void Refused(ILogger logger, string method, string path, string cause, string requestId);

        [LoggerMessage(5031, LogLevel.Information, "{Who}: {Method} {Path}: {Outcome} (request {RequestId})")]
        public static partial void Done(ILogger logger, string who, string method, string path, string outcome, string requestId);
    }
}
