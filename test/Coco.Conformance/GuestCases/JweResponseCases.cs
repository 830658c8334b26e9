// SPDX-License-Identifier: Apache-2.0
namespace Coco.Conformance.GuestCases;

/// <summary>Answers of a key broker, opened with the guest's key.</summary>
public sealed class JweResponseCases : IGuestCaseJudge
{
    // A guest knows all algorithms that its own key can have.
    private const JweAlgorithms Allowed = JweAlgorithms.KeyBroker | JweAlgorithms.Rsa15 | JweAlgorithms.MlKem768A192Kw;

    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["jwe-response"];

    /// <inheritdoc/>
    public Task<CaseVerdict> JudgeAsync(GuestCase one, CancellationToken ct) => Task.FromResult(Judge(one));

    private static CaseVerdict Judge(GuestCase one)
    {
        bool sha1 = one.Param("option") switch
        {
            null => false,
            "oaep-sha1-fallback" => true,
            string other => throw new FormatException("unknown option " + other),
        };
        using JweDecryptionKey key = one.HasFile("private_seed")
            ? JweDecryptionKey.FromMlKemSeed(one.Bytes("private_seed"))
            : JweDecryptionKey.FromPem(one.Text("private_key")).Require();
        byte[] body = one.Bytes("jwe");
        bool legacy = one.Param("profile") switch
        {
            "current" => false,
            "legacy-0.1.0" => true,
            string other => throw new FormatException("unknown profile " + other),
            null => throw new FormatException("no profile"),
        };
        if (!(legacy ? JweMessage.ParseLegacy(body) : JweMessage.ParseFlattened(body)).TryGet(out JweMessage? message, out Refusal? refusal)
            || !key.Decrypt(message, Allowed, sha1).TryGet(out Secret? plaintext, out refusal))
        {
            return one.Refused(refusal);
        }

        using (plaintext)
        {
            return one.Accepted(one.Compare("plaintext_b64", StrictBase64.EncodeStandard(plaintext.Reveal())));
        }
    }
}
