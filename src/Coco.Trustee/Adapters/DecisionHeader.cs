// SPDX-License-Identifier: Apache-2.0
namespace Coco.Trustee;

/// <summary>Shows guest and host the id of an appraisal, and nothing else of it; an administrator asks what stands behind it.</summary>
internal static class DecisionHeader
{
    private static readonly HttpContextAccessor Accessor = new();

    /// <summary>Puts the id into the answer to the request that is being served.</summary>
    public static void Show(string id)
    {
        if (Accessor.HttpContext is { } context)
        {
            context.Response.Headers["Coco-Decision-Id"] = id;
        }
    }
}
