// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Csv;

/// <summary>One of the two signatures of a CSV certificate.</summary>
/// <param name="Usage">Usage of the key that signed; <see cref="HygonKeyUsage.None"/> for an empty block.</param>
/// <param name="Algorithm">4 for SM2 signatures.</param>
/// <param name="Signature">r ‖ s, 64 bytes, big-endian.</param>
public sealed record CsvSignatureBlock(HygonKeyUsage Usage, uint Algorithm, ReadOnlyMemory<byte> Signature)
{
    /// <summary>SM2 signatures with SM3.</summary>
    public const uint Sm2Signature = 4;

    /// <summary>SM2 key agreement.</summary>
    public const uint Sm2KeyAgreement = 5;
}
