// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Compilation;

/// <summary>The variables that have values, in the order in which they got them; what was added can be taken back.</summary>
internal sealed class VariableSet
{
    private readonly HashSet<Variable> _members = [];
    private readonly List<Variable> _order = [];

    /// <summary>A state to go back to.</summary>
    internal int Mark => _order.Count;

    internal bool Contains(Variable variable) => _members.Contains(variable);

    internal void Add(Variable variable)
    {
        if (_members.Add(variable))
        {
            _order.Add(variable);
        }
    }

    internal bool ContainsAll(HashSet<Variable> variables)
    {
        foreach (Variable variable in variables)
        {
            if (!_members.Contains(variable))
            {
                return false;
            }
        }

        return true;
    }

    internal void BackTo(int mark)
    {
        for (int i = _order.Count - 1; i >= mark; i--)
        {
            _members.Remove(_order[i]);
        }

        _order.RemoveRange(mark, _order.Count - mark);
    }

    /// <summary>The named variables that got their values last, in order.</summary>
    internal Variable[] Latest(int most)
    {
        var latest = new List<Variable>();
        for (int i = _order.Count - 1; i >= 0 && latest.Count < most; i--)
        {
            if (_order[i] is { IsWildcard: false, IsGenerated: false })
            {
                latest.Add(_order[i]);
            }
        }

        latest.Reverse();
        return [.. latest];
    }
}
