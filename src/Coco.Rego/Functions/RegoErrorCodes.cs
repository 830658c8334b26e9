// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>The codes of errors, in the words of the reference engine.</summary>
public static class RegoErrorCodes
{
    /// <summary>The text is not Rego.</summary>
    public const string Parse = "rego_parse_error";

    /// <summary>The module is not acceptable.</summary>
    public const string Compile = "rego_compile_error";

    /// <summary>A call does not fit its function.</summary>
    public const string StaticType = "rego_type_error";

    /// <summary>A variable has no value where it is used.</summary>
    public const string UnsafeVariable = "rego_unsafe_var_error";

    /// <summary>A rule depends on itself.</summary>
    public const string Recursion = "rego_recursion_error";

    /// <summary>A built-in function refused its arguments.</summary>
    public const string Builtin = "eval_builtin_error";

    /// <summary>An argument of a built-in function has the wrong type.</summary>
    public const string Type = "eval_type_error";

    /// <summary>A document has two values.</summary>
    public const string Conflict = "eval_conflict_error";

    /// <summary>The evaluation was cancelled.</summary>
    public const string Cancelled = "eval_cancel_error";

    /// <summary>A limit was reached.</summary>
    public const string Limit = "eval_limit_error";

    /// <summary>The host's function failed.</summary>
    public const string Host = "eval_host_error";

    /// <summary>A defect of the engine or of a host function.</summary>
    public const string Internal = "eval_internal_error";

    /// <summary>The query names a rule that no module defines.</summary>
    public const string UnknownRule = "eval_unknown_rule_error";
}
