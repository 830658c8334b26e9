// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>Lets administrators pass: who is it, and may it do that. The one place where both are asked.</summary>
internal sealed class AdminGuard(IAdminAuthenticator authenticator, IAdminAuthorizer authorizer)
{
    /// <summary>The identity, or the refusal with the protocol's text as detail and the cause for the log as check.</summary>
    public async ValueTask<Result<AdminIdentity>> CheckAsync(BrokerCall call)
    {
        if (!(await authenticator.AuthenticateAsync(call.Http.Request, call.Cancelled)).TryGet(out AdminIdentity? who, out Refusal? refusal))
        {
            return refusal;
        }

        return authorizer.Authorize(who, call.Method, call.Target.DecodedPath) is { } no
            ? new Refusal(RefusalCode.Forbidden, $"Admin access denied: Role {who.Role} not allowed for path {call.Target.Raw}") { Check = no.Detail }
            : who;
    }
}
