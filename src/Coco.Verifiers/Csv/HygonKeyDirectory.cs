// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers.Csv;

/// <summary>HSK and CEK of chips in directories, laid out as the reference does: <c>{csv}/{serial}/hsk_cek.cert</c>, <c>{dcu}/{chip id}_hsk_cek.cert</c>.</summary>
/// <param name="csvDirectory">Directory for CSV, for example <c>/opt/hygon/csv/hsk_cek</c>.</param>
/// <param name="dcuDirectory">Directory for DCU, for example <c>/opt/dcu/certs</c>.</param>
/// <remarks>Source: tee-evidence.md 9.1, 9.3.</remarks>
public sealed class HygonKeyDirectory(string csvDirectory, string dcuDirectory) : ICollateralSource
{
    private const int Size = 2916;

    /// <inheritdoc/>
    public string Name => "hygon-key-directory";

    /// <inheritdoc/>
    public bool Serves(string kind) => kind == CollateralKinds.HygonHskCek;

    /// <inheritdoc/>
    public async ValueTask<Result<CollateralItem>> FetchAsync(CollateralKey key, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(key);
        string[] parts = key.Id.Split('/');
        if (parts.Length != 2 || parts[1].Length == 0 || !parts[1].All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
        {
            return new Refusal(RefusalCode.NotFound, "no chip of this name");
        }

        string path = parts[0] == "dcu" ? Path.Combine(dcuDirectory, parts[1] + "_hsk_cek.cert") : Path.Combine(csvDirectory, parts[1], "hsk_cek.cert");
        try
        {
            if (!File.Exists(path))
            {
                return new Refusal(RefusalCode.NotFound, "the directory has no certificates of chip " + parts[1]);
            }

            byte[] body = await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false);
            return body.Length == Size
                ? new CollateralItem(body)
                : new Refusal(RefusalCode.NotFound, $"the file has {body.Length} bytes, {Size} wanted");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CollateralUnavailableException(key, "the directory cannot be read: " + e.Message, e);
        }
    }
}
