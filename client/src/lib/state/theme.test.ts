import { beforeEach, expect, test } from 'vitest';
import { Theme } from './theme.svelte.ts';

beforeEach(() => {
  localStorage.clear();
  delete document.documentElement.dataset.theme;
});

test('follows the system until a theme is chosen, and remembers the choice', () => {
  const theme = new Theme();
  expect(theme.choice).toBe('system');
  theme.choice = theme.following;
  theme.choice = theme.following;
  expect(document.documentElement.dataset.theme).toBe('dark');
  expect(new Theme().choice).toBe('dark');
  theme.choice = theme.following;
  expect(document.documentElement.dataset.theme).toBeUndefined();
  expect(new Theme().choice).toBe('system');
});
