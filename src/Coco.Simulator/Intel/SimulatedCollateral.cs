// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;

namespace Coco.Simulator.Intel;

/// <summary>Collateral of a simulated vendor, each piece as its service sends it.</summary>
/// <param name="TcbInfo">Signed TCB info, JSON.</param>
/// <param name="QeIdentity">Signed QE identity, JSON.</param>
/// <param name="SignerChain">Chain of both statements: signer, root; PEM.</param>
/// <param name="PckCrl">List of the platform's CA, DER.</param>
/// <param name="PckCrlChain">Chain of that list: CA, root; PEM.</param>
/// <param name="RootCrl">List of the root, DER.</param>
public sealed record SimulatedCollateral(string TcbInfo, string QeIdentity, string SignerChain, byte[] PckCrl, string PckCrlChain, byte[] RootCrl)
{
    /// <summary>The same as one object (tee-evidence.md 3.6, single-object form).</summary>
    public JsonObject ToSingleObject()
    {
        (string tcbText, string tcbSignature) = Split(TcbInfo, "tcbInfo");
        (string qeText, string qeSignature) = Split(QeIdentity, "enclaveIdentity");
        return new JsonObject
        {
            ["pck_crl_issuer_chain"] = PckCrlChain,
            ["root_ca_crl"] = Convert.ToHexStringLower(RootCrl),
            ["pck_crl"] = Convert.ToHexStringLower(PckCrl),
            ["tcb_info_issuer_chain"] = SignerChain,
            ["tcb_info"] = tcbText,
            ["tcb_info_signature"] = tcbSignature,
            ["qe_identity_issuer_chain"] = SignerChain,
            ["qe_identity"] = qeText,
            ["qe_identity_signature"] = qeSignature,
        };
    }

    private static (string Text, string Signature) Split(string document, string member)
    {
        JsonNode json = JsonNode.Parse(document)!;
        return (json[member]!.ToJsonString(), json["signature"]!.GetValue<string>());
    }
}
