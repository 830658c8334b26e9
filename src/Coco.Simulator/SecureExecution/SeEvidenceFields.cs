// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco.Simulator.SecureExecution;

/// <summary>Every member of Secure Execution evidence, to be set before it is measured.</summary>
public sealed class SeEvidenceFields
{
    /// <summary>User data.</summary>
    public byte[] UserData { get; set; } = [];

    /// <summary>Additional data.</summary>
    public byte[] AdditionalData { get; set; } = [];

    /// <summary>Configuration UID.</summary>
    public byte[] Cuid { get; set; } = RandomNumberGenerator.GetBytes(16);

    /// <summary>Image tags.</summary>
    public byte[] ImageTags { get; set; } = [];

    /// <summary>The measurement key as the challenge had it.</summary>
    public byte[] EncryptedMeasurementKey { get; set; } = [];

    /// <summary>The nonce as the challenge had it.</summary>
    public byte[] EncryptedRequestNonce { get; set; } = [];

    /// <summary>Changes members, or the measurement, after it was made.</summary>
    public Action<SeEvidenceFields, byte[]>? Afterwards { get; set; }
}
