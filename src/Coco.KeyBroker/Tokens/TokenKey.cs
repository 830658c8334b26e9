// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.KeyBroker;

/// <summary>The guest's key in a verified token; imported with its first use and then kept. Thread-safe.</summary>
internal sealed class TokenKey(JsonElement claim)
{
    private Imported? _imported;

    /// <summary>Whether answers to the key would use PKCS #1 v1.5, which guests of 0.1.x have.</summary>
    public bool IsRsa15 { get; } = claim.ValueKind == JsonValueKind.Object
        && claim.TryGetProperty("alg", out JsonElement alg) && alg.ValueKind == JsonValueKind.String && alg.ValueEquals("RSA1_5"u8);

    /// <summary>The key to encrypt to, or why it cannot be one.</summary>
    public Result<JweRecipient> GetRecipient(JweAlgorithms allowed)
    {
        Imported? imported = Volatile.Read(ref _imported);
        if (imported is null || imported.Allowed != allowed)
        {
            // Of two threads at once both import; the object that loses is left to its finalizer.
            imported = new Imported(allowed, Import(allowed));
            Volatile.Write(ref _imported, imported);
        }

        return imported.Recipient;
    }

    private Result<JweRecipient> Import(JweAlgorithms allowed) =>
        Jwk.Parse(claim).TryGet(out Jwk? jwk, out Refusal? refusal) ? JweRecipient.Create(jwk, allowed) : refusal;

    private sealed record Imported(JweAlgorithms Allowed, Result<JweRecipient> Recipient);
}
