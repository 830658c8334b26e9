// SPDX-License-Identifier: Apache-2.0
using Coco.Storage;

namespace Coco.KeyBroker;

/// <summary>Another store for sessions only (<c>session_storage_type</c>). Without one they are kept with everything else.</summary>
public interface ISessionStoreProvider
{
    /// <summary>The store.</summary>
    IStoreProvider Provider { get; }
}
