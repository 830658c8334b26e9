// SPDX-License-Identifier: Apache-2.0
using Tomlyn;
using Tomlyn.Model;
using Tomlyn.Serialization;

namespace Coco.Protocol;

/// <summary>Reads untyped tables without reflection.</summary>
[TomlSourceGenerationOptions(DuplicateKeyHandling = TomlDuplicateKeyHandling.Error, MaxDepth = 66)]
[TomlSerializable(typeof(TomlTable))]
internal sealed partial class TomlTableContext : TomlSerializerContext;
