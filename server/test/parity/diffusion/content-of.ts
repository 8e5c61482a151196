import { readFileSync } from 'node:fs';

/** A fixture made by make_fixtures.py beside it, which names the reference's versions in each file. */
export function contentOf<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../fixtures/diffusion/${name}`, import.meta.url), 'utf8')) as T;
}
