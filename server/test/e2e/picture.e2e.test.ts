import type { Page } from 'playwright-core';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { onPhone, SIZES } from './browser.ts';
import { pageFaults } from './page-faults.ts';
import { pngTexts } from './png-text.ts';
import { watchStage } from './seen-previews.ts';
import { STARTER, StudioServer } from './studio-server.ts';
import { download, generate, PATIENT, preview, prompt, stage, steps, studio } from './studio.ts';

/* A person, a browser, the real engine and the starter model: from typed words to a file on the disk. */

/** A picture takes seconds; on a machine that trains a model at the same time, minutes. */
const SLOWEST_MS = 240_000;

const atelier = studio(() => StudioServer.real());

async function drawWithSeed(page: Page, seed: number): Promise<Buffer> {
  const before = (await atelier.server.images()).length;
  await prompt(page).fill('a lemon');
  await steps(page).fill('4');
  await page.getByLabel('Seed', { exact: true }).fill(String(seed));
  await generate(page).click();
  await expect
    .poll(async () => (await atelier.server.images()).length, { timeout: SLOWEST_MS })
    .toBe(before + 1);
  const [newest] = await atelier.server.images();
  return atelier.server.file(newest?.id ?? '');
}

test('typed words become a picture, seen as it forms, and a file that says how it was made', async () => {
  const page = await atelier.open();
  const seen = await watchStage(page);
  await steps(page).fill('80'); // also a fast machine then has time for several previews
  await prompt(page).fill('a red apple');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('progressbar', { name: 'Progress of the picture' }).waitFor();
  await download(page).waitFor({ timeout: SLOWEST_MS });
  await expect.poll(async () => (await seen()).finals, PATIENT).toBeGreaterThan(0);
  expect((await seen()).previews.length).toBeGreaterThanOrEqual(2);

  const [saved] = await Promise.all([page.waitForEvent('download'), download(page).click()]);
  expect(saved.suggestedFilename()).toMatch(/a red apple\.png$/);
  const file = await readFile(await saved.path());
  const [job] = await atelier.server.jobs();
  const settings = job?.settings;
  expect(pngTexts(file).get('parameters')).toMatch(
    new RegExp(
      `^a red apple\\nSteps: ${settings?.steps}, Sampler: .+, CFG scale: .+, Seed: ${settings?.seed}, ` +
        `Size: ${settings?.width}x${settings?.height}, .*Model: ${STARTER}`,
    ),
  );
  expect(file).toEqual(await atelier.server.file(job?.images[0]?.id ?? ''));
  expect(atelier.complaints).toEqual([]);
});

test.each(Object.entries(SIZES))(
  "nobody stumbles on the first page and the model's own prompts: %s",
  async (name, viewport) => {
    const page = await atelier.open({ ...(name === 'phone' ? onPhone : {}), viewport });
    await page.getByRole('list', { name: 'Prompts to try' }).filter({ visible: true }).first().waitFor();
    expect(await pageFaults(page)).toEqual([]);
    expect(atelier.complaints).toEqual([]);
  },
);

test('a page reloaded in the middle of a job goes on with it', async () => {
  const page = await atelier.open();
  const before = (await atelier.server.jobs()).length;
  await prompt(page).fill('a yellow flower');
  await steps(page).fill('150'); // so that it is not done before the page is back
  await generate(page).click();
  await preview(page).waitFor();
  await page.reload();
  const state = async (): Promise<string | undefined> => (await atelier.server.jobs())[0]?.state;
  await preview(page).waitFor();
  expect(await state()).toBe('running');
  expect(await prompt(page).inputValue()).toBe('a yellow flower');
  await download(page).waitFor({ timeout: SLOWEST_MS });
  expect(await state()).toBe('succeeded');
  expect(await atelier.server.jobs()).toHaveLength(before + 1);
  expect(atelier.complaints).toEqual([]);
});

test('the same seed gives the same file, another seed another one', async () => {
  const page = await atelier.open();
  const first = await drawWithSeed(page, 7);
  const second = await drawWithSeed(page, 7);
  const other = await drawWithSeed(page, 8);
  expect(second.equals(first)).toBe(true);
  expect(other.equals(first)).toBe(false);
});

test('Stop ends a job within a step, and the page is ready for the next', async () => {
  const page = await atelier.open();
  await prompt(page).fill('a cat');
  await steps(page).fill('150');
  await generate(page).click();
  await preview(page).waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await stage(page).getByRole('heading', { name: 'Stopped' }).waitFor();
  const [job] = await atelier.server.jobs();
  expect(job?.state).toBe('cancelled');
  expect((await drawWithSeed(page, 9)).length).toBeGreaterThan(0);
});
