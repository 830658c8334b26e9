// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers.Intel;

/// <summary>Notes bindings, which a caller may have asked not to check.</summary>
internal static class BindingNotes
{
    public static Refusal? NoteBinding(this VerificationRecord? record, string check, Binding binding, Refusal? refusal, string text)
    {
        if (refusal is null && binding.IsNotChecked)
        {
            record?.Skipped(check, "the caller expects no value");
            return null;
        }

        return record.Note(check, refusal?.Within(text));
    }
}
