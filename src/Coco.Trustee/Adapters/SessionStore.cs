// SPDX-License-Identifier: Apache-2.0
using Coco.KeyBroker;
using Coco.Storage;

namespace Coco.Trustee;

/// <summary>A store of its own for sessions.</summary>
internal sealed record SessionStore(IStoreProvider Provider) : ISessionStoreProvider;
