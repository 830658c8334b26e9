// SPDX-License-Identifier: Apache-2.0
namespace Coco.ReferenceValues;

public sealed partial class ReferenceValueService
{
    /// <summary>Takes a list of release manifests or SLSA statements (rvps.md 7): <c>add</c> merges, <c>refresh</c> replaces.</summary>
    public ValueTask<Refusal?> SetListAsync(string payload, ReferenceValuePublisher publisher, CancellationToken ct)
    {
        _ = payload;
        _ = publisher;
        ct.ThrowIfCancellationRequested();
        return new((Refusal?)new Refusal(RefusalCode.Unsupported, "reference value lists need a material source"));
    }
}
