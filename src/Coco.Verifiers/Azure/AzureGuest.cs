// SPDX-License-Identifier: Apache-2.0
using Coco.Tee.Azure;
using Coco.Tee.Tpm;

namespace Coco.Verifiers.Azure;

/// <summary>What an Azure guest says of itself, its quote verified; the hardware has still to vouch for it.</summary>
/// <param name="Report">The paravisor's report.</param>
/// <param name="Quote">The vTPM's quote.</param>
/// <param name="VariableDataDigest">SHA-256 of the variable data.</param>
internal sealed record AzureGuest(HclReport Report, TpmQuote Quote, byte[] VariableDataDigest);
