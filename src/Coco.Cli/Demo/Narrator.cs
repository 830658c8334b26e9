// SPDX-License-Identifier: Apache-2.0
namespace Coco.Cli.Demo;

/// <summary>Prints the demo for a reader: titles, requests, outcomes; in colour on a terminal.</summary>
internal sealed class Narrator(TextWriter output)
{
    private static readonly bool Colour = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("NO_COLOR") is null;

    public void Title(string text) => output.WriteLine("\n" + Paint("1;36", text));

    public void Line(string text) => output.WriteLine(text.Length == 0 ? text : "  " + text);

    public void Step(string method, string path, string meaning) => output.WriteLine($"  {Paint("1", method.PadRight(4))} {path}  {meaning}");

    public void Good(string text) => output.WriteLine("  " + Paint("32", "OK ") + " " + text);

    public void Bad(string text) => output.WriteLine("  " + Paint("31", "BAD") + " " + text);

    private static string Paint(string code, string text) => Colour ? $"\u001b[{code}m{text}\u001b[0m" : text;
}
