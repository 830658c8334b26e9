// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>Which syntax a module is written in. A module that has <c>import rego.v1</c> is always v1.</summary>
public enum RegoVersion
{
    /// <summary>v1; a module that only parses as v0 is taken as v0.</summary>
    V1OrV0,

    /// <summary>v1 only.</summary>
    V1,

    /// <summary>v0.</summary>
    V0,
}
