import type { Attachment } from 'svelte/attachments';

/** Opens a `<dialog>` over the page for as long as it is mounted, and keeps Tab inside it. */
export const modal: Attachment<HTMLDialogElement> = (dialog) => {
  const before = document.activeElement;
  dialog.showModal();
  dialog.addEventListener('keydown', keepTabInside);
  return () => {
    dialog.removeEventListener('keydown', keepTabInside);
    dialog.close();
    if (before instanceof HTMLElement && before.isConnected) before.focus();
  };
};

/** A modal dialog lets Tab wander off into the browser's own bars; here it goes round. */
function keepTabInside(event: KeyboardEvent): void {
  if (event.key !== 'Tab') return;
  const reachable = focusable(event.currentTarget as HTMLElement);
  const first = reachable.at(0);
  const last = reachable.at(-1);
  if (first === undefined || last === undefined) return;
  const [edge, other] = event.shiftKey ? [first, last] : [last, first];
  if (document.activeElement !== edge) return;
  event.preventDefault();
  other.focus();
}

function focusable(root: HTMLElement): HTMLElement[] {
  const candidates = root.querySelectorAll<HTMLElement>(
    'a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), summary, [tabindex="0"]',
  );
  return [...candidates].filter((element) => element.checkVisibility());
}
