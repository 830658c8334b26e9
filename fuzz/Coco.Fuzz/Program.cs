// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Coco.Fuzz;
using SharpFuzz;

IReadOnlyList<IFuzzTarget> targets = FuzzTargets.All;

switch (args)
{
    case ["list"]:
        foreach (IFuzzTarget target in targets)
        {
            Console.WriteLine(target.Name);
        }

        return 0;
    case ["smoke", var rounds, .. var names] when int.TryParse(rounds, NumberStyles.None, CultureInfo.InvariantCulture, out int count):
        return Smoke(count, names);
    case ["seeds", var name, var folder] when Find(name) is { } target:
        Directory.CreateDirectory(folder);
        for (int i = 0; i < target.Seeds.Count; i++)
        {
            File.WriteAllBytes(Path.Combine(folder, i.ToString("000", CultureInfo.InvariantCulture)), target.Seeds[i]);
        }

        return 0;
    case ["run", var name] when Find(name) is { } target:
        Fuzzer.OutOfProcess.Run(stream =>
        {
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            target.Run(bytes.ToArray());
        });
        return 0;
    case ["replay", var name, var file] when Find(name) is { } target:
        target.Run(File.ReadAllBytes(file));
        return 0;
    default:
        Console.Error.WriteLine("usage: fuzz list | smoke ROUNDS [TARGET...] | seeds TARGET FOLDER | run TARGET | replay TARGET FILE");
        return 2;
}

IFuzzTarget? Find(string name) => targets.FirstOrDefault(t => t.Name == name);

int Smoke(int rounds, string[] names)
{
    int findings = 0;
    foreach (IFuzzTarget target in targets.Where(t => names.Length == 0 || names.Contains(t.Name)))
    {
        int found = 0;
        var mutator = new Mutator(1);
        for (int round = 0; round < rounds && found < 5; round++)
        {
            byte[] seed = target.Seeds[mutator.Next(target.Seeds.Count)];
            byte[] input = round < target.Seeds.Count ? target.Seeds[round] : mutator.Mutate(seed, target.Seeds);
            try
            {
                target.Run(input);
            }
#pragma warning disable CA1031 // whatever leaves a target is a finding
            catch (Exception e)
            {
                found++;
                string file = Path.Combine(Path.GetTempPath(), $"finding-{target.Name}-{round}");
                File.WriteAllBytes(file, input);
                Console.WriteLine($"{target.Name}: round {round}, input in {file}: {e}");
            }
#pragma warning restore CA1031
        }

        Console.WriteLine($"{target.Name}: {rounds} rounds, {found} findings");
        findings += found;
    }

    return findings == 0 ? 0 : 1;
}
