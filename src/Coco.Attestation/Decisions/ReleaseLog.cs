// SPDX-License-Identifier: Apache-2.0
using Coco.Attestation.Decisions;

namespace Coco.Attestation;

/// <summary>Takes a key broker's decisions about releases, so that they are explained like appraisals. A singleton; thread-safe.</summary>
public sealed class ReleaseLog
{
    private readonly DecisionLog _log;

    internal ReleaseLog(DecisionLog log) => _log = log;

    /// <summary>Queues the record and gives the decision's id. When more comes than can be stored, the record is lost and counted; the id is given all the same.</summary>
    public string Record(ReleaseDecision decision) => _log.Record(decision);
}
