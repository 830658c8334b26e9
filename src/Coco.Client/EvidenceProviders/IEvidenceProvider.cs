// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Client;

/// <summary>Obtains evidence for a handshake: from hardware, from a local agent, or from a simulator. Thread-safe.</summary>
public interface IEvidenceProvider
{
    /// <summary>The TEE that the evidence is of.</summary>
    TeeType Tee { get; }

    /// <summary>Evidence whose report data is bound to the request.</summary>
    ValueTask<JsonElement> GetEvidenceAsync(EvidenceRequest request, CancellationToken ct);
}

/// <summary>What evidence must be bound to.</summary>
/// <param name="ReportData">Digest of the runtime data, in the negotiated hash.</param>
/// <param name="RuntimeData">The structured runtime data that was hashed (kbs.md 2.6).</param>
/// <param name="InitDataDigest">Digest of the init-data; empty when there is none.</param>
public sealed record EvidenceRequest(ReadOnlyMemory<byte> ReportData, JsonObject RuntimeData, ReadOnlyMemory<byte> InitDataDigest);
