// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Coco.Tee.Cca;

namespace Coco.Verifiers.Cca;

/// <summary>The cryptographic checks of a CCA token: platform signature, realm signature, and the digest that ties the realm's key to the platform.</summary>
/// <remarks>Source: tee-evidence.md 8.2, steps 2 to 4.</remarks>
public static class CcaTokenCheck
{
    /// <summary>Runs the checks; null when all hold.</summary>
    /// <param name="token">The token.</param>
    /// <param name="anchors">Keys of the platforms.</param>
    /// <param name="record">Gets the checks; null when nobody asks.</param>
    public static Refusal? Check(CcaToken token, CcaTrustAnchorStore anchors, VerificationRecord? record)
    {
        ArgumentNullException.ThrowIfNull(token);
        ArgumentNullException.ThrowIfNull(anchors);
        CcaTrustAnchor? anchor = anchors.Find(token.PlatformClaims.InstanceId.Span);
        Refusal? unknown = anchor is null
            ? new Refusal(RefusalCode.Untrusted, $"no trust anchor has the instance id {Convert.ToHexStringLower(token.PlatformClaims.InstanceId.Span)}")
            : anchor.ImplementationId.Span.SequenceEqual(token.PlatformClaims.ImplementationId.Span)
                ? null
                : new Refusal(RefusalCode.Untrusted, "the trust anchor is of another implementation id than the token");
        return record.Note("cca.trust-anchor", unknown)
            ?? record.Note("cca.platform-signature", CheckSignature(token.Platform, anchor!.Key))
            ?? record.Note("cca.realm-signature", CheckRealm(token))
            ?? record.Note("cca.realm-binding", CheckBinding(token));
    }

    private static Refusal? CheckRealm(CcaToken token)
    {
        CoseKey rak = token.RealmClaims.PublicKey;
        string curve = rak.Curve switch { 1 => "P-256", 2 => "P-384", _ => "P-521" };
        if (!VerificationKey.FromJwk(Jwk.FromPoint(curve, rak.X.Span, rak.Y.Span, null)).TryGet(out VerificationKey? key, out Refusal? refusal))
        {
            return refusal.Within("realm attestation key");
        }

        using (key)
        {
            return CheckSignature(token.Realm, key);
        }
    }

    /// <summary>The platform's challenge is the digest of the realm's key, as the claim's own bytes.</summary>
    private static Refusal? CheckBinding(CcaToken token)
    {
        ReadOnlySpan<byte> key = token.RealmClaims.PublicKeyBytes.Span;
        byte[] digest = token.RealmClaims.PublicKeyHashAlgorithm == "sha-256" ? SHA256.HashData(key) : SHA512.HashData(key);
        return CryptographicOperations.FixedTimeEquals(digest, token.PlatformClaims.Challenge.Span)
            ? null
            : new Refusal(RefusalCode.Mismatch, "RAK signature or RAK attestation could not be verified: the platform's challenge is not the digest of the realm's key");
    }

    private static Refusal? CheckSignature(CoseSign1 message, VerificationKey key)
    {
        JwsAlgorithms algorithm = message.Algorithm switch
        {
            CoseSign1.Es256 => JwsAlgorithms.ES256,
            CoseSign1.Es384 => JwsAlgorithms.ES384,
            CoseSign1.Es512 => JwsAlgorithms.ES512,
            CoseSign1.EdDsa => JwsAlgorithms.EdDSA,
            _ => JwsAlgorithms.None,
        };
        if (algorithm == JwsAlgorithms.None)
        {
            return new Refusal(RefusalCode.Unsupported, $"COSE algorithm {message.Algorithm} is not accepted");
        }

        return key.Verify(algorithm, message.SignedBytes(), message.Signature.Span)
            ? null
            : new Refusal(RefusalCode.BadSignature, "RAK signature or RAK attestation could not be verified: the COSE signature is wrong");
    }
}
