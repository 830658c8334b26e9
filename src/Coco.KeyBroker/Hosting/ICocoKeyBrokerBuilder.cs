// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.DependencyInjection;

namespace Coco.KeyBroker;

/// <summary>Adds features to a key broker. Extension methods hang on it.</summary>
public interface ICocoKeyBrokerBuilder
{
    /// <summary>The host's services.</summary>
    IServiceCollection Services { get; }
}
