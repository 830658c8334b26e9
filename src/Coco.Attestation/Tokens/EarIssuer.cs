// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Attestation.Pipeline;
using Coco.Protocol;

namespace Coco.Attestation.Tokens;

/// <summary>Step 5: the EAR token (attestation-service.md 10).</summary>
internal sealed class EarIssuer(TokenSignerSource signers, AttestationOptions options, TimeProvider clock)
{
    private const int MaxKeptBuffer = 1 << 18;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? t_buffer;

    private (ITokenSigner Signer, byte[] Header)? _header;

    /// <summary>One submodule per appraisal, named by class and number.</summary>
    public async ValueTask<Result<AttestationToken>> IssueAsync(ImmutableArray<Appraisal> appraisals, CancellationToken ct)
    {
        TokenOptions token = options.Token;
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        if (appraisals.IsEmpty || token.Profile.Length == 0 || token.Build.Length == 0 || token.Developer.Length == 0 || now == 0)
        {
            return new Refusal(RefusalCode.Malformed, "a token needs a profile, a build, a developer, a time and at least one submodule");
        }

        ITokenSigner signer = await signers.GetAsync(ct).ConfigureAwait(false);
        if (_header is not { } header || !ReferenceEquals(header.Signer, signer))
        {
            _header = header = (signer, Jwt.EncodeHeader(signer, withKey: true));
        }

        return await Jwt.SignAsync(signer, header.Header, Payload(appraisals, token, now), ct).ConfigureAwait(false);
    }

    // Valid on this thread until the next payload; signing copies it before it waits for anything.
    private ReadOnlyMemory<byte> Payload(ImmutableArray<Appraisal> appraisals, TokenOptions token, long now)
    {
        ArrayBufferWriter<byte> buffer = t_buffer is { Capacity: <= MaxKeptBuffer } kept ? kept : t_buffer = new ArrayBufferWriter<byte>(8192);
        buffer.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(buffer, SortedJson.Options))
        {
            json.WriteStartObject();
            json.WriteString("eat_profile"u8, token.Profile);
            json.WriteNumber("iat"u8, now);
            json.WriteStartObject("ear.verifier-id"u8);
            json.WriteString("developer"u8, token.Developer);
            json.WriteString("build"u8, token.Build);
            json.WriteEndObject();
            json.WriteStartObject("submods"u8);
            foreach ((string name, Appraisal appraisal) in Name(appraisals))
            {
                json.WritePropertyName(name);
                WriteSubmodule(json, appraisal);
            }

            json.WriteEndObject();
            if (options.InsecureSimulatedTee)
            {
                json.WriteBoolean("coco.insecure_simulated_tee"u8, true);
            }

            json.WriteNumber("exp"u8, now + (long)token.Duration.TotalSeconds);
            json.WriteString("iss"u8, token.Issuer);
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    /// <summary><c>&lt;class&gt;&lt;n&gt;</c>, counted from 0 per class, sorted.</summary>
    internal static SortedDictionary<string, Appraisal> Name(ImmutableArray<Appraisal> appraisals)
    {
        var next = new Dictionary<string, int>(StringComparer.Ordinal);
        var named = new SortedDictionary<string, Appraisal>(StringComparer.Ordinal);
        foreach (Appraisal appraisal in appraisals)
        {
            int n = next.GetValueOrDefault(appraisal.TeeClass);
            next[appraisal.TeeClass] = n + 1;
            named[appraisal.TeeClass + n.ToString(CultureInfo.InvariantCulture)] = appraisal;
        }

        return named;
    }

    private static void WriteSubmodule(Utf8JsonWriter json, Appraisal appraisal)
    {
        json.WriteStartObject();
        json.WriteString("ear.status"u8, appraisal.Vector.Status.ToWireName());
        json.WriteStartObject("ear.trustworthiness-vector"u8);
        foreach ((string claim, sbyte value) in appraisal.Vector.Claims())
        {
            json.WriteNumber(claim, value);
        }

        json.WriteEndObject();
        json.WriteString("ear.appraisal-policy-id"u8, appraisal.Policy.RequestedId);
        json.WritePropertyName("ear.veraison.annotated-evidence"u8);
        SortedJson.Write(json, appraisal.Claims);
        foreach ((string name, JsonNode value) in appraisal.Extensions)
        {
            json.WritePropertyName(name);
            SortedJson.Write(json, value);
        }

        json.WriteEndObject();
    }
}
