// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>An error as the protocol words it (kbs.md 3.3): what leaves the service. The cause is in the log and the audit chain only.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Type">Last part of the type URI.</param>
/// <param name="Detail">One of the protocol's sentences.</param>
internal sealed record KbsError(int Status, string Type, string Detail)
{
    /// <summary>What type URIs begin with.</summary>
    public const string TypePrefix = "https://github.com/confidential-containers/kbs/errors/";

    public static readonly KbsError AttestFailed = new(401, "AttestationError", "Attestation error: RCAR handshake Attest failed");
    public static readonly KbsError SetAttestationPolicyFailed = new(401, "AttestationError", "Attestation error: Set Attestation Policy failed");
    public static readonly KbsError TokenNotFound = new(401, "TokenNotFound", "Attestation Token not found");
    public static readonly KbsError TokenVerifierFailed = new(401, "TokenVerifierError", "Token Verifier error");
    public static readonly KbsError PolicyDenied = new(401, "PolicyDeny", "Access denied by policy");
    public static readonly KbsError PluginFailed = new(401, "PluginInternalError", "Plugin internal error");
    public static readonly KbsError JweFailed = new(401, "JweError", "JWE failed");
    public static readonly KbsError DeserializeFailed = Auth("deserialize Request");
    public static readonly KbsError ChallengeFailed = Auth("Attestation Service generate challenge failed");
    public static readonly KbsError VersionNotParsed = Auth("failed to parse KBS version");

    public static KbsError Auth(string cause) => new(401, "AttestationError", "Attestation error: RCAR handshake Auth failed: " + cause);

    public static KbsError VersionMismatch(string expected, string requested) =>
        Auth($"KBS Client Protocol Version Mismatch: expect ={expected} while the request is {requested}");

    public static KbsError PluginNotFound(string name) => new(404, "PluginNotFound", $"Plugin {name} not found");

    public static KbsError AdminOfEndpoint(string endpoint, string reason) => new(401, "AdminAuthAccess", $"admin access denied for endpoint {endpoint}: {reason}");

    public static KbsError AdminOfPlugin(string reason) => new(401, "AdminAuthInitialization", "failed to initialize [admin] configuration: " + reason);

    public static KbsError ParsePolicy(string cause) => new(401, "ParsePolicyError", "Failed to parse policy: " + cause);

    public static KbsError PolicyEngine(string cause) => new(401, "PolicyEngineError", "Policy engine error: " + cause);

    public static KbsError Rvps(string cause) => new(401, "RvpsError", "RVPS configuration failed: " + cause);
}
