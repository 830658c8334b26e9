// SPDX-License-Identifier: Apache-2.0
namespace Coco.Storage.Tests;

public sealed class MemoryStoreTests : StoreContract
{
    protected override ValueTask<IStoreProvider> CreateAsync() => new(new MemoryStoreProvider(Time));

    protected override ValueTask DestroyAsync(IStoreProvider provider) => default;
}
