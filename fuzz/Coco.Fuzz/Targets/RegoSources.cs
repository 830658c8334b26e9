// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Fuzz.Targets;

/// <summary>Policies to start from.</summary>
internal static class RegoSources
{
    internal static IReadOnlyList<byte[]> All { get; } =
    [
        Encoding.UTF8.GetBytes("package a\n\ndefault allow := false\n\nallow if {\n  some x, y in input.xs\n  x[y].z == `raw`\n  not f(x) with input.a as {1, 2}\n} else := 3 if {\n  every k, v in {\"a\": [1.5e3]} { k != v }\n}\n\nf(x) := y if y := $\"a{x + 1}b\\{\"\n"),
        Encoding.UTF8.GetBytes("package b.c\n\np[x] { x := [1, 2][_]; x > 1 }\np[3] { true } { false }\nq[k] = v { v := input[k] }\ndefault r = {\"a\": {x | x := 1}}\n"),
        Encoding.UTF8.GetBytes("package d\n\np.q[x].r contains y if {\n  x := {\"k\": v | some v in [1, 2] | {3}}\n  y := -x.k / 2 % 3 & {1} - set()\n}\n\ns := data.d[_][i] if walk(input, [i, _])\n"),
        Encoding.UTF8.GetBytes("# METADATA\n# title: t\n# authors:\n# - a <b@c>\npackage e\n\nimport data.x as y\n\nz := sprintf(\"%v %5.2f\", [input.s, 1])\nw if regex.match(`^a+$`, input.s)\nu := object.union_n([{\"a\": 1}, input.x])\n"),
        Encoding.UTF8.GetBytes("package policy\nexecutables := 3 if input.snp.measurement in query_reference_value(\"m\")\ntrust_claims := {\"executables\": executables}\n"),
    ];
}
