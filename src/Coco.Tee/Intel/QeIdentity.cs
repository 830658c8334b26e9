// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;

namespace Coco.Tee.Intel;

/// <summary>Who the quoting enclave has to be, and what its versions mean (version 2 of the document).</summary>
/// <remarks>Source: Intel PCS API version 4, enclave identity model; tee-evidence.md 3.5.</remarks>
public sealed class QeIdentity
{
    /// <summary>Name of the signed member.</summary>
    public const string Member = "enclaveIdentity";

    private QeIdentity()
    {
    }

    /// <summary><c>QE</c>, <c>TD_QE</c> or <c>QVE</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Time of issue (UTC).</summary>
    public DateTimeOffset IssueDate { get; private init; }

    /// <summary>Time of the next issue (UTC).</summary>
    public DateTimeOffset NextUpdate { get; private init; }

    /// <summary>Number of the evaluation that it came from.</summary>
    public int EvaluationDataNumber { get; private init; }

    /// <summary>MISCSELECT (4 bytes, in the order of the text).</summary>
    public ReadOnlyMemory<byte> MiscSelect { get; private init; }

    /// <summary>Which bits of MISCSELECT count (4 bytes).</summary>
    public ReadOnlyMemory<byte> MiscSelectMask { get; private init; }

    /// <summary>ATTRIBUTES (16 bytes).</summary>
    public ReadOnlyMemory<byte> Attributes { get; private init; }

    /// <summary>Which bits of ATTRIBUTES count (16 bytes).</summary>
    public ReadOnlyMemory<byte> AttributesMask { get; private init; }

    /// <summary>MRSIGNER (32 bytes).</summary>
    public ReadOnlyMemory<byte> MrSigner { get; private init; }

    /// <summary>ISVPRODID.</summary>
    public int IsvProdId { get; private init; }

    /// <summary>The levels, highest ISVSVN first.</summary>
    public ImmutableArray<SvnLevel> Levels { get; private init; }

    /// <summary>Reads the signed member.</summary>
    public static Result<QeIdentity> Parse(SignedCollateral document)
    {
        ArgumentNullException.ThrowIfNull(document);
        JsonElement json = document.Value;
        if (!CollateralJson.Number(json, "version", int.MaxValue).TryGet(out int version, out Refusal? refusal))
        {
            return refusal;
        }

        if (version != 2)
        {
            return new Refusal(RefusalCode.Unsupported, $"enclave identity version {version} is not supported") { Field = "version" };
        }

        if (!CollateralJson.Text(json, "id").TryGet(out string? id, out refusal)
            || !CollateralJson.Date(json, "issueDate").TryGet(out DateTimeOffset issued, out refusal)
            || !CollateralJson.Date(json, "nextUpdate").TryGet(out DateTimeOffset next, out refusal)
            || !CollateralJson.Number(json, "tcbEvaluationDataNumber", int.MaxValue).TryGet(out int evaluation, out refusal)
            || !CollateralJson.Hex(json, "miscselect", 4).TryGet(out byte[]? misc, out refusal)
            || !CollateralJson.Hex(json, "miscselectMask", 4).TryGet(out byte[]? miscMask, out refusal)
            || !CollateralJson.Hex(json, "attributes", 16).TryGet(out byte[]? attributes, out refusal)
            || !CollateralJson.Hex(json, "attributesMask", 16).TryGet(out byte[]? attributesMask, out refusal)
            || !CollateralJson.Hex(json, "mrsigner", 32).TryGet(out byte[]? signer, out refusal)
            || !CollateralJson.Number(json, "isvprodid", ushort.MaxValue).TryGet(out int product, out refusal)
            || !TcbLevelJson.SvnLevels(json, TcbLevelJson.OfQuotingEnclave).TryGet(out ImmutableArray<SvnLevel> levels, out refusal))
        {
            return refusal;
        }

        return new QeIdentity
        {
            Id = id,
            IssueDate = issued,
            NextUpdate = next,
            EvaluationDataNumber = evaluation,
            MiscSelect = misc,
            MiscSelectMask = miscMask,
            Attributes = attributes,
            AttributesMask = attributesMask,
            MrSigner = signer,
            IsvProdId = product,
            Levels = levels,
        };
    }
}
