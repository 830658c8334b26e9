// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers.Intel;

/// <summary>A source of collateral over a file on disk (<c>collateral_service: "file://…"</c>). Read again when its modification time changes. Thread-safe.</summary>
/// <param name="path">The file; its forms are those of <see cref="IntelCollateralFile"/>.</param>
public sealed class IntelCollateralFileSource(string path) : ICollateralSource, ICollateralProvider
{
    private readonly Lock _lock = new();
    private DateTime _readAt;
    private Result<IntelCollateralFile>? _file;

    /// <inheritdoc/>
    public string Name => "intel-collateral-file";

    /// <inheritdoc/>
    public bool Serves(string kind) =>
        kind is CollateralKinds.IntelTcbInfo or CollateralKinds.IntelQeIdentity or CollateralKinds.IntelPckCrl or CollateralKinds.IntelRootCrl;

    /// <inheritdoc/>
    public ValueTask<Result<CollateralItem>> GetAsync(CollateralKey key, CancellationToken ct) => FetchAsync(key, ct);

    /// <inheritdoc/>
    public ValueTask<Result<CollateralItem>> FetchAsync(CollateralKey key, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(key);
        try
        {
            return Current().TryGet(out IntelCollateralFile? file, out Refusal? refusal) ? file.GetAsync(key, ct) : new(refusal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CollateralUnavailableException(key, $"the file of Intel collateral cannot be read: {e.Message}", e);
        }
    }

    private Result<IntelCollateralFile> Current()
    {
        DateTime changed = File.GetLastWriteTimeUtc(path);
        lock (_lock)
        {
            if (_file is { } known && _readAt == changed)
            {
                return known;
            }

            long length = new FileInfo(path).Length;
            Result<IntelCollateralFile> file = length > IntelCollateralFile.MaxLength
                ? new Refusal(RefusalCode.TooLarge, $"the file of Intel collateral has {length} bytes, more than {IntelCollateralFile.MaxLength}")
                : IntelCollateralFile.Parse(File.ReadAllBytes(path));
            _file = file;
            _readAt = changed;
            return file;
        }
    }
}
