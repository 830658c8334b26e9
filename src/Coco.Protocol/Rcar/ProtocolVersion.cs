// SPDX-License-Identifier: Apache-2.0
namespace Coco.Protocol;

/// <summary>The versions of the handshake (kbs.md 2.8), in order. The values are sealed into session cookies.</summary>
public enum ProtocolVersion : byte
{
    /// <summary>0.1.0: clients 0.5 to 0.9.</summary>
    V0_1_0 = 1,

    /// <summary>0.1.1: clients 0.10 and 0.11.</summary>
    V0_1_1 = 2,

    /// <summary>0.2.0: clients 0.12 and 0.13.</summary>
    V0_2_0 = 3,

    /// <summary>0.3.0: never released.</summary>
    V0_3_0 = 4,

    /// <summary>0.4.0: clients from 0.14 on.</summary>
    V0_4_0 = 5,
}
