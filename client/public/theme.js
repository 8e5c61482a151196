/* global document */
// Runs before the first paint, so that a chosen theme never flashes the other one. See lib/state/theme.svelte.ts.
try {
  const theme = localStorage.getItem('atelier.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off: the system's theme is right.
}
