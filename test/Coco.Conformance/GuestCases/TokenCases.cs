// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.KeyBroker;
using Coco.Protocol;

namespace Coco.Conformance.GuestCases;

/// <summary>Attestation tokens, the endorsement of their keys, and what an agent hands out.</summary>
public sealed class TokenCases : IGuestCaseJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["attestation-token", "jwk-endorsement", "aa-token"];

    /// <inheritdoc/>
    public Task<CaseVerdict> JudgeAsync(GuestCase one, CancellationToken ct) => one.Kind switch
    {
        "attestation-token" => TokenAsync(one, ct),
        "jwk-endorsement" => Task.FromResult(Endorsement(one)),
        _ => Task.FromResult(Agent(one)),
    };

    private static DateTimeOffset Now(GuestCase one) => DateTimeOffset.FromUnixTimeSeconds(one.Params.GetProperty("now").GetInt64());

    private static ImmutableArray<X509Certificate2> Trusted(GuestCase one)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPem(one.Text("trusted_certs"));
        return [.. all];
    }

    private static async Task<CaseVerdict> TokenAsync(GuestCase one, CancellationToken ct)
    {
        var options = new KeyBrokerOptions();
        switch (one.Param("trust"))
        {
            case "certs":
                options.TokenTrust.TrustedCertificates = Trusted(one);
                break;
            case "jwks":
                options.TokenTrust.TrustedJwkSets = [one.PathOf("jwks")];
                break;
            case "header-jwk":
                options.TokenTrust.InsecureHeaderJwk = true;
                break;
            case string other:
                throw new FormatException("unknown trust " + other);
            default:
                throw new FormatException("no trust");
        }

        var verifier = new TokenVerifier(options, new NoAttestationService(), new FixedClock(Now(one)));
        string compact = one.Text("token").TrimEnd('\n');
        if (!(await verifier.VerifyAsync(new AttestationToken(compact), ct).ConfigureAwait(false)).TryGet(out VerifiedToken? token, out Refusal? refusal))
        {
            return one.Refused(refusal);
        }

        var names = new JsonArray();
        var status = new JsonObject();
        if (token.Claims.TryGetProperty("submods", out JsonElement submods))
        {
            foreach (JsonProperty submod in submods.EnumerateObject())
            {
                names.Add((JsonNode)submod.Name);
                status[submod.Name] = submod.Value.GetProperty("ear.status").GetString();
            }
        }

        JsonNode? key = token.Key?.GetRecipient((JweAlgorithms)~0).TryGet(out JweRecipient? recipient, out _) == true ? recipient.PublicJwk.ToJson() : null;
        return one.Accepted(
            one.Compare("exp", token.ExpiresAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)),
            one.CompareJson("tee_pubkey", key),
            one.CompareJson("submods", names),
            one.CompareJson("status", status));
    }

    private static CaseVerdict Endorsement(GuestCase one)
    {
        if (!HostileJson.ParseObject(one.Bytes("jwk")).TryGet(out JsonElement json, out Refusal? refusal)
            || !Jwk.Parse(json).TryGet(out Jwk? jwk, out refusal)
            || !JwkEndorsement.Check(jwk, Trusted(one), Now(one)).TryGet(out _, out refusal))
        {
            return one.Refused(refusal);
        }

        return one.Accepted();
    }

    private static CaseVerdict Agent(GuestCase one)
    {
        if (!AgentToken.Parse(one.Bytes("aa_token")).TryGet(out AgentToken? token, out Refusal? refusal))
        {
            return one.Refused(refusal);
        }

        using (token)
        {
            return one.Accepted(
                one.Compare("token_sha256", Hex.Encode(DigestAlgorithm.Sha256.Compute(Encoding.ASCII.GetBytes(token.Token.Compact)))),
                one.Compare("exp", token.ExpiresAt?.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)),
                one.CompareJson("tee_pubkey", token.Key.PublicJwk.ToJson()));
        }
    }
}
