// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Rego.Builtins.Patterns;

/// <summary>
/// Runs a compiled regular expression over a text in time proportional to the product of their lengths. One machine
/// serves one thread.
/// </summary>
internal sealed class Re2Machine
{
    private const int EndOfText = -1;
    private const int RestoreMark = int.MinValue;

    private readonly Re2Instruction[] _code;
    private readonly int _slotCount;
    private readonly int[] _slots;
    private readonly int[] _matched;
    private readonly Stack<(int Pc, int Slot, int Value)> _pending = new();
    private ThreadList _current;
    private ThreadList _next;

    public Re2Machine(Re2Instruction[] code, int slotCount)
    {
        _code = code;
        _slotCount = slotCount;
        _slots = new int[slotCount];
        _matched = new int[slotCount];
        _current = new ThreadList(code.Length, slotCount);
        _next = new ThreadList(code.Length, slotCount);
    }

    /// <summary>Start and end (UTF-16) of the match and of each group, -1 where a group took no part.</summary>
    public ReadOnlySpan<int> Matched => _matched;

    /// <summary>Finds the leftmost match that starts at <paramref name="start"/> or behind it.</summary>
    public bool Run(string text, int start, Re2Hints hints, ref long budget)
    {
        _current.Clear();
        _next.Clear();
        var matched = false;
        var position = start;
        var previous = Before(text, position);
        var rune = At(text, position, out var width);
        while (true)
        {
            if (_current.Count == 0)
            {
                if (matched || (hints.Anchored && position > 0))
                {
                    break;
                }

                if (hints.Prefix.Length > 0)
                {
                    var found = text.IndexOf(hints.Prefix, position, StringComparison.Ordinal);
                    if (found < 0)
                    {
                        break;
                    }

                    if (found != position)
                    {
                        position = found;
                        previous = Before(text, position);
                        rune = At(text, position, out width);
                    }
                }
            }

            if (!matched && (!hints.Anchored || position == 0))
            {
                Array.Fill(_slots, -1);
                Add(_current, 0, position, previous, rune, ref budget);
            }

            var afterWidth = 0;
            var after = rune == EndOfText ? EndOfText : At(text, position + width, out afterWidth);
            if (Step(rune, position + width, after, ref budget))
            {
                matched = true;
                if (_slotCount == 0)
                {
                    return true;
                }
            }

            if (rune == EndOfText)
            {
                break;
            }

            position += width;
            previous = rune;
            rune = after;
            width = afterWidth;
            (_current, _next) = (_next, _current);
            _next.Clear();
        }

        return matched;
    }

    private static int At(string text, int position, out int width)
    {
        if (position >= text.Length)
        {
            width = 0;
            return EndOfText;
        }

        var unit = text[position];
        width = 1;
        if (!char.IsSurrogate(unit))
        {
            return unit;
        }

        if (char.IsHighSurrogate(unit) && position + 1 < text.Length && char.IsLowSurrogate(text[position + 1]))
        {
            width = 2;
            return char.ConvertToUtf32(unit, text[position + 1]);
        }

        return Rune.ReplacementChar.Value;
    }

    private static int Before(string text, int position)
    {
        if (position == 0)
        {
            return EndOfText;
        }

        return position > 1 && char.IsSurrogatePair(text[position - 2], text[position - 1])
            ? char.ConvertToUtf32(text[position - 2], text[position - 1])
            : text[position - 1];
    }

    // Threads are in order of preference: once one has matched, those behind it are dropped.
    private bool Step(int rune, int nextPosition, int after, ref long budget)
    {
        for (var i = 0; i < _current.Count; i++)
        {
            var pc = _current[i];
            ref readonly var instruction = ref _code[pc];
            if (instruction.Code == Re2Code.Match)
            {
                _current.Slots(i).CopyTo(_matched);
                return true;
            }

            if (instruction.Code == Re2Code.Rune && rune != EndOfText && instruction.Set!.Contains(rune))
            {
                _current.Slots(i).CopyTo(_slots);
                Add(_next, instruction.Out, nextPosition, rune, after, ref budget);
            }
        }

        return false;
    }

    private void Add(ThreadList list, int start, int position, int previous, int following, ref long budget)
    {
        _pending.Push((start, 0, 0));
        while (_pending.TryPop(out var entry))
        {
            if (entry.Pc == RestoreMark)
            {
                _slots[entry.Slot] = entry.Value;
                continue;
            }

            var pc = entry.Pc;
            while (pc >= 0 && list.TryAdd(pc))
            {
                budget--;
                pc = Follow(list, pc, position, previous, following);
            }
        }

        if (budget < 0)
        {
            throw new Re2BudgetException();
        }
    }

    private int Follow(ThreadList list, int pc, int position, int previous, int following)
    {
        ref readonly var instruction = ref _code[pc];
        switch (instruction.Code)
        {
            case Re2Code.Jump:
                return instruction.Out;
            case Re2Code.Split:
                _pending.Push((instruction.Alternative, 0, 0));
                return instruction.Out;
            case Re2Code.Save:
                if (instruction.Slot < _slotCount)
                {
                    _pending.Push((RestoreMark, instruction.Slot, _slots[instruction.Slot]));
                    _slots[instruction.Slot] = position;
                }

                return instruction.Out;
            case Re2Code.Assert:
                return Holds(instruction.Assertion, previous, following) ? instruction.Out : -1;
            case Re2Code.Rune or Re2Code.Match:
                _slots.CopyTo(list.Slots(list.Count - 1));
                return -1;
            default:
                return -1;
        }
    }

    private static bool Holds(Re2Op assertion, int previous, int following) => assertion switch
    {
        Re2Op.BeginText => previous == EndOfText,
        Re2Op.EndText => following == EndOfText,
        Re2Op.BeginLine => previous is EndOfText or '\n',
        Re2Op.EndLine => following is EndOfText or '\n',
        Re2Op.WordBoundary => IsWord(previous) != IsWord(following),
        _ => IsWord(previous) == IsWord(following),
    };

    private static bool IsWord(int rune) => rune is (>= '0' and <= '9') or (>= 'A' and <= 'Z') or '_' or (>= 'a' and <= 'z');

    /// <summary>An ordered set of instruction numbers that is emptied in constant time, with the slots of each.</summary>
    private sealed class ThreadList(int size, int slotCount)
    {
        private readonly int[] _sparse = new int[size];
        private readonly int[] _dense = new int[size];
        private readonly int[] _slots = new int[size * slotCount];

        public int Count { get; private set; }

        public int this[int index] => _dense[index];

        public Span<int> Slots(int index) => _slots.AsSpan(index * slotCount, slotCount);

        public void Clear() => Count = 0;

        public bool TryAdd(int pc)
        {
            var index = _sparse[pc];
            if ((uint)index < (uint)Count && _dense[index] == pc)
            {
                return false;
            }

            _sparse[pc] = Count;
            _dense[Count++] = pc;
            return true;
        }
    }
}
