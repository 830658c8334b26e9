// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>What of the outside world a policy may reach. Functions that need what is not granted do not exist for the compiler.</summary>
[Flags]
public enum RegoGrants
{
    /// <summary>Nothing: evaluation is a pure function of policy, input and data.</summary>
    None = 0,

    /// <summary>The time: <c>time.now_ns</c>. One instant per evaluation.</summary>
    Clock = 1,

    /// <summary>Random numbers: <c>rand.intn</c>, <c>uuid.rfc4122</c>. Equal arguments give equal results within an evaluation.</summary>
    Random = 2,

    /// <summary>Name resolution: <c>net.lookup_ip_addr</c>.</summary>
    NameResolution = 4,

    /// <summary>Requests: <c>http.send</c>.</summary>
    Http = 8,

    /// <summary>What the host says of itself: <c>opa.runtime</c>.</summary>
    Runtime = 16,

    /// <summary>All of them.</summary>
    All = Clock | Random | NameResolution | Http | Runtime,
}
