// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Protocol;
using Coco.Verifiers;

namespace Coco.Cli.EvidenceCommands;

/// <summary>What the evidence commands know of one TEE. A new TEE is one implementation and one line in <see cref="EvidenceFormats"/>.</summary>
internal interface IEvidenceFormat
{
    /// <summary>The TEE.</summary>
    TeeType Tee { get; }

    /// <summary>Whether a file looks like evidence of it: by its members or its first bytes, not by being valid.</summary>
    bool Recognizes(EvidenceFile file);

    /// <summary>The evidence as its attester would send it; raw reports get their certificates from the collateral that was given.</summary>
    Result<JsonElement> ToEvidence(EvidenceFile file, EvidenceInputs inputs);

    /// <summary>A verifier set up as the command line says.</summary>
    IVerifier CreateVerifier(EvidenceInputs inputs);

    /// <summary>The check that <see cref="ToEvidence"/> makes, for the report of a refusal.</summary>
    string FormatCheck => Tee.ToWireName() + ".format";

    /// <summary>The collateral that judging it needs, by name; empty when it needs none, or all of it comes along.</summary>
    Result<ImmutableArray<CollateralKey>> CollateralOf(EvidenceFile file) => ImmutableArray<CollateralKey>.Empty;

    /// <summary>All fields, with the names of the vendor's document.</summary>
    Result<ShownNode> Show(EvidenceFile file);
}
