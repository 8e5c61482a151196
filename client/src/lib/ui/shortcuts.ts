/** `⌘` where a keyboard has it. */
const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
export const MODIFIER = isMac ? '⌘' : 'Ctrl';

export const isSubmit = (event: KeyboardEvent): boolean =>
  event.key === 'Enter' && (event.ctrlKey || event.metaKey);

/** Whether something lies over the page that has its own use for Esc. */
export const isOverlayOpen = (): boolean => document.querySelector('dialog[open]') !== null;
