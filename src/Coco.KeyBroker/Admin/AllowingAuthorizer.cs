// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>Allows everything to everybody who was authenticated.</summary>
internal sealed class AllowingAuthorizer : IAdminAuthorizer
{
    public string Type => "allow-all";

    public Refusal? Authorize(AdminIdentity who, string method, string path) => null;
}
