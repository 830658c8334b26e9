// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Coco.ReferenceValues.Extractors;
using Coco.ReferenceValues.Signatures;

namespace Coco.ReferenceValues;

/// <summary>Opens messages that come in a DSSE envelope, and knows the configured signers.</summary>
internal sealed class SignedMessages
{
    /// <summary>The payload type of a wrapped message.</summary>
    internal const string PayloadType = "application/vnd.coco.rvps-message+json";

    public SignedMessages(ImmutableArray<string> trustedSigners) => Keys = LoadKeys(trustedSigners);

    /// <summary>The configured keys.</summary>
    public ImmutableArray<SignerKey> Keys { get; }

    /// <summary>Reads the configured keys.</summary>
    /// <exception cref="ArgumentException">One of them cannot be read: a mistake in the configuration.</exception>
    public static ImmutableArray<SignerKey> LoadKeys(ImmutableArray<string> pems)
    {
        var keys = ImmutableArray.CreateBuilder<SignerKey>(pems.Length);
        foreach (string pem in pems)
        {
            keys.Add(SignerKey.ParsePem(pem).TryGet(out SignerKey? key, out Refusal? why)
                ? key
                : throw new ArgumentException($"trusted signer: {why.Detail}", nameof(pems)));
        }

        return keys.DrainToImmutable();
    }

    /// <summary>The inner message and who signed it; a message without an envelope is given as it is, signed by nobody.</summary>
    public Result<OpenedMessage> Open(string text)
    {
        if (text.Length > ReferenceValueMessage.MaxBytes || !text.Contains("payloadType", StringComparison.Ordinal))
        {
            return new OpenedMessage(text, []);
        }

        if (!Payloads.ParseJson(Encoding.UTF8.GetBytes(text), "message").TryGet(out JsonElement root, out Refusal? why))
        {
            return why;
        }

        if (!DsseEnvelope.Looks(root))
        {
            return new OpenedMessage(text, []);
        }

        if (!DsseEnvelope.Parse(root).TryGet(out DsseEnvelope? envelope, out why))
        {
            return why;
        }

        if (envelope.PayloadType != PayloadType)
        {
            return new Refusal(RefusalCode.Unsupported, $"a wrapped message has the payload type {PayloadType}, found '{envelope.PayloadType}'");
        }

        ImmutableArray<string> signers = envelope.VerifiedBy(Keys);
        return signers.IsEmpty
            ? new Refusal(RefusalCode.BadSignature, "no trusted signer signed the wrapped message")
            : new OpenedMessage(Encoding.UTF8.GetString(envelope.Payload.Span), signers);
    }
}

/// <summary>A message without its envelope.</summary>
/// <param name="Text">The JSON text of rvps.md 3.</param>
/// <param name="Signers">Whose signatures over it were verified.</param>
internal sealed record OpenedMessage(string Text, ImmutableArray<string> Signers);
