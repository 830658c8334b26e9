// SPDX-License-Identifier: Apache-2.0
namespace Coco.Protocol;

/// <summary>How a configuration file is written.</summary>
public enum ConfigSyntax
{
    /// <summary>TOML 1.0.</summary>
    Toml,

    /// <summary>JSON.</summary>
    Json,

    /// <summary>YAML 1.2 without tags, anchors and aliases; one document.</summary>
    Yaml,
}
