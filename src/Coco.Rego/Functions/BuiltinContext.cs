// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Functions;

/// <summary>What a built-in function may use besides its arguments: the evaluation's limits, its world, and the way to fail.</summary>
internal sealed class BuiltinContext(RegoLimits limits, RegoHost host, CancellationToken cancellation)
{
    private Dictionary<(string Function, RegoValue Key), RegoValue>? _kept;
    private long? _now;
    private long _printed;
    private int _untilCancellation = CancellationInterval;

    private const int CancellationInterval = 4096;

    /// <summary>The limits of this evaluation.</summary>
    internal RegoLimits Limits { get; } = limits;

    /// <summary>The outside world.</summary>
    internal RegoHost Host { get; } = host;

    /// <summary>Steps taken so far.</summary>
    internal long Steps { get; private set; }

    /// <summary>Elements made so far.</summary>
    internal long Values { get; private set; }

    /// <summary>The error code of the last failure, null when the last call did not fail; the evaluator clears it.</summary>
    internal string? ErrorCode { get; set; }

    /// <summary>What is wrong, without the name of the function.</summary>
    internal string? ErrorMessage { get; private set; }

    /// <summary>Nanoseconds since 1970; the same during the whole evaluation.</summary>
    internal long NowNanoseconds => _now ??= (Host.Clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;

    /// <summary>Counts one step.</summary>
    internal void Step()
    {
        if (++Steps > Limits.MaxSteps)
        {
            throw new RegoLimitException(RegoLimit.Steps, $"more than {Limits.MaxSteps} steps");
        }

        if (--_untilCancellation == 0)
        {
            _untilCancellation = CancellationInterval;
            cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Counts work that grows with the arguments: about one for each element or each 64 characters.</summary>
    internal void Charge(long steps)
    {
        Steps += steps;
        if (Steps > Limits.MaxSteps)
        {
            throw new RegoLimitException(RegoLimit.Steps, $"more than {Limits.MaxSteps} steps");
        }

        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>Counts elements of collections that are made. Call before allocating.</summary>
    internal void ChargeValues(long count)
    {
        Values += count;
        if (Values > Limits.MaxValues)
        {
            throw new RegoLimitException(RegoLimit.Values, $"more than {Limits.MaxValues} values");
        }
    }

    /// <summary>Checks the length of a string that is about to be made, and counts it as work. Call before allocating.</summary>
    internal void ChargeOutput(long length)
    {
        if (length > Limits.MaxOutputLength)
        {
            throw new RegoLimitException(RegoLimit.Output, $"a string of more than {Limits.MaxOutputLength} characters");
        }

        Charge(length / 64);
    }

    /// <summary>Checks the length of a regular expression or glob. Call before compiling it.</summary>
    internal void ChargeRegex(int length)
    {
        if (length > Limits.MaxRegexLength)
        {
            throw new RegoLimitException(RegoLimit.Regex, $"a regular expression of more than {Limits.MaxRegexLength} characters");
        }

        Charge(length / 16);
    }

    /// <summary>Fails with an <c>eval_builtin_error</c>.</summary>
    internal RegoValue? Fail(string message)
    {
        ErrorCode = RegoErrorCodes.Builtin;
        ErrorMessage = message;
        return null;
    }

    /// <summary>Fails with an <c>eval_type_error</c>.</summary>
    internal RegoValue? FailType(string message)
    {
        ErrorCode = RegoErrorCodes.Type;
        ErrorMessage = message;
        return null;
    }

    /// <summary>Fails with <c>operand N must be EXPECTED but got TYPE</c>.</summary>
    /// <param name="operand">Counted from 1.</param>
    /// <param name="expected">For example <c>one of {array, set}</c>.</param>
    /// <param name="got">The argument, or text such as <c>floating-point number</c>.</param>
    internal RegoValue? FailOperand(int operand, string expected, RegoValue got) => FailOperand(operand, expected, got.TypeName);

    /// <inheritdoc cref="FailOperand(int, string, RegoValue)"/>
    internal RegoValue? FailOperand(int operand, string expected, string got) => FailType($"operand {operand} must be {expected} but got {got}");

    /// <summary>What a function kept in this evaluation under this key; null when nothing.</summary>
    internal RegoValue? Recall(string function, RegoValue key) =>
        _kept is not null && _kept.TryGetValue((function, key), out RegoValue? value) ? value : null;

    /// <summary>Keeps a value until the end of this evaluation.</summary>
    internal RegoValue Keep(string function, RegoValue key, RegoValue value)
    {
        ChargeValues(1);
        (_kept ??= [])[(function, key)] = value;
        return value;
    }

    /// <summary>Gives a line to the host.</summary>
    internal void Print(string line)
    {
        _printed += line.Length;
        if (_printed > Limits.MaxOutputLength)
        {
            throw new RegoLimitException(RegoLimit.Output, $"more than {Limits.MaxOutputLength} characters printed");
        }

        Host.Print?.Invoke(line);
    }
}
