import type { Browser, Page } from 'playwright-core';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { launchBrowser, onPhone, SIZES, visit, type Visit } from './browser.ts';
import { pageFaults } from './page-faults.ts';
import { pngTexts } from './png-text.ts';
import { watchStage } from './seen-previews.ts';
import { STARTER, StudioServer } from './studio-server.ts';

/* A person, a browser, the real engine and the starter model: from typed words to a file on the disk. */

/** A picture takes seconds; on a machine that trains a model at the same time, minutes. */
const SLOWEST_MS = 240_000;

let server: StudioServer;
let browser: Browser;
let here: Visit;

beforeAll(async () => {
  browser = await launchBrowser();
  server = await StudioServer.real();
});
afterEach(async () => {
  await here.close();
  await server.settle();
});
afterAll(async () => {
  await browser?.close();
  await server?.close(); // undefined where it did not start
});

const open = async (options: Parameters<typeof visit>[2] = {}): Promise<Page> =>
  (here = await visit(browser, server.url, options)).page;
const stage = (page: Page) => page.getByRole('region', { name: 'Picture', exact: true });
const finished = (page: Page) => stage(page).getByRole('link', { name: 'Download' });
const generate = (page: Page) => page.getByRole('button', { name: /^(Generate|Add to queue)/ }).click();

async function drawWithSeed(page: Page, seed: number): Promise<Buffer> {
  const before = (await server.images()).length;
  await page.getByLabel('Prompt', { exact: true }).fill('a lemon');
  await page.getByLabel('Steps', { exact: true }).fill('4');
  await page.getByLabel('Seed', { exact: true }).fill(String(seed));
  await generate(page);
  await expect.poll(async () => (await server.images()).length, { timeout: SLOWEST_MS }).toBe(before + 1);
  const [newest] = await server.images();
  return server.file(newest?.id ?? '');
}

test('typed words become a picture, seen as it forms, and a file that says how it was made', async () => {
  const page = await open();
  const seen = await watchStage(page);
  await page.getByLabel('Prompt', { exact: true }).fill('a red apple');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('progressbar', { name: 'Progress of the picture' }).waitFor();
  await finished(page).waitFor({ timeout: SLOWEST_MS });
  await expect.poll(async () => (await seen()).finals).toBeGreaterThan(0);
  expect((await seen()).previews.length).toBeGreaterThanOrEqual(2);

  const [download] = await Promise.all([page.waitForEvent('download'), finished(page).click()]);
  expect(download.suggestedFilename()).toMatch(/a red apple\.png$/);
  const file = await readFile(await download.path());
  const [job] = await server.jobs();
  const settings = job?.settings;
  expect(pngTexts(file).get('parameters')).toMatch(
    new RegExp(
      `^a red apple\\nSteps: ${settings?.steps}, Sampler: .+, CFG scale: .+, Seed: ${settings?.seed}, ` +
        `Size: ${settings?.width}x${settings?.height}, .*Model: ${STARTER}`,
    ),
  );
  expect(file).toEqual(await server.file(job?.images[0]?.id ?? ''));
  expect(here.complaints).toEqual([]);
});

test.each(Object.entries(SIZES))(
  "nobody stumbles on the first page and the model's own prompts: %s",
  async (name, viewport) => {
    const page = await open({ ...(name === 'phone' ? onPhone : {}), viewport });
    await page.getByRole('list', { name: 'Prompts to try' }).filter({ visible: true }).first().waitFor();
    expect(await pageFaults(page)).toEqual([]);
    expect(here.complaints).toEqual([]);
  },
);

test('a page reloaded in the middle of a job goes on with it', async () => {
  const page = await open();
  const before = (await server.jobs()).length;
  await page.getByLabel('Prompt', { exact: true }).fill('a yellow flower');
  await page.getByLabel('Steps', { exact: true }).fill('60');
  await generate(page);
  await page
    .getByAltText(/^Preview at step/)
    .first()
    .waitFor({ timeout: 60_000 });
  await page.reload();
  const state = async (): Promise<string | undefined> => (await server.jobs())[0]?.state;
  await page
    .getByAltText(/^Preview at step/)
    .first()
    .waitFor();
  expect(await state()).toBe('running');
  expect(await page.getByLabel('Prompt', { exact: true }).inputValue()).toBe('a yellow flower');
  await finished(page).waitFor({ timeout: SLOWEST_MS });
  expect(await state()).toBe('succeeded');
  expect(await server.jobs()).toHaveLength(before + 1);
  expect(here.complaints).toEqual([]);
});

test('the same seed gives the same file, another seed another one', async () => {
  const page = await open();
  const first = await drawWithSeed(page, 7);
  const second = await drawWithSeed(page, 7);
  const other = await drawWithSeed(page, 8);
  expect(second.equals(first)).toBe(true);
  expect(other.equals(first)).toBe(false);
});

test('Stop ends a job within a step, and the page is ready for the next', async () => {
  const page = await open();
  await page.getByLabel('Prompt', { exact: true }).fill('a cat');
  await page.getByLabel('Steps', { exact: true }).fill('150');
  await generate(page);
  await page
    .getByAltText(/^Preview at step/)
    .first()
    .waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Stop' }).click();
  await stage(page).getByRole('heading', { name: 'Stopped' }).waitFor();
  const [job] = await server.jobs();
  expect(job?.state).toBe('cancelled');
  expect((await drawWithSeed(page, 9)).length).toBeGreaterThan(0);
});
